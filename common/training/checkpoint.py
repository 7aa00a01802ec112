"""Exact resume: the state at the end of an epoch, and the log that belongs to it."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from common.storage import replacing, write_text

Record = dict[str, Any]


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write the state of a job whole; the one before it stays until then."""
    with replacing(folder / "resume.pt") as temporary, temporary.open("wb") as file:
        torch.save(state, file)


def load_state(folder: Path) -> dict[str, Any] | None:
    """The last whole state, on the CPU; None when the job has not finished an epoch.

    Torch's own weights-only reading is used: tensors, numbers and lists are all there is.
    """
    path = folder / "resume.pt"
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def is_begun(folder: Path) -> bool:
    """Has this job a state to go on from?"""
    return (folder / "resume.pt").is_file()


def save_weights(folder: Path, weights: dict[str, Tensor]) -> None:
    """Write the trained weights whole: the mark of a finished job. The resume state goes."""
    with replacing(folder / "weights.safetensors") as temporary:
        save_file({name: t.detach().cpu().contiguous() for name, t in weights.items()}, temporary)
    (folder / "resume.pt").unlink(missing_ok=True)


def is_finished(folder: Path) -> bool:
    """Has this job written its weights?"""
    return (folder / "weights.safetensors").is_file()


def append_log(folder: Path, record: Record) -> None:
    """Append one epoch's figures to the job's log."""
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(record) + "\n")


def read_log(folder: Path) -> list[Record]:
    """The figures of every epoch; a line that a kill cut short is left out."""
    path = folder / "log.jsonl"
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1]]


def trim_log(folder: Path, last: int) -> list[Record]:
    """Keep the log up to epoch `last`: what the resume state has behind it."""
    kept = [record for record in read_log(folder) if record["epoch"] <= last]
    if (folder / "log.jsonl").is_file():
        write_text(folder / "log.jsonl", "".join(json.dumps(record) + "\n" for record in kept))
    return kept


def copied(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights on the CPU, untouched by later updates."""
    return {
        name: tensor.detach().to("cpu", copy=True) for name, tensor in model.state_dict().items()
    }
