"""Timing the recipe's own steps: what is tried, what is proposed, and that nothing is left behind."""

from typing import Any

import pytest

from common.recipe_values import stage_of, with_values
from common.training.throughput import Comparison
from common.verbs import tune

KEYS = {
    "candidate",
    "of",
    "images_per_second",
    "ratio",
    "memory_mb",
    "rounds",
    "faster",
    "error",
}


def tuned(request: Any) -> dict[str, Any]:
    return tune.run(request, tune.Options(seconds=0.02))


def test_runtime_words_alone_are_proposed_and_no_run_is_left(toy: Any, capfd: Any) -> None:
    request = toy(mixup=0.2, ema_decay=0.9, freeze="lp-ft:1", clip_grad=1.0)
    found = tuned(request)
    assert found["device"].startswith("cpu")
    assert found["rows"] == 48
    assert all(set(row) == KEYS for row in found["table"])
    tried = [row["candidate"] for row in found["table"]]
    assert tried[:4] == [
        "precision=bf16",
        "precision=auto",
        "memory_format=contiguous",
        "memory_format=channels_last",
    ]
    assert {"batch_size=4", "batch_size=16", "eval_batch_size=32"} <= set(tried)
    # A CPU does not train in fp16, small images need no workers, and compiling is asked for.
    assert not any(name.startswith(("precision=fp16", "workers", "compile")) for name in tried)
    words = found["proposal"].split()
    assert all(stage_of(word.partition("=")[0]) == "runtime" for word in words)
    assert with_values(request.recipe, words)
    assert not list(request.runs.glob("digits-*"))
    told = capfd.readouterr().err
    assert "the recipe's own" in told
    assert (f"type: {found['proposal']}" if words else "are the fastest here") in told


@pytest.mark.slow
def test_workers_are_tried_where_they_transform_photographs(toy: Any) -> None:
    found = tuned(toy(augment="photo", image_size=16, workers=1))
    tried = [row["candidate"] for row in found["table"]]
    assert tried.index("workers=0") < tried.index("workers=1")
    assert all(row["images_per_second"] > 0 for row in found["table"])


def test_a_head_on_features_is_timed_by_the_pass_that_computes_them(
    toy: Any, monkeypatch: Any
) -> None:
    import common.training.run_context as context

    monkeypatch.setattr(context, "features_obstacle", lambda _: "")
    found = tuned(toy(freeze="backbone"))
    assert {row["of"] for row in found["table"]} == {"inference"}
    assert not any(row["candidate"].startswith("batch_size") for row in found["table"])


def test_a_value_that_does_not_work_here_is_a_row_and_no_end(toy: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("common.workflow.tuning._precisions", lambda _: ["fp16"])
    row = tuned(toy())["table"][0]
    assert row["candidate"] == "precision=fp16"
    assert "a CPU cannot train in fp16" in row["error"]


@pytest.mark.parametrize(
    ("speeds", "faster"),
    [
        ([106, 106, 106], True),
        ([104, 104, 104], False),
        ([150, 150, 99], False),  # three rounds, and one of them was slower
        ([150, 150, 150, 150, 99], True),
    ],
)
def test_a_gain_is_five_percent_and_in_nearly_every_round(speeds: Any, faster: bool) -> None:
    assert Comparison(speeds, [100] * len(speeds)).faster is faster
