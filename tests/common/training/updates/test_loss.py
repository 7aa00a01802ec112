"""What acts on the loss, field by field and in pairs, against a slow and plain reading of it."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from toy_answers import evaluator

from common.data.batches.batching import epoch_order
from common.data.folds import Rows
from common.models.backbone import InputConfig, build
from common.recipe import Recipe
from common.training import checkpoint
from common.training.components import init_network
from common.training.jobs import Job
from common.training.loop import train
from common.training.run_context import RunContext
from common.training.updates.loss import MixupCutmix

LABELS = np.array([0, 0, 1, 0, 2, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0])  # 11, 4, 1; none of a fourth
CLASSES = ("a", "b", "c", "d")
FRAC = np.array([1 / 11, 1 / 4, 1.0, 0.0])  # a row's weight, up to a factor that a mean divides out
PLAIN = Recipe(
    freeze="backbone", augment="small-none", epochs=2, batch_size=8, momentum=0.0, weight_decay=0.0,
    schedule="constant", lr=0.005, clip_grad=1e9,
)  # fmt: skip
Floats = npt.NDArray[np.float64]


class Noise:
    """A source of one noisy image a row, as it is."""

    def __init__(self, batch: int) -> None:
        self.pixels = torch.randint(
            256, (len(LABELS), 3, 8, 8), generator=torch.Generator().manual_seed(0)
        ).to(torch.uint8)
        self.batch = batch

    def training(self, rows: Rows, place: Any, size: int) -> Any:  # noqa: ARG002
        return self.pixels[torch.from_numpy(rows)].split(self.batch)

    def plain(self, rows: Rows, size: int) -> Any:  # noqa: ARG002
        return self.pixels[torch.from_numpy(rows)].split(self.batch)


def setting_of(recipe: Recipe) -> RunContext:
    from accelerate import Accelerator

    facts = InputConfig((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 1.0)
    return RunContext(
        recipe, LABELS, None, evaluator("log_loss", len(CLASSES)), Noise(recipe.batch_size), facts,
        Accelerator(cpu=True), "fp32", store=cast(Any, None), cache=Path(), matches=[], side=8,
        on_features=False, probe_in_loop="",
    )  # fmt: skip


def job_of(held_out: Rows | None = None) -> Job:
    return Job("fold0", 0, 0, np.arange(len(LABELS)), held_out)


def smoothed(label: int, share: float) -> Floats:
    """The target of one row: all on its class, but for a share spread evenly."""
    target = np.full(len(CLASSES), share / len(CLASSES))
    target[label] += 1 - share
    return target


def own_shares(mix: MixupCutmix, count: int, place: tuple[int, ...]) -> Floats:
    """How much of each row's image is its own, read from flat images that bear their numbers."""
    flat = torch.arange(float(count)).view(count, 1, 1, 1).repeat(1, 3, 8, 8)
    seen = mix(flat, torch.zeros(count, dtype=torch.long), place)[0].mean(dim=(1, 2, 3)).numpy()
    own = np.arange(count)
    return np.asarray((seen - own[::-1]) / (own - own[::-1]))


def plain_loss(logits: Floats, labels: Rows, recipe: Recipe, own: Floats) -> float:
    """Row by row: the loss of each row for its own class and its partner's, and what it counts."""
    total, whole = 0.0, 0.0
    weights = FRAC if recipe.class_balance == "weights" else np.ones(len(CLASSES))
    for row, scores in enumerate(logits):
        log_probs = scores - np.log(np.exp(scores).sum())
        parts = ((labels[row], own[row]), (labels[-1 - row], 1 - own[row]))
        loss = sum(
            share * -(smoothed(label, recipe.label_smoothing) * log_probs).sum()
            for label, share in parts
        )
        weight = sum(share * weights[label] for label, share in parts)
        total, whole = total + weight * loss, whole + weight
    return total / whole


def slope(logits: Floats, labels: Rows, recipe: Recipe, own: Floats) -> Floats:
    """The plain loss's derivative by every logit, by differences."""
    found = np.zeros_like(logits)
    for at in np.ndindex(*logits.shape):
        step = np.zeros_like(logits)
        step[at] = 1e-5
        ahead, behind = (
            plain_loss(logits + way * step, labels, recipe, own) for way in (1.0, -1.0)
        )
        found[at] = (ahead - behind) / 2e-5
    return found


def plain_training(recipe: Recipe) -> tuple[list[float], Floats]:
    """Each epoch's train loss, and the head [C, F + 1] that is kept: gradient descent by hand."""
    network, source = init_network(job_of(), setting_of(recipe)), Noise(recipe.batch_size)
    model: Any = network.model.eval()
    head = model.get_classifier()
    weights = torch.cat([head.weight, head.bias[:, None]], dim=1).detach().double().numpy()
    model.reset_classifier(0)
    average, mix, logged = weights.copy(), MixupCutmix(recipe, len(CLASSES)), []
    for epoch in range(recipe.epochs):
        rows, losses = epoch_order(LABELS, recipe, (0, 0, epoch)), []
        for step, images in enumerate(source.training(rows, None, 0)):
            labels = LABELS[rows[step * recipe.batch_size :][: recipe.batch_size]]
            place = (0, 0, epoch, step)
            own = np.ones(len(labels))
            if recipe.mixup or recipe.cutmix:
                own = own_shares(mix, len(labels), place)
            with torch.inference_mode():
                mixed = mix(
                    network.input(images), torch.zeros(len(labels), dtype=torch.long), place
                )
                features = model(mixed[0]).double().numpy()
            features = np.hstack([features, np.ones((len(features), 1))])
            logits = features @ weights.T
            losses.append(plain_loss(logits, labels, recipe, own))
            weights = weights - recipe.lr * slope(logits, labels, recipe, own).T @ features
            average = recipe.ema_decay * average + (1 - recipe.ema_decay) * weights
        logged.append(float(np.mean(losses)))
    return logged, average if recipe.ema_decay else weights


