"""The column of groups: in the training table, or in another one that is joined to it."""

from collections.abc import Sequence

from common.errors import KitError
from common.progress import first_of
from common.scaffold.groups import NONE, find_group
from common.scaffold.inventory import Inventory
from common.scaffold.notes import Notes
from common.scaffold.samples import Sample, splits
from common.scaffold.training import Joined, Training, joinable, with_beside


def grouped(
    inventory: Inventory, sample: Sample, training: Training, given: str, notes: Notes
) -> tuple[Training, str]:
    """The column of groups in the training table, or in another one that has a row for each of its ids."""
    known = (training.id, *training.answers, "path")
    others = joinable(inventory, sample, training.name, training.rows) if training.name else []
    if given not in ("", NONE, *training.rows):
        return _named(training, others, known, given, notes)
    group, why, doubt = find_group(training.rows, known, given)
    doubts = [doubt]
    for other, joined, shared in others if not (given or training.beside) else []:
        new = joined.columns.difference(training.rows.columns)
        found = find_group(joined[[training.id, *new]], known, "")
        if training.id in shared and found[0] and not (group or training.beside):
            training, group = with_beside(training, other, joined, shared), found[0]
            why = f"{other} is joined by {first_of(shared)}: {found[1]}"
        elif found[0]:
            doubts.append(f"whether {found[0]} of {other} is a group (--group {found[0]})")
        doubts.append(f"of {other}, {found[2]}" if found[2] else "")
    parts = splits(training.rows[training.id].tolist()) if training.name else []
    if not (group or given or any(doubts)) and parts and len(parts[0][2]) < len(parts[0][1]):
        doubts.append(
            f"whether images of one beginning belong together: {training.id} is {parts[0][0]} of "
            f"{first_of(parts[0][2])}, and no column names the group"
        )
    notes.add(why, group_columns=[group] if group else [])
    for each in doubts:
        notes.add(doubt=each)
    return training, group


def _named(
    training: Training,
    others: Sequence[Joined],
    known: Sequence[str],
    given: str,
    notes: Notes,
) -> tuple[Training, str]:
    """The column of groups that is `given`, of a table that is joined to the training table."""
    fits = [each for each in others if given in each[1]]
    if not fits or training.beside:
        tables = (
            [training.rows] if training.beside else [training.rows, *(each[1] for each in others)]
        )
        there = {str(c): None for rows in tables for c in rows.columns if c not in known}
        raise KitError(
            f"--group {given}: there is no such column, only {first_of([*there]) or 'none'}"
        )
    other, joined, shared = fits[0]
    group, why, _ = find_group(joined, known, given)
    notes.add(f"{other} is joined by {first_of(shared)}: {why}", group_columns=[group])
    return with_beside(training, other, joined, shared), group
