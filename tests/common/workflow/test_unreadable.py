"""A test image that cannot be read: named, and given the mean prediction where one says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from common.runs import Run
from common.storage import read_json
from common.verbs import check, run
from common.workflow.blending import blend
from common.workflow.run_results import read_predictions


def broken(toy: Any) -> Path:
    folder: Path = toy().data
    (folder / "test/50e7.png").write_bytes(b"no image")
    (folder / "test/53e7.png").unlink()
    return folder


def test_a_broken_test_image_stops_a_run_and_check_lists_it_as_a_problem(toy: Any) -> None:
    broken(toy)
    with pytest.raises(
        ValueError, match=r"the test set: 2 of 12 .*\(unreadable=mean\): 50e7 .*53e7"
    ):
        run.run(toy())
    found = check.run(toy())["problems"]
    assert any("2 of 12 images cannot be used: 50e7" in each for each in found)


@pytest.mark.slow
def test_unreadable_mean_gives_such_rows_the_mean_of_the_others_and_says_so(
    toy: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run.run(toy(folds=1))
    folder = broken(toy)
    found = run.run(toy("unreadable=mean", folds=1))
    assert found["unreadable"] == ["50e7", "53e7"]
    assert found["run"] == whole["run"], "a field of predict renames no run"
    assert "2 rows with the mean prediction: 50e7, 53e7" in capsys.readouterr().err
    test = read_predictions(Run(Path(found["run"]))).test
    other = ~np.isin(test.ids, ["50e7", "53e7"])
    assert np.allclose(test.probs[~other], test.probs[other].mean(axis=0))
    rows = pd.read_csv(found["submission"], dtype=str).set_index("id")["label"]
    assert len(rows) == 12
    assert rows["50e7"] == str(test.probs[other].mean(axis=0).argmax())
    second = run.run(toy("unreadable=mean", folds=1, seed=1))
    joined = blend(toy(), [Path(found["run"]), Path(second["run"])], kind="equal")
    assert joined.read("scores.json")["unreadable"] == ["50e7", "53e7"]
    for name in ("50e7", "53e7"):
        (folder / f"test/{name}.png").write_bytes((folder / "test/51e7.png").read_bytes())
    again = run.run(toy("unreadable=mean", folds=1))
    assert "unreadable" not in again
    assert "unreadable" not in read_json(Path(again["run"]) / "scores.json")


def test_where_no_test_image_can_be_read_there_is_no_mean(toy: Any) -> None:
    for path in (toy().data / "test").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="12 of 12 images cannot be used"):
        run.run(toy("unreadable=mean"))
