"""Pictures of answers that are no classes: a ROC curve for each label, predicted against true numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from common.metrics import Probs
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

CURVES = 20  # labels that are drawn, those with the least area below their curve
PANELS = 6  # columns of numbers that are drawn


def roc_curves(probs: Probs, y: npt.NDArray[Any], names: Sequence[str], path: Path) -> None:
    """Draw the ROC curve of each label; those with the smallest area where there are many.

    Args:
        probs: the chance of each label [N, C].
        y: 0 or 1 [N, C].
        names: of the labels.
        path: the PNG to write.
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    both = [at for at in range(len(names)) if 0 < y[:, at].sum() < len(y)]
    areas = {at: float(roc_auc_score(y[:, at], probs[:, at])) for at in both}
    shown = sorted(both, key=lambda at: areas[at])[:CURVES]
    figure = new_figure(980, 700)
    axes = figure.add_axes((0.08, 0.09, 0.58, 0.79))
    style_axes(axes)
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=(0, (4, 2)))
    for place, at in enumerate(shown):
        false, true, _ = roc_curve(y[:, at], probs[:, at])
        label = f"{short(names[at], 24)}  {areas[at]:.4f}  ({int(y[:, at].sum()):,})"
        style = {"color": HUES[place % len(HUES)], "linestyle": "-" if place < len(HUES) else "--"}
        axes.plot(false, true, linewidth=1.6, label=label, **style)
    axes.set_xlabel("false positive rate", size=TEXT + 1, color=INK)
    axes.set_ylabel("true positive rate", size=TEXT + 1, color=INK)
    if shown:
        axes.legend(
            loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=TEXT, frameon=False,
            title="AUC, and rows with the label", title_fontsize=TEXT,
        )  # fmt: skip
    few = "" if len(shown) == len(names) else f"; {len(shown)} of {len(names)} are drawn"
    write_title(figure, f"ROC curves: n = {len(y):,}", f"out-of-fold, least area first{few}")
    save(figure, path)


def scatter(probs: Probs, y: npt.NDArray[Any], names: Sequence[str], path: Path) -> None:
    """Draw predicted against true numbers, a panel a column.

    Args:
        probs: predicted numbers [N, K].
        y: true ones [N, K], nan where there is none.
        names: of the columns.
        path: the PNG to write.
    """
    shown = min(len(names), PANELS)
    across = min(3, shown)
    down = -(-shown // across)
    width, height = max(620, 330 * across), 90 + 330 * down
    figure = new_figure(width, height)
    panels = figure.subplots(down, across, squeeze=False)
    figure.subplots_adjust(
        left=0.1 if across == 1 else 0.07, right=0.97, top=1 - 90 / height, bottom=55 / height,
        wspace=0.25, hspace=0.35,
    )  # fmt: skip
    for at, axes in enumerate(panels.ravel()):
        if at >= shown:
            axes.set_visible(False)
            continue
        known = np.isfinite(y[:, at])
        true, said = y[known, at], probs[known, at]
        style_axes(axes)
        ends = [min(true.min(), said.min()), max(true.max(), said.max())]
        axes.plot(ends, ends, color=QUIET, linewidth=0.8)
        axes.plot(
            true, said, ".", color=HUES[0], markersize=3, alpha=min(1.0, 300 / len(true) + 0.1)
        )
        error = float(np.sqrt(np.mean((said - true) ** 2)))
        axes.set_title(f"{short(names[at], 24)}, RMSE {error:.4g}", size=TEXT + 1, color=INK)
        axes.set_xlabel("true", size=TEXT, color=QUIET)
        axes.set_ylabel("predicted", size=TEXT, color=QUIET)
    few = "" if shown == len(names) else f"; {shown} of {len(names)} columns are drawn"
    write_title(figure, f"Predicted against true: n = {len(y):,}", f"out-of-fold{few}")
    save(figure, path)
