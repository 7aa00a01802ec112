"""Tables that name an image, or an image and a column, more than once."""

from pathlib import Path

from toy_conclusions import asked, found
from toy_layouts import TEST, TRAIN, both, cactus, csv, ids, some


def test_several_rows_an_image_are_told(tmp_path: Path) -> None:
    words = cactus(tmp_path)
    csv(tmp_path, "train.csv", id=some(*ids(TRAIN[:6], ".jpg")), has_cactus=some(1, 0))
    told = "train.csv has 12 rows for the 6 images that id names, and the kit takes one answer an image; "
    assert told + "a00e0.jpg has several rows that are equal: leave all" in asked(tmp_path, **words)
    csv(tmp_path, "train.csv", id=some(*ids(TRAIN[:6], ".jpg")), has_cactus=[*some(1, 0, 1), 0][1:])
    assert told + "a00e0.jpg has several rows: join them" in asked(tmp_path, **words)


def test_rows_of_a_long_table_that_are_equal_count_once(tmp_path: Path) -> None:
    both(tmp_path, "train/{}.png", "test/{}.png")
    rows = [f"{name}_{part}" for name in TRAIN for part in ("left", "right")]
    csv(tmp_path, "train.csv", ID=[*rows, *rows[3:5]], Label=[*some(0, 1, 1, count=26 - 2), 0, 1])
    tests = [f"{name}_{part}" for name in TEST for part in ("left", "right")]
    csv(tmp_path, "sample_submission.csv", ID=tests, Label=some(0.5, count=8))
    facts, result = found(tmp_path, metric="weighted_log_loss:1,2")
    assert len(facts.training.rows) == 12
    assert "2 rows of train.csv: id and answer as in another, counted once" in str(
        result["evidence"]
    )
    csv(tmp_path, "train.csv", ID=[*rows, *rows[3:5]], Label=[*some(0, 1, 1, count=26 - 2), 1, 1])
    said = asked(tmp_path, metric="weighted_log_loss:1,2")
    assert f"has several rows, which differ, for {rows[3]}: write a table of your own" in said
