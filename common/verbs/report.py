"""Write a run's report: one HTML file with its scores, images, data and cost, to open in a browser.

It needs no network. Of several runs: where they disagree, what one gains on the other, and what a
blend would. `run` writes it too, at its end, as report.html in the run.

Example: kit cifar10 report runs/cifar10-quick-1a2b3c4d
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import KitError
from common.progress import say
from common.reporting.html.thumbnails import DEFAULT_COUNT
from common.workflow.find_run import find_run, named_run
from common.workflow.options import flag
from common.workflow.report.write import open_material, report_with_cams, write_report
from common.workflow.request import Request


@dataclass(frozen=True)
class Options:
    """The options of `report`."""

    members: tuple[Path, ...] = flag(
        "a run; default: the latest", (), metavar="RUN", positional=True
    )
    cam: bool = flag("Grad-CAM of the worst and the most doubtful images", False)
    images: int = flag("rows that get a picture at most; the file stays below 20 MB", DEFAULT_COUNT)


def run(request: Request, options: Options) -> dict[str, Any]:
    """Write the report; the JSON holds its path as `report`."""
    started = time.perf_counter()
    if options.images < 0:
        raise KitError(f"--images {options.images}: name a number of rows, or 0")
    runs = [named_run(request, path) for path in dict.fromkeys(options.members)]
    runs = runs or [find_run(request)]
    if options.cam and len(runs) > 1:
        raise KitError("--cam explains one run: name one")
    if options.cam:
        path = report_with_cams(request, runs[0], count=options.images)
    else:
        path = write_report(open_material(request, runs), count=options.images)
    seconds, size = time.perf_counter() - started, path.stat().st_size
    say(f"{path}: {size / 1e6:.1f} MB, {seconds:.1f} s; open it in a browser")
    return {"report": str(path), "bytes": size, "seconds": round(seconds, 1)}
