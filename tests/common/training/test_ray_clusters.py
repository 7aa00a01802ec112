"""Jobs on a cluster's machines: who has room, who is alike, what a lost one costs, or one sentence."""

import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from toy_ray import assert_nothing_left, joined, killing, results, two_nodes, until

from common.errors import KitError
from common.training.checkpoint import read_log, save_state
from common.training.loop import Diverged
from common.training.parallel import ray_jobs
from common.training.parallel.ray_cluster import connected, terminable
from common.training.parallel.ray_machines import (
    Alike,
    apart,
    cpus_each,
    facts_here,
    gpus_each,
    lack_text,
    room_on,
)
from common.training.parallel.ray_worker import _state_of
from common.verbs import run
from common.workflow import train_models

FIELDS: dict[str, Any] = {"folds": 3, "models_per_fold": 2, "epochs": 3, "mixup": 0.2}
NODES = [
    {"NodeManagerHostname": "a", "Resources": {"CPU": 16.0, "GPU": 4.0}},
    {"NodeManagerHostname": "b", "Resources": {"CPU": 4.0, "GPU": 1.0}},
    {"NodeManagerHostname": "c", "Resources": {"CPU": 2.0}},
]


@pytest.mark.parametrize(
    ("wanted", "count", "there", "each"),
    [
        (1, 2, 4, 1.0),
        (1, 3, 2, 0.5),
        (1, 3, 1, 0.3333),
        (2, 2, 2, 2.0),
        (2, 3, 4, 2.0),
        (4, 1, 2, 2.0),
    ],
)
def test_a_task_has_whole_gpus_or_a_part_of_one_of_which_all_find_room(
    wanted: int, count: int, there: int, each: float
) -> None:
    assert gpus_each(wanted, count, there=there) == each  # Ray refuses 1.3333 of them


@pytest.mark.parametrize(
    ("cpus", "gpus", "room"),
    [(1, 0, 22), (4, 0, 5), (1, 1, 5), (8, 1, 2), (1, 2, 2), (1, 0.5, 10), (1, 8, 0), (32, 1, 0)],
)
def test_tasks_have_room_where_one_machine_has_all_that_they_need(
    cpus: float, gpus: float, room: int
) -> None:
    needs = {"num_cpus": cpus, "num_gpus": gpus}
    assert room_on(NODES, needs) == room
    if not room:
        told = lack_text("a:6379", NODES, needs)
        assert told.startswith("ray=a:6379: a job needs a machine with ")
        assert ("a has 4, b has 1, c has 0): set gpus=4, or" in told) == (gpus == 8)
        assert ("32 processors, and Ray knows of none" in told) == (cpus == 32)


@pytest.mark.parametrize(
    ("threads", "gpus", "cpus"),
    [(16, 0, 2.0), (1, 0, 1.0), (16, 1, 4.0), (2, 1, 2.0), (16, 2, 8.0)],
)
def test_a_task_takes_no_more_processors_than_leave_every_gpu_its_task(
    threads: int, gpus: int, cpus: float
) -> None:
    head = {"Resources": {"memory": 1.0}}  # of --num-cpus=0
    assert cpus_each([head, *NODES], threads, gpus) == cpus


def test_what_a_task_raised_is_told_with_its_machine() -> None:
    from ray.exceptions import RayTaskError

    told = "ray::train() (pid=1, ip=10.0.0.7)\n  …"
    raised = RayTaskError("train", told, Diverged("too far"), pid=1, ip="10.0.0.7")
    error = raised.as_instanceof_cause()  # as `ray.get` raises it, without the attribute
    assert not ray_jobs._has_died(error)
    assert ray_jobs._address(error) == "10.0.0.7"
    assert str(ray_jobs._raised(error, None)) == "too far"  # type: ignore[arg-type]


def test_a_checkpoint_travels_as_that_of_the_epoch_that_was_told_before_it(tmp_path: Path) -> None:
    long_ago = time.monotonic() - 60
    assert _state_of(tmp_path, {"epoch": 1}, long_ago) == b""  # two GPUs are about to write it
    save_state(tmp_path, {"epoch": 2})
    assert _state_of(tmp_path, {"epoch": 1}, long_ago) == b""
    assert _state_of(tmp_path, {"epoch": 2}, long_ago) == (tmp_path / "resume.pt").read_bytes()
    assert _state_of(tmp_path, {"epoch": 2}, time.monotonic()) == b""  # one has just been sent


def test_a_handler_of_sigterm_that_ray_replaces_is_there_again_in_the_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with terminable():
        signal.signal(signal.SIGTERM, lambda *_: None)  # as `ray.init` does
        with terminable():
            assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) == before


