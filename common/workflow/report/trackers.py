"""A run's figures of every epoch, its scores and pictures to an experiment tracker, by accelerate's own.

Files stay in the run unless the tracker's own environment variables say otherwise, so no account and
no network are needed. A tracker that fails is told by the kind of its error alone, whose words may
hold a key, and stops no training.
"""

import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from importlib.util import find_spec
from typing import Any

import cv2

from common.errors import KitError
from common.progress import say
from common.recipe import Recipe
from common.runs import Run
from common.training.checkpoint import read_log

# The variables that keep a tracker on this machine, where the user has not set them; {} is its folder.
OFFLINE: Mapping[str, Mapping[str, str]] = {
    "tensorboard": {},
    "wandb": {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_DIR": "{}"},
    "mlflow": {"MLFLOW_TRACKING_URI": "sqlite:///{}/mlflow.db"},
    "trackio": {"TRACKIO_DIR": "{}"},
}
SHOW = {
    "tensorboard": "tensorboard --logdir {0}",
    "wandb": "wandb sync {0}/wandb/offline-run-* sends it, WANDB_MODE=online does at once",
    "mlflow": "mlflow ui --backend-store-uri sqlite:///{0}/mlflow.db",
    "trackio": "TRACKIO_DIR={0} trackio show",
}
BY_STEP = ("tensorboard", "mlflow")  # the others want steps that never fall, and folds begin anew


class Tracker:
    """What a run tells its tracker; nothing is opened before the first word. None: tells nothing."""

    def __init__(self, run: Run, recipe: Recipe) -> None:
        self.run, self.recipe, self.name = run, recipe, recipe.tracker
        self.folder = run / self.name
        self.opened: Any = None
        self.told: set[tuple[str, int]] = set()

    def epoch(self, job: str, record: Mapping[str, Any]) -> None:
        """Tell a model's figures of one epoch, once, and before the first those of earlier calls."""
        if self.name == "none" or (job, record["epoch"]) in self.told:
            return
        self.told.add((job, record["epoch"]))
        if len(self.told) == 1:
            self._earlier()
        figures = {
            f"{job}/{name}": value
            for name, value in record.items()
            if isinstance(value, int | float) and math.isfinite(value)
        }
        self._tell(figures, int(record["epoch"]))

    def _earlier(self) -> None:
        for path in sorted(self.run.folder.glob("*/log.jsonl")):
            for record in read_log(path.parent):
                self.epoch(path.parent.name, record)

    def finished(self) -> None:
        """Tell the run's scores and its pictures."""
        if not self.told:
            self._earlier()
        scores = self.run.read("scores.json")
        found = {name: scores.get(name) for name in ("cv", "cv_sd", "pooled", "test")}
        self._tell({name: value for name, value in found.items() if value is not None}, 0)
        self._try(self._pictures)

    def close(self) -> None:
        """End what was opened."""
        if self.opened is not None:
            self._try(self.opened.finish)
            say(f"tracker={self.name}: {SHOW[self.name].format(self.folder)}")

    def _tell(self, figures: Mapping[str, float], step: int) -> None:
        def log() -> None:
            self.opened.log(dict(figures), **({"step": step} if self.name in BY_STEP else {}))

        self._try(log)

    def _try(self, call: Any) -> None:
        """Call the tracker; what fails is told once, and ends it."""
        if self.name == "none":
            return
        try:
            with redirect_stdout(sys.stderr):  # stdout is for the result
                if self.opened is None:
                    self.opened = self._open()
                call()
        except Exception as error:  # a tracker is worth no run
            say(f"tracker={self.name} failed ({type(error).__name__}): the run goes on without it")
            self.name, self.opened = "none", None

    def _open(self) -> Any:
        from accelerate.tracking import LOGGER_TYPE_TO_CLASS

        self.folder.mkdir(exist_ok=True)
        # A server of the user's own keeps artifacts itself; else they would go to ./mlruns.
        kept = None if "MLFLOW_TRACKING_URI" in os.environ else self.folder.resolve().as_uri()
        for name, value in OFFLINE[self.name].items():
            os.environ.setdefault(name, value.format(self.folder.resolve()))
        kind, label = LOGGER_TYPE_TO_CLASS[self.name], self.run.folder.name
        project = str(self.run.read()["competition"])
        opened = {
            "tensorboard": lambda: kind(".", str(self.folder)),
            "wandb": lambda: kind(project, name=label, dir=str(self.folder)),
            "mlflow": lambda: kind(project, logging_dir=kept, run_name=label),
            "trackio": lambda: kind(project, name=label),
        }[self.name]()
        opened.start()
        if self.name != "tensorboard":  # which would keep them as a run of its own
            opened.store_init_configuration(asdict(self.recipe))
        return opened

    def _pictures(self) -> None:
        folder = self.run / "pictures"
        if hasattr(self.opened, "log_artifacts"):
            self.opened.log_artifacts(str(folder))
        elif hasattr(self.opened, "log_images"):
            layout = {"dataformats": "NHWC"} if self.name == "tensorboard" else {}
            for path in sorted(folder.glob("*.png")):
                image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
                self.opened.log_images({f"pictures/{path.stem}": image[None]}, step=None, **layout)


def check_tracker(name: str) -> None:
    """Raise a KitError if the tracker's package is missing."""
    if name != "none" and find_spec(name) is None:
        raise KitError(f"tracker={name} needs its package: pip install {name}; or say tracker=none")


@contextmanager
def tracking(run: Run, recipe: Recipe) -> Iterator[Tracker]:
    """The run's tracker, closed when the block ends."""
    tracker = Tracker(run, recipe)
    try:
        yield tracker
    finally:
        tracker.close()
