"""A package predicts what its run predicted, and any other test set, with nothing of the training data."""

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from toy_competitions import laid_out, request_of
from toy_package import Made, made_of, packed

import competitions
from common.errors import KitError
from common.runs import Run
from common.storage import read_json
from common.verbs import predict, run
from common.workflow.blending import blend
from common.workflow.predicting import parts
from common.workflow.predicting.answer import begun
from common.workflow.predicting.contents import PREDICTOR
from common.workflow.predicting.mean_rows import write_mean
from common.workflow.predicting.members import Models, open_package
from common.workflow.predicting.package import package_of, submission_recipe
from common.workflow.run_results import fold_files

ON_GPUS = os.environ.get("KIT_TEST_DEVICE") == "cuda"
PAIR = ("cuda:0", "cuda:1") if ON_GPUS else ("cpu", "cpu:0")
two_devices = pytest.mark.skipif(
    ON_GPUS and torch.cuda.device_count() < 2, reason="this machine has no two GPUs"
)
CODE = [name for name in competitions.names() if name != "folder"]


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


@two_devices
def test_two_devices_share_the_rows_and_give_the_bytes_of_one(
    dogs: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FIRST", 4)
    seen: dict[str, set[str]] = {}
    plain = Models.predict

    def noted(self: Models, *given: Any) -> Any:
        seen.setdefault(threading.current_thread().name, set()).add(self.device)
        return plain(self, *given)

    monkeypatch.setattr(Models, "predict", noted)
    dogs.predicted(dogs.data, devices=PAIR)
    written = (dogs.folder / "out" / "submission.csv").read_bytes()
    assert written == (dogs.run / "submission.csv").read_bytes()
    assert sorted(map(sorted, seen.values())) == [[name] for name in PAIR]


@two_devices
def test_what_stops_one_of_two_devices_stops_both_and_is_told(
    dogs: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Models.predict

    def failing(self: Models, *given: Any) -> Any:
        if self.device == PAIR[1]:
            raise KitError("this device is broken")
        return plain(self, *given)

    monkeypatch.setattr(parts, "FIRST", 4)
    monkeypatch.setattr(Models, "predict", failing)
    with pytest.raises(KitError, match="this device is broken"):
        dogs.predicted(dogs.data, devices=PAIR)
    assert len(pd.read_csv(dogs.folder / "out" / "submission.csv")) == 8


class Going(np.ndarray[Any, Any]):
    """Probs of which another device predicts one more row whenever they are looked at."""

    known: Any

    def __getitem__(self, key: Any) -> Any:
        found = np.asarray(self)[key]
        self.known[np.flatnonzero(~self.known)[:1]] = True
        return found


def test_what_is_written_while_another_device_goes_on_has_a_row_for_each_id(dogs: Made) -> None:
    competition = dogs.request.competition
    node, prior = open_package(competition, dogs.package)
    out = dogs.folder / "going" / "submission.csv"
    found = begun(competition, node, prior, dogs.data, out)
    found.known[0][:2] = True
    found.probs[0][:] = prior
    found.probs[0] = found.probs[0].view(Going)
    found.probs[0].known = found.known[0]  # type: ignore[attr-defined]
    found.write()
    assert len(pd.read_csv(out)) == 8
    assert found.known[0].sum() > 2


@pytest.mark.slow
def test_of_the_least_certain_share_is_kept_the_certainty_of_the_row_at_its_end(
    dogs: Made,
) -> None:
    request = replace(dogs.request, words=("tta_fraction=0.5",))
    predict.run(replace(request, run=dogs.run.folder))
    try:
        made = packed(dogs.request, dogs.run, dogs.folder / "share")
        facts = package_of(dogs.request, dogs.run).facts["node"]
        held = np.concatenate([np.load(each)["identity"] for each in _folds(dogs)])
        assert (held.max(axis=1) <= facts["certain"]).sum() == 14 == len(held) / 2
        whole, _ = made.predicted(made.data)
        alone, _ = made.predicted(made.other("last", lambda sample: sample.iloc[[7, 2]]))
        assert np.allclose(alone.astype(float), whole.loc[alone.index].astype(float), atol=1e-6)
    finally:
        predict.run(replace(dogs.request, run=dogs.run.folder))


def _folds(dogs: Made) -> list[Path]:
    return fold_files(dogs.run, submission_recipe(dogs.run))


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
    made.predicted(made.data, seconds=1e-6)
    if made.request.competition.sample:
        mean = read_json(made.package / PREDICTOR)["mean"]
        sample = made.data / made.request.competition.sample
        write_mean(sample, mean["cells"], mean["long"], tmp_path / "mean.csv")
        written = (tmp_path / "out" / "submission.csv").read_bytes()
        assert (tmp_path / "mean.csv").read_bytes() == written


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
