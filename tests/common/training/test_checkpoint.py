"""The same numbers after a kill, with any number of workers, and a second time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import kit
from common.training.checkpoint import is_begun
from common.training.jobs import Job
from common.training.parallel import ray_worker
from common.verbs import validate


def digest(run: str, name: str) -> bytes:
    return (Path(run) / name).read_bytes()


def oof(run: str) -> bytes:
    return digest(run, "oof.npz")


@pytest.mark.slow
def test_two_undisturbed_runs_are_bit_equal(toy: Any) -> None:
    first = validate.run(toy(drop_rate=0.2, mixup=0.2, cutmix=1.0, ema_decay=0.9, clip_grad=1.0))
    kept = [oof(first["run"]), digest(first["run"], "fold1/weights.safetensors")]
    again = validate.run(
        toy(fresh=True, drop_rate=0.2, mixup=0.2, cutmix=1.0, ema_decay=0.9, clip_grad=1.0)
    )
    assert [oof(again["run"]), digest(again["run"], "fold1/weights.safetensors")] == kept


@pytest.mark.parametrize(
    "fields",
    [
        {
            "ema_decay": 0.9,
            "drop_rate": 0.3,
            "optimizer": "adamw",
            "lr": 1e-3,
            "warmup_ratio": 0.25,
        },
        {"freeze": "lp-ft:2", "mixup": 0.3},
        pytest.param({"early_stop": 2}, marks=pytest.mark.slow),
        pytest.param(
            {"initial_image_size": 8, "image_size": 16, "ema_decay": 0.9}, marks=pytest.mark.slow
        ),
        pytest.param(
            {
                "optimizer": "kit_muon",
                "freeze": "gradual:1",
                "norm_bias_lr_scale": 64.0,
                "head_lr_scale": 2.0,
            },
            marks=pytest.mark.slow,
        ),
    ],
    ids=["ema-adamw", "phases-mixup", "early-stop", "growth", "muon-phases"],
)
def test_a_run_stopped_after_any_epoch_ends_bit_equal(
    toy: Any, monkeypatch: Any, fields: Any
) -> None:
    import common.training.loop as loop

    whole = validate.run(toy(epochs=4, **fields))
    kept = [oof(whole["run"]), digest(whole["run"], "fold0/weights.safetensors")]
    log = [row["rates"] for row in loop.checkpoint.read_log(Path(whole["run"]) / "fold0")]
    epochs_run = iter(range(100))
    honest = loop.train_epoch

    def interrupted(*parts: Any, **places: Any) -> Any:
        record = honest(*parts, **places)
        if (
            next(epochs_run) % 2
        ):  # every second epoch is cut off: its updates are done, nothing kept
            raise KeyboardInterrupt
        return record

    monkeypatch.setattr(loop, "train_epoch", interrupted)
    request = toy(epochs=4, fresh=True, **fields)
    for _ in range(20):
        try:
            again = validate.run(request)
            break
        except KeyboardInterrupt:
            request = toy(epochs=4, **fields)
    assert [oof(again["run"]), digest(again["run"], "fold0/weights.safetensors")] == kept
    assert [row["rates"] for row in loop.checkpoint.read_log(Path(again["run"]) / "fold0")] == log


def test_a_process_killed_in_an_epoch_goes_on_to_the_same_bits(toy: Any, tmp_path: Path) -> None:
    toy()  # lays the data out
    words = ["digits", "validate", "epochs=3", "folds=2", "device=cpu"]
    words += ["--data", str(tmp_path / "data"), "--runs"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    begun = subprocess.Popen(
        [sys.executable, "-m", "kit", *words, str(killed)], cwd=Path(kit.__file__).parent
    )
    deadline = time.monotonic() + 60
    while not list(killed.glob("digits-*/fold0/log.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(begun.pid, signal.SIGKILL)
    begun.wait()
    (left,) = killed.glob("digits-*")
    assert not (left / "scores.json").exists()
    assert kit.main([*words, str(killed)]) == kit.main([*words, str(whole)]) == 0
    (undisturbed,) = whole.glob("digits-*")
    for name in ("oof.npz", "fold0/weights.safetensors", "fold1/weights.safetensors"):
        assert (left / name).read_bytes() == (undisturbed / name).read_bytes()


def test_any_number_of_workers_gives_the_same_bits(toy: Any) -> None:
    found = {}
    for workers in (0, 1, 2):
        request = toy(fresh=True, augment="photo", image_size=16, workers=workers, epochs=1)
        found[workers] = oof(validate.run(request)["run"])
    assert found[0] == found[1] == found[2]


def test_a_checkpoint_that_was_brought_in_part_is_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = SimpleNamespace(cache=tmp_path)
    monkeypatch.setattr(ray_worker, "_open", lambda _: (setting, "key", {}))
    plain = Path.write_bytes

    def half(path: Path, content: bytes) -> int:
        plain(path, content[: len(content) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", half)
    job = Job("fold0", 0, 0, np.arange(2), None)
    task = ray_worker.train_task(job, {"resume.pt": b"12345678"}, [None], False)
    next(task)
    with pytest.raises(KeyboardInterrupt):
        next(task)
    assert not is_begun(tmp_path / "jobs" / "key" / "fold0")
