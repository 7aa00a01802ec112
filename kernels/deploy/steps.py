"""The flags of a kernel's way: made, proven here, pushed, followed, brought back."""

from dataclasses import dataclass
from pathlib import Path

from common.workflow.options import flag
from kernels.build.spec import Shape
from kernels.deploy.dry_run import LAYOUTS

SAMPLE = 500  # images of the proof before a push


@dataclass(frozen=True)
class Steps(Shape):
    """What is done with a kernel, beside what shapes it."""

    predict: tuple[Path, ...] = flag(
        "only predict, with these runs' models (several are blended first)",
        (),
        metavar="RUN",
        several=True,
    )
    budget: str | None = flag(
        "of --predict: begins with the best views and models that fit, as 8h (the --time-limit)",
        metavar="TIME",
    )
    hidden_rows: int | None = flag(
        "of --predict: of the hidden test set, for the forecast", metavar="N"
    )
    no_forecast: bool = flag("of --predict: begin with everything, and time nothing", False)
    half: bool = flag("of --predict: weights in half precision, half the dataset", False)
    dry_run: bool = flag("make it and run it here, sealed; push nothing", False)
    no_proof: bool = flag("push without a dry run on a sample", False)
    sample: int | None = flag(f"images of a dry run; default: all, {SAMPLE} before a push")
    layout: str = flag("of /kaggle/input in a dry run; default: new", "new", choices=tuple(LAYOUTS))
    memory: int = flag("of a dry run (default: 30000)", 30_000, metavar="MB")
    goes_on: bool = flag(
        "go on with the last run out of time, or that of --run", False, name="--continue"
    )
    again: bool = flag("push a kernel that was pushed before", False)
    no_wait: bool = flag("do not wait for its end; the same command does", False)

    def of_predict(self) -> list[str]:
        """The flags of a predicting kernel alone, as they would be typed."""
        words = [] if self.budget is None else ["--budget", self.budget]
        words += [] if self.hidden_rows is None else ["--hidden-rows", str(self.hidden_rows)]
        words += ["--no-forecast"] * self.no_forecast
        return words + ["--half"] * self.half
