"""One call of any of Kaggle's services, from an authenticated client that is handed in."""

import importlib
import re
from typing import Any

from common.kaggle.failure import OperationError

# Service to its client's place and the module that holds its requests.
SERVICES = {
    "competitions": ("competitions.competition_api_client", "competition_api_service"),
    "kernels": ("kernels.kernels_api_client", "kernels_api_service"),
    "datasets": ("datasets.dataset_api_client", "dataset_api_service"),
    "blobs": ("blobs.blob_api_client", "blob_api_service"),
}


def rpc(api: Any, method: str, *, service: str = "competitions", **fields: Any) -> Any:
    """One call: "GetSubmission", ref=1. The answer is the client's own object for it."""
    place, module = SERVICES[service]
    types = importlib.import_module(f"kagglesdk.{service}.types.{module}")
    wire = getattr(types, f"Api{method}Request")()
    for field, value in fields.items():
        if not hasattr(wire, field):
            raise OperationError(
                "unsupported",
                f"this version of the kaggle package knows no {field} of {method}; run: pip "
                "install --upgrade kaggle",
            )
        setattr(wire, field, value)
    # Left open: a download is read from it later, and the process ends soon.
    caller = api.build_kaggle_client()
    for name in place.split("."):
        caller = getattr(caller, name)
    return getattr(caller, re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower())(wire)
