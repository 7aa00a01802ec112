"""Heads solved on frozen features: jobs like any other, their penalties chosen by the other folds."""

from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_competitions import laid_out, request_of, toy_competition

from common.errors import KitError
from common.models.backbone import build
from common.recipe import Recipe
from common.storage import read_json
from common.targets import Grades, LabelSet, Numbers, OneClass, Target, YesNo
from common.training import checkpoint
from common.training.solved.choosing import candidates_of_grid, unused_text
from common.verbs import export, report, validate
from common.verbs.run import run as whole_run

SLOW = pytest.mark.slow
THREE = ("big", "round", "soft")
BOTH = ("age", "size")
GRADES = Grades(lowest=1, highest=4)


def log_losses(run: Path, table: dict[str, int]) -> dict[str, float]:
    """Each fold's mean log loss of the out-of-fold probs."""
    with np.load(run / "oof.npz") as kept:
        ids, probs = kept["ids"], kept["probs"]
    lines = [line.split(",") for line in (run / "folds.csv").read_text().splitlines()[1:]]
    folds = {name: fold for name, _, fold, *_ in lines}
    losses: dict[str, list[float]] = {}
    for name, row in zip(ids, probs, strict=True):
        losses.setdefault(f"fold{folds[name]}", []).append(-np.log(row[table[name]]))
    return {fold: float(np.mean(each)) for fold, each in losses.items()}


@pytest.mark.parametrize(
    "head",
    ["logistic", *(pytest.param(head, marks=SLOW) for head in ("ridge", "lda", "svm"))],
)
def test_a_solved_head_predicts_refits_and_exports_as_a_trained_one(
    frozen: Any, head: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    request = frozen(head=head, head_views="mirror", final="refit")
    result = whole_run(request)
    run = Path(result["run"])
    assert result["cv"] == 1 and Path(result["submission"]).is_file()
    grid = read_json(run / "run.json")["head_grid"]
    tried = [loss for loss in grid["losses"] if loss is not None]
    ((best, weight),) = grid["best"]
    assert len(grid["chosen"]) == 3 and grid["losses"][best] == min(tried) and weight == 1
    assert "chosen by the other folds' held-out loss" in capsys.readouterr().err
    truth = {f"{number:02}e7": number % 3 for number in range(48)}
    for fold, loss in log_losses(run, truth).items():
        (record,) = checkpoint.read_log(run / fold)
        assert record["valid_loss"] == pytest.approx(loss, rel=1e-4, abs=1e-6)
    first = load_file(run / "fold0" / "weights.safetensors")
    assert first["head.weight"].shape == (3, 128) and first["head.weight"].dtype == torch.float32
    export.run(request, export.Options(to=tmp_path / "model"))
    assert (tmp_path / "model" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("target", "metric", "header", "columns", "head"),
    [
        pytest.param(YesNo(), "auc", ["answer"], (), "logistic", marks=SLOW),
        pytest.param(YesNo(), "auc", ["answer"], (), "ridge", marks=SLOW),
        pytest.param(LabelSet(), "f1_macro", THREE, THREE, "logistic", marks=SLOW),
        pytest.param(LabelSet(), "f1_macro", THREE, THREE, "ridge", marks=SLOW),
        pytest.param(GRADES, "accuracy", ["answer"], (), "ridge", marks=SLOW),
        pytest.param(GRADES, "accuracy", ["answer"], (), "logistic", marks=SLOW),
        (Numbers(names=BOTH), "mae", BOTH, BOTH, "ridge"),
        pytest.param(Numbers(names=BOTH), "mae", BOTH, BOTH, "svr", marks=SLOW),
        pytest.param(GRADES, "accuracy", ["answer"], (), "svr", marks=SLOW),
        pytest.param(LabelSet(), "f1_macro", THREE, THREE, "svm", marks=SLOW),
        *(
            pytest.param(*case, head, marks=SLOW)
            for head in ("knn", "boosting")
            for case in (
                (LabelSet(), "f1_macro", THREE, THREE),
                (GRADES, "accuracy", ["answer"], ()),
                (Numbers(names=BOTH), "mae", BOTH, BOTH),
            )
        ),
    ],
)
def test_every_kind_of_answer_has_its_solver(
    target: Target, metric: str, header: Any, columns: Any, head: str, tmp_path: Path
) -> None:
    competition, cells = toy_competition(target, metric, header, columns=columns), {}
    if target.kind == "labels":
        cells = {
            name: [str(n % (2 + k) // (1 + k)) for n in range(36)] for k, name in enumerate(THREE)
        }
    if target.kind == "numbers":  # some of them missing
        cells = {name: [str(n % 7 + k) for n in range(36)] for k, name in enumerate(BOTH)}
        cells["age"][::5] = [""] * len(cells["age"][::5])
    laid_out(competition, tmp_path / "data", **cells)
    assert np.isfinite(
        validate.run(request_of(competition, tmp_path, **start(tmp_path, head)))["cv"]
    )


@pytest.mark.parametrize(
    ("target", "head"),
    [
        (YesNo(), "lda"),
        (YesNo(), "svr"),
        *((Numbers(names=BOTH), head) for head in ("logistic", "lda", "svm")),
    ],
)
def test_a_solver_that_does_not_fit_the_answers_is_refused(
    target: Target, head: str, tmp_path: Path
) -> None:
    columns = BOTH if target.kind == "numbers" else ()
    competition = toy_competition(
        target, "mae" if columns else "auc", columns or ["answer"], columns=columns
    )
    laid_out(competition, tmp_path / "data")
    with pytest.raises(
        KitError, match=f"head={head} has no meaning for a target of kind {target.kind}"
    ):
        validate.run(request_of(competition, tmp_path, **start(tmp_path, head)))


def start(folder: Path, head: str) -> dict[str, Any]:
    """Fields of a frozen network with weights of its own, and a solved head."""
    torch.manual_seed(0)
    save_file(build(Recipe(), ["a", "b"]).state_dict(), folder / "w.safetensors")
    weights = str(folder / "w.safetensors")
    return {"weights": weights, "freeze": "backbone", "augment": "small-none", "head": head}


@pytest.mark.slow
@pytest.mark.parametrize(("head", "above"), [("knn", 1.5), ("boosting", 1.2)])
def test_heads_that_are_not_linear_rank_classes_predict_refit_and_are_not_exported(
    head: str, above: float, tmp_path: Path
) -> None:
    names = tuple(f"c{number:02}" for number in range(12))
    competition = toy_competition(OneClass(), "map5", ["answer"])
    labels = [names[number % 12] for number in range(48)]
    laid_out(competition, tmp_path / "data", count=48, hidden=12, side=16, label=labels)
    fields = start(tmp_path, head) | {"views": "mirror", "head_views": "mirror"}
    request = request_of(competition, tmp_path, final="refit", **fields)
    result = whole_run(request)
    run, chance = Path(result["run"]), sum(1 / k for k in range(1, 6)) / 12
    assert result["cv"] > above * chance
    truth = dict(zip((f"{n:03}e{n}" for n in range(48)), (n % 12 for n in range(48)), strict=True))
    for fold, loss in log_losses(run, truth).items():
        (record,) = checkpoint.read_log(run / fold)
        assert record["valid_loss"] == pytest.approx(loss, rel=1e-3)
    answers = (run / "submission.csv").read_text().splitlines()[1:]
    assert all(len(set(line.split(",")[1].split())) == 5 for line in answers)
    with pytest.raises(KitError, match=f"head={head} is not one of timm's heads"):
        export.run(request, export.Options(to=tmp_path / "model"))
    if head == "boosting":
        with pytest.raises(KitError, match="Grad-CAM follows gradients, of which the trees"):
            report.run(request, report.Options((run,), cam=True))


@pytest.mark.slow
def test_one_fold_alone_is_marked_optimistic(frozen: Any) -> None:
    assert "optimistic" in validate.run(frozen(head="ridge", folds=1))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"freeze": "none"}, "frozen backbone: set freeze=backbone"),
        ({"folds": 0, "final": "refit", "decision": "none"}, "penalty from the folds"),
        (
            {"head_grid": "small", "label_smoothing": 0.1},
            "head_grid=small label_smoothing=0.1 would do nothing: set head_grid=none label_smoothing=0",
        ),
    ],
)
def test_what_a_solved_head_cannot_heed_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(KitError, match=words):
        Recipe(**({"head": "logistic", "freeze": "backbone"} | fields))


