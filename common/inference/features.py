"""Cached features of a frozen backbone: the head's inputs, computed once per image and TTA view.

The cache key is what determines them: code, weights, input normalisation, precision, images, view.
Without augmentation, training a head on the features equals training it on the images.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from common.code_digest import features_digest
from common.data.batches.sources import Source
from common.data.parallel import in_order
from common.data.pixels.store import Store
from common.inference.feature_blocks import is_whole, write_block
from common.inference.feature_table import FeatureTable, TableOfSeveral
from common.inference.folded import folded
from common.inference.predict import mean_probs, view_outputs
from common.inference.smaller_batches import WHOLE, in_parts_that_fit
from common.metrics import Probs
from common.models.activations import Activation
from common.models.backbone import input_config_of
from common.models.heads import heads_of
from common.models.joined_features import JoinedFeatures
from common.models.network import Network
from common.models.side_by_side import backbones_of
from common.progress import bar, say

FORMAT = 1
BLOCK = 2048  # rows per cache file; an interruption loses at most this many
SIDE_BY_SIDE = 32  # batches at most, each with its activations
TOLD_S = 5.0  # what takes less is not told


def detach_head(model: nn.Module) -> tuple[str, nn.Module]:
    """Replace a model's head by nn.Identity, in place; return the head's module name and the head."""
    (head,) = heads_of(model)
    name = next(name for name, module in model.named_modules() if module is head)
    model.set_submodule(name, nn.Identity())
    return name, head


@torch.inference_mode()
def has_detachable_head(model: nn.Module, height: int, width: int) -> bool:
    """Does the model end in its head, with features [B, F] as the head's only input?"""
    heads = heads_of(model)
    if len(heads) != 1 or not all(
        isinstance(each, nn.Linear | nn.ReLU | nn.Sequential) for each in heads[0].modules()
    ):
        return False
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    model.eval()
    seen: list[Tensor] = []
    hook = heads[0].register_forward_hook(lambda _, given, out: seen.extend([given[0], out]))
    logits = model(image)
    hook.remove()
    return seen[0].ndim == 2 and torch.equal(seen[1], logits)


def features_of(
    network: Network, source: Source, store: Store, group: str, *, cache: Path
) -> Tensor:
    """Features of all a store's images under each view of a TTA view group: float32 [V, N, F]."""
    blocks = [block for _, block in feature_blocks(network, source, store, group, cache=cache)]
    return torch.cat(blocks, dim=1)


def feature_table(
    network: Network, source: Source, store: Store, groups: Sequence[str], *, cache: Path
) -> FeatureTable:
    """Features of all a store's images under each view of these groups, memory-mapped."""
    tables = [
        FeatureTable(
            [
                [
                    np.load(path, mmap_mode="r")
                    for _, path in feature_files(each, source, store, group, cache=cache)
                ]
                for group in groups
            ]
        )
        for each in networks_of(network)
    ]
    return TableOfSeveral(tables) if len(tables) > 1 else tables[0]


def feature_blocks(
    network: Network, source: Source, store: Store, group: str, *, cache: Path
) -> Iterator[tuple[int, Tensor]]:
    """Yield features block by block: (first row, float32 [V, rows, F] on the device), as `feature_files`."""
    files = [
        list(feature_files(each, source, store, group, cache=cache))
        for each in networks_of(network)
    ]
    for found in zip(*files, strict=True):
        parts = [torch.from_numpy(np.load(path)).to(network.device).float() for _, path in found]
        yield found[0][0], torch.cat(parts, dim=2) if len(parts) > 1 else parts[0]


def networks_of(network: Network) -> list[Network]:
    """A network's backbones, each fed the same images, normalised as it was trained; itself, if one.

    So a backbone's features are cached as those of a run with it alone, and found by it.
    """
    parts, crop = backbones_of(network.model), network.input_config.crop
    if len(parts) == 1:
        return [network]
    return [
        replace(network, model=each, input_config=replace(input_config_of(each), crop=crop))
        for each in parts
    ]


