"""What timm knows of a backbone by its name."""

import difflib
from collections.abc import Iterable
from pathlib import Path

import timm

import common.models.kit_fastnet as kit_fastnet
import common.models.kit_resnet as kit_resnet
from common.errors import KitError
from common.recipe_rules import LOCAL
from common.storage import read_json


def has_fixed_input_size(name: str) -> bool:
    """Does this backbone have a fixed input size (such as a ViT's position embeddings)?"""
    if name.startswith(LOCAL):
        config = Path(name.removeprefix(LOCAL)) / "config.json"
        facts = read_json(config).get("pretrained_cfg", {}) if config.is_file() else {}
        return bool(facts.get("fixed_input_size"))
    known = None if ":" in name else timm.get_pretrained_cfg(name, allow_unregistered=True)
    return bool(known and known.fixed_input_size)


def check_backbones(names: Iterable[str]) -> None:
    """Refuse a backbone's name that timm does not know; the KitError names the nearest ones."""
    # Importing the modules registered the kit's own networks.
    assert kit_fastnet.default_cfgs and kit_resnet.default_cfgs
    for name in names:
        if name.startswith((LOCAL, "hf-hub:")) or timm.is_model(name.partition(".")[0]):
            continue
        close = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.4)
        hint = f"the nearest are {', '.join(close)}" if close else "timm.list_models() lists them"
        raise KitError(f"backbone={name}: timm has no model of that name; {hint}")


def check_doubles(names: Iterable[str]) -> None:
    """Refuse two names of one network with the same weights."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(_network_of(name), name)
        if other != name:
            raise KitError(f"backbone={other}+{name} is one network under two names: leave one out")


def _network_of(name: str) -> str:
    """What a name stands for: two names of one network, one without timm's default tag, have it in common."""
    if name.startswith(LOCAL):
        return str(Path(name.removeprefix(LOCAL)).resolve())
    name = name.removeprefix("hf-hub:timm/")
    try:
        known = None if ":" in name else timm.get_pretrained_cfg(name, allow_unregistered=True)
    except RuntimeError:  # no such weights, which building the network tells
        known = None
    return f"{known.architecture}.{known.tag}" if known else name
