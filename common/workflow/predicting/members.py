"""A package opened: its runs' models predict rows of a test set, and its nodes combine what they say."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from common.competition import Competition
from common.data.batches.batching import inference_batch
from common.data.batches.small_images import SMALL
from common.data.folds import Rows
from common.data.pixels.store import Store, open_store
from common.data.pixels.store_writer import UnreadableError
from common.errors import KitError
from common.inference.blend import Predictions, align, weighted_mean
from common.inference.decisions import DECISIONS
from common.inference.evaluator import Evaluator
from common.inference.predict import mean, mean_over_views
from common.inference.tta_views import VIEW_GROUPS
from common.metrics import Probs
from common.recipe import Recipe
from common.recipe_values import model_folders, with_model_folders
from common.storage import read_json
from common.targets import Target, from_facts
from common.training.devices import open_accelerator
from common.training.run_context import RunContext, open_run_context
from common.training.trained_models import predictions
from common.workflow.predicting.contents import FORMAT, PREDICTOR
from common.workflow.predicting.levels import Level, levels_of

ONE_AT_A_TIME = threading.Lock()  # accelerate's state is global
Told = Mapping[str, Any] | None  # a decision: kind and values


@dataclass
class Models:
    """One run's models. `predict` gives what the run itself predicts for the same images."""

    name: str
    recipe: Recipe
    evaluator: Evaluator
    folders: list[Path]
    bits: int
    shape: list[int] | None  # of the training images, where all had one
    decision: Told
    certain: float | None = None  # rows beyond this certainty get the plain view alone
    device: str = ""  # as cuda:1; empty: the accelerator's own
    context: RunContext | None = field(default=None, repr=False)

    @property
    def target(self) -> Target:
        """What a row's answer is."""
        return self.evaluator.target

    @property
    def batch(self) -> int:
        """The size of the batches in which the run itself predicts on such a machine."""
        side = self.recipe.image_size
        height, width = (side, side) if side or not self.shape else self.shape
        return inference_batch(self.recipe, self.kind, height or 1, width or 1)

    @property
    def kind(self) -> str:
        """Of the device: cpu, cuda or mps."""
        return str(open_accelerator(self.recipe)[0].device.type)

    def units(self, level: Level) -> float:
        """Passes of a network that an image takes at a level."""
        return self.passes(level) * self.networks(level)

    def passes(self, level: Level) -> float:
        """Single views that one network sees of an image at a level, on average."""
        views = sum(len(VIEW_GROUPS[name]) for name in self.views(level))
        return 1 + (views - 1) * (1 if self.certain is None else self.recipe.tta_fraction)

    def networks(self, level: Level) -> int:
        """How many of them see an image at a level; heads on shared features cost nothing."""
        shared = self.context is not None and self.context.on_features
        return 1 if shared else len(self.folders[: level.models])

    def views(self, level: Level) -> tuple[str, ...]:
        """The view groups that a level leaves, the plain one first."""
        return self.recipe.view_names[: level.views]

    def images(self, table: pd.DataFrame, cache: Path) -> tuple[Rows, Store | None, dict[str, str]]:
        """The rows of a table whose images can be predicted, their store, and why the others cannot, by id."""
        rows, faults = np.arange(len(table)), dict[str, str]()
        while len(rows):
            some = table.iloc[rows]
            try:
                bits = self.recipe.bit_depth or self.bits
                store = open_store(some, side=self.recipe.store_short_side, bits=bits, cache=cache)
                wrong = self._unfit(store)
            except UnreadableError as error:
                wrong = error.faults
            if not wrong:
                return rows, store, faults
            ids = some["id"].tolist()
            faults |= {ids[row]: why for row, why in wrong.items()}
            rows = np.delete(rows, list(wrong))
        return rows, None, faults

    def _unfit(self, store: Store) -> dict[int, str]:
        """Rows of a store that these models cannot take: why."""
        found = {}
        if self.recipe.augment in SMALL and self.shape:
            height, width = self.shape
            other = np.flatnonzero((store.shapes != self.shape).any(axis=1)).tolist()
            found = {
                row: f"{store.shapes[row][1]}x{store.shapes[row][0]} pixels, not {width}x{height}"
                for row in other
            }
        if not self.recipe.bit_depth:
            found |= dict.fromkeys(store.depth.beyond.tolist(), f"values beyond {self.bits} bits")
        return found

    def open(self, store: Store, cache: Path) -> RunContext:
        """The setting in which the models predict this store's images."""
        if self.context is not None:
            self.context = self.context.on(store)
            return self.context
        with ONE_AT_A_TIME:
            self.context = open_run_context(
                self.recipe,
                store,
                np.zeros(0, dtype=np.int64),
                weights=None,
                evaluator=self.evaluator,
                cache=cache,
                trained=True,
            )
        if self.device:
            here = SimpleNamespace(device=torch.device(self.device))
            self.context = replace(self.context, accelerator=here).on(store)
        return self.context

    def predict(self, store: Store, cache: Path, level: Level) -> Probs:
        """The mean over models and views under the run's decision: float32 [N, C] in the store's order."""
        views = self.views(level)
        context = self.open(store, cache)
        recipe = replace(self.recipe, views="+".join(views))
        context = replace(context, recipe=recipe, certain=self.certain)
        folders, rows = self.folders[: level.models], np.arange(len(store))
        found = predictions(context, folders, rows, label=self.name)
        probs = mean([mean_over_views(groups, views) for groups in found])
        return decided(self.target, probs, self.decision)


