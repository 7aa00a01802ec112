"""What an offline kernel lacks, as flat files for a dataset: weights, model folders, groups, wheels.

A dataset drops folders and unpacks archives. So every file has a flat name that begins with the
digest of its content, and a manifest says what it is: equal names and sizes are equal contents.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.kaggle.protocol import slug_of
from common.recipe import Recipe
from common.recipe_rules import LOCAL
from common.storage import write_json, write_text
from common.workflow.predicting.contents import PREDICTOR, Package
from kernels.runtime.inputs import FILE, FOLDER, FORMAT, HUB, RUN, WHEEL

Item = tuple[
    dict[str, Any], dict[str, Path]
]  # what the manifest says of it; files by their names in it

ENDING = "-kit-inputs"
SHORTEST, LONGEST = 6, 50  # characters of a dataset's slug, and of its title
UNPACKED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")  # by the site


@dataclass(frozen=True)
class Need:
    """Files that a field of a recipe stands for.

    Attributes:
        field: of the recipe.
        value: the field's; of several backbones one.
        kind: a file, a timm model folder, or a repository of the hub.
    """

    field: str
    value: str
    kind: str

    @property
    def is_path(self) -> bool:
        """Does the field name a place on this machine?"""
        return self.kind != HUB


def needs(recipe: Recipe) -> list[Need]:
    """What a recipe needs beside the competition's data; empty for one that begins from scratch.

    Raises:
        KitError: it needs another run.
    """
    if recipe.pseudo != "none":
        raise KitError(
            f"pseudo={recipe.pseudo} needs that run's models, which no kernel carries: train here, and push "
            "the finished run (kernel --predict RUN)"
        )
    found = []
    for name in recipe.backbones:
        if name.startswith(LOCAL):
            found.append(Need("backbone", name, FOLDER))
        elif name.startswith("hf-hub:") or recipe.weights == "pretrained":
            found.append(Need("backbone", name, HUB))
    if recipe.weights not in ("scratch", "pretrained"):
        found.append(Need("weights", recipe.weights, FILE))
    if recipe.groups not in ("near", "identical", "none"):
        found.append(Need("groups", recipe.groups, FILE))
    return found


def attachment(recipe: Recipe, wheels: Sequence[Path], folder: Path) -> dict[str, Path]:
    """The files of a recipe's dataset by their flat names; the manifest among them is new in `folder`.

    The same recipe, contents and wheels give the same names and bytes, wherever the files lie.

    Raises:
        KitError: a file is not on this machine.
    """
    return _flat([*map(_item, needs(recipe)), *_wheels(wheels)], folder)


def predictor_attachment(package: Package, wheels: Sequence[Path], folder: Path) -> dict[str, Path]:
    """As `attachment`, the files of a run's package: its weights, facts, and what the hub alone has.

    Raises:
        KitError: a repository of the hub is not on this machine.
    """
    facts = folder / PREDICTOR
    write_json(facts, package.facts)
    found = [need for recipe in package.recipes for need in needs(recipe)]
    hub = dict.fromkeys(each for each in found if each.value.startswith("hf-hub:"))
    own = {"kind": RUN, "field": "", "text": package.run.folder.name}
    files = {facts.name: facts, **package.files}
    return _flat([(own, files), *map(_item, hub), *_wheels(wheels)], folder)


def _wheels(wheels: Sequence[Path]) -> list[Item]:
    return [({"kind": WHEEL, "field": "", "text": path.name}, {path.name: path}) for path in wheels]


def _flat(items: Iterable[Item], folder: Path) -> dict[str, Path]:
    """Items to files by flat names, and a manifest of them, which is written to `folder`."""
    files: dict[str, Path] = {}
    listed = []
    for facts, contents in items:
        rows = []
        for name, path in contents.items():
            row = _row(name, path)
            rows.append(row)
            if row["bytes"]:  # the site takes no empty file
                files[row["name"]] = path
        listed.append(facts | {"files": rows})
    text = json.dumps({"format": FORMAT, "items": listed}, indent=1, sort_keys=True) + "\n"
    manifest = folder / f"kit-inputs-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    write_text(manifest, text)
    return files | {manifest.name: manifest}


def dataset_name(slug: str, ending: str = ENDING) -> tuple[str, str]:
    """Slug and title of the dataset that holds a competition's inputs, within the site's limits."""
    cut = slug_of(slug)[: LONGEST - len(ending)].strip("-")
    name = f"{cut}{ending}"
    return name, name.replace("-", " ")


def describe_attachments(recipe: Recipe, wheels: Iterable[Path]) -> str:
    """What is attached, for people: 'weights=best.safetensors, timm-1.0.27-py3-none-any.whl'."""
    named = [f"{need.field}={_text(need)}" for need in needs(recipe)]
    return ", ".join([*named, *(path.name for path in wheels)])


def _item(need: Need) -> Item:
    """What the manifest says of a need, and its files by their names inside it."""
    facts: dict[str, Any] = {"kind": need.kind, "field": need.field, "text": _text(need)}
    if need.kind == HUB:
        from common.models.weights import snapshot_of

        found = snapshot_of(need.value)
        facts |= {"repository": found.repository, "ref": found.ref, "revision": found.revision}
        paths = sorted(path for path in found.folder.rglob("*") if path.is_file())
        return facts, {path.relative_to(found.folder).as_posix(): path for path in paths}
    place = _place(need)
    if need.kind == FILE:
        if not place.is_file():
            raise KitError(f"{need.field}={need.value}: there is no such file")
        return facts, {place.name: place}
    if not (place / "config.json").is_file():
        raise KitError(
            f"{need.field}={need.value}: config.json is missing; a timm model folder holds config.json "
            "and model.safetensors"
        )
    # The very files whose contents enter a run's name.
    return facts, {path.name: path for path in sorted(place.glob("*.*")) if path.is_file()}


def _text(need: Need) -> str:
    """The field's value with nothing of this machine in it: the last component alone."""
    if need.kind == HUB:
        return need.value
    name = _place(need).resolve().name
    return f"{LOCAL}{name}" if need.kind == FOLDER else name


def _place(need: Need) -> Path:
    return Path(need.value.removeprefix(LOCAL) if need.kind == FOLDER else need.value)


def _row(name: str, path: Path) -> dict[str, Any]:
    """One file of the manifest: its flat name, its name inside its item, its content."""
    with path.open("rb") as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest()
    flat = f"{whole[:16]}-{re.sub(r'[^A-Za-z0-9._-]', '-', name)}"
    if flat.lower().endswith(UNPACKED):
        flat += ".data"
    return {"name": flat, "path": name, "sha256": whole, "bytes": path.stat().st_size}
