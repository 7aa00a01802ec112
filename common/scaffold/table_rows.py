"""A table's rows and their images to training rows: which of them are the sample's, which lack an image."""

from collections.abc import Callable

import pandas as pd

from common.progress import counted, first_of
from common.scaffold.joins import Join
from common.scaffold.samples import Sample
from common.scaffold.training import Training


def of_sample(ids: "pd.Series[str]", join: Join, sample: Sample) -> "pd.Series[bool]":
    """Which rows of a table are of images that the sample has, too.

    A row without an image is, if the sample has its id.
    """
    images = pd.Series(join.images, index=ids.index)
    lacking = (images == "") | (not sample.found)
    return images.isin(sample.found) | (lacking & ids.isin(sample.ids))


def maker(
    name: str,
    rows: pd.DataFrame,
    sample: Sample,
    column: str,
    join: Join,
    doubt: str,
    own: "pd.Series[bool]",
) -> Callable[..., Training]:
    """A table with its column of ids to a function of columns of answers and why, to training rows.

    Args:
        own: which rows are of images of the sample. Where these have no answers, or all the same that
            no other row has, they are left out.
    """

    def make(answers: tuple[str, ...], why: str) -> Training:
        there = [each for each in answers if each in rows]
        held = _held_by(rows[there], own)
        apart = held == "" or (held is not None and 2 * int(own.sum()) >= max(4, len(sample.ids)))
        if held and (rows[there][~own].nunique() < 2).all():
            apart = False  # the answer is one of two, and not a placeholder
        by = "path" if sample.found & {*pd.Series(join.images, index=rows.index)[own]} else "id"
        kept = ~own if apart else pd.Series(True, index=rows.index)
        lacking = kept & (pd.Series(join.images, index=rows.index) == "")
        images, shared = counted(int(kept.sum()), "image"), int(own.sum())
        row = f"{name} has a row for each of {images}: {column} is its id, {join.pattern} the image"
        lack = f"with {held!r} as no other row has it" if held else "without answers"
        out = f"{counted(shared, 'row')} of {name} {lack} are the sample's: left out"
        told = (row, why, out) if apart else (row, why)
        doubts = [doubt] if doubt else []
        if apart and held:
            doubts.append(f"whether {held!r} is a placeholder: {out}")
        if lacking.any():
            doubts.append(f"{counted(int(lacking.sum()), 'id')} of {name} without an image")
        if shared and not apart:
            doubts.append(
                f"whether {counted(shared, 'labelled row')} of {name} that the sample has, too, "
                f"({first_of(rows[column][own].tolist(), 3)}) are for training: they are trained on"
            )
        return Training(
            join.pattern,
            answers,
            rows[kept].reset_index(drop=True),
            join.named,
            name,
            column,
            told=told,
            doubts=tuple(doubts),
            apart=by if apart else "",
        )

    return make


def _held_by(answers: pd.DataFrame, own: "pd.Series[bool]") -> str | None:
    """The one answer of these rows that no other row has, '' where all have none; else None."""
    held = answers[own].drop_duplicates()
    if len(held) != 1 or not len(answers.columns):
        return None
    cells = held.iloc[0]
    if (cells == "").all():
        return ""
    return None if (answers[~own] == cells).any(axis=None) else ", ".join(dict.fromkeys(cells))
