"""A package predicts what its run predicted, and any other test set, with nothing of the training data."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from toy_competitions import laid_out, request_of

import competitions
from common.competition import Competition
from common.runs import Run
from common.storage import write_json
from common.verbs import predict, run
from common.workflow.blending import blend
from common.workflow.predicting import answer as answering
from common.workflow.predicting import levels
from common.workflow.predicting.answer import answer
from common.workflow.predicting.contents import PREDICTOR
from common.workflow.predicting.levels import Clock
from common.workflow.predicting.members import Models
from common.workflow.predicting.package import package_of
from common.workflow.request import Request

CODE = [name for name in competitions.names() if name != "folder"]


@dataclass
class Made:
    """A finished run of a toy competition, its package laid out, and its visible test set without the rest."""

    request: Request
    run: Run
    package: Path
    data: Path
    folder: Path

    def predicted(self, data: Path, seconds: float = 600) -> tuple[pd.DataFrame, dict[str, Any]]:
        """The submission for a test set, as text by id, and what is told of it."""
        out, cache = self.folder / "out" / "submission.csv", self.folder / "cache"
        out.parent.mkdir(exist_ok=True)
        out.unlink(missing_ok=True)
        clock = Clock(seconds, levels.time.monotonic())
        told = answer(self.request.competition, self.package, data, out, cache=cache, clock=clock)
        rows = pd.read_csv(out, dtype=str)
        return rows.set_index(rows.columns[0]), told

    def other(self, name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
        """The visible test set with another sample submission."""
        data = self.folder / name
        shutil.copytree(self.data, data)
        sample = data / self.request.competition.sample
        change(pd.read_csv(sample, dtype=str)).to_csv(sample, index=False)
        return data


def made_of(competition: Competition, folder: Path, **fields: Any) -> Made:
    laid_out(competition, folder / "data")
    request = request_of(competition, folder, **fields)
    finished = Run(Path(run.run(request)["run"]))
    return packed(request, finished, folder)


def packed(request: Request, finished: Run, folder: Path) -> Made:
    """The run's package as a kernel finds it, and the data without a training image or label."""
    found, package = package_of(request, finished), folder / f"package-{finished.folder.name}"
    for name, path in found.files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, package / name)
    write_json(package / PREDICTOR, found.facts)
    data = folder / f"visible-{finished.folder.name}"
    assert request.data is not None
    shutil.copytree(request.data, data, ignore=shutil.ignore_patterns("train*", "labels.csv"))
    return Made(request, finished, package, data, folder)


