"""Runtime fields (precision, workers, batch size) timed against the recipe's own values."""

import gc
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import torch

from common.data.batches.photo_source import PerImage
from common.data.pixels.store import Store
from common.models.backbone_names import check_backbones
from common.models.weights import first_line
from common.progress import say
from common.recipe import Recipe
from common.recipe_values import with_values
from common.training.run_context import RunContext, open_run_context
from common.training.throughput import Trial, compare, inference_trial, training_trial
from common.training.training_forward import CaptureError
from common.training.updates.optimisers import check_optimiser
from common.workflow.files import Files, open_files
from common.workflow.prepare import labelled
from common.workflow.request import Request

ROWS = 512
SECONDS = 0.6
OF = {"training": training_trial, "inference": inference_trial}


@dataclass(frozen=True)
class Row:
    """A field's value, measured: images/s `of` training or inference, ratio to the recipe's value, memory."""

    candidate: str
    of: str
    images_per_second: float
    ratio: float
    memory_mb: float
    rounds: int
    faster: bool = False
    error: str = ""


@dataclass(frozen=True)
class Bench:
    """The images to time on, and the seconds of each measurement."""

    request: Request
    files: Files
    store: Store
    targets: Any
    seconds: float

    def setting(self, recipe: Recipe) -> RunContext:
        """A recipe to its setting on these images."""
        return open_run_context(
            recipe,
            self.store,
            self.targets,
            weights=None,
            evaluator=self.files.evaluator,
            cache=self.request.cache,
            trained=False,
        )


def tune(request: Request, *, compiled: bool, seconds: float) -> dict[str, Any]:
    """Time each field's values alternating with the recipe's own; returns table and proposal.

    Args:
        compiled: try torch.compile on a CPU too.
        seconds: of each measurement.
    """
    recipe = request.recipe
    check_backbones(recipe.backbones)
    check_optimiser(recipe.optimizer)
    files = open_files(request)
    table, store = labelled(request, files, replace(recipe, rows=min(recipe.rows or ROWS, ROWS)))
    targets = files.target.read(table)
    bench = Bench(request, files, store, targets, seconds)
    setting = bench.setting(recipe)
    device = _device(setting)
    say(f"{len(store):,} images on {device}; each value in turn with the recipe's own")
    say(f"{'':34}{'images/s':>10}{'ratio':>8}{'memory MB':>11}")
    rows, proposal = list[Row](), list[str]()
    for field, of, values in candidates(setting, compiled):
        found = _rows(bench, recipe, of, field, values)
        rows += found
        best = max(found, key=lambda row: row.ratio * row.faster, default=None)
        if best and best.faster and field != "batch_size":
            proposal.append(best.candidate)
            recipe = with_values(recipe, [best.candidate])
    _tell(request, proposal)
    return {
        "device": device,
        "rows": len(store),
        "table": [asdict(row) for row in rows],
        "proposal": " ".join(proposal),
    }


def candidates(setting: RunContext, compiled: bool) -> Iterator[tuple[str, str, list[Any]]]:
    """A setting to fields, training or inference, and the values to try on this device."""
    recipe, gpu = setting.recipe, setting.device.type == "cuda"
    # A head on features trains in no time: what takes some is the pass that computes them.
    trains = bool(recipe.epochs) and not setting.on_features
    of = "training" if trains else "inference"
    yield "precision", of, [each for each in _precisions(gpu) if each != setting.precision]
    layouts = ("channels_last", "contiguous")
    yield "memory_format", of, [each for each in layouts if each != recipe.memory_format]
    if trains and (gpu or compiled):
        yield "compile", of, [not recipe.compile]
    if isinstance(setting.source, PerImage):
        powers = [0, *(2**n for n in range(5) if 2**n <= (os.cpu_count() or 1))]
        yield "workers", of, [each for each in powers if each != recipe.workers]
    batch = setting.inference_batch
    yield "eval_batch_size", "inference", [max(1, batch // 4), max(1, batch // 2), batch * 2]
    if trains:
        sizes = [recipe.batch_size // 2, recipe.batch_size * 2, recipe.batch_size * 4 * gpu]
        yield "batch_size", of, [size for size in sizes if size >= 2 and size % 2 == 0]


def _precisions(gpu: bool) -> list[str]:
    """A CPU does not train in fp16; a GPU before compute capability 8 only emulates bf16."""
    if not gpu:
        return ["fp32", "bf16"]
    return ["fp32", "fp16", "bf16"][: 3 if torch.cuda.get_device_capability()[0] >= 8 else 2]


def _rows(bench: Bench, recipe: Recipe, of: str, field: str, values: list[Any]) -> list[Row]:
    """A field's values timed, the recipe's own last."""
    if not values:
        return []
    own, rows, speeds = OF[of](bench.setting(recipe)), list[Row](), list[float]()
    # A loader's queue hides a slow one for a while.
    seconds = bench.seconds * (4 if field == "workers" else 1)
    for value in values:
        row, others = _tried(bench, recipe, of, f"{field}={value}", own, seconds)
        _free()
        _tell_row(row)
        rows.append(row)
        speeds += others
    value, speed = getattr(recipe, field), median(speeds or [own.run(1)])
    row = Row(f"{field}={value}", of, _short(speed), 1.0, _short(own.memory_mb), len(speeds))
    _tell_row(row, own=True)
    return [*rows, row]


def _tried(
    bench: Bench, recipe: Recipe, of: str, name: str, own: Trial, seconds: float
) -> tuple[Row, list[float]]:
    """A value timed alternating with the recipe's own: its row, and the own speeds."""
    try:
        trial = OF[of](bench.setting(with_values(recipe, [name])))
        found = compare(trial, own, seconds)
    except CaptureError:
        raise
    except (ValueError, RuntimeError) as error:  # that a value does not work here is a finding
        return Row(name, of, 0.0, 0.0, 0.0, 0, error=first_line(error)), []
    row = Row(
        name,
        of,
        _short(median(found.speeds)),
        _short(found.ratio),
        _short(trial.memory_mb),
        len(found.speeds),
        found.faster,
    )
    return row, found.others


def _tell_row(row: Row, own: bool = False) -> None:
    if row.error:
        say(f"{row.candidate:<26} {row.error}")
        return
    mark = "  the recipe's own" if own else "  faster" if row.faster else ""
    if row.candidate.startswith("batch_size") and not own:
        mark = "  other results too"
    say(
        f"{row.candidate:<26}{row.of:<10}{row.images_per_second:>10,.1f}{row.ratio:>8.2f}"
        f"{row.memory_mb:>11,.0f}{mark}"
    )


def _tell(request: Request, proposal: list[str]) -> None:
    if proposal:
        say(f"type: {' '.join(proposal)}")
        say(f"next: {request.command('run', *proposal)}")
    else:
        say("the recipe's own values are the fastest here")


def _device(setting: RunContext) -> str:
    if setting.device.type == "cuda":
        return torch.cuda.get_device_name()
    return f"{setting.device.type} with {torch.get_num_threads()} threads"


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _short(number: float) -> float:
    return float(f"{number:.4g}")
