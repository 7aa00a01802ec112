"""A job's files: resume checkpoint, final weights and the per-epoch log, written atomically."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from common.run_files import reading
from common.storage import check_is_content, replacing, write_text

Record = dict[str, Any]


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write `resume.pt` atomically; the previous one stays until then."""
    with replacing(folder / "resume.pt") as temporary, temporary.open("wb") as file:
        torch.save(state, file)


def load_state(folder: Path) -> dict[str, Any] | None:
    """Read `resume.pt` onto the CPU; None when the job has not finished an epoch.

    It is read with `weights_only=True`: the state holds tensors, numbers and lists alone.
    """
    path = folder / "resume.pt"
    if not path.is_file():
        return None
    with reading(path, "bring it back, or delete the folder it is in: its model is trained anew"):
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def is_begun(folder: Path) -> bool:
    """Does this job have a checkpoint to resume from?"""
    return (folder / "resume.pt").is_file()


def save_weights(folder: Path, weights: dict[str, Tensor]) -> None:
    """Write `weights.safetensors` atomically, which marks the job as finished, and delete `resume.pt`."""
    with replacing(folder / "weights.safetensors") as temporary:
        save_file({name: t.detach().cpu().contiguous() for name, t in weights.items()}, temporary)
    (folder / "resume.pt").unlink(missing_ok=True)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read what `save_weights` wrote, onto the CPU.

    Raises:
        KitError: the file is damaged.
    """
    check_is_content(path)
    with reading(path, "bring it back, or delete it and predictions/: `run` makes both anew"):
        return load_file(path)


def is_finished(folder: Path) -> bool:
    """Has this job written its weights?"""
    return (folder / "weights.safetensors").is_file()


def append_log(folder: Path, record: Record) -> None:
    """Append one epoch's record to `log.jsonl`."""
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(_line(record))


def _line(record: Record) -> str:
    """A record as JSON, which has no nan: null is what has no score."""
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in record.items()
    }
    return json.dumps(finite, allow_nan=False) + "\n"


def read_log(folder: Path) -> list[Record]:
    """The record of every epoch, nan for null; a last line truncated by a kill is left out."""
    path = folder / "log.jsonl"
    if not path.is_file():
        return []
    with reading(path, "bring it back, or delete it and lose its curves"):
        lines = path.read_text(encoding="utf-8").split("\n")
        records = [json.loads(line) for line in lines[:-1]]
    return [{k: math.nan if v is None else v for k, v in each.items()} for each in records]


def trim_log(folder: Path, last: int) -> list[Record]:
    """Cut the log after epoch `last`, the resume checkpoint's, and return what is left."""
    kept = [record for record in read_log(folder) if record["epoch"] <= last]
    if (folder / "log.jsonl").is_file():
        write_text(folder / "log.jsonl", "".join(map(_line, kept)))
    return kept


def cpu_copy(model: nn.Module) -> dict[str, Tensor]:
    """A model's state dict copied to the CPU, unaffected by later updates."""
    return {
        name: tensor.detach().to("cpu", copy=True) for name, tensor in model.state_dict().items()
    }
