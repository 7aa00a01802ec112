"""One call of any of Kaggle's services, from an authenticated client that is handed in."""

import importlib
import re
from collections.abc import Mapping
from typing import Any

from common.kaggle.child.failure import OperationError

# Service to its client's place and the module that holds its requests.
SERVICES = {
    "competitions": ("competitions.competition_api_client", "competition_api_service"),
    "kernels": ("kernels.kernels_api_client", "kernels_api_service"),
    "datasets": ("datasets.dataset_api_client", "dataset_api_service"),
    "blobs": ("blobs.blob_api_client", "blob_api_service"),
}


def rpc(api: Any, method: str, *, service: str = "competitions", **fields: Any) -> Any:
    """One call: "GetSubmission", ref=1. The answer is the client's own object for it."""
    wire = filled(getattr(types_of(service), f"Api{method}Request")(), **fields)
    # Left open: a download is read from it later, and the process ends soon.
    caller = api.build_kaggle_client()
    for name in SERVICES[service][0].split("."):
        caller = getattr(caller, name)
    return getattr(caller, re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower())(wire)


def types_of(service: str) -> Any:
    """The module of a service's objects, for fields that hold one."""
    return importlib.import_module(f"kagglesdk.{service}.types.{SERVICES[service][1]}")


def filled(value: Any, **fields: Any) -> Any:
    """One of these objects, with its fields set.

    Raises:
        OperationError: kind "unsupported", the installed client knows no such field.
    """
    for field, each in fields.items():
        if not hasattr(value, field):
            raise OperationError(
                "unsupported",
                f"this version of the kaggle package knows no {field} of {type(value).__name__}; "
                "run: pip install --upgrade kaggle",
            )
        setattr(value, field, each)
    return value


Request = Mapping[str, Any]
