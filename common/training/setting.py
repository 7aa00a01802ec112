"""What all models of a run share: rows, targets, the batches' source, the device."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator

from common.data.batches import Source, open_source
from common.data.folds import Rows
from common.data.store import Store
from common.inference.predict import Network
from common.metrics import Metric
from common.models.backbone import InputFacts, build, check_input, input_facts
from common.recipe import Recipe

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Job:
    """One model to train: its folder's name, the place of its random numbers, its rows."""

    name: str
    fold: int
    seed: int
    rows: Rows
    held_out: Rows | None  # None: trained on everything, judged by nobody


@dataclass(frozen=True)
class Setting:
    """What every job of a run shares. `targets` are class indices [N] in the store's order."""

    recipe: Recipe
    targets: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    metric: Metric
    source: Source
    facts: InputFacts
    accelerator: Any
    precision: str

    @property
    def device(self) -> torch.device:
        """Where the network trains."""
        device: torch.device = self.accelerator.device
        return device

    def network(self, model: torch.nn.Module) -> Network:
        """The model, moved to the device in the recipe's layout, with what it takes to feed it."""
        last = self.recipe.layout == "channels_last"
        layout = torch.channels_last if last else torch.contiguous_format
        return Network(
            model=model.to(self.device).to(memory_format=layout), facts=self.facts,
            size=self.recipe.image_size, device=self.device,
            precision=PRECISIONS[self.precision], layout=layout,
        )  # fmt: skip

    def on(self, store: Store) -> "Setting":
        """The same setting, reading another store's images (the test set's)."""
        source = open_source(
            store, self.recipe, self.device, mean=self.facts.mean, crop=self.facts.crop
        )
        return replace(self, source=source)


def open_setting(
    recipe: Recipe,
    store: Store,
    targets: npt.NDArray[np.int64],
    *,
    classes: tuple[str, ...],
    metric: Metric,
) -> Setting:
    """Choose device and precision, read the backbone's input facts, put the pixels in reach.

    Raises:
        ValueError: a device that is not there, an unknown backbone or preset.
    """
    model = build(recipe, len(classes))  # weights that do not fit are told here
    facts = input_facts(model)
    accelerator, precision = _open_accelerator(recipe)
    source = open_source(store, recipe, accelerator.device, mean=facts.mean, crop=facts.crop)
    check_input(model, recipe.image_size or int(store.shapes.max()), recipe.backbone)
    return Setting(recipe, targets, classes, metric, source, facts, accelerator, precision)


def _open_accelerator(recipe: Recipe) -> tuple[Accelerator, str]:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(recipe.device, True):
        raise ValueError(f"device={recipe.device}: this machine has none; say device=auto or cpu")
    on_cpu = recipe.device == "cpu" or not any(there.values())
    precision = recipe.precision
    if precision == "auto":
        precision = _precision_here(on_cpu)
    if precision == "fp16" and on_cpu:
        raise ValueError("precision=fp16: a CPU does not train in it; say precision=auto")
    mixed = "no" if precision == "fp32" else precision
    return Accelerator(cpu=on_cpu, mixed_precision=mixed), precision


def _precision_here(on_cpu: bool) -> str:
    """bf16 from compute capability 8, fp16 from 7: torch counts emulated bf16 as support."""
    if on_cpu or not torch.cuda.is_available():
        return "fp32"
    major, _ = torch.cuda.get_device_capability()
    return "bf16" if major >= 8 else "fp16" if major == 7 else "fp32"
