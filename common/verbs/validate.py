"""Train every fold, resumed where it stopped, and score the out-of-fold predictions.

A finished run is not trained again; other views= are scored with the existing models.

Example: kit cifar10 validate epochs=2 lr=3e-4
"""

from typing import Any

from common.workflow import options as shared
from common.workflow.evaluation import validate
from common.workflow.files import fetch_if_absent
from common.workflow.prepare import prepared
from common.workflow.request import Request
from common.workflow.run_results import result_of

SHARED = (shared.field_flags, shared.fresh_flags)


def run(request: Request) -> dict[str, Any]:
    """Train and score the run that the request describes; the JSON holds its scores."""
    request.check_has_validation()
    fetch_if_absent(request)
    with prepared(request) as ready:
        validate(ready)
        return result_of(ready.run)