def test_a_trained_head_takes_no_views_of_a_solved_one() -> None:
    with pytest.raises(KitError, match=r"head_views=identity\+mirror is of heads that are solved"):
        Recipe(head_views="mirror")


def test_an_augmentation_leaves_no_features_to_solve_on(frozen: Any) -> None:
    with pytest.raises(KitError, match=r"head=ridge needs cached features.*\(augment=small\)"):
        validate.run(frozen(head="ridge", augment="small"))


@pytest.mark.slow
def test_a_head_on_features_of_two_sizes_predicts_as_its_network_does(frozen: Any) -> None:
    joined = {"image_size": 16, "feature_size": 8, "feature_pools": "mean+max"}
    request = frozen(head="best", feature_choice="best", final="refit", **joined)
    result = whole_run(request)
    run = Path(result["run"])
    weights = load_file(run / "refit" / "weights.safetensors")
    assert result["cv"] == 1 and weights["head.weight"].shape == (3, 4 * 128)
    assert {point[2] for point in read_json(run / "run.json")["head_grid"]["points"]} >= {"ridge"}
    trained = whole_run(frozen(**joined))  # by the optimiser, on the same
    assert trained["cv"] > 0.3


def test_the_report_shows_what_the_folds_chose_in_place_of_curves(frozen: Any) -> None:
    result = whole_run(frozen(head="stack"))
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert 'id="choice"' in page and 'id="curves"' not in page
    grid = read_json(Path(result["run"]) / "run.json")["head_grid"]
    rows = candidates_of_grid(grid)
    assert {row["head"] for row in rows} == {"ridge", "logistic", "lda"}
    assert [row["loss"] for row in rows] == sorted(row["loss"] for row in rows)
    np.testing.assert_allclose(np.sum([row["weights"] for row in rows], axis=0), 1)
    assert all(f"{row['loss']:.4f}</td>" in page for row in rows)
    assert all(line in unescape(page) for line in grid["said"])
    trained = Path(whole_run(frozen())["report"]).read_text(encoding="utf-8")
    assert 'id="choice"' not in trained and 'id="curves"' in trained


def test_what_only_a_trained_head_heeds_is_told() -> None:
    solved = Recipe(freeze="backbone", augment="photo-none", image_size=32, head="ridge", epochs=1)
    assert unused_text(solved) == ""
    told = unused_text(replace(solved, lr=0.5, epochs=3))
    assert told == "head=ridge is solved, not trained: epochs=3 lr=0.5 changes nothing"
