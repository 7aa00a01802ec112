"""What the pushed script does there: inputs found, a run left whole, a time limit kept in order."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kernels.runtime import inputs
from kernels.runtime.main import MORE_WORDS, run
from kernels.runtime.manifest import read_manifest

FACTS: dict[str, Any] = {
    "competition": "petals",
    "slug": "petals-2026",
    "sample": "sample.csv",
    "recipe": "quick",
    "words": ["epochs=2"],
    "flags": [],
    "seconds": 600,
}
NAME = "petals-quick-1a2b3c4d"


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`/kaggle` of a machine where the competition is attached; we stand in its working folder."""
    data = tmp_path / "input" / "competitions" / "petals-2026"
    data.mkdir(parents=True)
    (data / "sample.csv").write_text("id,label\n", encoding="utf-8")
    (tmp_path / "working").mkdir()
    monkeypatch.setenv("KIT_KAGGLE_ROOT", str(tmp_path))
    monkeypatch.setenv("KIT_CACHE", "")
    monkeypatch.chdir(tmp_path / "working")
    monkeypatch.setattr(inputs, "check_versions", lambda: None)  # of the test's own interpreter
    return tmp_path


def begun(words: Sequence[str]) -> Path:
    """What the kit does first: a run folder."""
    folder = Path(words[words.index("--runs") + 1]) / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"competition": words[0]}), encoding="utf-8")
    return folder


def finished(words: Sequence[str]) -> int:
    folder = begun(words)
    (folder / ".lock").touch()
    (folder / "submission.csv").write_text(" ".join(words), encoding="utf-8")
    return 0


def endless(words: Sequence[str]) -> int:
    begun(words)
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        return 130  # as the command line does
    return 1


def test_the_kit_is_called_as_on_a_laptop(kaggle: Path) -> None:
    assert run(FACTS, finished) == 0
    words = (kaggle / "working" / "submission.csv").read_text(encoding="utf-8").split()
    data = str(kaggle / "input" / "competitions" / "petals-2026")
    assert words[:6] == ["petals", "run", "--recipe", "quick", "epochs=2", "--data"]
    assert words[6] == data


def test_a_finished_run_is_left_listed_and_without_its_lock(kaggle: Path) -> None:
    run(FACTS, finished)
    listed = read_manifest(kaggle / "working")
    assert listed is not None
    assert (listed["run"], listed["finished"]) == (NAME, True)
    assert sorted(listed["files"]) == [
        f"runs/{NAME}/run.json",
        f"runs/{NAME}/submission.csv",
        "submission.csv",
    ]


def test_out_of_time_the_kit_is_interrupted_and_the_run_left_to_go_on_with(
    kaggle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run({**FACTS, "seconds": 1}, endless) == 0
    listed = read_manifest(kaggle / "working")
    assert listed is not None
    assert listed["finished"] is False
    assert not (kaggle / "working" / "submission.csv").exists()
    assert "kit petals kernel --continue" in capsys.readouterr().out


def test_a_time_limit_does_not_disturb_what_ends_before_it(kaggle: Path) -> None:
    assert run({**FACTS, "seconds": 2}, finished) == 0
    time.sleep(2.1)
    assert (kaggle / "working" / "submission.csv").is_file()


def test_a_run_that_failed_fails_the_kernel_and_is_kept(kaggle: Path) -> None:
    def failed(words: Sequence[str]) -> int:
        begun(words)
        return 1

    assert run(FACTS, failed) == 1
    listed = read_manifest(kaggle / "working")
    assert listed is not None
    assert listed["finished"] is False


def left(kaggle: Path, name: str) -> None:
    """What an attached kernel has left."""
    folder = kaggle / "input" / "notebooks" / "you" / "kit" / "runs" / name
    (folder / "fold0").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"competition": "petals"}), encoding="utf-8")
    (folder / "fold0" / "resume.pt").write_bytes(b"state")
    (folder / "fold0" / "resume.pt").chmod(0o444)


def test_the_run_to_go_on_with_is_taken_up_and_no_other(kaggle: Path) -> None:
    left(kaggle, NAME)
    left(kaggle, "petals-quick-00000000")
    assert run({**FACTS, "goes_on": NAME}, finished) == 0
    runs = kaggle / "working" / "runs"
    assert [path.name for path in runs.iterdir()] == [NAME]
    assert (runs / NAME / "fold0" / "resume.pt").stat().st_mode & 0o200


def test_a_run_to_go_on_with_that_is_not_attached_stops_the_kernel(
    kaggle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left(kaggle, "petals-quick-00000000")
    assert run({**FACTS, "goes_on": NAME}, finished) == 1
    said = capsys.readouterr().err
    assert f"the run {NAME} is to be resumed" in said
    assert "is petals-quick-00000000: the kernel that left it has a newer version by now" in said
    assert not (kaggle / "working" / "runs").exists()


@pytest.mark.usefixtures("kaggle")
def test_without_data_one_sentence_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({**FACTS, "slug": "roses", "sample": "roses.csv"}, finished) == 1
    assert capsys.readouterr().err.startswith("kit: ")


def test_a_competitions_own_folders_are_not_searched_for_runs(kaggle: Path) -> None:
    strange = kaggle / "input" / "competitions" / "petals-2026" / "runs" / NAME
    strange.mkdir(parents=True)
    (strange / "run.json").write_text(json.dumps({"competition": "petals"}), encoding="utf-8")
    assert run({**FACTS, "goes_on": NAME}, finished) == 1


def test_a_dry_run_may_give_other_words(kaggle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MORE_WORDS, json.dumps(["epochs=1", "folds=1"]))
    run(FACTS, finished)
    words = (kaggle / "working" / "submission.csv").read_text(encoding="utf-8").split()
    assert words[4:6] == ["epochs=1", "folds=1"]
