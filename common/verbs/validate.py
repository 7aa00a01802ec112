"""Train every fold, or go on where it stopped, and score out-of-fold.

A finished run is not trained again; other views are judged with the models that are there.

Example: kit cifar10 validate epochs=2 lr=3e-4
"""

from typing import Any

from common.workflow import options as shared
from common.workflow.evaluation import validate
from common.workflow.files import fetch_if_absent
from common.workflow.prepare import prepared
from common.workflow.request import Request
from common.workflow.run_results import result_of

SHARED = (shared.recipe_fields, shared.begins)


def run(request: Request) -> dict[str, Any]:
    """Train and score the run that the request describes; the JSON holds its scores."""
    request.check_judged()
    fetch_if_absent(request)
    with prepared(request) as ready:
        validate(ready)
        return result_of(ready.run)
