"""Predict the test set with a run's models, and write a validated submission.csv.

`final=folds` averages the fold models' predictions; `final=refit` trains one model on all rows.

Example: kit cifar10 predict views=mirror+shifts
"""

from typing import Any

from common.workflow import options as shared
from common.workflow.find_run import find_run
from common.workflow.pipeline import predicted
from common.workflow.request import Request

SHARED = (shared.field_flags, shared.run, shared.accept_code_flag)


def run(request: Request) -> dict[str, Any]:
    """Predict with the request's run; its predict and runtime fields may be changed."""
    return predicted(request, find_run(request))
