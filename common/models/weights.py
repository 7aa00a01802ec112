"""Find and load weights, offline too: the Hugging Face cache, a timm model folder, a local file."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from common.errors import KitError
from common.models.heads import head_names, reset_head
from common.progress import counted, first_of, say
from common.recipe_rules import LOCAL
from common.storage import check_is_content

# Keys under which checkpoints nest a state dict (EMA first), and prefixes of parameter names.
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model")
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "net.", "encoder.")
FOLDER_FILES = ("config.json", "model.safetensors")
HUB_FILES = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors")


@dataclass(frozen=True)
class Snapshot:
    """A hub repository ("timm/resnet18.a1_in1k") in this machine's Hugging Face cache.

    `ref` is the requested branch or tag, `revision` the commit it resolves to.
    """

    repository: str
    ref: str
    revision: str
    folder: Path


def check_pretrained(backbone: str) -> None:
    """Check before a run that a backbone's pretrained weights are cached or can be downloaded.

    Raises:
        KitError: none exist, the folder is incomplete, or they are not cached and the hub does not
            respond; the message names the folder to copy and where to.
    """
    if backbone.startswith(LOCAL):
        _check_folder(Path(backbone.removeprefix(LOCAL)))
        return
    hub = _hub_repository(backbone)
    if hub:
        _check_hub(backbone, hub.partition("@")[0])


def snapshot_of(backbone: str) -> Snapshot:
    """A backbone's pretrained weights as files in the Hugging Face cache.

    Raises:
        KitError: they are not cached, or are hosted elsewhere than on the hub.
    """
    import huggingface_hub as hub

    repository, _, ref = _hub_repository(backbone).partition("@")
    if not repository:
        raise KitError(
            f"the pretrained weights of {backbone} are not on the hub and cannot be attached: "
            "save them as a file and set weights=FILE"
        )
    ref = ref or "main"
    for name in HUB_FILES:
        found = hub.try_to_load_from_cache(repository, name, revision=ref)
        if isinstance(found, str):
            folder = Path(found).parent
            return Snapshot(repository, ref, folder.name, folder)
    raise KitError(
        f"the pretrained weights of {backbone} are not on this machine yet ({repository} in "
        f"{hub.constants.HF_HUB_CACHE}): `kit <competition> validate` fetches them where there is a "
        "connection"
    )


def _hub_repository(backbone: str) -> str:
    """A backbone's hub repository, with "@revision" if it has one; "" if it is not on the hub."""
    if ":" in backbone:
        return backbone.removeprefix("hf-hub:")
    facts = timm.get_pretrained_cfg(backbone, allow_unregistered=True)
    if not (facts and facts.has_weights):
        raise KitError(f"there are no pretrained weights of {backbone}: set weights=scratch")
    return str(facts.hf_hub_id or "")


def _check_hub(backbone: str, repository: str) -> None:
    """Refuse uncached weights when the hub does not respond: one request instead of its retries."""
    import huggingface_hub as hub

    if any(isinstance(hub.try_to_load_from_cache(repository, name), str) for name in HUB_FILES):
        return
    reason = "HF_HUB_OFFLINE is set"
    if not hub.constants.HF_HUB_OFFLINE:
        if responds(hub.constants.ENDPOINT):
            say(f"fetching the weights of {backbone} once, into {hub.constants.HF_HUB_CACHE}")
            return
        reason = f"{hub.constants.ENDPOINT} does not answer"
    raise KitError(
        f"the pretrained weights of {backbone} are not on this machine ({reason}): where there is a "
        f"connection, fetch config.json and model.safetensors of {repository} from the hub, put them "
        f"into one folder here and set backbone=local-dir:FOLDER; or copy that machine's folder "
        f"models--{repository.replace('/', '--')} into {hub.constants.HF_HUB_CACHE}"
    )


