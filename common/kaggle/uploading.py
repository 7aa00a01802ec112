"""The bytes of one file put where Kaggle said, from an authenticated client that is handed in."""

import time
from pathlib import Path
from typing import Any

from common.kaggle.failure import OperationError

RESUME_S = 0.5  # before the first further attempt; longer each time


def put(api: Any, path: Path, address: str, *, resumes: int = 0, bar: bool = False) -> None:
    """Send a file; what the store says it has got is not sent again, at most `resumes` times.

    Raises:
        OperationError: kind "upload", it did not arrive whole.
    """
    from kaggle.api.kaggle_api_extended import ResumableUploadResult

    for attempt in range(resumes + 1):
        time.sleep(RESUME_S * attempt)
        result = api.upload_complete(str(path), address, not bar, resume=attempt > 0)
        if result == ResumableUploadResult.COMPLETE:
            return
        if result != ResumableUploadResult.INCOMPLETE:  # refused: the same bytes would be again
            break
    raise OperationError("upload", "the file did not arrive whole")
