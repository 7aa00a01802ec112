"""Heads trained at once on frozen features come to what the loop comes to, fold by fold."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from common.models.backbone import build
from common.recipe import Recipe
from common.storage import read_json
from common.training import checkpoint
from common.training.jobs import Job
from common.training.linear_probe import choose_point
from common.training.loop import Diverged
from common.training.stacked_heads import TrainedHead
from common.verbs import validate
from common.verbs.run import run as whole_run

SLOW = "clip_grad=100000"  # no gradient here is that long: the loop trains, and trains the same


def oof(run: str) -> Any:
    with np.load(Path(run) / "oof.npz") as kept:
        return kept["probs"]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"head": "mlp:8", "optimizer": "adamw", "lr": 0.003, "weight_decay": 0.1},
        pytest.param({"head": "logits-mlp:8", "head_lr_scale": 10.0}, marks=pytest.mark.slow),
        pytest.param(
            {
                "class_balance": "sampling",
                "label_smoothing": 0.1,
                "schedule": "step",
                "models_per_fold": 2,
            },
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {
                "class_balance": "weights",
                "label_smoothing": 0.1,
                "ema_decay": 0.8,
                "batch_size": 64,
                "repeats": 2,
                "folds": 2,
            },
            marks=pytest.mark.slow,
        ),
        pytest.param({"ema_decay": 0.8}, marks=pytest.mark.slow),
    ],
)
def test_features_give_the_numbers_of_the_loop(frozen: Any, fields: dict[str, Any]) -> None:
    fast = validate.run(frozen(**fields))
    kept = set(features_in(fast["run"]))
    assert kept
    slow = validate.run(frozen(SLOW, **fields))
    assert set(features_in(slow["run"])) == kept
    assert fast["run"] != slow["run"]
    assert np.abs(oof(fast["run"]) - oof(slow["run"])).max() < 1e-5
    logs = [Path(each["run"]) / "fold0" / "log.jsonl" for each in (fast, slow)]
    assert len(logs[0].read_text().splitlines()) == len(logs[1].read_text().splitlines())


def features_in(run: str) -> list[Path]:
    """What is kept of features beside a run."""
    return sorted((Path(run).parent / "cache" / "features").rglob("*.npy"))


def test_joined_features_are_the_same_whatever_the_number_of_threads(
    frozen: Any, tmp_path: Path
) -> None:
    fields = {"backbone": "test_resnet", "image_size": 64, "eval_batch_size": 7}
    path, found, threads = tmp_path / "own.safetensors", [], torch.get_num_threads()
    save_file(build(Recipe(backbone="test_resnet"), ["a", "b"]).state_dict(), path)
    for count in (1, 2):
        torch.set_num_threads(count)
        try:
            given = frozen(**fields, weights=str(path), head="ridge", feature_stages=2)
            run = Path(validate.run(given)["run"])
            assert torch.get_num_threads() == count
        finally:
            torch.set_num_threads(threads)
        found.append([np.load(each) for each in features_in(str(run))])
        shutil.rmtree(run)
        shutil.rmtree(run.parent / "cache" / "features")
    assert found[0] and found[0][0].dtype == np.float16
    assert all(map(np.array_equal, *found))


@pytest.mark.slow
def test_the_features_are_computed_once(frozen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    validate.run(frozen())

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("computed again")

    monkeypatch.setattr("common.inference.features.view_outputs", never)
    assert validate.run(frozen(lr=0.5))["cv"] > 0
    assert validate.run(frozen(head="mlp"))["cv"] > 0


def test_each_fold_takes_the_point_of_the_grid_that_the_others_chose() -> None:
    losses = {0: [0.9, 0.1], 1: [0.2, 0.5], 2: [0.3, 0.5]}  # fold 0 alone would take the second
    trained = [
        TrainedHead(
            Job(f"fold{fold}", fold, 0, np.arange(0), np.array([fold])),
            [{}, {}],
            [{}, {}],
            [[{"valid_loss": loss, "train_loss": 1.0}] for loss in each],
        )
        for fold, each in losses.items()
    ]
    assert [choose_point(each, trained, 2) for each in trained] == [0, 1, 1]
    assert choose_point(trained[0], trained[:1], 2) == 1


def test_the_grid_is_kept_with_the_run(frozen: Any) -> None:
    run = Path(validate.run(frozen(head_grid="small", lr=0.003))["run"])
    grid = read_json(run / "run.json")["head_grid"]
    assert (len(grid["points"]), len(grid["losses"]), len(grid["chosen"])) == (9, 9, 3)
    assert grid["losses"][grid["best"]] == min(grid["losses"])


def test_a_grid_chosen_on_its_only_fold_is_marked_optimistic(frozen: Any) -> None:
    assert "optimistic" in validate.run(frozen(head_grid="small", folds=1))


def test_a_refit_takes_the_grids_best_point_and_predicts(frozen: Any) -> None:
    result = whole_run(frozen(head_grid="small", final="refit", lr=0.5, schedule="constant"))
    run = Path(result["run"])
    assert Path(result["submission"]).is_file()
    grid = read_json(run / "run.json")["head_grid"]
    rate, _ = grid["points"][grid["best"]]
    assert rate != 1  # or this could not tell
    assert checkpoint.read_log(run / "refit")[-1]["lr"] == pytest.approx(0.5 * rate)


def test_a_point_that_diverged_is_never_chosen(frozen: Any) -> None:
    wild = {"head": "mlp:8", "lr": 10.0, "head_lr_scale": 30.0, "epochs": 12}
    grid = read_json(Path(validate.run(frozen(head_grid="small", **wild))["run"]) / "run.json")
    found = grid["head_grid"]
    assert None in found["losses"]
    assert all(found["losses"][point] is not None for point in [*found["chosen"], found["best"]])


def test_heads_that_diverge_end_in_a_sentence(frozen: Any) -> None:
    with pytest.raises(Diverged, match=r"training diverged in fold\d.*Lower lr="):
        validate.run(frozen(lr=100.0, head_lr_scale=1000.0, epochs=20))


def test_a_killed_grid_chooses_as_if_undisturbed(frozen: Any) -> None:
    request = frozen(head_grid="small", lr=0.003)
    run = Path(validate.run(request)["run"])
    grid, before = read_json(run / "run.json")["head_grid"], oof(str(run))
    shutil.rmtree(run / "predictions")
    (run / "fold2" / "weights.safetensors").unlink()
    validate.run(request)
    assert read_json(run / "run.json")["head_grid"] == grid
    assert np.array_equal(oof(str(run)), before)


def test_a_grid_that_cannot_be_tried_is_refused(frozen: Any) -> None:
    with pytest.raises(ValueError, match=r"head_grid=small needs.*\(augment=small\)"):
        validate.run(frozen(head_grid="small", augment="small"))


def test_a_fold_moves_its_head_and_nothing_else(frozen: Any, tmp_path: Path) -> None:
    run = Path(validate.run(frozen())["run"])
    before = load_file(tmp_path / "w.safetensors")
    folds = [load_file(run / f"fold{fold}" / "weights.safetensors") for fold in range(3)]
    for name in before:
        same = [bool((fold[name] == before[name]).all()) for fold in folds if "head" not in name]
        assert all(same), name
    assert not (folds[0]["head.weight"] == folds[1]["head.weight"]).all()


@pytest.mark.slow
def test_images_cut_another_way_have_features_of_their_own(frozen: Any) -> None:
    small, photo = (
        validate.run(frozen(augment=f"{kind}-none", image_size=16)) for kind in ("small", "photo")
    )
    assert np.abs(oof(small["run"]) - oof(photo["run"])).max() > 1e-4
