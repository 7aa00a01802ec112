"""Trackers: every epoch's figures, the scores and the pictures arrive; one that fails stops no run."""

import os
from pathlib import Path
from typing import Any

import pytest

from common.errors import KitError
from common.runs import Run
from common.verbs import validate
from common.workflow.report import trackers


def events(folder: Path) -> Any:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(folder), size_guidance={"images": 0})
    found.Reload()
    return found


@pytest.mark.slow
def test_tensorboard_has_every_epoch_of_every_fold_the_scores_and_the_pictures(
    toy: Any, capsys: Any
) -> None:
    request = toy("tracker=tensorboard", epochs=3)
    result = validate.run(request)
    found = events(Path(result["run"]) / "tensorboard")
    tags = found.Tags()
    for fold in ("fold0", "fold1"):
        for name in ("train_loss", "valid_loss", "score", "lr"):
            assert [each.step for each in found.Scalars(f"{fold}/{name}")] == [1, 2, 3]
    assert found.Scalars("cv")[0].value == pytest.approx(result["cv"])
    assert {"pictures/confusion", "pictures/learning_curves"} <= set(tags["images"])
    assert "tensorboard --logdir" in capsys.readouterr().err
    assert "tracker" not in Run(Path(result["run"])).folder.name
    again = validate.run(toy("tracker=none", epochs=3))
    assert again["run"] == result["run"]  # another tracker is the same run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "toy-quick-1a2b3c4d")
    made.note(competition="toy", recipe={})
    return made


def recipe_with(name: str) -> Any:
    from common.recipe import Recipe

    return Recipe(tracker=name)


def test_a_tracker_that_fails_is_told_without_its_words_and_only_once(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def fail(*_: object) -> None:
        raise ConnectionError("key 0123456789abcdef refused")

    monkeypatch.setattr(trackers.Tracker, "_open", fail)
    with trackers.tracking(run, recipe_with("wandb")) as tracker:
        tracker.epoch("fold0", {"epoch": 1, "train_loss": 0.5})
        tracker.epoch("fold0", {"epoch": 2, "train_loss": 0.4})
        tracker.finished()
    said = capsys.readouterr().err
    assert said.count("tracker=wandb failed (ConnectionError): the run goes on without it") == 1
    assert "0123456789abcdef" not in said


class Fake:
    """Stands for a tracker whose package is not installed here: it keeps what it is told."""

    def __init__(self, project: str, **words: Any) -> None:
        self.words, self.figures, self.ended = (project, words), [], False

    def start(self) -> None:
        print("* Created new run")

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        self.recipe = values

    def log(self, values: dict[str, float], **more: Any) -> None:
        self.figures.append((values, more))

    def finish(self) -> None:
        self.ended = True


@pytest.mark.parametrize("name", ["wandb", "mlflow", "trackio"])
def test_trackers_stay_on_this_machine_and_hear_the_epochs_of_earlier_calls(
    name: str, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    for variable in trackers.OFFLINE[name]:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv(variable, "")  # so that it is put back
        monkeypatch.delenv(variable)
    monkeypatch.setitem(LOGGER_TYPE_TO_CLASS, name, Fake)
    (run / "fold0").mkdir()
    (run / "fold0" / "log.jsonl").write_text('{"epoch": 1, "train_loss": 0.5, "score": null}\n')
    with trackers.tracking(run, recipe_with(name)) as tracker:
        tracker.epoch("fold0", {"epoch": 2, "train_loss": 0.4, "rates": [0.1]})
        tracker.epoch("fold0", {"epoch": 2, "train_loss": 0.4})
        told = tracker.opened
    losses = [values["fold0/train_loss"] for values, _ in told.figures]
    assert losses == [0.5, 0.4] and told.ended and told.recipe["tracker"] == name
    assert all(("step" in more) == (name == "mlflow") for _, more in told.figures)
    kept = [os.environ[variable] for variable in trackers.OFFLINE[name]]
    assert any(str(run.folder.resolve()) in each for each in kept)
    assert capsys.readouterr().out == ""  # where the result is written


def test_a_missing_package_is_told_before_anything_starts(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    with pytest.raises(KitError, match="tracker=mlflow needs its package: pip install mlflow"):
        validate.run(toy("tracker=mlflow"))


def test_none_opens_nothing_and_says_nothing(run: Run, capsys: Any) -> None:
    with trackers.tracking(run, recipe_with("none")) as tracker:
        tracker.epoch("fold0", {"epoch": 1, "train_loss": 0.5})
        tracker.finished()
    assert tracker.opened is None and not capsys.readouterr().err
