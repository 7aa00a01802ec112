"""Jobs beside each other on Ray: the numbers of one process, or one sentence."""

import ast
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_ray import alive, assert_nothing_left, children, killing, named, results, until

import kit
from common.errors import KitError
from common.storage import read_json
from common.training.checkpoint import read_log
from common.training.jobs import Job
from common.training.loop import Diverged
from common.training.parallel import ray_jobs
from common.training.parallel.node_files import PIECE, FileReader, fetched
from common.training.parallel.ray_cluster import Cluster, connected
from common.verbs import validate
from common.workflow.jobs import at_once
from common.workflow.prepare import prepared

FIELDS: dict[str, Any] = {"folds": 3, "models_per_fold": 2, "epochs": 3, "mixup": 0.2}


def test_a_machine_that_lacks_files_fetches_them_once_from_ray(tmp_path: Path) -> None:
    import ray

    content = os.urandom(100_000)
    (tmp_path / "store").mkdir()
    for name in ("pixels", "empty"):
        (tmp_path / "store" / name).write_bytes(content if name == "pixels" else b"")
    part = tmp_path / "node" / ".abc.part"
    part.mkdir(parents=True)
    (part / "pixels").write_bytes(content[:70_000])  # of a fetch that was killed
    with connected("", 1, 0):
        reader = ray.remote(FileReader).remote({"stores/abc": tmp_path / "store"})
        found = fetched(reader, "stores/abc", tmp_path / "node" / "abc")
        assert {path.name: path.read_bytes() for path in found.iterdir()} == {
            "pixels": content, "empty": b"",
        }  # fmt: skip
        assert fetched(None, "stores/abc", tmp_path / "node" / "abc") == found
        assert len(ray.get(reader.read.remote("stores/abc", "pixels", 99_999))) == 1 < PIECE
    assert_nothing_left()


def test_without_ray_several_models_are_trained_one_after_another(
    toy: Any, monkeypatch: Any, capfd: Any
) -> None:
    monkeypatch.setattr(at_once, "is_installed", lambda: False)
    with prepared(toy("processes=2")) as ready:
        assert at_once.jobs_at_once(ready.setting, 2) == 1
        cluster = replace(ready.setting, recipe=toy("ray=10.0.0.1:6379").recipe)
        with pytest.raises(KitError, match=r"ray=10.0.0.1:6379: Ray is not installed: pip install"):
            at_once.jobs_at_once(cluster, 2)
    told = capfd.readouterr().err
    assert "2 models could be trained at once, by Ray, which is not installed (pip install" in told
    with pytest.raises(KitError, match=r"ray=yes is neither auto nor none nor a cluster's address"):
        toy("ray=yes").recipe  # noqa: B018


def test_ray_is_imported_by_no_module_before_it_is_needed() -> None:
    for path in (Path(kit.__file__).parent / "common").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                module = getattr(node, "module", "") or ""
                assert "ray" not in (*names, module.partition(".")[0]), path


@pytest.mark.slow
def test_one_process_loads_nothing_of_ray_or_of_torchs_launcher(toy: Any, tmp_path: Path) -> None:
    toy()
    words = ["digits", "run", "epochs=1", "folds=2", "device=cpu", "--data", str(tmp_path / "data")]
    call = f"import kit, sys; kit.main({[*words, '--runs', str(tmp_path / 'runs')]!r})"
    program = f"{call}; loaded = {{*sys.modules}}; assert not any(n.split('.')[0] == 'ray' for n in loaded)"
    program += (
        "; assert not {'torch.distributed.elastic', 'common.training.parallel.rank'} & loaded"
    )
    command = [sys.executable, "-X", "importtime", "-c", program]
    folder = Path(kit.__file__).parent
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "| torch" in found.stderr
    assert "| ray" not in found.stderr


@pytest.mark.slow
def test_two_processes_train_to_the_bits_of_one_also_where_one_is_killed(
    toy: Any, monkeypatch: Any, capfd: Any
) -> None:
    whole = results(validate.run(toy(**FIELDS))["run"])
    killed, before = [], signal.getsignal(signal.SIGTERM)

    def kill() -> None:
        (worker, *_) = named(children(os.getpid()), "ray::train_task")
        os.kill(worker, signal.SIGKILL)
        killed.append(worker)

    killing(monkeypatch, kill)
    capfd.readouterr()
    found = validate.run(toy("processes=2", fresh=True, **FIELDS))["run"]
    assert killed and signal.getsignal(signal.SIGTERM) is before
    assert "2 at a time" in capfd.readouterr().err
    assert results(found) == whole
    assert [line["epoch"] for line in read_log(Path(found) / "fold2-seed1")] == [1, 2, 3]
    for each in read_json(Path(found) / "run.json")["processes"]:
        assert each["opening_seconds"] > 0
        assert each["host_mb"] > 10
    assert_nothing_left()


