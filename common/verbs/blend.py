"""Blend finished runs: weights fitted on out-of-fold predictions, scored by cross-fitting.

Four kinds of weights are scored: equal; rank (the best of k runs has weight k, the worst 1);
greedy (forward selection of runs while the score improves); linear (those of least loss, none below 0).
The one that --weights names is used, by default greedy; its score in-sample stands beside the honest one.
The blend is a run like any other: submit it, compare it, blend it again.

Example: kit cifar10 blend runs/cifar10-quick-1a2b3c4d runs/cifar10-transfer-5e6f7a8b
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.inference.blend import KINDS
from common.progress import say
from common.workflow.blending import blend
from common.workflow.options import flag
from common.workflow.request import Request
from common.workflow.run_results import result_of


@dataclass(frozen=True)
class Options:
    """The options of `blend`."""

    members: tuple[Path, ...] = flag("a finished run", metavar="RUN", positional=True)
    weights: str = flag("default: greedy", "greedy", choices=tuple(KINDS))


def run(request: Request, options: Options) -> dict[str, Any]:
    """Blend the runs; the JSON holds the weights and the score of each kind."""
    blended = blend(request, options.members, kind=options.weights)
    if request.competition.on_kaggle:
        say(f"next: {request.command('submit', '--run', str(blended.folder))}")
    return result_of(blended) | {"blend": blended.read("scores.json")["blend"]}