@pytest.fixture(scope="module")
def dogs(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("dogs")
    return made_of(
        competitions.load("dog_breed"), folder, views="mirror", eval_batch_size=4, epochs=1
    )


def test_the_visible_test_set_gets_the_runs_own_bytes(dogs: Made) -> None:
    _, told = dogs.predicted(dogs.data)
    written = (dogs.folder / "out" / "submission.csv").read_bytes()
    assert written == (dogs.run / "submission.csv").read_bytes()
    assert (told["rows"], told["predicted"], told["unreadable"]) == (8, 8, [])


def test_a_header_alone_gives_a_header_alone(dogs: Made) -> None:
    rows, told = dogs.predicted(dogs.other("header", lambda sample: sample.head(0)))
    assert len(rows) == 0
    assert list(rows.columns) == list(pd.read_csv(dogs.run / "submission.csv").columns[1:])
    assert told["rows"] == 0


def test_other_rows_in_another_order_get_what_they_get_in_the_visible_set(dogs: Made) -> None:
    whole = pd.read_csv(dogs.run / "submission.csv", dtype=str).set_index("id")
    rows, _ = dogs.predicted(dogs.other("turned", lambda sample: sample.iloc[[6, 1, 4]]))
    assert rows.index.tolist() == whole.index[[6, 1, 4]].tolist()
    assert np.allclose(rows.astype(float), whole.loc[rows.index].astype(float), atol=1e-6)


def test_rows_that_only_the_sample_has_get_the_mean_and_are_told(
    dogs: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = dogs.request.competition.read_test
    competition = replace(dogs.request.competition, read_test=lambda folder: plain(folder).head(6))
    fewer = replace(dogs, request=replace(dogs.request, competition=competition))
    rows, told = fewer.predicted(dogs.data)
    assert (len(rows), told["predicted"]) == (8, 6)
    assert len(rows.tail(2).drop_duplicates()) == 1
    said = capsys.readouterr().err
    assert "the sample and the test table differ: only the sample has 2 ids (034e34, 0" in said


def test_a_broken_a_missing_and_an_odd_image_get_the_mean_and_are_named(
    dogs: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    data = dogs.other("broken", lambda sample: sample)
    images = sorted((data / "test").iterdir())
    images[0].write_bytes(images[0].read_bytes()[:60])
    images[1].unlink()
    rows, told = dogs.predicted(data)
    names = [path.stem for path in images]
    assert told["unreadable"] == names[:2]
    said = capsys.readouterr().err
    assert "2 rows with the mean prediction, as the image cannot be used: 028e28: the PNG" in said
    numbers = rows.astype(float)
    mean = numbers.loc[names[2:]].mean()
    assert np.allclose(numbers.loc[names[:2]], mean, atol=1e-6)


def test_where_no_image_can_be_read_every_row_has_the_mean_of_held_out_rows(dogs: Made) -> None:
    data = dogs.other("gone", lambda sample: sample)
    shutil.rmtree(data / "test")
    rows, told = dogs.predicted(data)
    prior = np.load(dogs.run / "oof.npz")["probs"].mean(axis=0)
    assert np.allclose(rows.astype(float), prior / prior.sum(), atol=1e-6)
    assert told["predicted"] == 0


def test_without_any_time_every_row_has_the_mean_prediction(
    dogs: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, told = dogs.predicted(dogs.data, seconds=1e-6)
    assert (len(rows), len(rows.drop_duplicates()), told["predicted"]) == (8, 1, 0)
    assert "8 rows with the mean prediction: there was no time for them" in capsys.readouterr().err


def test_what_stops_it_leaves_the_rows_that_were_predicted(
    dogs: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "FIRST", 4)
    plain, calls = Models.predict, []

    def stopped(self: Models, *given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return plain(self, *given)

    monkeypatch.setattr(Models, "predict", stopped)
    with pytest.raises(KeyboardInterrupt):
        dogs.predicted(dogs.data)
    rows = pd.read_csv(dogs.folder / "out" / "submission.csv", dtype=str).set_index("id")
    whole = pd.read_csv(dogs.run / "submission.csv", dtype=str).set_index("id")
    assert rows.head(4).equals(whole.head(4))
    numbers = rows.astype(float)
    assert np.allclose(numbers.tail(4), numbers.head(4).mean(), atol=1e-6)


class Watch:
    """A clock that only the reading of images and the networks move: 1 ms an image, 10 ms a pass."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        images, plain = Models.images, Models.predict

        def read(models: Models, part: pd.DataFrame, cache: Path) -> Any:
            self.now += 0.001 * len(part)
            return images(models, part, cache)

        def passed(models: Models, store: Any, cache: Path, level: Any) -> Any:
            self.now += 0.01 * len(store) * models.units(level)
            return plain(models, store, cache, level)

        patch.setattr(Models, "images", read)
        patch.setattr(Models, "predict", passed)
        ticking = SimpleNamespace(monotonic=lambda: self.now)
        patch.setattr(answering, "time", ticking)
        patch.setattr(levels, "time", ticking)


@pytest.fixture(scope="module")
def many(dogs: Made) -> Path:
    """A test set of 200 rows, of the images of the visible one."""
    count = 200
    ids = [f"row{number:03}" for number in range(count)]
    data = dogs.other(
        "many", lambda sample: sample.loc[np.arange(count) % len(sample)].assign(id=ids)
    )
    images = sorted((data / "test").iterdir())
    for number, each in enumerate(ids):
        shutil.copyfile(images[number % len(images)], data / "test" / f"{each}.jpg")
    return data


@pytest.mark.parametrize(
    ("seconds", "used"),
    [
        (10.0, {"2 view groups, 2 models": 200}),  # all of it takes 8.2
        (
            7.0,
            {"2 view groups, 2 models": 72, "1 view group, 2 models": 128},
        ),  # the last 8 again with all
        (5.0, {"2 view groups, 2 models": 72, "1 view group, 1 model": 128}),
    ],
)
def test_a_limit_that_is_too_short_costs_views_then_models_and_no_row(
    dogs: Made, many: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, used: dict[str, int]
) -> None:
    watch = Watch(monkeypatch)
    rows, told = dogs.predicted(many, seconds=seconds)
    assert told["levels"] == used
    assert told["predicted"] == len(rows) == 200
    assert watch.now <= seconds


def test_a_limit_for_a_part_of_the_rows_leaves_the_mean_to_the_rest_and_says_so(
    dogs: Made, many: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = Watch(monkeypatch)
    rows, told = dogs.predicted(many, seconds=4.0)
    assert list(told["levels"]) == ["2 view groups, 2 models", "1 view group, 1 model"]
    assert 64 < told["predicted"] < 200 == len(rows)
    assert len(rows.tail(200 - told["predicted"]).drop_duplicates()) == 1
    assert watch.now <= 4.0
    said = capsys.readouterr().err
    assert f"{200 - told['predicted']} rows with the mean prediction: there was no time" in said


@pytest.mark.slow
def test_a_share_of_the_least_certain_rows_is_refused_with_the_way_out(dogs: Made) -> None:
    request = replace(dogs.request, words=("tta_fraction=0.5",))
    predict.run(replace(request, run=dogs.run.folder))
    with pytest.raises(ValueError, match=r"kernel sees another of: `kit dog_breed predict tta_f"):
        package_of(dogs.request, dogs.run)
    predict.run(replace(dogs.request, run=dogs.run.folder))


def test_nothing_of_this_machine_is_in_the_facts(dogs: Made) -> None:
    text = (dogs.package / PREDICTOR).read_text(encoding="utf-8")
    assert str(dogs.folder) not in text


@pytest.mark.slow
@pytest.mark.parametrize("name", CODE)
def test_every_competition_gives_its_runs_bytes_and_a_header_for_a_header(
    tmp_path: Path, name: str
) -> None:
    fields = {"final": "refit", "models_per_fold": 2} if name == "leaves" else {}
    made = made_of(competitions.load(name), tmp_path, **fields)
    made.predicted(made.data)
    written = tmp_path / "out" / "submission.csv"
    assert written.read_bytes() == (made.run / "submission.csv").read_bytes()
    rows, _ = made.predicted(made.other("header", lambda sample: sample.head(0)))
    assert len(rows) == 0


@pytest.mark.slow
def test_a_blend_of_a_blend_gives_its_own_bytes(tmp_path: Path) -> None:
    competition = competitions.load("dog_breed")
    laid_out(competition, tmp_path / "data")
    request = request_of(competition, tmp_path)
    runs = [
        Run(Path(run.run(request_of(competition, tmp_path, seed=seed, epochs=1))["run"]))
        for seed in (0, 1, 2)
    ]
    first = blend(request, [each.folder for each in runs[:2]], kind="rank")
    both = blend(request, [first.folder, runs[2].folder], kind="equal")
    made = packed(request, both, tmp_path)
    made.predicted(made.data)
    written = (tmp_path / "out" / "submission.csv").read_bytes()
    assert written == (both / "submission.csv").read_bytes()
    predict.run(replace(request, run=runs[2].folder, words=("views=mirror",)))
    with pytest.raises(ValueError, match="has predicted anew since"):
        package_of(request, both)