@pytest.mark.slow
@pytest.mark.parametrize("progress", [True, False])
def test_a_job_dies_as_often_as_it_likes_if_it_comes_to_a_new_epoch_meanwhile(
    progress: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    def dying(job: Any, begun: Any, shared: Any, check: Any) -> Any:  # noqa: ARG001
        (tmp_path / str(time.time_ns())).touch()
        tries = len(list(tmp_path.glob("1*")))
        for epoch in range(
            1, tries + 1 if progress else 2
        ):  # what is told before a death may be lost
            yield "epoch", "me", {"epoch": epoch}
        time.sleep(0.5)  # what was told just before a death may be lost
        if tries <= 5:
            os._exit(1)

    monkeypatch.setattr(ray_jobs, "train_task", dying)
    job = Job("fold0", 0, 0, np.arange(4), None)
    with connected("", 1, 0):
        cluster = Cluster("", None, 1, {"num_cpus": 1, "num_gpus": 0}, limit=1)
        training = ray_jobs.run_on_ray([job], cluster, tmp_path, lambda _: {})
        if progress:
            assert [record and record["epoch"] for _, record in training] == [*range(1, 7)]
        else:
            with pytest.raises(KitError, match="fold0 has died, 3 times in an epoch"):
                list(training)


@pytest.mark.slow
def test_a_head_trained_on_features_first_goes_on_in_a_process(frozen: Any) -> None:
    fields = {"freeze": "lp-ft:1", "epochs": 3, "folds": 2}
    whole = results(validate.run(frozen(**fields))["run"])
    found = Path(validate.run(frozen("processes=2", fresh=True, **fields))["run"])
    assert results(found) == whole
    assert [line["epoch"] for line in read_log(found / "fold1")] == [1, 2, 3]


@pytest.mark.slow
def test_a_model_that_diverges_in_a_process_is_told_in_the_same_sentence(toy: Any) -> None:
    with pytest.raises(Diverged, match=r"training diverged in fold\d, epoch \d.*Lower lr="):
        validate.run(toy("processes=2", lr=100.0, optimizer="sgd", momentum=0.99, epochs=4))
    assert_nothing_left()


@pytest.mark.slow
def test_a_kill_of_the_driver_ends_its_processes_and_the_rest_ends_bit_equal(
    toy: Any, tmp_path: Path
) -> None:
    toy()  # lays the data out
    words = ["digits", "run", "epochs=3", "folds=3", "device=cpu"]
    words += ["--data", str(tmp_path / "data"), "--runs"]
    killed, whole = str(tmp_path / "killed"), str(tmp_path / "whole")
    command = [sys.executable, "-m", "kit", *words, killed, "processes=2"]
    with subprocess.Popen(command, cwd=Path(kit.__file__).parent) as begun:
        until(lambda: list(Path(killed).glob("digits-*/fold*/weights.safetensors")))
        (finished, *_) = Path(killed).glob("digits-*/fold*/weights.safetensors")
        stamp, left = finished.stat().st_mtime_ns, children(begun.pid)
        assert named(left, "raylet")
        os.kill(begun.pid, signal.SIGKILL)
    until(lambda: not alive(left), 30)
    (folder,) = Path(killed).glob("digits-*")
    assert not (folder / "scores.json").exists()
    assert subprocess.run(command, cwd=Path(kit.__file__).parent).returncode == 0
    assert finished.stat().st_mtime_ns == stamp, "what was finished is not trained again"
    assert kit.main([*words, whole]) == 0
    (undisturbed,) = Path(whole).glob("digits-*")
    assert results(folder) == results(undisturbed)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="this machine has no two GPUs")
def test_two_gpus_learn_what_one_does(toy: Any) -> None:
    one = validate.run(toy("processes=1", device="cuda", epochs=6, folds=3))
    two = validate.run(toy(device="cuda", epochs=6, folds=3, fresh=True))
    facts = read_json(Path(two["run"]) / "run.json")
    assert len({each["gpu"] for each in facts["processes"]}) == 2
    assert two["fold_scores"] == pytest.approx(one["fold_scores"], abs=0.05)