def feature_files(
    backbone: Network, source: Source, store: Store, group: str, *, cache: Path
) -> Iterator[tuple[int, Path]]:
    """Yield the files of features block by block: (first row, an array [V, rows, F] in a file).

    Blocks in `cache` are there already, the others are computed and written. Joined features are
    float16 there, whoever computed them, unless one is too large for it.

    Args:
        backbone: the network with its head replaced (`detach_head`).
        source: where the store's images come from.

    Raises:
        KitError: a feature is not a finite number.
    """
    backbone.model.eval()
    cache_key = (
        FORMAT,
        features_digest(),
        _digest_of(backbone.model),
        store.folder.name,
        type(source).__name__,
        group,
        backbone.input_config,
        backbone.size,
        str(backbone.precision),
        backbone.device.type,
    )
    folder = cache / "features" / hashlib.sha256(repr(cache_key).encode()).hexdigest()[:32]
    count, computed, begun = len(store), 0, time.perf_counter()
    height, width = (backbone.size,) * 2 if backbone.size else store.shapes[0].tolist()
    through = _Pass(backbone, group, height, width)
    with bar(count, f"features of the frozen backbone, view {group}") as progress:
        for start in range(0, count, BLOCK):
            rows = np.arange(start, min(start + BLOCK, count))
            path = folder / f"{start:09}.npy"
            if not is_whole(path, len(rows)):
                images = _with_progress(source.plain(rows, backbone.size), progress)
                parts = list(through.features(images))
                write_block(path, np.concatenate(parts, axis=1), half=_is_joined(backbone))
                computed += len(rows)
            else:
                progress.update(len(rows))
            yield start, path
    if computed and (seconds := time.perf_counter() - begun) > TOLD_S:
        say(f"  features of {computed:,} images, view {group}: {computed / seconds:,.0f} images/s")


class _Pass:
    """Batches of images through a frozen backbone to features [V, B, F].

    Joined features are rounded to float16, so that on a CPU their batch norms may be folded and each batch
    takes one thread: two batches side by side take less time than two threads at one batch, and the
    features do not depend on the number of cores. Those of one stage are what the network gives, bit by bit.
    """

    def __init__(self, backbone: Network, group: str, height: int, width: int) -> None:
        self.backbone, self.group, self.limit = backbone, group, WHOLE
        self.side_by_side = backbone.device.type == "cpu" and _is_joined(backbone)
        self.shape = height, width

    def features(self, batches: Iterable[Tensor]) -> Iterator[npt.NDArray[np.float32]]:
        """The batches' features, in order."""
        if not self.side_by_side:
            compute = partial(self._outputs, self.backbone)
            for images in batches:
                parts, self.limit = in_parts_that_fit(compute, images, self.limit)
                yield from parts
            return
        threads = torch.get_num_threads()
        compute = partial(self._on_one_thread, self._folded)
        try:
            yield from in_order(compute, batches, min(threads, SIDE_BY_SIDE))
        finally:
            torch.set_num_threads(
                threads
            )  # one thread's setting is that of all that begin after it

    @cached_property
    def _folded(self) -> Network:
        model = self.backbone.model
        assert isinstance(model, JoinedFeatures)
        widths = [block.width for block in model.blocks]
        return replace(self.backbone, model=folded(model, *self.shape, widths=widths))

    def _outputs(self, network: Network, images: Tensor) -> npt.NDArray[np.float32]:
        return view_outputs(network, network.input(images), self.group).cpu().numpy()

    def _on_one_thread(self, network: Network, images: Tensor) -> npt.NDArray[np.float32]:
        torch.set_num_threads(1)
        return self._outputs(network, images)


def _is_joined(backbone: Network) -> bool:
    return isinstance(backbone.model, JoinedFeatures)


def _with_progress(batches: Iterator[Tensor], progress: Any) -> Iterator[Tensor]:
    for images in batches:
        yield images
        progress.update(len(images))


@torch.inference_mode()
def predict_head(head: nn.Module, features: Tensor, activation: Activation) -> Probs:
    """Features [V, N, F] to probs, averaged over views: float32 [N, C]."""
    head.eval()
    return mean_probs(head(features), activation)


def _digest_of(model: nn.Module) -> str:
    digest = hashlib.sha256(repr(model).encode())  # padding and the like are not in the state dict
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().float().cpu().numpy()).data)
    return digest.hexdigest()
