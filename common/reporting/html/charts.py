"""Numbers to the geometry of small SVG charts, which the templates draw."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

WIDTH, HEIGHT = 360, 220  # of a chart, in its own units: pixels on most screens
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 34
MOST_POINTS = 400  # of a line
DRAWN = 5  # rows of a bin: the share of fewer is chance
HUES = 8  # colours that the style sheet has

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line of a chart; points that are not finite interrupt it. `hue` -1 is grey."""

    points: Sequence[Point]
    name: str = ""
    hue: int = 0
    dashed: bool = False
    dots: bool = False  # points alone

    @property
    def kind(self) -> str:
        """The classes of its element."""
        words = ["quiet" if self.hue < 0 else f"hue{self.hue % HUES}"]
        return " ".join(words + ["dashed"] * self.dashed)


@dataclass(frozen=True)
class Chart:
    """Lines over two axes. Axes without a range take that of the points."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    x_range: Point | None = None
    y_range: Point | None = None
    bars: Sequence[Point] = ()  # x and height of 0 to 1: a histogram in the background
    note: str = ""
    width: int = field(default=WIDTH, init=False)
    height: int = field(default=HEIGHT, init=False)

    @property
    def named(self) -> list[Line]:
        """The lines of the legend."""
        return [line for line in self.lines if line.name]

    @property
    def x_ticks(self) -> list[tuple[str, str]]:
        """Place and text of each tick of the x axis."""
        return [(f"{self._x(at):.1f}", text) for at, text in _ticks(*self._ends(0), 5)]

    @property
    def y_ticks(self) -> list[tuple[str, str]]:
        """Place and text of each tick of the y axis."""
        return [(f"{self._y(at):.1f}", text) for at, text in _ticks(*self._ends(1), 4)]

    def path(self, line: Line) -> str:
        """The `d` of a line's path; of dots, a zero-length stroke each."""
        step = max(1, -(-len(line.points) // MOST_POINTS)) if not line.dots else 1
        points = [*line.points[::step], *line.points[-1:]] if step > 1 else line.points
        words, pen = [], "M"
        for x, y in points:
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            words.append(f"{pen}{self._x(x):.1f} {self._y(y):.1f}" + ("h0" if line.dots else ""))
            pen = "M" if line.dots else "L"
        if len(words) == 1 and not line.dots:
            words.append("h.1")  # a line of one point would be invisible
        return "".join(words)

    @property
    def boxes(self) -> list[tuple[str, str, str]]:
        """x, y and height of each bar."""
        floor = HEIGHT - BOTTOM
        tall = [(x, share * (floor - TOP)) for x, share in self.bars]
        return [(f"{self._x(x):.1f}", f"{floor - t:.1f}", f"{t:.1f}") for x, t in tall]

    def _x(self, value: float) -> float:
        low, high = self._ends(0)
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        low, high = self._ends(1)
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    def _ends(self, axis: int) -> Point:
        given = (self.x_range, self.y_range)[axis]
        if given is not None:
            return given
        values = [p[axis] for line in self.lines for p in line.points if math.isfinite(p[axis])]
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
        if axis:  # from tick to tick
            step = _step(low, high, 4)
            low, high = math.floor(low / step) * step, math.ceil(high / step) * step
        return low, high


def _step(low: float, high: float, count: int) -> float:
    """The round number that divides a range into about `count` parts."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= 0.999 * rough)


def _ticks(low: float, high: float, count: int) -> list[tuple[float, str]]:
    """About `count` round numbers between two, with their texts."""
    step = _step(low, high, count)
    first = math.ceil(low / step - 1e-9)
    places = range(first, math.floor(high / step + 1e-9) + 1)
    return [(at * step, f"{at * step:.4g}") for at in places]


def learning_charts(
    histories: Mapping[str, Sequence[Mapping[str, Any]]], metric: str
) -> list[Chart]:
    """Every model's epochs to charts of loss, score and learning rate."""
    losses, scores, rates = [], [], []
    for hue, (name, history) in enumerate(histories.items()):
        losses.append(Line(_series(history, "train_loss"), "", hue, dashed=True))
        losses.append(Line(_series(history, "valid_loss"), name if hue < 10 else "", hue))
        scores.append(Line(_series(history, "score"), "", hue))
        rates.append(Line(_series(history, "lr"), "", hue))
    if all(line.points == rates[0].points for line in rates):
        rates = [Line(line.points, "", -1) for line in rates[:1]]
    found = [Chart("Loss", "epoch", "loss", losses, note="dashed: training, solid: held-out rows")]
    if any(math.isfinite(y) for line in scores for _, y in line.points):
        found.append(Chart("Score of the held-out rows", "epoch", metric, scores))
    return [*found, Chart("Learning rate", "epoch", "learning rate", rates)]


def _series(history: Sequence[Mapping[str, Any]], key: str) -> list[Point]:
    values = [record.get(key) for record in history]
    return [
        (float(record["epoch"]), math.nan if value is None else float(value))
        for record, value in zip(history, values, strict=True)
    ]


def calibration_chart(sure: np.ndarray, right: np.ndarray, what: str) -> tuple[Chart, float]:
    """How sure [M] against right or not [M], in tenths: the chart, and the expected calibration error."""
    bins = np.minimum((sure * 10).astype(int), 9)
    counts = np.bincount(bins, minlength=10)
    some = counts > 0
    says = np.bincount(bins, sure, minlength=10)[some] / counts[some]
    is_so = np.bincount(bins, right, minlength=10)[some] / counts[some]
    error = float((np.abs(says - is_so) * counts[some]).sum() / counts.sum())
    drawn = counts[some] >= min(DRAWN, counts.max())
    line = Line(list(zip(says[drawn].tolist(), is_so[drawn].tolist(), strict=True)), "", 0)
    shares = counts / counts.max()
    bars = [(0.1 * at, float(share)) for at, share in enumerate(shares) if share]
    ideal = Line([(0, 0), (1, 1)], "", -1, dashed=True)
    note = (
        f"Expected calibration error {error:.4f}. Bars: how many, the line of those with {DRAWN} rows or more; "
        "dashed: perfectly calibrated."
    )
    chart = Chart("Calibration", "predicted", what, [ideal, line], (0, 1), (0, 1), bars, note)
    return chart, error
