"""Predict the test set with a run's models, and write a validated submission.csv.

`final=folds` averages the fold models' predictions; `final=refit` trains one model on all rows.

Example: kit cifar10 predict views=mirror+shifts
"""

from typing import Any

from common.errors import KitError
from common.workflow import options as shared
from common.workflow.evaluation import validate
from common.workflow.find_run import find_run
from common.workflow.prepare import prepared
from common.workflow.request import Request
from common.workflow.run_results import result_of
from common.workflow.test_set import open_test, predict_test

SHARED = (shared.field_flags, shared.run, shared.accept_code_flag)


def run(request: Request) -> dict[str, Any]:
    """Predict with the request's run; its predict and runtime fields may be changed."""
    with prepared(request, of=find_run(request)) as ready:
        test = open_test(ready)
        if test is None:
            raise KitError(f"{ready.files.folder} has no test set: there is nothing to predict")
        validate(ready)
        predict_test(ready, test)
        return result_of(ready.run)
