"""What all models of a run share: rows, targets, the batches' source, the device."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from common.data.batches.sources import InMemory, Source, inference_batch, open_source
from common.data.pixels.store import Store
from common.errors import KitError
from common.inference.features import splits
from common.metrics import Metric
from common.models.backbone import InputFacts, build_matched, check_input, input_facts
from common.models.class_matching import Match
from common.models.freezing import stages
from common.models.network import Network
from common.recipe import Recipe
from common.training.plan import phases_of, probe_of
from common.training.sizes import check_growth, head_epochs, sizes_of

# Their update of an element depends on that element alone: stacked heads do not see one another.
ELEMENTWISE = ("sgd", "adam", "adamw", "nadam", "nadamw", "rmsprop", "lion")
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


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
    store: Store
    cache: Path
    matches: list[Match]
    side: int  # of the network's input at full size, in pixels; 0: not square
    on_features: bool  # is the head trained on features that are computed once?
    probe_in_loop: str  # why not the probe of lp-ft or gradual; empty where it is, or there is none

    @property
    def device(self) -> torch.device:
        """Where the network trains."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def inference_batch(self) -> int:
        """How many images are judged or predicted at once."""
        height, width = _shown(self.recipe, self.store)
        return inference_batch(self.recipe, self.device.type, height, width)

    def network(self, model: torch.nn.Module) -> Network:
        """The model, moved to the device in the recipe's layout, with what it takes to feed it."""
        last = self.recipe.memory_format == "channels_last"
        layout = torch.channels_last if last else torch.contiguous_format
        return Network(
            model=model.to(self.device).to(memory_format=layout),
            facts=self.facts,
            size=self.recipe.image_size,
            device=self.device,
            precision=PRECISIONS[self.precision],
            layout=layout,
        )

    def check(self, store: Store) -> None:
        """Refuse a test set that these models cannot read, or would read at another size.

        Raises:
            KitError: images of other sizes than those trained on, where the sizes matter.
        """
        shapes = {tuple(shape) for shape in store.shapes.tolist()}
        if isinstance(self.source, InMemory) and shapes != {tuple(self.source.pixels.shape[1:3])}:
            height, width = self.source.pixels.shape[1:3]
            other = next(shape for shape in shapes if shape != (height, width))
            raise KitError(
                f"the test set has images of {other[1]}x{other[0]} pixels and the training set of "
                f"{width}x{height}: say augment=photo and image_size=, which bring all to one size"
            )

    def on(self, store: Store) -> "Setting":
        """The same setting, reading another store's images (the test set's)."""
        self.check(store)
        source = open_source(
            store, self.recipe, self.device, mean=self.facts.mean, crop=self.facts.crop
        )
        return replace(self, source=source, store=store)


def why_not(recipe: Recipe) -> str:
    """What keeps a recipe from training its head on features; nothing when it can."""
    reasons = {
        "freeze": recipe.freeze != "backbone",
        "weights": recipe.weights == "scratch",
        "augment": not recipe.augment.endswith("-none"),
        "mixup": recipe.mixup > 0,
        "cutmix": recipe.cutmix > 0,
        "clip_grad": recipe.clip_grad > 0,
        "early_stop": recipe.early_stop > 0,
        "grad_accum_steps": recipe.grad_accum_steps > 1,
        "optimizer": recipe.optimizer not in ELEMENTWISE,
    }
    return next((f"{name}={getattr(recipe, name)}" for name, true in reasons.items() if true), "")


def open_setting(
    recipe: Recipe,
    store: Store,
    targets: npt.NDArray[np.int64],
    *,
    classes: tuple[str, ...],
    metric: Metric,
    cache: Path,
    trained: bool,
) -> Setting:
    """Choose device and precision, read the backbone's input facts, put the pixels in reach.

    Where all is `trained`, the weights that it began with are needed no more.

    Raises:
        KitError: a device that is not there, weights, sizes or a preset that do not fit.
    """
    # Weights that do not fit are told here, before a run is begun.
    model, matches = build_matched(recipe, classes, bare=trained)
    facts = input_facts(model)
    accelerator, precision = _open_accelerator(recipe)
    source = open_source(store, recipe, accelerator.device, mean=facts.mean, crop=facts.crop)
    height, width = _shown(recipe, store)
    check_input(model, recipe, height, width, trained=trained)
    if "square" in recipe.view_names and height != width:
        raise KitError(
            f"views=square turns images, and these are {width}x{height}: say image_size="
        )
    check_growth(recipe, height, width)
    side = height if height == width else 0
    phases_of(recipe, len(stages(model)), side)  # stages that there are not are told here
    for size in sorted({*sizes_of(recipe, side)} - {recipe.image_size}):
        check_input(model, recipe, size, size, first=True, trained=trained)
    no_split = "" if splits(model, height, width) else "its head is not on vectors"
    reason = why_not(recipe) or no_split
    probed = why_not(probe_of(recipe)) or no_split if head_epochs(recipe) else ""
    if recipe.head_grid != "none" and reason:
        raise KitError(
            f"head_grid={recipe.head_grid} needs the backbone's features, computed once, and here they "
            f"cannot be ({reason}): say head_grid=none, or augment=photo-none and the like"
        )
    return Setting(
        recipe,
        targets,
        classes,
        metric,
        source,
        facts,
        accelerator,
        precision,
        store=store,
        cache=cache,
        matches=matches,
        side=side,
        on_features=not reason,
        probe_in_loop=probed,
    )


def _shown(recipe: Recipe, store: Store) -> tuple[int, int]:
    """Height and width at which the network is shown images, at full size."""
    height, width = store.shapes[0].tolist()
    return (recipe.image_size or height, recipe.image_size or width)


def take_turn(setting: Setting) -> None:
    """Make accelerate's one state this setting's again, where several are open in turn."""
    _open_accelerator(replace(setting.recipe, precision=setting.precision))


def _open_accelerator(recipe: Recipe) -> tuple[Accelerator, str]:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if recipe.device in there and not there[recipe.device]:
        raise KitError(f"device={recipe.device}: this machine has none; say device=auto or cpu")
    on_cpu = recipe.device == "cpu" or not any(there.values())
    precision = recipe.precision
    if precision == "auto":
        precision = _precision_here(on_cpu)
    if precision == "fp16" and on_cpu:
        raise KitError("precision=fp16: a CPU does not train in it; say precision=auto")
    mixed = "no" if precision == "fp32" else precision
    # Accelerate keeps one state a process and refuses a second precision: each run has its own.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=on_cpu, mixed_precision=mixed), precision


def _precision_here(on_cpu: bool) -> str:
    """bf16 from compute capability 8, fp16 from 7: torch counts emulated bf16 as support."""
    if on_cpu or not torch.cuda.is_available():
        return "fp32"
    major, _ = torch.cuda.get_device_capability()
    return "bf16" if major >= 8 else "fp16" if major == 7 else "fp32"
