"""The network's forward pass in training: as it is, as CUDA graphs, or compiled.

On a GPU a step of a small network is thousands of kernels, each launched by the processor. A CUDA
graph launches all of a pass at once, with the same kernels in the same order, so the same numbers.
"""

import time
from typing import Any

import torch
from torch import Tensor, nn

from common.models.network import Network
from common.progress import say
from common.recipe import Recipe


class TrainingForward:
    """A network's forward pass on training batches, which `prepare` is shown one of.

    Captured graphs hold the frozen layers and the modes as they were: a phase makes its own.
    """

    def __init__(self, network: Network, recipe: Recipe) -> None:
        self.network, self.recipe = network, recipe
        self.shape = torch.Size()
        self.leaves: list[Any] = []
        self.plain: nn.Module = (
            torch.compile(network.model, dynamic=False) if recipe.compile else network.model  # type: ignore[assignment]
        )
        self.forward = self.plain

    def __call__(self, x: Tensor) -> Tensor:
        """The input [B, 3, H, W] to logits, under the caller's autocast."""
        # A shape that was not prepared for is a last, smaller batch.
        forward = self.forward if x.shape == self.shape else self.plain
        return forward(x)  # type: ignore[no-any-return]

    def prepare(self, x: Tensor) -> float:
        """Compile and capture for inputs of x's shape; seconds. Weights and buffers stay as they are.

        A network that asks the device for a number on its way cannot be captured: it runs as it is.
        """
        if x.shape == self.shape or not (self.captures or self.recipe.compile):
            return 0.0
        start = time.perf_counter()
        self.shape, self.forward = x.shape, self.plain
        model = self.network.model
        before = {name: tensor.clone() for name, tensor in model.named_buffers()}
        x = x.clone()  # the graph keeps it, and reads every later batch from it
        with torch.autocast(
            self.network.device.type,
            dtype=self.network.precision,
            enabled=self.network.precision != torch.float32,
            cache_enabled=False,
        ):
            if self.recipe.compile:
                # After eight graphs of one network torch stops compiling, without an error: those of
                # earlier jobs, phases and sizes must not count.
                torch.compiler.reset()
                trained = [p for p in model.parameters() if p.requires_grad]
                torch.autograd.grad(self.plain(x).float().sum(), trained, allow_unused=True)
            if self.captures:
                self.forward = self._captured(x)
        with torch.no_grad():
            for name, tensor in model.named_buffers():
                tensor.copy_(before[name])
        return time.perf_counter() - start

    @property
    def captures(self) -> bool:
        """Are passes captured?

        Not where gradients accumulate: they would do so in the graph's own memory, which the next pass
        writes. Nor with checkpointing, which reads the random generator's state on its way.
        """
        recipe, on_gpu = self.recipe, self.network.device.type == "cuda"
        alone = recipe.grad_accum_steps == 1 and not recipe.grad_checkpointing
        return on_gpu and recipe.cuda_graphs and alone

    def _captured(self, x: Tensor) -> nn.Module:
        # The nodes that add up gradients belong to the stream they are first made on: this one, not
        # the one that is captured.
        trained = [p for p in self.network.model.parameters() if p.requires_grad]
        self.leaves = [torch.autograd.graph.get_gradient_edge(p).node for p in trained]
        try:
            graphed: nn.Module = torch.cuda.make_graphed_callables(  # type: ignore[assignment]
                _Whole(self.plain), (x,), allow_unused_input=True
            )
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            say(f"backbone={self.recipe.backbone} cannot be captured as a CUDA graph ({reason})")
            return self.plain
        return graphed


class _Whole(nn.Module):
    """The module that the graphs replace the forward pass of, so that the network keeps its own."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)  # type: ignore[no-any-return]
