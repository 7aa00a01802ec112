"""The column of groups: in the training table, or in another one that is joined to it."""

from common.progress import first_of
from common.scaffold.groups import find_group
from common.scaffold.inventory import Inventory
from common.scaffold.notes import Notes
from common.scaffold.samples import Sample, splits
from common.scaffold.training import Training, joinable, with_beside


def grouped(
    inventory: Inventory, sample: Sample, training: Training, given: str, notes: Notes
) -> tuple[Training, str]:
    """The column of groups in the training table, or in another one that has a row for each of its ids."""
    known = (training.id, *training.answers, "path")
    group, why, doubt = find_group(training.rows, known, given)
    if training.name and not (training.beside or group or given):
        for other, joined, shared in joinable(inventory, sample, training.name, training.rows):
            new = joined.columns.difference(training.rows.columns)
            found = find_group(joined[[training.id, *new]], known, "")
            if training.id in shared and found[0]:
                training = with_beside(training, other, joined, shared)
                group, doubt = found[0], ""
                why = f"{other} is joined by {first_of(shared)}: {found[1]}"
                break
    parts = splits(training.rows[training.id].tolist()) if training.name else []
    if not (group or given or doubt) and parts and len(parts[0][2]) < len(parts[0][1]):
        doubt = (
            f"whether images of one beginning belong together: {training.id} is {parts[0][0]} of "
            f"{first_of(parts[0][2])}, and no column names the group"
        )
    notes.add(why, doubt=doubt, group_columns=[group] if group else [])
    return training, group
