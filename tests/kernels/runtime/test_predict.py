"""A predicting kernel as Kaggle runs it: a valid file at any time, whatever becomes of its child."""

import json
import resource
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from kernels.runtime.main import margin_of
from kernels.runtime.manifest import read_manifest
from kernels.runtime.predict import RERUN, planned, run, timing_of

FACTS: dict[str, Any] = {
    "competition": "petals",
    "slug": "petals-2026",
    "sample": "sample.csv",
    "run": "petals-quick-1a2b3c4d",
    "seconds": 600,
}
SAMPLE, BETTER = "id,label\n1,a\n", "id,label\n1,b\n"


@pytest.fixture
def kaggle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`/kaggle` of a machine where the competition is attached; we stand in its working folder."""
    data = tmp_path / "input" / "competitions" / "petals-2026"
    data.mkdir(parents=True)
    (data / "sample.csv").write_text(SAMPLE, encoding="utf-8")
    (tmp_path / "working").mkdir()
    monkeypatch.setenv("KIT_KAGGLE_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path / "working")
    return tmp_path


def code(kaggle: Path, body: str) -> str:
    """A folder of code whose predicting does `body`."""
    folder = kaggle / "code"
    (folder / "kernels" / "runtime").mkdir(parents=True)
    for place in ("kernels", "kernels/runtime"):
        (folder / place / "__init__.py").touch()
    (folder / "competitions.py").write_text("def load(name): return name\n", encoding="utf-8")
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    text = f"import os, pathlib, time\ndef predict(facts, load, since):\n{lines}\n    return 0\n"
    (folder / "kernels" / "runtime" / "predict.py").write_text(text, encoding="utf-8")
    return str(folder)


WRITES = f"pathlib.Path('submission.csv').write_text({BETTER!r})\n"


def submission(kaggle: Path) -> str:
    return (kaggle / "working" / "submission.csv").read_text(encoding="utf-8")


def test_the_sample_is_there_before_anything_and_is_replaced(kaggle: Path) -> None:
    body = f"assert pathlib.Path('submission.csv').read_text() == {SAMPLE!r}\n{WRITES}"
    assert run(FACTS, code(kaggle, body)) == 0
    assert submission(kaggle) == BETTER
    listed = read_manifest(kaggle / "working")
    assert listed is not None
    assert (listed["run"], listed["finished"]) == (FACTS["run"], True)


def attach(kaggle: Path, **mean: Any) -> None:
    """The dataset of a package that holds nothing but the mean prediction."""
    folder = kaggle / "input" / "datasets" / "me" / "petals-kit-predict"
    folder.mkdir(parents=True)
    (folder / "0-predictor.json").write_text(json.dumps({"mean": mean}), encoding="utf-8")
    row = {"name": "0-predictor.json", "path": "predictor.json", "sha256": "", "bytes": 1}
    item = {"kind": "run", "field": "", "text": "petals", "files": [row]}
    text = json.dumps({"format": "kit inputs 1", "items": [item]})
    (folder / "kit-inputs-0.json").write_text(text, encoding="utf-8")


def test_every_row_has_the_mean_prediction_before_the_child_has_begun(kaggle: Path) -> None:
    attach(kaggle, cells={"label": "b"}, long="")
    assert run(FACTS, code(kaggle, "pass")) == 0
    assert submission(kaggle) == BETTER


def test_a_sample_of_other_columns_than_the_mean_has_is_left_as_it_is(
    kaggle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attach(kaggle, cells={"other": "b"}, long="")
    assert run(FACTS, code(kaggle, "pass")) == 0
    assert submission(kaggle) == SAMPLE
    assert "not more than the sample to begin with ('label')" in capsys.readouterr().out


def test_on_a_full_disk_the_submission_that_is_there_counts_in_the_rerun(
    kaggle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = (
        f"{WRITES}import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))\n"
        "pathlib.Path('submission.tmp').write_text('x' * 99)"
    )
    folder = code(kaggle, body)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))  # less than the list of the output has
    monkeypatch.setenv(RERUN, "1")
    try:
        assert run(FACTS, folder) == 0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert submission(kaggle) == BETTER
    assert "the list of the output could not be written" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("os.kill(os.getpid(), 9)", "killed by signal 9"),
        ("raise ValueError('no')", "ended with code 1"),
    ],
)
def test_a_child_that_dies_fails_the_visible_run_and_not_the_rerun(
    kaggle: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    body: str,
    told: str,
) -> None:
    folder = code(kaggle, WRITES + body)
    assert run(FACTS, folder) == 1
    monkeypatch.setenv(RERUN, "1")
    assert run(FACTS, folder) == 0
    assert submission(kaggle) == BETTER
    assert told in capsys.readouterr().out


def test_a_measurement_that_fails_is_told_and_fails_no_kernel(
    kaggle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert timing_of(None, kaggle / "nothing", kaggle, kaggle / "cache") is None
    assert "is not known: measuring it failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "before",
    [signal.SIG_IGN, pytest.param(signal.default_int_handler, marks=pytest.mark.slow)],
)
def test_out_of_time_the_child_is_interrupted_and_what_it_writes_then_counts(
    kaggle: Path, capsys: pytest.CaptureFixture[str], before: Any
) -> None:
    body = f"try: time.sleep(60)\nexcept KeyboardInterrupt:\n    {WRITES}    return 130"
    kept = signal.signal(signal.SIGINT, before)  # a shell's background jobs ignore it
    try:
        assert run({**FACTS, "seconds": 9}, code(kaggle, body)) == 0
    finally:
        signal.signal(signal.SIGINT, kept)
    assert submission(kaggle) == BETTER
    assert "before the limit of 9 s" in capsys.readouterr().out


@pytest.mark.slow
def test_a_child_that_does_not_heed_the_interrupt_is_killed_before_the_limit(kaggle: Path) -> None:
    body = f"{WRITES}import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)"
    begun = time.monotonic()
    assert run({**FACTS, "seconds": 6}, code(kaggle, body)) == 0
    assert time.monotonic() - begun < 30
    assert submission(kaggle) == BETTER


@pytest.mark.parametrize("seconds", [6, 30, 60, 100, 149, 151, 600, 3600, 12 * 3600])
def test_what_is_planned_ends_no_later_than_the_interrupt_and_leaves_a_tenth(
    seconds: float,
) -> None:
    assert 0 < planned(seconds) <= seconds - margin_of(seconds)
    assert planned(seconds) <= 0.9 * seconds


def test_a_package_of_no_use_is_one_sentence_and_leaves_the_sample(
    kaggle: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = Path(__file__).parents[3]
    assert run(FACTS, str(root)) == 1
    assert "the dataset with the models is not attached" in capfd.readouterr().err
    assert submission(kaggle) == SAMPLE
    assert json.loads((kaggle / "working" / "kit-output.json").read_text())["finished"] is False
