"""What is said of a failed re-run: of any notebook, and of the kit's own with what its log tells."""

import pytest

from common.kaggle.client.rerun_failures import WHY, WHY_OWN, remedy_for

VISIBLE = {"rows": 120, "seconds": 40.0, "unreadable": ["a"], "limit": 9 * 3600.0}


def test_a_timeout_of_the_kits_own_tells_the_visible_sets_time_and_a_smaller_budget() -> None:
    assert remedy_for("Notebook Timeout", VISIBLE) == (
        "of the visible test set it predicted 120 rows in 40 s, at which pace 97,200 or more fit into 9h, 1 of "
        "them without a readable image; it stops in order before the 9h that it was made for, so that the "
        "competition lets a re-run take less: `kit <competition> kernel --predict RUN --budget 6h` makes one for less"
    )


@pytest.mark.parametrize("word", WHY)
def test_each_word_has_a_next_step_for_any_notebook_and_for_the_kits_own(word: str) -> None:
    assert remedy_for(f"{word}.") == WHY[word]
    assert "`kit <competition> kernel --predict RUN" in WHY[word]
    own = remedy_for(word, VISIBLE)
    assert own.startswith("of the visible test set it predicted 120 rows")
    assert own.endswith(WHY_OWN[word].format(limit="9h", less="6h"))
    assert "{" not in remedy_for(word, {})
    told = remedy_for(word, VISIBLE | {"forecast": {"rows": 90_000, "seconds": 30_000}})
    assert "; 90,000 hidden rows were forecast to take 8.33h; " in told


def test_another_reason_is_the_files() -> None:
    assert remedy_for("no such column", VISIBLE) == "correct the file and submit it again"
