"""Training: what it learns, what it refuses, and what it leaves alone."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from toy_answers import evaluator

from common.data.folds import Rows
from common.inference.predict import least_certain
from common.models.backbone import InputConfig
from common.models.whitening import Whitening, find_whitening
from common.recipe import Recipe
from common.storage import read_json
from common.training.components import init_network
from common.training.jobs import Job, jobs_of
from common.training.loop import Diverged, train
from common.training.run_context import RunContext
from common.verbs import validate
from common.workflow.prepare import prepared


def test_a_toy_competition_is_learnt(toy: Any) -> None:
    result = validate.run(toy(epochs=4))
    assert result["cv"] > 0.9
    assert len(result["fold_scores"]) == 2


def test_a_finished_run_is_not_trained_again(toy: Any) -> None:
    first = Path(validate.run(toy())["run"])
    stamp = (first / "fold0/weights.safetensors").stat().st_mtime_ns
    assert validate.run(toy())["cv"] == read_json(first / "scores.json")["cv"]
    assert (first / "fold0/weights.safetensors").stat().st_mtime_ns == stamp


def test_other_views_train_nothing_and_are_measured(toy: Any) -> None:
    first = Path(validate.run(toy())["run"])
    stamp = (first / "fold0/weights.safetensors").stat().st_mtime_ns
    second = Path(validate.run(toy("views=mirror+shifts"))["run"])
    assert second == first
    assert (first / "fold0/weights.safetensors").stat().st_mtime_ns == stamp
    tried = [row["views"] for row in read_json(first / "scores.json")["views"]]
    assert tried == ["identity", "identity+mirror", "identity+shifts", "identity+mirror+shifts"]


@pytest.mark.parametrize("fixed", [{}, {"freeze": "backbone", "augment": "small-none"}])
def test_only_the_least_certain_rows_get_the_other_views(
    toy: Any, tmp_path: Path, fixed: Any
) -> None:
    from common.models.backbone import build

    if fixed:  # heads on cached features take another way through the views
        torch.manual_seed(0)
        state = build(Recipe(), [str(n) for n in range(5)]).state_dict()
        save_file(state, tmp_path / "w.safetensors")
        fixed = fixed | {"weights": str(tmp_path / "w.safetensors")}
    run = validate.run(toy("views=mirror", **fixed))["run"]
    plain = [dict(np.load(path)) for path in sorted(Path(run).glob("predictions/*/fold*.npz"))]
    again = validate.run(toy("views=mirror", "tta_fraction=0.25", **fixed))["run"]
    assert again == run
    found = {p: dict(np.load(p)) for p in sorted(Path(run).glob("predictions/*/fold*.npz"))}
    some = [
        each
        for path, each in found.items()
        if "tta_fraction" in read_json(path.with_name("fields.json"))
    ]
    assert len(some) == len(plain) == 2
    for all_rows, few in zip(plain, some, strict=True):
        unsure = least_certain(few["identity"].max(axis=1), 0.25)
        sure = np.setdiff1d(np.arange(len(few["ids"])), unsure)
        assert np.array_equal(few["identity"], all_rows["identity"])
        assert np.array_equal(few["mirror"][sure], few["identity"][sure])
        assert np.allclose(few["mirror"][unsure], all_rows["mirror"][unsure], atol=1e-6)
        assert not np.array_equal(few["mirror"][unsure], few["identity"][unsure])


def test_a_held_out_image_has_no_say_in_the_whitening(toy: Any) -> None:
    with prepared(toy(backbone="kit_fastnet_16", image_size=16)) as ready:
        job = jobs_of(ready.recipe, ready.split.folds)[0]
        network = init_network(job, ready.setting)
        own, alone = find_whitening(network.model), Whitening(3)
        alone.fit(map(network.input, ready.setting.source.plain(job.rows, 0)))
        assert own is not None
        assert torch.allclose(own.weight, alone.weight, atol=1e-4)
        alone.fit(map(network.input, ready.setting.source.plain(np.arange(len(ready.table)), 0)))
        assert not torch.allclose(own.weight, alone.weight, atol=1e-4)


def test_changed_code_stops_a_begun_run_in_words(toy: Any, monkeypatch: Any) -> None:
    import common.workflow.prepare as prepare

    validate.run(toy())
    monkeypatch.setattr(prepare, "code_digest", lambda _: "0" * 16)
    assert validate.run(toy())["cv"] > 0  # finished: there is nothing to mix
    with pytest.raises(ValueError, match=r"the code has changed since.*--fresh.*--accept-code"):
        validate.run(toy("views=mirror"))


def test_a_diverged_run_ends_in_a_sentence(toy: Any) -> None:
    with pytest.raises(Diverged, match=r"training diverged in fold0, epoch \d.*Lower lr="):
        validate.run(toy(lr=100.0, optimizer="sgd", momentum=0.99, epochs=4))


def test_early_stopping_is_marked_optimistic(toy: Any) -> None:
    assert "optimistic" in validate.run(toy(early_stop=1, epochs=4))


@pytest.mark.slow
def test_training_seeds_are_averaged(toy: Any) -> None:
    run = Path(validate.run(toy(models_per_fold=2))["run"])
    assert (run / "fold1-seed1/weights.safetensors").is_file()
    with np.load(run / "oof.npz") as found:
        assert found["probs"].sum(axis=1) == pytest.approx(1, abs=1e-5)


class _Blocks:
    """A source of four images a class, each one flat colour."""

    def __init__(self, batch: int) -> None:
        self.pixels = (
            torch.arange(12, dtype=torch.uint8).repeat_interleave(3 * 64).view(12, 3, 8, 8) * 20
        )
        self.batch = batch

    def training(self, rows: Rows, place: Any, size: int) -> Any:  # noqa: ARG002
        return self.pixels[torch.from_numpy(rows)].split(self.batch)

    def plain(self, rows: Rows, size: int) -> Any:  # noqa: ARG002
        return self.pixels[torch.from_numpy(rows)].split(self.batch)


def _setting(recipe: Recipe) -> RunContext:
    from accelerate import Accelerator

    facts = InputConfig((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1.0)
    return RunContext(
        recipe,
        np.arange(12) % 3,
        None,
        evaluator("accuracy", 3),
        _Blocks(recipe.batch_size),
        facts,
        Accelerator(cpu=True),
        "fp32",
        store=cast(Any, None),
        cache=Path(),
        matches=[],
        side=recipe.image_size or 8,
        on_features=False,
        probe_in_loop="",
    )


def test_accumulated_batches_make_the_same_update_as_one_large_batch(tmp_path: Path) -> None:
    rows, found = np.arange(12), []
    for batch, accumulate in ((12, 1), (4, 3), (4, 5)):
        recipe = Recipe(
            backbone="test_vit.r160_in1k",
            image_size=160,
            batch_size=batch,
            grad_accum_steps=accumulate,
            epochs=1,
            lr=0.1,
            schedule="constant",
            augment="small-none",
        )
        job = Job("fold0", 0, 0, rows, None)
        list(train(job, _setting(recipe), tmp_path / str(len(found))))
        found.append(load_file(tmp_path / str(len(found)) / "weights.safetensors"))
    for name, tensor in found[0].items():
        assert torch.allclose(tensor, found[1][name], atol=1e-5), name
        assert torch.allclose(tensor, found[2][name], atol=1e-5), name


def test_a_frozen_backbone_moves_in_nothing_but_its_head(tmp_path: Path) -> None:
    from common.models.backbone import build

    recipe = Recipe(freeze="backbone", epochs=2, batch_size=4, augment="small-none")
    torch.manual_seed(0)
    job, setting = Job("fold0", 0, 0, np.arange(12), None), _setting(recipe)
    list(train(job, setting, tmp_path))
    after = load_file(tmp_path / "weights.safetensors")
    from common import randomness

    torch.manual_seed(randomness.seed_of(randomness.WEIGHTS, 0, 0))
    before = build(recipe, ("0", "1", "2")).state_dict()
    moved = {name for name, t in after.items() if not torch.equal(t, before[name])}
    assert moved == {"head.weight", "head.bias"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"backbone": "test_vit.r160_in1k"}, None),
        ({"backbone": "test_vit.r160_in1k", "image_size": 32}, None),
        ({"backbone": "test_convnext.r160_in1k", "image_size": 32}, None),
        pytest.param(
            {"backbone": "vgg11", "image_size": 8},
            "does not take images of 8x8",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_any_backbone_trains_or_says_which_size_it_takes(toy: Any, fields: Any, words: Any) -> None:
    request = toy(epochs=1, folds=1, **fields)
    if words is None and "image_size" in fields:
        assert validate.run(request)["n"] > 0
        return
    with pytest.raises(ValueError, match=words or "set image_size=160"):
        validate.run(request)


def test_a_runs_folds_are_read_from_the_run_not_drawn_again(toy: Any) -> None:
    folder = Path(validate.run(toy())["run"])
    path = folder / "folds.csv"
    swapped = path.read_text().replace(",0,0", ",0,X").replace(",0,1", ",0,0").replace("X", "1")
    path.write_text(swapped)
    validate.run(toy("views=mirror"))
    assert path.read_text() == swapped


def test_early_stopping_begins_anew_with_each_phase(toy: Any) -> None:
    import common.training.checkpoint as resume

    run = validate.run(toy(freeze="lp-ft:4", epochs=8, early_stop=1, lr=1e-9))["run"]
    epochs = [record["epoch"] for record in resume.read_log(Path(run) / "fold0")]
    assert len(epochs) < 8  # nothing is learnt at this rate
    assert epochs[-1] > 4  # the head's patience was used up, and all of the network had its own


def test_a_last_update_that_breaks_the_weights_ends_in_a_sentence(toy: Any) -> None:
    with pytest.raises(Diverged, match="training diverged in fold0"):
        validate.run(toy(weight_decay=1e30, epochs=1, batch_size=24))


def test_the_batch_of_inference_is_recorded_with_the_run(toy: Any) -> None:
    for asked, found in ((0, 256), (5, 5)):
        run = validate.run(toy(epochs=1, folds=1, eval_batch_size=asked, fresh=True))["run"]
        assert read_json(Path(run) / "run.json")["inference_batch"] == found
