"""Models that are trained alone, as `kit … job` does, for tests."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from common.verbs import job


def trained(request: Any, name: str, out: Path, **options: Any) -> Path:
    """Train a job into the file `out`."""
    found = job.run(replace(request, file=Path(name)), job.Options(out=out, **options))
    assert found["file"] == str(out)
    return out
