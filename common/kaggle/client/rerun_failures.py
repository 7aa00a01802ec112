"""What most probably happened where Kaggle's re-run of a notebook failed, of which it tells the kind alone."""

from collections.abc import Mapping

PREDICTS = "`kit <competition> kernel --predict RUN"
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


def remedy_for(reason: str) -> str:
    """What follows a failed submission's reason: what probably happened and the next step."""
    hit = next((why for words, why in WHY.items() if words.lower() in reason.lower()), "")
    return hit or "correct the file and submit it again"