def responds(address: str) -> bool:
    """Does a server respond within ten seconds, with whatever status?"""
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _check_folder(folder: Path) -> None:
    missing = [name for name in FOLDER_FILES if not (folder / name).is_file()]
    if missing:
        hint = "; the + is read as part of the path" if "+" in str(folder) else ""
        raise KitError(
            f"backbone={LOCAL}{folder}: {' and '.join(missing)} missing; a timm model folder holds "
            f"config.json and model.safetensors{hint}"
        )
    for name in FOLDER_FILES:
        check_is_content(folder / name)
    try:
        with safe_open(folder / "model.safetensors", framework="pt"):
            pass
    except (SafetensorError, OSError) as error:
        raise KitError(
            f"{folder / 'model.safetensors'} is damaged ({error}): copy or download it again"
        ) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a `.safetensors` or `.pth` file to its state dict; no pickled code is ever run.

    Raises:
        KitError: no such file, damaged, or not a mapping from names to tensors.
    """
    if not path.is_file():
        raise KitError(
            f"weights={path}: no such file; set weights=scratch, pretrained, or a file's path"
        )
    check_is_content(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise KitError(
            f"weights={path} cannot be read as weights ({type(error).__name__}: "
            f"{first_line(error)}): copy or download the file again"
        ) from error
    except Exception as error:  # torch raises pickle's own error for code in the file
        if type(error).__name__ != "UnpicklingError":
            raise
        raise KitError(
            f"weights={path} is not a file of plain tensors, and code in it is never run: "
            "save model.state_dict() and use that file"
        ) from error
    return _unwrapped(found, path)


def _unwrapped(found: Any, path: Path) -> dict[str, Tensor]:
    for wrapper in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            say(f"{path.name}: using its {wrapper!r}")
            found = found[wrapper]
            break
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise KitError(f"weights={path} holds no mapping from names to tensors")
    return found


def load_into(model: nn.Module, path: Path, *, classifier: bool) -> None:
    """Load a local weights file into a model, including its classifier of any size.

    A file without a classifier leaves the model's at its initial values; with `classifier` it is refused.

    Raises:
        KitError: the file belongs to another network; missing and unexpected tensors are named.
    """
    found = without_prefix(read_weights(path), set(model.state_dict()))
    if not head_names(model):
        reset_head(model, 1)  # the file's may be of this network with a classifier
    head = head_names(model)
    own_count = len(model.state_dict()[next(iter(sorted(head)))])
    counts = {len(found[name]) for name in head & set(found) if found[name].ndim}
    if len(counts) == 1 and counts != {own_count}:
        model.reset_classifier(counts.pop())  # type: ignore[operator]
    own = model.state_dict()
    if classifier and not head & set(found):
        raise KitError(
            f"weights={path} has no classifier, which head=rows and head=logits-mlp need: set "
            "head=linear"
        )
    optional = head if not head & set(found) else set()
    differing = {
        "missing": sorted(set(own) - set(found) - optional),
        "unexpected": sorted(set(found) - set(own)),
        "of another shape": [n for n in found if n in own and own[n].shape != found[n].shape],
    }
    problems = [f"{what} {first_of(names)}" for what, names in differing.items() if names]
    if problems:
        raise KitError(
            f"weights={path} do not fit {type(model).__name__}: {'; '.join(problems)}. "
            "Set backbone= to the one they were trained with"
        )
    check_finite(f"weights={path}", found)
    model.load_state_dict(found, strict=False)


def check_finite(where: str, tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors with nan or infinite values; the KitError names them."""
    broken = [
        name for name, tensor in tensors.items()
        if tensor.is_floating_point() and not tensor.float().isfinite().all()
    ]  # fmt: skip
    if broken:
        raise KitError(
            f"{where}: nan or infinity in {counted(len(broken), 'tensor')} of {len(tensors)} "
            f"({first_of(broken)}): saved after a training diverged, or damaged; use other weights"
        )


def without_prefix(found: dict[str, Tensor], own: set[str]) -> dict[str, Tensor]:
    """Strip wrappers' name prefixes (`PREFIXES`) until names match the network's own."""
    while not own & set(found):
        prefix = next((p for p in PREFIXES if any(name.startswith(p) for name in found)), None)
        if prefix is None:
            break
        # Tensors without the prefix belong to the wrapper, such as EMA's update counter.
        found = {n.removeprefix(prefix): t for n, t in found.items() if n.startswith(prefix)}
    return found


def first_line(error: BaseException) -> str:
    """An error's first line, or its type's name when it has no text."""
    return (str(error).splitlines() or [type(error).__name__])[0]
