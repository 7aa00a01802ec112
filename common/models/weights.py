"""Where weights come from: timm's hub through its cache, a model folder, a local file."""

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
from common.storage import check_is_content

# What training programs wrap a state dict in, the averaged weights first; and what they put before names.
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model")
PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "net.", "encoder.")
LOCAL = "local-dir:"
ON_HUB = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors")


@dataclass(frozen=True)
class Snapshot:
    """A repository's files as the hub's cache of this machine holds them.

    Attributes:
        repository: "timm/resnet18.a1_in1k".
        ref: the branch or tag that was asked for.
        revision: the commit that it is.
    """

    repository: str
    ref: str
    revision: str
    folder: Path


def check_pretrained(backbone: str) -> None:
    """Make sure before anything starts that pretrained weights of this backbone can be read.

    Raises:
        KitError: none exist, the folder is not whole, or they are not cached and the hub does not
            answer; the sentence says which folder to put where.
    """
    if backbone.startswith(LOCAL):
        _check_folder(Path(backbone.removeprefix(LOCAL)))
        return
    hub = _on_hub(backbone)
    if hub:
        _check_hub(backbone, hub.partition("@")[0])


def snapshot_of(backbone: str) -> Snapshot:
    """The cached files of a backbone's pretrained weights.

    Raises:
        KitError: they are not on this machine, or come from elsewhere than the hub.
    """
    import huggingface_hub as hub

    repository, _, ref = _on_hub(backbone).partition("@")
    if not repository:
        raise KitError(
            f"the pretrained weights of {backbone} are not on the hub, so that they cannot be attached: "
            "save them as a file and say weights=FILE"
        )
    ref = ref or "main"
    for name in ON_HUB:
        found = hub.try_to_load_from_cache(repository, name, revision=ref)
        if isinstance(found, str):
            folder = Path(found).parent
            return Snapshot(repository, ref, folder.name, folder)
    raise KitError(
        f"the pretrained weights of {backbone} are not on this machine yet ({repository} in "
        f"{hub.constants.HF_HUB_CACHE}): `kit <competition> validate` fetches them where there is a "
        "connection"
    )


def _on_hub(backbone: str) -> str:
    """The hub's repository of a backbone's pretrained weights, and "@" with a revision; or ""."""
    if ":" in backbone:
        return backbone.removeprefix("hf-hub:")
    facts = timm.get_pretrained_cfg(backbone, allow_unregistered=True)
    if not (facts and facts.has_weights):
        raise KitError(f"there are no pretrained weights of {backbone}: say weights=scratch")
    return str(facts.hf_hub_id or "")


def _check_hub(backbone: str, repository: str) -> None:
    """Is it cached, or does the hub answer? One short question instead of the hub's own retries."""
    import huggingface_hub as hub

    if any(isinstance(hub.try_to_load_from_cache(repository, name), str) for name in ON_HUB):
        return
    reason = "HF_HUB_OFFLINE is set"
    if not hub.constants.HF_HUB_OFFLINE:
        if answers(hub.constants.ENDPOINT):
            say(f"fetching the weights of {backbone} once, into {hub.constants.HF_HUB_CACHE}")
            return
        reason = f"{hub.constants.ENDPOINT} does not answer"
    raise KitError(
        f"the pretrained weights of {backbone} are not on this machine ({reason}): where there is a "
        f"connection, fetch config.json and model.safetensors of {repository} from the hub, put them "
        f"into one folder here and say backbone=local-dir:FOLDER; or copy that machine's folder "
        f"models--{repository.replace('/', '--')} into {hub.constants.HF_HUB_CACHE}"
    )


def answers(address: str) -> bool:
    """Does a server answer within ten seconds, whatever it says?"""
    try:
        urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=10).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _check_folder(folder: Path) -> None:
    missing = [
        name for name in ("config.json", "model.safetensors") if not (folder / name).is_file()
    ]
    if missing:
        raise KitError(
            f"backbone={LOCAL}{folder}: {' and '.join(missing)} missing; a timm model folder holds "
            "config.json and model.safetensors"
        )
    for name in ("config.json", "model.safetensors"):
        check_is_content(folder / name)
    try:
        with safe_open(folder / "model.safetensors", framework="pt"):
            pass
    except (SafetensorError, OSError) as error:
        raise KitError(
            f"{folder / 'model.safetensors'} is not whole ({error}): copy or download it again"
        ) from error


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` or `.pth` file, unwrapped; no code in it is ever run.

    Raises:
        KitError: no such file, not whole, or not a mapping from names to tensors.
    """
    if not path.is_file():
        raise KitError(f"weights={path}: no such file; say scratch, pretrained, or a file's path")
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
            "save model.state_dict() and name that"
        ) from error
    return _unwrapped(found, path)


def _unwrapped(found: Any, path: Path) -> dict[str, Tensor]:
    for wrapper in WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(wrapper), dict):
            say(f"{path.name}: taking its {wrapper!r}")
            found = found[wrapper]
            break
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise KitError(f"weights={path} holds no mapping from names to tensors")
    return found


def load_into(model: nn.Module, path: Path, *, classifier: bool) -> None:
    """Load every tensor of a local file, the old classifier of whatever size with it.

    A file without a classifier leaves the network's own as it was drawn, unless one is asked for.

    Raises:
        KitError: the file is of another network; what is missing and unexpected is named.
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
            f"weights={path} has no classifier, which head=rows and head=logits-mlp begin with: say "
            "head=linear"
        )
    spared = head if not head & set(found) else set()
    differing = {
        "missing": sorted(set(own) - set(found) - spared),
        "unexpected": sorted(set(found) - set(own)),
        "of another shape": [n for n in found if n in own and own[n].shape != found[n].shape],
    }
    problems = [f"{what} {first_of(names)}" for what, names in differing.items() if names]
    if problems:
        raise KitError(
            f"weights={path} do not fit {type(model).__name__}: {'; '.join(problems)}. "
            "Name the backbone they were trained with"
        )
    check_finite(f"weights={path}", found)
    model.load_state_dict(found, strict=False)


def check_finite(where: str, tensors: Mapping[str, Tensor]) -> None:
    """Raise a KitError that names the tensors with values that are not finite, where there are any."""
    broken = [
        name for name, tensor in tensors.items()
        if tensor.is_floating_point() and not tensor.float().isfinite().all()
    ]  # fmt: skip
    if broken:
        raise KitError(
            f"{where}: nan or infinity in {counted(len(broken), 'tensor')} of {len(tensors)} "
            f"({first_of(broken)}): saved after a training diverged, or damaged; take others"
        )


def without_prefix(found: dict[str, Tensor], own: set[str]) -> dict[str, Tensor]:
    """The tensors under the network's own names: what wrappers put before all of them is dropped."""
    while not own & set(found):
        prefix = next((p for p in PREFIXES if any(name.startswith(p) for name in found)), None)
        if prefix is None:
            break
        # What lacks the prefix belongs to the wrapper, such as the count of averaged updates.
        found = {n.removeprefix(prefix): t for n, t in found.items() if n.startswith(prefix)}
    return found


def first_line(error: BaseException) -> str:
    """An error's first line, or its kind when it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]
