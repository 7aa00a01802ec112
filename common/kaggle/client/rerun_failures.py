"""What most probably happened where Kaggle's re-run of a notebook failed, of which it tells the kind alone."""

from collections.abc import Mapping
from typing import Any

PREDICTS = "`kit <competition> kernel --predict RUN"
# Of any notebook.
WHY: Mapping[str, str] = {
    "Notebook Timeout": "the re-run took longer than the competition lets it, for the hidden test set has more rows "
    f"than the visible one: {PREDICTS} --budget 8h` makes one that gives up views and models in time",
    "Notebook Threw Exception": "on the hidden test set it met what the visible one has not, such as a broken image, "
    f"another size or another number of rows: {PREDICTS} --dry-run` makes one that is tried on such sets here",
    "Submission CSV Not Found": "on the hidden test set it ended without a submission.csv in its working folder, "
    f"perhaps under another name: {PREDICTS}` makes one that writes it first",
    "Submission Scoring Error": "what it wrote has not the hidden test set's rows, but perhaps the visible one's, or "
    f"an empty cell: {PREDICTS}` makes one that takes its rows from the sample that is there",
    "Notebook Exceeded Allowed Compute": "the re-run had too little memory or disk, perhaps because it held all "
    f"images of the hidden test set at once: {PREDICTS}` makes one that reads them in parts",
}
# Of one that the kit made to predict.
WHY_OWN: Mapping[str, str] = {
    "Notebook Timeout": "it stops in order before the {limit} that it was made for, so that the competition lets a "
    f"re-run take less: {PREDICTS} --budget {{less}}` makes one for less",
    "Notebook Threw Exception": "whatever it meets among the images leaves a valid submission.csv, so that it found no "
    f"sample submission, or its dataset was not there: see whether it is, then {PREDICTS} --again` pushes it anew",
    "Submission CSV Not Found": "it writes submission.csv before anything else, so that it was stopped in its first "
    f"seconds, or the competition wants another name: its rules tell, and {PREDICTS} --again` pushes it anew",
    "Submission Scoring Error": "its rows and columns are those of the sample submission that was there, so that the "
    "metric wants other values than the sample's: the competition's evaluation page tells which",
    "Notebook Exceeded Allowed Compute": "it decodes some images at a time, so that the batches of its networks took "
    f"the memory: {PREDICTS}` with fewer runs, or with one that was trained with eval_batch_size=16, takes less",
}


def remedy_for(reason: str, visible: Mapping[str, Any] | None = None) -> str:
    """What follows a failed submission's reason: what probably happened and the next step.

    Args:
        visible: of a kernel that the kit made to predict, how it predicted the visible test set: `rows`,
            `seconds`, `unreadable` and `limit` (seconds), as far as it got; and `forecast`, of the hidden
            one: `rows`, `seconds`.
    """
    causes = WHY if visible is None else WHY_OWN
    hit = next((why for words, why in causes.items() if words.lower() in reason.lower()), "")
    if not hit:
        return "correct the file and submit it again"
    if visible is None:
        return hit
    if "limit" not in visible:  # it did not come to its end
        return hit.format(limit="time", less="6h")
    limit = float(visible["limit"])
    found = hit.format(limit=_hours(limit), less=_hours(limit * 2 / 3))
    return f"{_log(visible, limit)}; {found}"


def _log(visible: Mapping[str, Any], limit: float) -> str:
    """What the kernel's run on the visible test set tells."""
    rows, seconds = int(visible["rows"]), float(visible["seconds"])
    told = f"of the visible test set it predicted {rows:,} rows in {seconds:,.0f} s"
    if rows and seconds < limit:
        told += f", at which pace {int(rows / seconds * limit):,} or more fit into {_hours(limit)}"
    if broken := len(visible.get("unreadable", ())):
        told += f", {broken:,} of them without a readable image"
    if (forecast := visible.get("forecast")) and forecast["rows"] != rows:
        told += f"; {forecast['rows']:,} hidden rows were forecast to take {_hours(forecast['seconds'])}"
    return told


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3g}h" if seconds >= 3600 else f"{seconds / 60:.3g}m"
