"""Jobs beside each other in processes of their own: the numbers of one process, or one sentence."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
import torch

import kit
from common.storage import read_json
from common.training.checkpoint import read_log
from common.training.loop import Diverged
from common.verbs import validate
from common.workflow import train_models

FIELDS: dict[str, Any] = {
    "folds": 3,
    "models_per_fold": 2,
    "epochs": 3,
    "drop_rate": 0.2,
    "mixup": 0.2,
    "ema_decay": 0.9,
}


def results(run: str) -> dict[str, bytes]:
    found = [*Path(run).glob("fold*/weights.safetensors"), Path(run) / "oof.npz"]
    return {str(path.relative_to(run)): path.read_bytes() for path in found}


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 600
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def children(process: int) -> set[int]:
    found = set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = status.read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended meanwhile
            continue
        if int(parent) == process:
            found.add(int(status.parent.name))
    return found


@pytest.mark.slow
def test_two_processes_train_to_the_bits_of_one_and_a_killed_one_is_told(
    toy: Any, monkeypatch: Any, capfd: Any
) -> None:
    whole = validate.run(toy(**FIELDS))["run"]
    kept = results(whole)
    assert len(kept) == 7

    def killing(lines: Any, job: Any, record: Any) -> None:  # noqa: ARG001
        if record["epoch"] == 1:
            os.kill(active_children()[0].pid or 0, signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(train_models.EpochLines, "finished_epoch", killing)
        with pytest.raises(ValueError, match=r"process that was .* has died \(SIGKILL\)"):
            validate.run(toy("processes=2", fresh=True, **FIELDS))
    assert not active_children()
    capfd.readouterr()
    again = validate.run(toy("processes=2", **FIELDS))["run"]
    assert "2 at a time" in capfd.readouterr().err
    assert again == whole
    assert results(again) == kept
    epochs = [line["epoch"] for line in read_log(Path(again) / "fold2-seed1")]
    assert epochs == [1, 2, 3]
    facts = read_json(Path(again) / "run.json")
    assert len(facts["processes"]) == 2
    for each in facts["processes"]:
        assert each["opening_seconds"] > 0
        assert each["host_mb"] > 10


@pytest.mark.slow
def test_a_model_that_diverges_in_a_process_is_told_in_the_same_sentence(toy: Any) -> None:
    with pytest.raises(Diverged, match=r"training diverged in fold\d, epoch \d.*Lower lr="):
        validate.run(toy("processes=2", lr=100.0, optimizer="sgd", momentum=0.99, epochs=4))
    assert not active_children()


@pytest.mark.slow
def test_a_kill_of_the_parent_ends_its_processes_and_the_rest_ends_bit_equal(
    toy: Any, tmp_path: Path
) -> None:
    toy()  # lays the data out
    words = ["digits", "validate", "epochs=3", "folds=3", "device=cpu"]
    words += ["--data", str(tmp_path / "data"), "--runs"]
    killed, whole = str(tmp_path / "killed"), str(tmp_path / "whole")
    begun = subprocess.Popen(
        [sys.executable, "-m", "kit", *words, killed, "processes=2"], cwd=Path(kit.__file__).parent
    )
    until(lambda: list(Path(killed).glob("digits-*/fold*/resume.pt")))
    left = children(begun.pid)
    assert len(left) >= 2
    os.kill(begun.pid, signal.SIGKILL)
    begun.wait()
    until(lambda: not any(Path(f"/proc/{each}/fd/0").exists() for each in left))
    (folder,) = Path(killed).glob("digits-*")
    assert not (folder / "scores.json").exists()
    assert kit.main([*words, killed]) == kit.main([*words, whole]) == 0
    (undisturbed,) = Path(whole).glob("digits-*")
    assert results(str(folder)) == results(str(undisturbed))


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="this machine has no two GPUs")
def test_two_gpus_learn_what_one_does(toy: Any) -> None:
    one = validate.run(toy("processes=1", device="cuda", epochs=6, folds=3))
    two = validate.run(toy(device="cuda", epochs=6, folds=3, fresh=True))
    facts = read_json(Path(two["run"]) / "run.json")
    assert {each["gpu"] for each in facts["processes"]} == {0, 1}
    assert two["fold_scores"] == pytest.approx(one["fold_scores"], abs=0.05)