@dataclass(frozen=True)
class Blend:
    """A weighted mean of members, and a decision on it."""

    target: Target
    members: "tuple[Models | Blend, ...]"
    weights: npt.NDArray[np.float64]
    decision: Told


Node = Models | Blend


def decided(target: Target, probs: Probs, decision: Told) -> Probs:
    """Probs [N, C] under a decision that was fitted out-of-fold; None changes nothing."""
    if not decision:
        return probs
    values = np.array(decision["values"])
    return DECISIONS[decision["kind"]].apply(target, probs, values)


def models_of(node: Node) -> Iterator[Models]:
    """The runs with models below a node, in order."""
    if isinstance(node, Models):
        yield node
        return
    for member in node.members:
        yield from models_of(member)


def combined(node: Node, probs: Iterator[Probs], ids: list[str]) -> Probs:
    """What a node says, from what its runs with models say in order, each [N, C] of the rows `ids`."""
    if isinstance(node, Models):
        return next(probs)
    stack = []
    for member in node.members:
        found = combined(member, probs, ids)
        own = Predictions("a member", ids, member.target.names, found)
        stack.append(align(own, ids, node.target.names))
    return decided(node.target, weighted_mean(stack, node.weights), node.decision)


def levels_of_node(node: Node) -> list[Level]:
    """The order in which an ensemble is given up for time."""
    runs = [*models_of(node)]
    views = max(len(each.recipe.view_names) for each in runs)
    return levels_of(views, max(len(each.folders) for each in runs))


def open_package(competition: Competition, folder: Path, device: str = "") -> tuple[Node, Probs]:
    """A package's folder to its models, on one device, and the mean prediction [C].

    Raises:
        KitError: it is of another version or another competition.
    """
    facts = read_json(folder / PREDICTOR)
    if facts["format"] != FORMAT or facts["competition"] != competition.name:
        raise KitError(f"{folder} is no package of {competition.name} that this version can open")
    prior = np.asarray(facts["prior"], dtype=np.float32)
    node = _opened(competition, folder, facts["node"])
    for each in models_of(node):
        each.device = device
    return node, prior


def _opened(competition: Competition, folder: Path, facts: Mapping[str, Any]) -> Node:
    target = from_facts(facts["target"])
    if facts["kind"] == "blend":
        members = tuple(_opened(competition, folder, each) for each in facts["members"])
        return Blend(target, members, np.array(facts["weights"]), facts["decision"])
    recipe = Recipe(**facts["recipe"])
    recipe = with_model_folders(recipe, [folder / each for each in model_folders(recipe)])
    return Models(
        name=facts["name"],
        recipe=recipe,
        evaluator=Evaluator(target, competition.scored_by),
        folders=[folder / job for job in facts["jobs"]],
        bits=facts["bits"],
        shape=facts["shape"],
        decision=facts["decision"],
        certain=facts["certain"],
    )