FIELDS: dict[str, list[dict[str, Any]]] = {
    "class_balance": [{}, {"class_balance": "weights"}, {"class_balance": "sampling"}],
    "smoothing": [{}, {"label_smoothing": 0.2}],
    "mixing": [{}, {"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}],
    "ema_decay": [{}, {"ema_decay": 0.7}],
}
ALL = [dict(pair for part in parts for pair in part.items()) for parts in product(*FIELDS.values())]
PAIRS = (1, 14, 20, 27, 39, 40)  # in these each value of a field meets each of another


def test_the_chosen_cases_hold_every_pair_of_values() -> None:
    def pairs(cases: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
        items = [sorted((part | each).items()) for each in cases]
        return {(a, b) for case in items for a in case for b in case}

    part = {
        "class_balance": "none",
        "label_smoothing": 0.0,
        "mixup": 0.0,
        "cutmix": 0.0,
        "ema_decay": 0.0,
    }
    assert pairs([ALL[number] for number in PAIRS]) == pairs(ALL)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(each, marks=() if n in PAIRS else pytest.mark.slow)
        for n, each in enumerate(ALL)
    ],
)
def test_the_loop_trains_as_the_fields_read(tmp_path: Path, fields: dict[str, Any]) -> None:
    recipe = replace(PLAIN, **fields)
    losses, expected = plain_training(recipe)
    records = list(train(job_of(), setting_of(recipe), tmp_path))
    head = load_file(tmp_path / "weights.safetensors")
    found = torch.cat([head["head.weight"], head["head.bias"][:, None]], dim=1).numpy()
    assert np.allclose(found, expected, atol=2e-4)
    assert [each["train_loss"] for each in records] == pytest.approx(losses, abs=1e-4)


@pytest.mark.parametrize("fields", [{}, {"label_smoothing": 0.2}, {"mixup": 0.4, "ema_decay": 0.7}])
def test_accumulated_batches_of_weighted_rows_make_one_weighted_mean(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    """Several batches an update, with rare rows in some: as if the update were one batch."""
    recipe = replace(PLAIN, class_balance="weights", epochs=1, grad_accum_steps=2, **fields)
    setting, job = setting_of(recipe), job_of()
    list(train(job, setting, tmp_path))
    network, mix = init_network(job, setting), MixupCutmix(recipe, len(CLASSES))
    rows = epoch_order(LABELS, recipe, (0, 0, 0))
    total, whole = torch.zeros(()), 0.0
    for step, images in enumerate(setting.source.training(rows, (0, 0, 0), 0)):
        labels = torch.from_numpy(LABELS[rows[8 * step :][:8]])
        x, targets = mix(network.input(images), labels, (0, 0, 0, step))
        weighed, counts = weighed_rows(network.model.eval()(x), targets, recipe.label_smoothing)
        total, whole = total + weighed, whole + counts
    head: Any = network.model.get_classifier()  # type: ignore[operator]
    (gradient,) = torch.autograd.grad(total / whole, head.weight)
    after = load_file(tmp_path / "weights.safetensors")["head.weight"]
    moved = (after - head.weight.detach()) / (1 - recipe.ema_decay)
    assert torch.allclose(moved, -recipe.lr * gradient, atol=1e-5)


def weighed_rows(logits: Tensor, targets: Tensor, smoothing: float) -> tuple[Tensor, float]:
    """The sum of rows' losses, each times its weight, and the sum of the weights."""
    shares = targets if targets.ndim == 2 else torch.eye(len(CLASSES))[targets]
    weights = shares @ torch.from_numpy(FRAC).float()
    soft = shares * (1 - smoothing) + smoothing / len(CLASSES)
    return (weights * -(soft * logits.log_softmax(1)).sum(1)).sum(), float(weights.sum())


@pytest.mark.parametrize(
    "fields", [{"ema_decay": 0.5}, {"class_balance": "weights", "label_smoothing": 0.1}]
)
def test_early_stopping_keeps_the_best_epochs_judged_weights(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    recipe = replace(PLAIN, early_stop=2, epochs=8, lr=0.01, **fields)
    held = np.arange(0, len(LABELS), 3)
    job = replace(job_of(held), rows=np.setdiff1d(np.arange(len(LABELS)), held))
    setting, kept, scores = setting_of(recipe), [], []
    for record in train(job, setting, tmp_path):
        state = checkpoint.load_state(tmp_path)
        assert state
        kept.append(state["judged"])
        model = build(recipe, CLASSES)
        model.load_state_dict(state["judged"])
        network = setting.network(model.eval())
        with torch.inference_mode():
            (images,) = Noise(99).plain(held, 0)
            probs = model(network.input(images)).softmax(1).double().numpy()
        rows = -np.log(probs[np.arange(len(held)), LABELS[held]].clip(1e-15))
        assert record["valid_loss"] == pytest.approx(rows.mean(), abs=1e-4)  # a plain mean of rows
        scores.append(record["score"])
    best = int(np.argmin(scores))
    assert len(scores) == min(recipe.epochs, best + 1 + recipe.early_stop)
    after = load_file(tmp_path / "weights.safetensors")
    assert all(torch.equal(after[name], tensor) for name, tensor in kept[best].items())
