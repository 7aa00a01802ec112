"""Features of a frozen backbone: what its head is given, computed once per image and view.

They are kept by what made them: weights, input facts, precision, images, view. Where the head's
input is a fixed function of the image, training a head on them equals training it on the images.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from common.code_digest import features_digest
from common.data.batches.sources import Source
from common.data.pixels.store import Store
from common.errors import KitError
from common.inference.predict import mean_probs, outputs
from common.metrics import Probs
from common.models.heads import heads_of
from common.models.network import Network
from common.progress import bar
from common.storage import replacing

FORMAT = 1
BLOCK = 2048  # rows a file holds: what an interruption loses at most


def split(model: nn.Module) -> tuple[str, nn.Module]:
    """Take the head out: the model ends in the head's input then. Its name in the model, and it."""
    (head,) = heads_of(model)
    name = next(name for name, module in model.named_modules() if module is head)
    model.set_submodule(name, nn.Identity())
    return name, head


@torch.inference_mode()
def splits(model: nn.Module, height: int, width: int) -> bool:
    """Is the network its body followed by a head on vectors [B, F], and by nothing else?"""
    heads = heads_of(model)
    if len(heads) != 1 or not all(
        isinstance(each, nn.Linear | nn.ReLU | nn.Sequential) for each in heads[0].modules()
    ):
        return False
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    model.eval()
    seen: list[Tensor] = []
    hook = heads[0].register_forward_hook(lambda _, given, out: seen.extend([given[0], out]))
    whole = model(image)
    hook.remove()
    return seen[0].ndim == 2 and torch.equal(seen[1], whole)


def features_of(body: Network, source: Source, store: Store, group: str, *, cache: Path) -> Tensor:
    """The head's inputs of all images of a store under a group of views: float32 [V, N, F]."""
    blocks = [block for _, block in feature_blocks(body, source, store, group, cache=cache)]
    return torch.cat(blocks, dim=1)


def feature_blocks(
    body: Network, source: Source, store: Store, group: str, *, cache: Path
) -> Iterator[tuple[int, Tensor]]:
    """The same in pieces: the first row of each, and its features [V, rows, F] on the device.

    What `cache` holds is not computed again; after an interruption at most a piece is.

    Args:
        body: the network without its head.
        source: where the store's images come from.

    Raises:
        KitError: a feature is not a finite number.
    """
    body.model.eval()
    made_by = (
        FORMAT,
        features_digest(),
        _digest_of(body.model),
        store.folder.name,
        type(source).__name__,
        group,
        body.facts,
        body.size,
        str(body.precision),
        body.device.type,
    )
    folder = cache / "features" / hashlib.sha256(repr(made_by).encode()).hexdigest()[:32]
    count = len(store)
    with bar(count, f"features of the frozen backbone, view {group}") as progress:
        for start in range(0, count, BLOCK):
            rows = np.arange(start, min(start + BLOCK, count))
            path = folder / f"{start:09}.npy"
            if not path.is_file():
                parts = [
                    outputs(body, body.input(images), group).cpu().numpy()
                    for images in _shown(source.plain(rows, body.size), progress)
                ]
                _keep(path, np.concatenate(parts, axis=1))
            else:
                progress.update(len(rows))
            yield start, torch.from_numpy(np.load(path)).to(body.device)


def _keep(path: Path, block: npt.NDArray[np.float32]) -> None:
    if not np.isfinite(block).all():
        raise KitError(
            "the backbone's features are not finite in this precision: say precision=fp32"
        )
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, block)


def _shown(batches: Iterator[Tensor], progress: Any) -> Iterator[Tensor]:
    for images in batches:
        yield images
        progress.update(len(images))


@torch.inference_mode()
def predict_head(head: nn.Module, features: Tensor) -> Probs:
    """The mean over views of their softmax: features [V, N, F] to float32 [N, C]."""
    head.eval()
    return mean_probs(head(features))


def _digest_of(model: nn.Module) -> str:
    digest = hashlib.sha256(repr(model).encode())  # paddings and the like are no tensors
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().float().cpu().numpy()).data)
    return digest.hexdigest()
