"""`kit score` on two tables."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kit


@pytest.fixture
def score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Write two tables, the submission in another order of rows, and call the verb."""

    def call(metric: str, solution: dict[str, Any], submission: dict[str, Any], *more: str) -> Any:
        pd.DataFrame(solution).to_csv(tmp_path / "solution.csv", index=False)
        pd.DataFrame(submission).iloc[::-1].to_csv(tmp_path / "submission.csv", index=False)
        files = [str(tmp_path / name) for name in ("solution.csv", "submission.csv")]
        code = kit.main(["score", metric, *files, "--json", *more])
        captured = capsys.readouterr()
        if code:
            return captured.err.strip().splitlines()[-1]
        return json.loads(captured.out.splitlines()[-1])

    return call
