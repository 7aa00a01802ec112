"""Heads solved on frozen features: jobs like any other, their penalties chosen by the other folds."""

from dataclasses import replace
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
from common.training.jobs import Job
from common.training.solved.candidates import Point
from common.training.solved.choosing import Choice, SolvedHead, choice_lines, choose, unused_text
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


def solved_head(losses: dict[Point, list[float]]) -> SolvedHead:
    job = Job("fold0", 0, 0, np.arange(0), np.arange(4))
    return SolvedHead(job, {point: np.float32(each) for point, each in losses.items()})


def test_a_solver_is_chosen_before_an_earlier_one_where_it_is_clearly_better() -> None:
    ridge, weak = Point(1.0, 1.0, "ridge", "all"), Point(0.1, 1.0, "ridge", "all")
    lda = Point(0.5, 1.0, "lda", "all")
    judge = solved_head({ridge: [0.5, 0.6, 0.7, 0.8], weak: [0.9] * 4, lda: [0.4, 0.5, 0.6, 0.8]})
    assert choose([judge]) == lda
    judge.losses[lda][:] = [0.1, 0.9, 0.7, 0.8]  # better on the whole, by one row
    assert choose([judge]) == ridge
    judge.losses[weak][:] = 0.6  # of one solver, the least loss decides
    assert choose([judge]) == weak


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (Point(5, 0.06, "knn", "all"), "k = 5, temperature = 0.06"),
        (Point(4, 80, "boosting", "all"), "leaf nodes = 4, rounds = 80"),
        (Point(10.0, 4.0, "ridge", "all"), "alpha = 10"),
    ],
)
def test_both_numbers_of_a_choice_are_told_where_a_user_knows_them(
    point: Point, words: str
) -> None:
    heads = [solved_head({point: [0.5] * 4}) for _ in range(2)]
    choice = Choice(heads, [{point: 1.0}] * 2, {point: 1.0})
    (line,) = choice_lines(choice, Recipe(freeze="backbone", head=point.head))
    assert line.startswith(f"head={point.head}: {words} (2 folds), each")


def test_a_loss_that_a_fold_did_not_come_to_is_told_as_unknown() -> None:
    strong, weak = Point(0.1, 1.0, "logistic", "all"), Point(1.0, 1.0, "logistic", "all")
    ridge = Point(1.0, 1.0, "ridge", "all")
    ended = solved_head({ridge: [0.5] * 4, strong: [0.4] * 4})
    whole = solved_head({ridge: [0.5] * 4, strong: [0.4] * 4, weak: [0.3] * 4})
    choice = Choice([ended, whole], [{weak: 1.0}, {strong: 1.0}], {ridge: 1.0})
    lines = choice_lines(choice, Recipe(freeze="backbone", head="best"))
    assert "held-out loss not known; in hindsight" in lines[1] and "inf" not in lines[1]


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


def test_what_only_a_trained_head_heeds_is_told() -> None:
    solved = Recipe(freeze="backbone", augment="photo-none", image_size=32, head="ridge", epochs=1)
    assert unused_text(solved) == ""
    told = unused_text(replace(solved, lr=0.5, epochs=3))
    assert told == "head=ridge is solved, not trained: epochs=3 lr=0.5 changes nothing"
