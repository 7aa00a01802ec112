"""Labels that stand in the paths of training images: class folders, or beginnings of names."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from common.data.image_paths import ANY_SUFFIX, labelled_images
from common.data.split_names import TRAIN
from common.errors import KitError
from common.progress import counted, first_of
from common.scaffold.inventory import Inventory, is_held_out
from common.scaffold.samples import Sample
from common.scaffold.training import Training

MARKS = (".", "_", "-", " ")
EACH = 2  # images of a label, on average, at least


def in_paths(inventory: Inventory, sample: Sample, given: str) -> Training | None:
    """Images to the training rows that their paths make, with a pattern that has {label} in it.

    Images of the sample are none of them. Its ids have a suffix if the sample's have.

    Args:
        given: the pattern that the user names; '' for none.

    Raises:
        KitError: folders below folders, of which either may be the classes; or the pattern fits images
            that the user did not mean.
    """
    names = sample.names
    others = [each for each in inventory.images if each not in sample.found]
    kept = [each for each in others if not is_held_out(inventory.role(each))]
    trained = [each for each in kept if inventory.role(each) == TRAIN]
    images = [PurePosixPath(each) for each in trained or kept]
    if len(images) < EACH:
        return None
    top = _top([image.parts[:-1] for image in images])
    inner = [image.parts[top:] for image in images]
    pattern = (
        given or _of_folders(images, top, inner, names) or _of_names(images, top, inner, names)
    )
    if not pattern:
        return None
    if not given:
        suffixes = {image.suffix for image in images}
        with_suffix = sample.images.endswith("{id}")
        pattern += "" if with_suffix else suffixes.pop() if len(suffixes) == 1 else ANY_SUFFIX
    return _of_pattern(inventory, sample, pattern, given)


def _of_pattern(inventory: Inventory, sample: Sample, pattern: str, given: str) -> Training | None:
    folder = inventory.folder
    whole = labelled_images(folder, pattern)
    paths = {str(folder / each) for each in sample.found}
    rows = labelled_images(folder, pattern, but=paths)
    known = {str(folder / each) for each in inventory.images}
    mixed = {*whole["label"][whole["path"].isin(paths)]} & {*rows["label"]}
    strange = rows[~rows["path"].isin(known) | rows["label"].isin(mixed)]["path"]
    if len(strange):
        shown = first_of([Path(each).relative_to(folder).as_posix() for each in strange], 2)
        cause = (
            f"that lie among the sample's own in {first_of(sorted(mixed))}"
            if mixed
            else ("that are not among those you named")
        )
        raise KitError(
            f"labels are read from paths as {pattern}, and it fits {counted(len(strange), 'image')} "
            f"{cause} ({shown}): move them out of {folder}"
        )
    labels = sorted(rows["label"].unique())
    if len(labels) == len(rows) and not given:
        return None  # a folder for each image
    why = f"{counted(len(rows), 'image')} as {pattern}: {counted(len(labels), 'label')} ({first_of(labels)})"
    lost = len(whole) - len(rows)
    out = f"{counted(lost, 'image')} that {pattern} fits, too, are the sample's: none of training"
    return Training(
        images=pattern,
        answers=("label",),
        rows=rows,
        found=frozenset(Path(path).relative_to(folder).as_posix() for path in rows["path"]),
        told=(why, *([out] if lost else [])),
        apart="path" if lost else "",
    )


def _top(parents: Sequence[tuple[str, ...]]) -> int:
    """How many folders all images have in common."""
    shared = min(map(len, parents))
    return next((n for n in range(shared) if len({each[n] for each in parents}) > 1), shared)


def _of_folders(
    images: Sequence[PurePosixPath],
    top: int,
    inner: Sequence[tuple[str, ...]],
    names: Sequence[str],
) -> str:
    depths = {len(parts) - 1 for parts in inner}
    if 0 in depths:
        return ""
    deep = range(min(depths))
    levels = [sorted({parts[n] for parts in inner}) for n in deep]
    fits = [n for n in deep if names and {*levels[n]} <= {*names}]
    if not fits and names:
        return ""
    before = "".join(f"{part}/" for part in images[0].parts[:top])
    outer, innermost = f"{before}{{label}}/{{id}}", f"{before}**/{{label}}/{{id}}"
    if not fits and len(levels) > 1:
        raise KitError(
            f"the images lie {len(levels)} folders deep, and the folders {first_of(levels[0], 3)} may be "
            f"their labels, or {first_of(levels[-1], 3)}: say which by the pattern of the images "
            f"(--images '{outer}' or --images '{innermost}')"
        )
    level = fits[0] if fits else 0
    return outer if level == 0 else innermost if level == len(levels) - 1 else ""


def _of_names(
    images: Sequence[PurePosixPath],
    top: int,
    inner: Sequence[tuple[str, ...]],
    names: Sequence[str],
) -> str:
    if any(len(parts) > 1 for parts in inner):
        return ""
    for mark in MARKS:
        pairs = [image.stem.partition(mark) for image in images]
        labels = {label for label, _, rest in pairs if rest}
        rests = {rest for _, _, rest in pairs}
        if len(rests) < len(labels) and len(pairs) == len(rests) * len(labels):
            continue  # of each the same few: the several images of a row
        whole = all(label and rest for label, _, rest in pairs)
        few = 2 <= len(labels) <= len(images) / EACH and not any(each.isdigit() for each in labels)
        if whole and (labels <= {*names} if names else few):
            before = "".join(f"{part}/" for part in images[0].parts[:top])
            return f"{before}{{label}}{mark}{{id}}"
    return ""
