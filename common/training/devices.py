"""The device and the precision that a recipe runs in, held in accelerate's global state."""

from dataclasses import replace

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from common.errors import KitError
from common.recipe import Recipe

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def reset_accelerator(recipe: Recipe, precision: str) -> None:
    """Restore a precision in accelerate's global state, when several contexts alternate."""
    open_accelerator(replace(recipe, precision=precision))


def open_accelerator(recipe: Recipe) -> tuple[Accelerator, str]:
    """Accelerate's handle on the recipe's device, and the precision that it runs in.

    Raises:
        KitError: a device that is not there, or a precision that it cannot train in.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if recipe.device in there and not there[recipe.device]:
        raise KitError(f"device={recipe.device}: this machine has none; set device=auto or cpu")
    on_cpu = recipe.device == "cpu" or not any(there.values())
    precision = recipe.precision
    if precision == "auto":
        precision = _auto_precision(on_cpu)
    if precision == "fp16" and on_cpu:
        raise KitError("precision=fp16: a CPU cannot train in fp16; set precision=auto")
    mixed = "no" if precision == "fp32" else precision
    # Accelerate's state is global and refuses a second precision: reset it for each run.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=on_cpu, mixed_precision=mixed), precision


def device_peak(device: torch.device) -> dict[str, float]:
    """`device_peak_mb`, the most that this process's tensors took on a GPU so far; empty elsewhere."""
    if device.type != "cuda":
        return {}
    return {"device_peak_mb": torch.cuda.max_memory_allocated() / 2**20}


def _auto_precision(on_cpu: bool) -> str:
    """bf16 from compute capability 8, fp16 from 7, else fp32 (torch reports emulated bf16 as support)."""
    if on_cpu or not torch.cuda.is_available():
        return "fp32"
    major, _ = torch.cuda.get_device_capability()
    return "bf16" if major >= 8 else "fp16" if major == 7 else "fp32"
