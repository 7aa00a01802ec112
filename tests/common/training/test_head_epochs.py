"""The head's own epochs of lp-ft and gradual: on features they come to what the loop comes to."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from common.models.backbone import build
from common.recipe import Recipe
from common.runs import Run
from common.training import checkpoint, loop
from common.training.phases import linear_probe_recipe
from common.training.run_context import features_obstacle
from common.verbs import validate
from common.verbs.run import run as whole_run

LOOP = "clip_grad=100000"  # no gradient here is that long: the loop trains the probe, to the same numbers
FILES = ("oof.npz", "fold0/weights.safetensors", "fold1/weights.safetensors")


@pytest.fixture
def probed(toy: Any, tmp_path: Path) -> Any:
    """A request whose backbone has weights, and whose head has two of four epochs to itself."""
    torch.manual_seed(0)
    path = tmp_path / "w.safetensors"
    save_file(build(Recipe(), [str(n) for n in range(5)]).state_dict(), path)
    fixed = {"weights": str(path), "freeze": "lp-ft:2", "augment": "small-none", "epochs": 4}
    return lambda *words, **fields: toy(*words, **(fixed | fields))


def stopped(request: Any, monkeypatch: Any, *, after: int) -> Path:
    """The run of a process that was killed when the loop had done so many epochs."""
    honest, epochs = loop.train_epoch, iter(range(100))

    def cut(*parts: Any, **places: Any) -> Any:
        if next(epochs) == after:
            raise KeyboardInterrupt
        return honest(*parts, **places)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_epoch", cut)
        with pytest.raises(KeyboardInterrupt):
            validate.run(request)
    found = Path(request.runs).glob("digits-*/run.json")
    return max(found, key=lambda path: path.stat().st_mtime_ns).parent


def contents(run: str | Path) -> list[bytes]:
    return [(Path(run) / name).read_bytes() for name in FILES]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"freeze": "gradual:2", "optimizer": "adamw", "lr": 0.003, "warmup_ratio": 0.2},
        pytest.param(
            {"ema_decay": 0.9, "head": "mlp:8", "head_lr_scale": 10.0}, marks=pytest.mark.slow
        ),
        pytest.param(
            {
                "drop_rate": 0.5,
                "label_smoothing": 0.1,
                "class_balance": "weights",
                "layer_decay": 0.7,
            },
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"augment": "photo-none", "image_size": 16, "workers": 0, "schedule": "step:1:0.5"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_probe_on_features_gives_the_numbers_of_the_loop(
    probed: Any, fields: dict[str, Any]
) -> None:
    runs = [Path(validate.run(probed(*words, **fields))["run"]) for words in ([], [LOOP])]
    assert [Run(run).read()["probe"] for run in runs] == [
        "on features",
        "in the loop (clip_grad=100000.0)",
    ]
    fast, slow = (load_file(run / "fold1" / "weights.safetensors") for run in runs)
    for name, tensor in slow.items():
        assert torch.allclose(fast[name], tensor, atol=2e-5), name
    logs = [checkpoint.read_log(run / "fold1") for run in runs]
    for one, other in zip(*logs, strict=True):
        assert one["epoch"] == other["epoch"]
        assert one["rates"] == pytest.approx(other["rates"])
        for figure in ("train_loss", "valid_loss", "score"):
            assert one[figure] == pytest.approx(other[figure], abs=1e-4), figure


def test_the_state_after_a_probe_is_the_one_that_the_loop_would_leave(
    probed: Any, monkeypatch: Any
) -> None:
    runs = [
        stopped(probed(ema_decay=0.9), monkeypatch, after=0),
        stopped(probed(LOOP, ema_decay=0.9), monkeypatch, after=2),
    ]
    fast, slow = (checkpoint.load_state(run / "fold0") for run in runs)
    assert fast is not None
    assert slow is not None
    assert set(fast) == set(slow)
    assert fast["epoch"] == slow["epoch"] == 2
    for part in ("model", "judged"):
        for name, tensor in slow[part].items():
            assert torch.allclose(fast[part][name], tensor, atol=1e-5), name
    assert not torch.equal(fast["model"]["head.weight"], fast["judged"]["head.weight"])


@pytest.mark.slow
def test_a_kill_between_probe_and_fine_tuning_changes_nothing(
    probed: Any, monkeypatch: Any
) -> None:
    request = probed(augment="small", models_per_fold=2)
    kept = contents(validate.run(request)["run"])
    run = stopped(probed(augment="small", models_per_fold=2, fresh=True), monkeypatch, after=0)
    assert [checkpoint.is_begun(run / name) for name in ("fold0", "fold1-seed1")] == [True, True]
    assert contents(validate.run(request)["run"]) == kept


@pytest.mark.slow
def test_a_kill_between_two_heads_changes_nothing(probed: Any, monkeypatch: Any) -> None:
    kept = contents(validate.run(probed())["run"])
    honest, count = checkpoint.save_state, iter(range(100))

    def full(*parts: Any) -> None:
        if next(count) == 1:
            raise KeyboardInterrupt
        honest(*parts)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_state", full)
        with pytest.raises(KeyboardInterrupt):
            validate.run(probed(fresh=True))
    assert contents(validate.run(probed())["run"]) == kept


@pytest.mark.slow
def test_a_second_run_is_bit_equal_and_computes_no_features(
    probed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = contents(validate.run(probed(augment="small"))["run"])

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("computed again")

    monkeypatch.setattr("common.inference.features.view_outputs", never)
    assert contents(validate.run(probed(augment="small", fresh=True))["run"]) == kept


def test_a_probe_sees_plain_images_whatever_the_augmentation(probed: Any, monkeypatch: Any) -> None:
    found = []
    for augment in ("small", "small-none"):
        run = stopped(probed(augment=augment), monkeypatch, after=0)
        assert Run(run).recipe().augment == augment
        state = checkpoint.load_state(run / "fold0")
        assert state is not None
        found.append(state["model"]["head.weight"])
    assert torch.equal(*found)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"weights": "scratch"}, "weights=scratch"),
        ({"mixup": 0.2}, "mixup=0.2"),
        ({"cutmix": 1.0}, "cutmix=1.0"),
        ({"clip_grad": 1.0}, "clip_grad=1.0"),
        ({"grad_accum_steps": 2}, "grad_accum_steps=2"),
        ({"early_stop": 2}, "early_stop=2"),
        ({"optimizer": "lamb"}, "optimizer=lamb"),
        ({"augment": "photo-crop", "ema_decay": 0.9, "drop_rate": 0.5, "drop_path_rate": 0.1}, ""),
    ],
)
def test_a_probe_is_on_features_unless_a_field_stands_against_it(
    fields: dict[str, Any], reason: str
) -> None:
    recipe = Recipe(**({"weights": "pretrained", "freeze": "lp-ft:2"} | fields))
    assert features_obstacle(linear_probe_recipe(recipe)) == reason


def test_a_probe_that_cannot_be_on_features_says_why(probed: Any, capsys: Any) -> None:
    run = Path(validate.run(probed(epochs=3, augment="small", mixup=0.2))["run"])
    told = capsys.readouterr().err
    assert "cannot be on features (mixup=0.2): the loop trains it, with augment=small" in told
    assert Run(run).read()["probe"] == "in the loop (mixup=0.2)"


def test_a_head_that_is_not_on_vectors_is_probed_in_the_loop(probed: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("common.training.run_context.has_detachable_head", lambda *_: False)
    run = Path(validate.run(probed(epochs=3, folds=1))["run"])
    assert Run(run).read()["probe"] == "in the loop (its head takes no vectors)"


@pytest.mark.slow
def test_a_refit_is_probed_too(probed: Any) -> None:
    run = Path(whole_run(probed(final="refit", epochs=3))["run"])
    assert [row["epoch"] for row in checkpoint.read_log(run / "refit")] == [1, 2, 3]


def test_a_probe_that_diverges_ends_in_a_sentence(probed: Any) -> None:
    with pytest.raises(loop.Diverged, match=r"training diverged in fold\d.*Lower lr="):
        validate.run(probed(freeze="lp-ft:20", epochs=21, lr=100.0, head_lr_scale=1000.0))
