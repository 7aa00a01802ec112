"""The run context that every training job shares: store, targets, classes, device, precision."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch

from common.data.batches.batching import inference_batch
from common.data.batches.sources import InMemory, Source, open_source
from common.data.folds import Rows
from common.data.pixels.store import Store
from common.errors import KitError
from common.inference.evaluator import Evaluator, Weights
from common.inference.features import has_detachable_head
from common.metrics import Probs
from common.models.backbone import InputConfig, build_matched, check_input, input_config_of
from common.models.classifier_rows import RowMatch
from common.models.freezing import stages
from common.models.grad_checkpointing import check_grad_checkpointing
from common.models.network import Network
from common.recipe import Recipe
from common.recipe_rules import check_obstacle
from common.targets import Strata, Target, Targets
from common.training.devices import PRECISIONS, open_accelerator
from common.training.jobs import Job
from common.training.parallel.ranks import ALONE, Alone
from common.training.phases import linear_probe_recipe, phases_of
from common.training.progressive_resizing import check_growth, head_epochs, sizes_per_epoch
from common.training.target_rules import check_fields
from common.training.updates.loss import loss_name

# Elementwise optimisers: heads stacked in one tensor do not influence one another.
ELEMENTWISE = ("sgd", "adam", "adamw", "nadam", "nadamw", "rmsprop", "lion")


@dataclass(frozen=True)
class RunContext:
    """What every job of a run needs.

    `targets` are the true answers of the store's rows, as the target's kind defines them; `weights`
    [N] count them in scores (None: all alike).
    """

    recipe: Recipe
    targets: Targets
    weights: Weights | None
    evaluator: Evaluator
    source: Source
    input_config: InputConfig
    accelerator: Any
    precision: str
    store: Store
    cache: Path
    matches: list[RowMatch]
    side: int  # of the network's input at full size, in pixels; 0: not square
    on_features: bool  # is the head trained on features that are cached?
    probe_in_loop: (
        str  # why lp-ft's or gradual's head-only epochs cannot use cached features, or empty
    )
    ranks: Alone = ALONE  # the processes that train one model
    certain: float | None = None  # rows beyond it get one view, whatever share that leaves

    @property
    def target(self) -> Target:
        """What a row's answer is."""
        return self.evaluator.target

    @cached_property
    def loss_targets(self) -> npt.NDArray[Any]:
        """What the loss compares outputs with: int64 [N] classes, or float32 [N, outputs]."""
        return self.target.soft(self.targets)

    def answers_of(self, job: Job) -> npt.NDArray[Any]:
        """What the loss compares the outputs of a job's training rows with: [len(job.rows)] or [.., O]."""
        return self.loss_targets[job.rows] if job.answers is None else job.answers

    @cached_property
    def strata(self) -> Strata:
        """The stratum [N] of every row: what balanced sampling draws with equal chances."""
        return self.target.strata(self.targets)

    def validated(self, probs: Probs, rows: Rows) -> dict[str, float]:
        """The loss and the metric of held-out rows' probs [len(rows), C]."""
        targets, weights = self.targets[rows], None if self.weights is None else self.weights[rows]
        return {
            "valid_loss": float(self.target.row_losses(probs, targets).mean()),
            "score": self.evaluator.score(probs, targets, weights),
        }

    @property
    def device(self) -> torch.device:
        """The device that the network trains on."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def inference_batch(self) -> int:
        """The batch size of validation and prediction."""
        height, width = _input_size(self.recipe, self.store)
        return inference_batch(self.recipe, self.device.type, height, width)

    def network(self, model: torch.nn.Module) -> Network:
        """The model on the device in the recipe's memory format, wrapped with its input size and precision."""
        channels_last = self.recipe.memory_format == "channels_last"
        layout = torch.channels_last if channels_last else torch.contiguous_format
        return Network(
            model=model.to(self.device).to(memory_format=layout),
            input_config=self.input_config,
            size=self.recipe.image_size,
            device=self.device,
            precision=PRECISIONS[self.precision],
            layout=layout,
            target=self.target,
            loss=loss_name(self.recipe, self.target),
        )

    def normalisation(self) -> str:
        """Which mean and std images get before weights of a file, which may have seen others; or ''."""
        if self.recipe.weights in ("scratch", "pretrained"):
            return ""
        config = self.input_config
        mean, std = (", ".join(f"{x:g}" for x in each) for each in (config.mean, config.std))
        return (
            f"weights={self.recipe.weights}: images are normalised as for {self.recipe.backbone} (mean "
            f"{mean}; std {std}), as a file of weights does not say how it was trained; a folder with "
            "config.json does: backbone=local-dir:FOLDER weights=pretrained"
        )

    def check(self, store: Store) -> None:
        """Refuse a test set whose image size differs from training where the model needs the same.

        Raises:
            KitError: the small-image pipeline, and images of another size than those trained on.
        """
        shapes = {tuple(shape) for shape in store.shapes.tolist()}
        if isinstance(self.source, InMemory) and shapes != {tuple(self.source.pixels.shape[1:3])}:
            height, width = self.source.pixels.shape[1:3]
            other = next(shape for shape in shapes if shape != (height, width))
            raise KitError(
                f"the test set has images of {other[1]}x{other[0]} pixels and the training set of "
                f"{width}x{height}: set augment=photo and image_size=, which resize all images"
            )

    def on(self, store: Store) -> "RunContext":
        """The same context with another store's images (the test set's)."""
        self.check(store)
        source = open_source(
            store,
            self.recipe,
            self.device,
            mean=self.input_config.mean,
            crop=self.input_config.crop,
        )
        return replace(self, source=source, store=store)


