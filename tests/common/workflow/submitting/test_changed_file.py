"""A run's submission.csv that somebody has changed since."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.verbs import predict, run, submit


def test_a_submission_changed_by_hand_is_not_sent_with_the_score_of_its_run(toy: Any) -> None:
    path = Path(run.run(toy())["submission"])
    written = path.read_bytes()
    path.write_bytes(written.replace(b",0\n", b",1\n"))
    with pytest.raises(ValueError, match="was changed since the run wrote it"):
        submit.run(toy(), submit.Options())
    predict.run(replace(toy(), run=path.parent))
    assert path.read_bytes() == written
