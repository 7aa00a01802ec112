"""A cluster's machines: how many jobs have room on them, and whether all of them are alike."""

import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from common.environment import versions
from common.errors import KitError
from common.progress import first_of

Node = dict[str, Any]  # as Ray tells of it
ANSWER_S = 300.0  # for a machine that starts its first process


@dataclass(frozen=True)
class Alike:
    """What has to be equal on a machine: its facts, how to ask for its code, who has been asked."""

    facts: dict[str, str]
    code: Callable[[], str]
    nodes: frozenset[str]

    def check(self, node: str) -> None:
        """Raise a KitError where this machine, `node`, has joined since, and is not alike."""
        if node not in self.nodes and (told := apart(self.facts, facts_here(self.code))):
            raise KitError(
                f"{platform.node()} has joined the cluster with {told}: models trained there would have "
                "other numbers; install the same on every machine"
            )


def machines() -> list[Node]:
    """The cluster's machines that are there now."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def on_node(node: str) -> Any:
    """Ray's word for tasks that run on this machine alone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node, soft=False)


def gpus_each(wanted: int, count: int, *, there: int) -> float:
    """The GPUs of each of `count` tasks on a machine: whole ones, or a part of one that several share."""
    if wanted > 1:
        return float(min(wanted, there))
    return int(1e4 / math.ceil(count / there)) / 1e4


def cpus_each(nodes: Sequence[Node], threads: int, gpus: int) -> float:
    """The processors of each task, with so many GPUs: one a thread, as far as machines have so many.

    A machine's processors are shared out among its GPUs, so that none of these stays idle for want of them.
    """
    shares = []
    for has in (node["Resources"] for node in nodes):
        tasks = has.get("GPU", 0.0) // gpus if gpus else 1.0
        if tasks and "CPU" in has:
            shares.append(has["CPU"] // tasks)
    return max(1.0, min([float(threads), *shares]))


def room_on(nodes: Sequence[Node], needs: dict[str, float]) -> int:
    """How many tasks with these needs the machines have processors and GPUs for."""
    asked = {"CPU": needs["num_cpus"], "GPU": needs["num_gpus"]}
    return sum(
        min(int(node["Resources"].get(name, 0.0) // each) for name, each in asked.items() if each)
        for node in nodes
    )


def lack_text(place: str, nodes: Sequence[Node], needs: dict[str, float]) -> str:
    """What no machine of the cluster has, what each of them has, and what to do."""
    gpus = int(needs["num_gpus"])
    most = max((int(node["Resources"].get("GPU", 0)) for node in nodes), default=0)
    name, flag, what, wanted = "GPU", "--num-gpus", "GPU", gpus
    if most >= gpus:
        name, flag, what, wanted = "CPU", "--num-cpus", "processor", int(needs["num_cpus"])
    has = [
        f"{node['NodeManagerHostname']} has {node['Resources'].get(name, 0):g}" for node in nodes
    ]
    less = f" set gpus={most}, or" if name == "GPU" and 0 < most < gpus else ""
    s = "s" if wanted > 1 else ""
    return (
        f"ray={place}: a job needs a machine with {wanted} {what}{s}, and Ray knows of none in this "
        f"cluster ({first_of(has) or 'it has no machine'}):{less} add one to it with `ray start "
        f"--address={place} {flag}={wanted}`"
    )


def facts_here(code: Callable[[], str]) -> dict[str, str]:
    """What has to be equal on every machine: versions by name, and the code's digest."""
    return versions() | {"ray": version("ray"), "code": code()}


def apart(own: dict[str, str], theirs: dict[str, str]) -> str:
    """Two machines' versions to what differs: 'torch 2.6, here 2.7'; empty where nothing does."""
    return "; ".join(
        f"{name} {theirs.get(name, 'missing')}, here {own[name]}"
        for name in own
        if theirs.get(name) != own[name]
    )


def check_alike(nodes: Sequence[Node], own: dict[str, str], code: Callable[[], str]) -> None:
    """Raise a KitError where a machine of the cluster has other versions or other code.

    This one is asked too: `ray start` may have been called from another environment.
    """
    import ray

    asked = [
        (
            node["NodeManagerHostname"],
            ray.remote(facts_here)
            .options(num_cpus=0, max_retries=0, scheduling_strategy=on_node(node["NodeID"]))
            .remote(code),
        )
        for node in nodes
    ]
    for name, answer in asked:
        try:
            facts = ray.get(answer, timeout=ANSWER_S)
        except ray.exceptions.RayError as error:
            raise KitError(
                f"{name} cannot load this kit ({last_line(error)}): install the same version there"
            ) from None
        if told := apart(own, facts):
            raise KitError(
                f"{name} has {told}: models trained there would have other numbers; install the same "
                "on every machine"
            )


def last_line(error: Exception) -> str:
    """The last line of an error's text."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]
