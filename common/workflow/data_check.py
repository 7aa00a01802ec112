"""What `check` reports: problems of tables, image sizes and duplicate pairs, in sentences."""

from itertools import combinations_with_replacement
from pathlib import Path

import pandas as pd

from common.data.batches.photographs import PHOTO
from common.data.duplicates import groups
from common.data.pixels.store import Store
from common.progress import counted, first_of
from common.recipe import Recipe
from common.targets import Target
from common.workflow.files import Files

COLUMNS = ["split_a", "id_a", "split_b", "id_b", "kind", "distance"]


DRAWN = 12  # of the nearest pairs, and of the farthest


def all_pairs(tables: dict[str, pd.DataFrame], stores: dict[str, Store]) -> pd.DataFrame:
    """Tables and stores to all duplicate pairs within train, across, and within test: `COLUMNS`, and the rows `a`, `b`.

    Identical before near, by distance, then by row.
    """
    found = []
    for first, second in combinations_with_replacement(stores, 2):
        pairs = (
            groups.within(stores[first])
            if first == second
            else groups.across(stores[first], stores[second])
        )
        ids = [tables[name]["id"].to_numpy() for name in (first, second)]
        found.append(
            pairs.assign(
                split_a=first,
                id_a=ids[0][pairs["a"]],
                split_b=second,
                id_b=ids[1][pairs["b"]],
            )
        )
    both = pd.concat(found, ignore_index=True)
    both["near"] = both["kind"] == "near"
    return both.sort_values(["near", "distance"], kind="stable", ignore_index=True)


def draw(
    pairs: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    stores: dict[str, Store],
    target: Target,
    path: Path,
) -> str | None:
    """Draw the nearest and the farthest pairs; returns the picture's path, None without pairs."""
    near = pairs[pairs["near"]] if pairs["near"].any() else pairs
    shown = near if len(near) <= 2 * DRAWN else pd.concat([near[:DRAWN], near[-DRAWN:]])
    if shown.empty:
        path.unlink(missing_ok=True)
        return None
    from common.reporting.contact_sheet import contact_sheet

    labels = target.texts(tables["train"])

    def ends(side: str) -> list[tuple[str, int]]:
        return list(zip(shown[f"split_{side}"].tolist(), shown[side].tolist(), strict=True))

    def told(split: str, row: int) -> str:
        return labels[row] if split == "train" else "test"

    both = list(zip(ends("a"), ends("b"), strict=True))
    images = [(stores[one][a], stores[other][b]) for (one, a), (other, b) in both]
    captions = [
        (f"{apart:.3f} {told(*one)} | {told(*other)}", f"{id_a} {id_b}")
        for apart, one, other, id_a, id_b in zip(
            shown["distance"].tolist(),
            ends("a"),
            ends("b"),
            shown["id_a"],
            shown["id_b"],
            strict=True,
        )
    ]
    which = "the nearest and the farthest" if len(near) > len(shown) else "all"
    kind = "of the same shot" if pairs["near"].any() else "of equal pixels"
    title = f"{counted(len(near), 'pair')} {kind}: {which}, by distance"
    contact_sheet(images, captions, title, path)
    return str(path)


def pair_problems(pairs: pd.DataFrame, train: pd.DataFrame, target: Target) -> list[str]:
    """Duplicate pairs to their consequences for scores, a sentence each; `pairs` has `COLUMNS`."""
    found = []
    label = pd.Series(target.texts(train), index=train["id"])
    for kind, word in (("same", "of equal pixels"), ("near", "of the same shot")):
        of = pairs[pairs["kind"] == kind]
        inside = of[of["split_b"] == "train"]
        two = label.reindex(inside["id_a"]).to_numpy() != label.reindex(inside["id_b"]).to_numpy()
        odd = inside[two]
        if len(odd):
            named = first_of(
                [f"{a} and {b}" for a, b in zip(odd["id_a"], odd["id_b"], strict=True)]
            )
            have = "has" if len(odd) == 1 else "have"
            found.append(f"{counted(len(odd), 'pair')} {word} in train {have} two labels: {named}")
        if len(inside):
            images = len({*inside["id_a"], *inside["id_b"]})
            found.append(
                f"{counted(len(inside), 'pair')} {word} within train ({images:,} images): groups=near, "
                "the default, keeps both images in one fold"
            )
        across = of[(of["split_a"] == "train") & (of["split_b"] == "test")]
        if len(across):
            images = across["id_b"].nunique()
            found.append(
                f"{counted(len(across), 'pair')} {word} across train and test "
                f"({counted(images, 'test image')}): their scores flatter"
            )
        if twins := int((of["split_a"] == "test").sum()):
            found.append(f"{counted(twins, 'pair')} {word} within test")
    return found


def table_problems(files: Files, test: pd.DataFrame) -> list[str]:
    """Sentences on classes of one image, and on ids that only the sample or only the test set has."""
    found, target = [], files.target
    if target.named:
        counts = pd.Series(target.texts(files.train)).value_counts()
        if single := counts[counts == 1].index.tolist():
            one = "class" if len(single) == 1 else "classes"
            found.append(
                f"{len(single):,} {one} of one image, which no fold can both learn and judge: {first_of(single)}"
            )
    found += target.remarks(files.train, files.sample)
    lacking = set(files.sample.iloc[:, 0]) ^ set(test["id"])
    if lacking and not files.form.long:
        found.append(
            f"{len(lacking):,} ids are in the sample or in the test set only: {first_of(sorted(lacking))}"
        )
    return found


def size_problems(recipe: Recipe, stores: list[Store]) -> list[str]:
    """A sentence if the images have several sizes and the recipe's augmentation needs one."""
    shapes = {tuple(shape) for store in stores for shape in store.shapes.tolist()}
    if recipe.augment in PHOTO or len(shapes) == 1:
        return []
    return [
        f"the images have {len(shapes):,} sizes and the recipe's augment={recipe.augment} wants one: "
        "say augment=photo and image_size=224"
    ]


def sizes(stores: list[Store]) -> str:
    """Stores to their images' size or range of sizes in pixels, in words."""
    shapes = {tuple(shape) for store in stores for shape in store.shapes.tolist()}
    if len(shapes) == 1:
        height, width = next(iter(shapes))
        return f"all {width}x{height} pixels"
    wide = [width for _, width in shapes]
    tall = [height for height, _ in shapes]
    return f"{min(wide)} to {max(wide)} pixels wide, {min(tall)} to {max(tall)} high"