def test_machines_with_other_versions_are_told_by_what_differs() -> None:
    own = {"python": "3.11.7", "ray": "2.60.0", "code": "ab"}
    assert apart(own, own) == ""
    assert apart(own, own | {"ray": "2.59.0"}) == "ray 2.59.0, here 2.60.0"
    assert apart(own, {"ray": "2.60.0", "code": "cd"}) == (
        "python missing, here 3.11.7; code cd, here ab"
    )


def test_a_machine_that_joins_later_is_asked_for_its_versions_by_its_first_job() -> None:
    own = facts_here(lambda: "ab")
    assert own["ray"]
    alike = Alike(own | {"code": "cd"}, lambda: "ab", frozenset({"asked before"}))
    alike.check("asked before")
    with pytest.raises(KitError, match=r"has joined the cluster with code ab, here cd: models"):
        alike.check("new")
    Alike(own, lambda: "ab", frozenset()).check("new")


def test_a_cluster_that_does_not_answer_is_told_at_once() -> None:
    told = r"ray=127.0.0.1:9: no connection to this cluster .*`ray start --head` begins one"
    with pytest.raises(KitError, match=told), connected("127.0.0.1:9", 0, 0):
        pass


@pytest.mark.slow
def test_two_machines_without_a_shared_disk_give_the_bytes_of_one(toy: Any, tmp_path: Path) -> None:
    whole = results(run.run(toy(folds=3, epochs=2))["run"])
    with two_nodes(tmp_path / "nodes") as (address, _, other):
        found = run.run(toy(f"ray={address}", folds=3, epochs=2, fresh=True))["run"]
        assert results(found) == whole
        assert list(other.cache.glob("stores/*/pixels*")), "the second machine fetched no images"
        assert not list(other.cache.glob("jobs/*/*/*"))
    assert_nothing_left()


@pytest.mark.slow
def test_a_machine_that_dies_in_the_middle_costs_no_job(
    toy: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    whole = results(run.run(toy(**FIELDS))["run"])
    with two_nodes(tmp_path / "nodes") as (address, _, other):

        def kill() -> None:
            until(lambda: list(other.cache.glob("jobs/*/*/resume.pt")))
            other.kill()

        killing(monkeypatch, kill)
        found = run.run(toy(f"ray={address}", fresh=True, **FIELDS))["run"]
        assert results(found) == whole
    assert_nothing_left()


@pytest.mark.slow
def test_a_job_whose_machine_is_lost_goes_on_where_its_checkpoint_comes_to(
    toy: Any, tmp_path: Path, monkeypatch: Any, capfd: Any
) -> None:
    fields: dict[str, Any] = {"folds": 1, "epochs": 40, "optimizer": "sgd"}
    whole = results(run.run(toy(**fields))["run"])
    told, machines = train_models.EpochLines.finished_epoch, list[Any]()
    with two_nodes(tmp_path / "nodes", "--num-cpus=0") as (address, _, other):

        def kill(lines: Any, job: Any, record: Any) -> None:
            told(lines, job, record)
            if not machines and list(tmp_path.glob("runs/*/fold0/resume.pt")):
                other.kill()
                machines.append(joined(tmp_path / "nodes" / "three", address, 3))

        monkeypatch.setattr(train_models.EpochLines, "finished_epoch", kill)
        try:
            found = run.run(toy(f"ray={address}", fresh=True, **fields))["run"]
        finally:
            for machine in machines:
                machine.kill()
    assert results(found) == whole
    assert [line["epoch"] for line in read_log(Path(found) / "fold0")] == [*range(1, 41)]
    err = capfd.readouterr().err
    assert re.search(r"fold0: its process has died \(\w+\) and is started again", err)
    assert re.search(r"fold0: resuming after epoch [1-9]", err)
    assert_nothing_left()


@pytest.mark.slow
def test_where_no_machine_is_left_or_has_what_a_job_needs_it_is_told_and_not_waited_for(
    toy: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    with two_nodes(tmp_path / "nodes", "--num-cpus=0", "--num-gpus=1") as (address, _, other):
        two = toy(f"ray={address}", "device=auto", gpus=2)
        with pytest.raises(
            KitError, match=r"needs a machine with 2 GPUs.* has 1\b.*set gpus=1, or"
        ):
            run.run(two)
        monkeypatch.setattr(ray_jobs, "LOOK_S", 0.5)
        killing(monkeypatch, other.kill)
        with pytest.raises(KitError, match=r"needs a machine with 1 processor.*then run the same"):
            run.run(toy(f"ray={address}", folds=1, epochs=40))
    assert_nothing_left()
