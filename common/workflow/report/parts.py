"""The parts of a report that are no images: scores, what the data hold, cost, recipe."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pandas as pd

from common.recipe import Recipe
from common.recipe_rules import SOLVED
from common.recipe_values import differences
from common.reporting.html.charts import Chart, Line
from common.runs import WITH_MODELS, Run, digest_file
from common.training.solved.choosing import candidates_of_grid
from common.workflow.report.judged import Material
from common.workflow.request import field_words, path_words
from common.workflow.run_report import decision_lines
from common.workflow.run_results import judged_folder, predicted_recipe

SHOWN_FOLDS = 10  # columns of a table
SIZES = 1_500  # dots of the chart of image sizes


def score_of(material: Material, at: int) -> dict[str, Any]:
    """A run's scores: over folds, pooled with interval, on the leaderboard, what views and decision add."""
    run = material.runs[at]
    scores, file = Run(judged_folder(run)).read("scores.json"), run / "submission.csv"
    digest = digest_file(file) if file.is_file() else ""
    sent = [each for each in run.read().get("submitted", []) if each["file"] == digest]
    found: dict[str, Any] = {"name": run.folder.name, "cv": None, "cv_sd": None, "fold_scores": []}
    found |= {key: scores[key] for key in found if key in scores}
    found["test"] = scores.get("test")
    found |= {key: sent[-1].get(key) if sent else None for key in ("public", "private")}
    found["predicted"] = predicted_with(run, scores)
    found["said"] = [scores[key] for key in ("optimistic", "caution") if key in scores]
    found["said"] += scores.get("remarks", [])
    found["interval"] = material.interval(at) if material.judged else None
    found["gain"] = material.gain(material.scored[at], material.scored[0]) if at else None
    rows = [row for row in scores.get("views", []) if row["score"] is not None]
    gain = material.files.evaluator.metric.gain
    found["views"] = [row | {"gain": gain(row["score"], rows[0]["score"])} for row in rows]
    metric = scores.get("metric", "").replace("_", " ")
    found["decision"] = decision_lines(scores["decision"], metric) if "decision" in scores else []
    return found


def predicted_with(run: Run, scores: dict[str, Any]) -> str:
    """By which predict fields the probs behind a trained run's scores were made; ''."""
    if run.read()["kind"] == "blended" or not scores:
        return ""
    told = f"Predicted with {_words(shown_recipe(run))}"
    if "predicted" not in run.read():
        return told
    told += ", as submission.csv was"
    last = run.read("scores.json").get("predict", {})
    if last == scores.get("predict", {}):
        return told
    return f"{told}; scores.json and oof.npz are of {_words(predicted_recipe(run, last))}, scored since"


def shown_recipe(run: Run) -> Recipe:
    """A run's recipe, with the predict fields of the scores that the report shows."""
    fields = Run(judged_folder(run)).read("scores.json").get("predict")
    return run.recipe() if fields is None else predicted_recipe(run, fields)


def _words(recipe: Recipe) -> str:
    """The views and every other predict field that is not at its default, as words."""
    found = {"views": recipe.views} | differences(recipe, ("predict",))
    return " ".join(f"{name}={value}" for name, value in found.items())


def choice_of(run: Run) -> dict[str, Any]:
    """What the folds chose of a head that is solved: sentences and candidates; empty of one that is trained."""
    grid = run.read().get("head_grid", {})
    if run.recipe().head not in SOLVED or not grid:
        return {}
    own = len(grid["chosen"]) == run.recipe().folds <= SHOWN_FOLDS  # one head a fold, side by side
    rows = candidates_of_grid(grid)
    count = len(grid["chosen"])
    return {"said": grid.get("said", []), "heads": count, "folds": own * count, "rows": rows}


def command_of(material: Material, run: Run) -> str:
    """The command line that makes a run again."""
    request, facts = material.request, run.read()
    places = path_words(request.data, request.runs)
    if facts["kind"] == "blended":
        members = [str(each["run"]) for each in facts["members"]]
        words = ["blend", *members, "--weights", facts["weights"]]
    else:
        name, known = facts["recipe_name"], request.competition.recipes
        base = known.get(name, next(iter(known.values())))
        named = ["--recipe", name] if name in known else []
        words = ["run", *named, *field_words(base, shown_recipe(run))]
    return shlex.join(["kit", request.competition.name, *words, *places])


def recipe_of(run: Run) -> list[dict[str, Any]]:
    """A run's fields that are not at their default: name, value, default, meaning; none of a blend."""
    if run.read()["kind"] not in WITH_MODELS:
        return []
    values = asdict(shown_recipe(run))
    return [
        {
            "name": each.name, "value": values[each.name], "default": each.default,
            "stage": each.metadata["stage"], "meaning": each.metadata["meaning"],
        }
        for each in fields(Recipe)
        if values[each.name] != each.default
    ]  # fmt: skip


def cost_of(run: Run) -> dict[str, Any]:
    """Seconds by stage, speed, memory, machine."""
    facts = run.read()
    machine = facts.get("environment", {})
    return {
        "name": run.folder.name,
        "seconds": facts.get("seconds", {}),
        "images_per_second": facts.get("images_per_second"),
        "memory": facts.get("peak_memory", {}),
        "device": facts.get("device", "–"),
        "precision": facts.get("precision", "–"),
        "gpus": machine.get("gpus", []),
        "machine": machine.get("machine", {}),
        "versions": machine.get("versions", {}),
        "begun": facts.get("begun", ""),
        "commit": facts.get("git_commit") or "",
    }


def balance_of(material: Material) -> list[dict[str, Any]]:
    """How many labelled rows each name has; empty for numbers."""
    from common.reporting.html.analysis import Answers

    y = material.target.read(material.table)
    answers = Answers(material.target, y, np.empty((0, 0), np.float32))
    if answers.form == "columns":
        return []
    truth = answers.truth
    counts = (
        np.bincount(truth, minlength=len(answers.names))
        if answers.form == "index"
        else truth.astype(bool).sum(axis=0)
    )
    most = max(1, int(counts.max()))
    return [
        {"name": name, "n": int(count), "share": int(count) / most}
        for name, count in zip(answers.names, counts, strict=True)
    ]


def sizes_of(shapes: np.ndarray) -> dict[str, Any]:
    """The commonest sizes of the stored images, and a chart where there are several."""
    sizes = pd.Series([f"{w} × {h}" for h, w in shapes.tolist()]).value_counts()
    rows = np.random.default_rng(0).permutation(len(shapes))[:SIZES]
    dots = [(float(w), float(h)) for h, w in shapes[np.sort(rows)].tolist()]
    chart = Chart("Sizes as stored", "width in pixels", "height in pixels",
                  [Line(dots, "", 0, dots=True)])  # fmt: skip
    return {
        "most": list(sizes.head(6).items()),
        "count": len(sizes),
        "chart": chart if len(sizes) > 1 else None,
    }


def groups_of_rows(groups: Sequence[Any]) -> dict[str, int]:
    """How many groups have more than one row, how many rows those have, and the largest one's."""
    sizes = pd.Series(list(groups)).value_counts()
    several = sizes[sizes > 1]
    return {
        "groups": len(several),
        "rows": int(several.sum()),
        "largest": int(several.max()) if len(several) else 0,
    }
