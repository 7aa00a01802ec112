"""Learning curves: epoch records of every fold to a plot of loss, score and learning rate."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.reporting.canvas import (
    HUES,
    INK,
    QUIET,
    TEXT,
    new_figure,
    save,
    short,
    style_axes,
    write_title,
)

Record = Mapping[str, Any]

DASHES = (0, (4, 2))


def learning_curves(histories: Mapping[str, Sequence[Record]], path: Path, *, metric: str) -> None:
    """Plot loss, score and learning rate over the epochs to a PNG, one colour per fold.

    Args:
        histories: fold name to its epochs' records, with `epoch`, `train_loss`, `lr` (the rate at
            the end of the epoch) and, where there are validation rows, `valid_loss` and `score`;
            optionally `rates`, the rates at the start of some of the epoch's updates, evenly
            spaced.
        path: the PNG to write.
        metric: the name of the score.
    """
    scored = any(_known(history, "score") for history in histories.values())
    heights = [3, 2, 1.2] if scored else [3, 1.2]
    width, height = 1080, 980 if scored else 680
    figure = new_figure(width, height)
    panels = figure.subplots(len(heights), 1, sharex=True, gridspec_kw={"height_ratios": heights})
    figure.subplots_adjust(
        left=0.085, right=0.85, top=1 - 60 / height, bottom=60 / height, hspace=0.16
    )
    losses, rates = panels[0], panels[-1]
    for panel in panels:
        style_axes(panel)
    longest = max((len(history) for history in histories.values()), default=0)
    marker = "o" if longest <= 15 else ""  # a line of a single point would be invisible
    validated = any(_known(history, "valid_loss") for history in histories.values())
    for place, (name, history) in enumerate(histories.items()):
        style = {"color": HUES[place % len(HUES)], "marker": marker, "markersize": 3.5}
        losses.plot(*_series(history, "train_loss"), linewidth=1, linestyle=DASHES, **style)
        losses.plot(*_series(history, "valid_loss"), linewidth=1.8, **style)
        losses.lines[-1 if validated else -2].set_label(short(name, 16))
        if scored:
            panels[1].plot(*_series(history, "score"), linewidth=1.8, **style)
    _draw_rates(rates, histories)
    losses.set_ylabel("loss", color=INK, size=TEXT + 1)
    rates.set_ylabel("learning rate", color=INK, size=TEXT + 1)
    rates.set_xlabel("epoch", color=INK, size=TEXT + 1)
    rates.xaxis.get_major_locator().set_params(integer=True)
    title = "Learning curves"
    if scored:
        panels[1].set_ylabel(metric.replace("_", " "), color=INK, size=TEXT + 1)
        title += f": {metric.replace('_', ' ')} {_last_scores(histories)}"
    write_title(figure, title)
    figure.align_ylabels(panels)
    _draw_legend(losses, validated=validated)
    save(figure, path)


def _known(history: Sequence[Record], key: str) -> bool:
    values = [record.get(key) for record in history]
    return any(value is not None and math.isfinite(value) for value in values)


def _series(history: Sequence[Record], key: str) -> tuple[list[float], list[float]]:
    """The epochs and values of one key; non-finite values become gaps."""
    values = [record.get(key) for record in history]
    return (
        [float(record["epoch"]) for record in history],
        [math.nan if value is None or not math.isfinite(value) else value for value in values],
    )


def _draw_rates(axes: Any, histories: Mapping[str, Sequence[Record]]) -> None:
    lines = []
    for history in histories.values():
        epochs: list[float] = []
        values: list[float] = []
        for record in history:
            rates = [float(rate) for rate in record.get("rates") or ()]
            epochs += [record["epoch"] - 1 + place / len(rates) for place in range(len(rates))]
            epochs.append(float(record["epoch"]))
            values += [*rates, float(record["lr"])]
        lines.append((epochs, values))
    if all(line == lines[0] for line in lines):
        axes.plot(*lines[0], color=QUIET, linewidth=1.5)  # the same schedule in all folds
    else:
        for place, line in enumerate(lines):
            axes.plot(*line, color=HUES[place % len(HUES)], linewidth=1.2)
    axes.set_ylim(bottom=0)


def _last_scores(histories: Mapping[str, Sequence[Record]]) -> str:
    last = [history[-1]["score"] for history in histories.values() if _known(history[-1:], "score")]
    if len(last) < 2:
        return f"{last[0]:.4f} after the last epoch" if last else "not known yet"
    spread = np.std(last, ddof=1)
    return f"{np.mean(last):.4f} ± {spread:.4f} after the last epoch, {len(last)} folds"


def _draw_legend(axes: Any, *, validated: bool) -> None:
    from matplotlib.lines import Line2D

    handles, _ = axes.get_legend_handles_labels()
    kinds = [
        Line2D([], [], color=QUIET, linewidth=1, linestyle=DASHES, label="training"),
        Line2D([], [], color=QUIET, linewidth=1.8, label="validation"),
    ]
    axes.legend(
        handles=[*(kinds if validated else []), *handles],
        loc="upper left",
        bbox_to_anchor=(1.01, 1.02),
        frameon=False,
        fontsize=TEXT,
        labelcolor=INK,
    )