def features_obstacle(recipe: Recipe) -> str:
    """The field=value that rules out training the head on cached features; empty if none does."""
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


def open_run_context(
    recipe: Recipe,
    store: Store,
    targets: Targets,
    *,
    weights: Weights | None,
    evaluator: Evaluator,
    cache: Path,
    trained: bool,
) -> RunContext:
    """A recipe and a store to the run context: device, precision, input normalisation, batch source.

    With `trained` all jobs are finished, and the pretrained weights are not loaded.

    Raises:
        KitError: a missing device, or weights, sizes or a preset that do not fit the images.
    """
    # Weights that do not fit are refused here, before the run's folder is created.
    check_fields(recipe, evaluator.target)
    model, matches = build_matched(recipe, evaluator.target.outputs, bare=trained)
    config = input_config_of(model)
    accelerator, precision = open_accelerator(recipe)
    source = open_source(store, recipe, accelerator.device, mean=config.mean, crop=config.crop)
    height, width = _input_size(recipe, store)
    check_input(model, recipe, height, width, trained=trained)
    check_grad_checkpointing(model, recipe)
    if "square" in recipe.views + recipe.head_views and height != width:
        raise KitError(
            f"views=square rotates images by 90 degrees, and these are {width}x{height}: set image_size="
        )
    check_growth(recipe, height, width)
    side = height if height == width else 0
    phases_of(recipe, len(stages(model)), side)  # refuses freeze=stages:N with too few stages
    for size in sorted({*sizes_per_epoch(recipe, side)} - {recipe.image_size}):
        check_input(model, recipe, size, size, first=True, trained=trained)
    undetachable = "" if has_detachable_head(model, height, width) else "its head takes no vectors"
    reason, probe_obstacle = features_obstacle(recipe) or undetachable, ""
    if head_epochs(recipe):
        probe_obstacle = features_obstacle(linear_probe_recipe(recipe)) or undetachable
    check_obstacle(recipe, reason, undetachable)
    return RunContext(
        recipe,
        targets,
        weights,
        evaluator,
        source,
        config,
        accelerator,
        precision,
        store=store,
        cache=cache,
        matches=matches,
        side=side,
        on_features=not reason,
        probe_in_loop=probe_obstacle,
    )


def _input_size(recipe: Recipe, store: Store) -> tuple[int, int]:
    """Height and width of the network's input at full size, in pixels."""
    height, width = store.shapes[0].tolist()
    return (recipe.image_size or height, recipe.image_size or width)
