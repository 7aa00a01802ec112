"""The network's forward pass in training: as it is, as CUDA graphs, or compiled.

On a GPU a step of a small network is thousands of kernels, each launched by the processor. A CUDA
graph launches all of a pass at once, with the same kernels in the same order, so the same numbers.
"""

import gc
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from common.errors import KitError
from common.inference.smaller_batches import is_out_of_memory
from common.models.network import Network
from common.progress import say
from common.recipe import Recipe


class CaptureError(KitError):
    """A pass cannot be captured as a CUDA graph; this process can train no more."""


Forward = Callable[[Tensor], Tensor]


class TrainingForward:
    """A network's forward pass on training batches, which `prepare` is shown one of.

    Captured graphs hold the frozen layers and the modes as they were: a phase makes its own.
    """

    def __init__(self, network: Network, recipe: Recipe, wrapped: Any = None) -> None:
        """`wrapped` is what is called in place of the network's model, such as DDP around it."""
        self.network, self.recipe = network, recipe
        self.shape = torch.Size()
        self.plain: Forward = self._compiled(wrapped or network.model)
        self.forward = self.plain

    def __call__(self, x: Tensor) -> Tensor:
        """The input [B, 3, H, W] to logits, under the caller's autocast."""
        # A shape that was not prepared for is a last, smaller batch.
        return self.forward(x) if x.shape == self.shape else self.plain(x)

    def prepare(self, x: Tensor) -> float:
        """Compile and capture for inputs of x's shape; seconds. Weights and buffers stay as they are."""
        if x.shape == self.shape or not (self.captures or self.recipe.compile):
            return 0.0
        start = time.perf_counter()
        self.shape, self.forward = x.shape, self.plain
        gc.collect()  # torch holds captured passes in cycles: those of other sizes, phases and jobs
        buffers = dict(self.network.model.named_buffers())
        before = {name: tensor.clone() for name, tensor in buffers.items()}
        if self.recipe.compile:
            # After eight graphs of one network torch stops compiling, without an error: those of
            # earlier jobs, phases and sizes must not count.
            torch.compiler.reset()
        if self.captures:
            self.forward = self._captured(x)
        else:
            with self.network.autocast():
                trained = [p for p in self.network.model.parameters() if p.requires_grad]
                torch.autograd.grad(self.plain(x).float().sum(), trained, allow_unused=True)
        with torch.no_grad():
            for name, tensor in buffers.items():
                tensor.copy_(before[name])
        return time.perf_counter() - start

    @property
    def captures(self) -> bool:
        """Are passes captured?

        Not where gradients accumulate: they would do so in the graph's own memory, which the next pass
        writes. Nor with checkpointing, which reads the random generator's state on its way, or over
        several GPUs, which exchange gradients on theirs.
        """
        recipe, on_gpu = self.recipe, self.network.device.type == "cuda"
        alone = recipe.grad_accum_steps == recipe.gpus == 1 and not recipe.grad_checkpointing
        return on_gpu and recipe.cuda_graphs and alone

    def _captured(self, x: Tensor) -> Forward:
        """Both passes as graphs; a network that waits for the device on its way stays as it is.

        Raises:
            CaptureError: the capture fails, which leaves torch's memory and streams as in a capture.
        """
        model, network = self.network.model, self.network
        names, parameters = zip(*model.named_parameters(), strict=True)

        def passed(x: Tensor, *values: Tensor) -> Any:
            return functional_call(model, dict(zip(names, values, strict=True)), (x,))

        # The graph keeps this input and reads every later batch from it. Of the parameters it gets
        # others that share their memory, made for it alone: what adds up the gradients of the
        # parameters themselves would else belong to the stream that is captured.
        own = [p.detach().requires_grad_(p.requires_grad) for p in parameters]
        mixed = torch.autocast(
            network.device.type,
            dtype=network.precision,
            enabled=network.precision != torch.float32,
            cache_enabled=False,
        )
        trained = [value for value in own if value.requires_grad]
        function = self._compiled(passed)
        with mixed:
            if reason := _wait_in(
                lambda: torch.autograd.grad(function(x, *own).sum(), trained, allow_unused=True)
            ):
                say(
                    f"backbone={self.recipe.backbone} trains without CUDA graphs, as its forward pass waits "
                    f"for the GPU ({reason})"
                )
                return self.plain
        try:
            with mixed, warnings.catch_warnings():
                # torch warns of what it does itself: warm-up and capture on two streams of its own.
                warnings.simplefilter("ignore", UserWarning)
                graphed: Callable[..., Tensor] = torch.cuda.make_graphed_callables(  # type: ignore[assignment]
                    function,  # type: ignore[arg-type]
                    (x.clone(), *own),
                    allow_unused_input=True,
                )
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            reason = str(error).partition("\n")[0]
            raise CaptureError(
                f"backbone={self.recipe.backbone} cannot be captured as a CUDA graph ({reason}): set "
                "cuda_graphs=false"
            ) from error
        return lambda x: graphed(x, *parameters)

    def _compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return torch.compile(function, dynamic=False) if self.recipe.compile else function


def _wait_in(run: Callable[[], object]) -> str:
    """Why the processor waits for the GPU while this runs, which no graph can; empty: it does not."""
    run()  # what is waited for in a first pass alone is no matter
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch calls this mode a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        run()
    except RuntimeError as error:
        if "synchronizing" not in str(error):
            raise
        return str(error).partition("\n")[0]
    finally:
        torch.cuda.set_sync_debug_mode(before)
    return ""
