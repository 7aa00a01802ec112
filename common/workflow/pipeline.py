"""From files to a validated submission.csv in one call."""

from typing import Any

from common.errors import KitError
from common.progress import say
from common.runs import Run
from common.workflow.evaluation import validate
from common.workflow.files import fetch_if_absent
from common.workflow.prepare import prepared
from common.workflow.report.write import report_of_finished
from common.workflow.request import Request
from common.workflow.run_results import result_of
from common.workflow.test_set import open_test, predict_test


def finished(request: Request, *, report: bool = False) -> dict[str, Any]:
    """The result of a run that is trained, judged and has its submission.csv; and its `report`."""
    fetch_if_absent(request)
    with prepared(request) as ready:
        test = open_test(ready)
        validate(ready)
        if test is not None:
            predict_test(ready, test)
        else:
            say(f"{ready.files.folder} has no test set: nothing was predicted")
        result = result_of(ready.run)
        if report and (path := report_of_finished(ready)):
            result["report"] = path
        return result


def predicted(request: Request, run: Run) -> dict[str, Any]:
    """The result of a run whose models predicted the request's test set, with its predict fields.

    Raises:
        KitError: there is no test set.
    """
    with prepared(request, of=run) as ready:
        test = open_test(ready)
        if test is None:
            raise KitError(f"{ready.files.folder} has no test set: there is nothing to predict")
        validate(ready)
        predict_test(ready, test)
        return result_of(ready.run)
