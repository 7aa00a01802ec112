"""On a GPU: every pair of what can be combined trains, resumes and predicts as on a CPU.

Where there is none, these are left out. KIT_TEST_REPORT=FILE gets a line for each case: seconds, and how
far its numbers lie apart.
"""

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from toy_gpu_cases import APART, CASES, NEEDS_GPU, Case

import common.training.loop as loop
from common.verbs import predict, run
from common.workflow import evaluation, test_set, train_models
from common.workflow.request import Request

pytestmark = [*NEEDS_GPU, pytest.mark.usefixtures("repeatable")]


@pytest.fixture
def without_pictures(monkeypatch: Any) -> None:
    """Pictures take longer than these trainings."""
    for where, name in (
        (evaluation, "draw_batch"),
        (evaluation, "draw_out_of_fold"),
        (train_models, "draw_curves"),
        (test_set, "draw_curves"),
    ):
        monkeypatch.setattr(where, name, lambda *_: None)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_trains_resumes_to_the_same_numbers_and_predicts_as_a_cpu_does(
    case: Case, tmp_path: Path, monkeypatch: Any
) -> None:
    started = time.perf_counter()
    request, within = case.request(tmp_path), APART[case["precision"]]
    assert np.isfinite(run.run(request)["cv"])
    whole = answers(request)
    again = resumed(replace(request, runs=tmp_path / "again"), monkeypatch)
    on_cpu = predicted(replace(request, words=("device=cpu", "precision=fp32")))
    seen = {
        "resumed": float(np.abs(whole - again).max()),
        "cpu": float(np.abs(whole - on_cpu).max()) / case.range,
    }
    report(case=str(case), seconds=round(time.perf_counter() - started, 1), **seen)
    assert seen["resumed"] <= within * case.range and seen["cpu"] <= within


def resumed(request: Request, monkeypatch: Any) -> npt.NDArray[np.float32]:
    """Test probs of a run killed in its second epoch of the loop, all updates of it done, and resumed."""
    honest, calls = loop.train_epoch, iter(range(100))

    def interrupted(*parts: Any, **places: Any) -> Any:
        record = honest(*parts, **places)
        if next(calls) == 1:
            raise KeyboardInterrupt
        return record

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_epoch", interrupted)
        try:
            run.run(request)
        except KeyboardInterrupt:
            run.run(request)
    return answers(request)


def predicted(request: Request) -> npt.NDArray[np.float32]:
    """Test probs of the run's weights, predicted again with the request's words."""
    for file in request.runs.glob("toy-*/predictions/*/test-*.npz"):
        file.unlink()
    predict.run(request)
    return answers(request)


def answers(request: Request) -> npt.NDArray[np.float32]:
    (file,) = request.runs.glob("toy-*/predictions/*/test-*.npz")
    with np.load(file) as kept:
        found: npt.NDArray[np.float32] = kept["probs"]
    assert np.isfinite(found).all()
    return found


def report(**facts: Any) -> None:
    """One line of JSON in KIT_TEST_REPORT, where it is set."""
    if path := os.environ.get("KIT_TEST_REPORT"):
        with Path(path).open("a") as file:
            file.write(json.dumps(facts) + "\n")
