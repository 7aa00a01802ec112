"""Cells that are lists of labels: what stands between the labels, and names of several words beside them."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import pandas as pd

MARKS = ("|", ";", ",", " and ", " ")
NEARLY_ALL = 0.95  # a pair of rare labels, or a label twice in a cell, makes no names of the rest
IN_NAMES = (",", " and ", " ")  # marks that names have, too


def tokens_of(column: "pd.Series[str]") -> set[str]:
    """The labels in a column's cells, each by itself where cells are lists."""
    mark = mark_of(column)
    values = {*column} - {""}
    return {each for value in values for each in split(value, mark)} if mark else values


def mark_of(column: "pd.Series[str]") -> str:
    """What stands between the labels of a cell, without blanks around it; '' where a cell is one label.

    In lists the same few labels are combined, so that there are at most as many labels as different
    cells, and a cell's labels occur in other cells; in most names of two words they do not.
    """
    cells = [value for value in column.unique() if value]
    for mark in MARKS:
        lists = [split(cell, mark) for cell in cells]
        several = [each for each in lists if len(each) > 1]
        if not several:
            continue
        labels = Counter(name for each in lists for name in each)
        if any(not re.search(r"\w", name) or name.strip("|;,") != name for name in labels):
            continue  # 'Mass - Nodule' and 'Mass, Nodule' are no lists by blanks
        again = sum(
            any(labels[name] > 1 for name in each) and len({*each}) == len(each) for each in several
        )
        if len(labels) <= len(cells) and again >= NEARLY_ALL * len(several):
            return mark
    return ""


def as_written(mark: str, *columns: Sequence[str]) -> str:
    """A mark with the blanks around it in most cells of the first column that has it."""
    for cells in columns if mark.strip() else ():
        found = Counter(re.findall(rf"(?<=\S) *{re.escape(mark)} *(?=\S)", "\n".join(cells)))
        if found:
            return str(found.most_common(1)[0][0])
    return mark


def split(cell: str, mark: str) -> list[str]:
    """A cell's labels, without the blanks around them."""
    return [each.strip() for each in cell.split(mark) if each.strip()]


def like_names(values: Sequence[str], mark: str) -> tuple[bool, bool]:
    """Cells to whether they may be names of several words, one label each, and whether they rather are.

    In names, as 'tomato rust' and 'potato rust', a word keeps its place, counted from the front or from
    the back. Among lists one is part of another, as 'rust' of 'rust scab'.
    """
    lists = [split(value, mark) for value in values]
    front, back = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
    having = defaultdict[str, list[set[str]]](list)
    for words in lists:
        for at, word in enumerate(words):
            front[word].add(at)
            back[word].add(len(words) - at)
            having[word].append({*words})
    kept = all(1 in (len(front[word]), len(back[word])) for word in front)
    rarest = ((words, min(words, key=lambda word: len(having[word]))) for words in lists if words)
    part = any({*words} < other for words, word in rarest for other in having[word])
    if mark not in IN_NAMES or (part and mark != " "):
        return False, False
    return kept or not part, kept and not part
