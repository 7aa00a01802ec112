"""pseudo=: each fold's model labels test rows for its own fold, and a leak through them raises nothing."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from common.data.pixels.store import Store, open_store
from common.errors import KitError
from common.recipe import Recipe
from common.storage import read_json
from common.targets import Grades, LabelSet, Numbers, OneClass
from common.training.jobs import Job, jobs_of
from common.training.linear_probe import train_heads
from common.training.target_rules import check_fields
from common.verbs import validate
from common.verbs.run import run as whole_run
from common.workflow.prepare import prepared
from common.workflow.training_rows.pseudo import _near_held_out, with_pseudo_labels


def test_a_run_without_a_score_labels_nothing(frozen: Any, teacher: str) -> None:
    (Path(teacher) / "scores.json").unlink()
    with pytest.raises(KitError, match="has no score yet"):
        validate.run(frozen(pseudo=teacher))


def test_a_planted_leak_does_not_raise_the_score(frozen: Any, tmp_path: Path) -> None:
    """Labels of chance, and as test images copies of all training images."""
    data, fields = tmp_path / "data", {"views": "identity", "epochs": 40, "lr": 0.1}
    frozen()
    table = pd.read_csv(data / "labels.csv", dtype=str)
    table["label"] = np.random.default_rng(0).integers(0, 3, len(table)).astype(str)
    table.to_csv(data / "labels.csv", index=False)
    shutil.rmtree(data / "test")
    shutil.copytree(data / "train", data / "test")
    table.assign(label="0").to_csv(data / "sample_submission.csv", index=False)
    first = validate.run(frozen(**fields))
    with prepared(frozen(**fields, pseudo=first["run"])) as ready:
        plain = jobs_of(ready.recipe, ready.split.folds)
        changed, jobs = with_pseudo_labels(ready, plain)
        said = [np.load(ready.run / "pseudo_labels" / f"fold{n}.npz")["probs"] for n in range(3)]
        hot = np.eye(3, dtype=np.float32)[ready.setting.targets]
        for job in jobs:  # test row n is a copy of row n
            copied = job.rows[job.rows >= 48] - 48
            assert set(copied) == set(job.rows[job.rows < 48])
            assert (job.answers == np.r_[hot[job.rows[:32]], said[job.fold][copied]]).all()
        assert not np.allclose(said[0], said[1])
        leaky = [
            replace(
                job,
                rows=np.r_[job.rows, 48 + np.arange(48)],
                answers=np.r_[hot[job.rows], np.mean(np.delete(said, job.fold, axis=0), axis=0)],
            )
            for job in plain
        ]
        honest, with_leak = (
            np.mean([each.logs[0][-1]["score"] for each in train_heads(some, changed.setting)])
            for some in (jobs, leaky)
        )
        facts = read_json(ready.run / "run.json")["pseudo"]
        listed = pd.read_csv(ready.run / "pseudo_labels.csv", dtype=str)
    assert with_leak > first["cv"] + 0.2  # by models that saw the rows, and by their copies
    assert honest < first["cv"] + 0.05
    assert facts["run"] == first["run"]
    assert facts["jobs"]["fold0"] == {"rows": 32, "near_held_out": 16}
    assert listed["job"].value_counts().to_dict() == {f"fold{n}": 32 for n in range(3)}


def test_many_copies_of_one_held_out_shot_do_not_crowd_one_another_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shots = [
        cv2.GaussianBlur(rng.integers(0, 256, (48, 48, 3)).astype(np.uint8), (0, 0), 2)
        for _ in "ab"
    ]
    shots = [cv2.normalize(each, None, 0, 125, cv2.NORM_MINMAX) for each in shots]
    copied = [shots[0] + np.uint8(n) for n in range(130)]

    def store(name: str, images: list[Any]) -> Store:
        (tmp_path / name).mkdir()
        paths = [str(tmp_path / name / f"{n}.png") for n in range(len(images))]
        assert all(map(cv2.imwrite, paths, images))
        table = pd.DataFrame({"id": paths, "path": paths})
        return open_store(table, side=0, bits=0, cache=tmp_path / "cache")

    held: Any = SimpleNamespace(
        store=store("train", shots), split=SimpleNamespace(groups=np.array(["0", "1"]))
    )
    jobs = [Job(f"fold{n}", n, 0, np.array([1 - n]), np.array([n])) for n in (0, 1)]
    near = _near_held_out(held, jobs, store("more", copied))
    assert near["fold0"].all() and not near["fold1"].any()


@pytest.mark.slow
def test_a_threshold_takes_hard_labels_of_the_surest_rows_alone(frozen: Any, teacher: str) -> None:
    with prepared(frozen(pseudo=teacher, pseudo_threshold=0.6)) as ready:
        _, jobs = with_pseudo_labels(ready, jobs_of(ready.recipe, ready.split.folds))
        for job in jobs:
            said = np.load(ready.run / "pseudo_labels" / f"fold{job.fold}.npz")["probs"]
            sure = said[said.max(axis=1) >= 0.6]
            assert 0 < len(job.rows) - 32 == len(sure)
            assert (job.answers[32:] == np.eye(3)[sure.argmax(axis=1)]).all()


@pytest.mark.slow
@pytest.mark.parametrize("head", ["ridge", "logistic", "best"])
def test_solved_heads_learn_from_pseudo_labels(frozen: Any, teacher: str, head: str) -> None:
    least = 0.6 if head == "best" else 0.0
    found = whole_run(frozen(pseudo=teacher, pseudo_threshold=least, head=head, final="refit"))
    assert found["cv"] == 1


@pytest.mark.slow
def test_networks_and_refits_train_on_pseudo_labels(frozen: Any, teacher: str) -> None:
    fields = {"freeze": "none", "augment": "small", "mixup": 0.2, "final": "refit"}
    run = Path(whole_run(frozen(pseudo=teacher, noise="drop", **fields))["run"])
    assert pd.read_csv(run / "pseudo_labels_refit.csv")["job"].tolist() == ["refit"] * 12


@pytest.mark.slow
def test_a_run_of_other_folds_labels_nothing(frozen: Any, teacher: str) -> None:
    with pytest.raises(KitError, match="has other folds than this run"):
        validate.run(frozen(pseudo=teacher, split_seed=1))
    with pytest.raises(KitError, match="is no run folder"):
        validate.run(frozen(pseudo="runs/nowhere"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"pseudo_threshold": 0.9}, "pseudo=none has none: name the run"),
        (
            {"pseudo_images": "more"},
            "pseudo_images=more is of pseudo-labels, and pseudo=none has none",
        ),
        ({"pseudo": "r", "class_balance": "sampling"}, "set class_balance=none"),
    ],
)
def test_what_pseudo_labels_do_not_go_with_is_refused(fields: Any, words: str) -> None:
    with pytest.raises(KitError, match=words):
        Recipe(**fields)


@pytest.mark.slow
def test_the_run_that_labels_is_part_of_the_runs_name(frozen: Any, teacher: str) -> None:
    with prepared(frozen(pseudo=teacher)) as ready:
        before = ready.run.folder.name
    (Path(teacher) / "fold1" / "weights.safetensors").write_bytes(b"other weights")
    with prepared(frozen(pseudo=teacher)) as ready:
        assert ready.run.folder.name != before


def test_a_run_that_labels_is_named_by_its_path_or_not_at_all(frozen: Any, teacher: str) -> None:
    with prepared(frozen(pseudo=Path(teacher).name)) as ready:
        jobs = jobs_of(ready.recipe, ready.split.folds)
        with pytest.raises(KitError, match=f"name its folder, pseudo={teacher}"):
            with_pseudo_labels(ready, jobs)


def test_grades_are_pseudo_labelled_by_their_chances_and_sets_take_no_threshold() -> None:
    probs = np.array([[0.5, 0.25, 0.25]], np.float32)
    assert Grades(names=("0", "1", "2")).soft_labels(probs).tolist() == [[0.5, 0.25]]
    with pytest.raises(KitError, match="pseudo_threshold=0 takes soft labels"):
        check_fields(Recipe(pseudo="r", pseudo_threshold=0.5), LabelSet(names=("a", "b")))


@pytest.mark.parametrize(
    ("head", "target", "words"),
    [
        ("lda", OneClass(names=("a", "b")), "head=lda takes hard labels: set pseudo_threshold=0.5"),
        ("stack", OneClass(names=("a", "b")), r"head=stack \(lda\) takes hard labels"),
        ("boosting", LabelSet(names=("a", "b")), "head=boosting takes hard labels: set head=ridge"),
        ("stack", LabelSet(names=("a", "b")), ""),
        ("boosting", Numbers(names=("a",), shift=(0.0,), scale=(1.0,)), ""),
        ("ridge", OneClass(names=("a", "b")), ""),
    ],
)
def test_heads_of_hard_labels_refuse_shares_with_advice_that_they_take(
    head: str, target: Any, words: str
) -> None:
    recipe = Recipe(pseudo="r", head=head, freeze="backbone", weights="pretrained")
    if not words:
        check_fields(recipe, target)
        return
    with pytest.raises(KitError, match=words):
        check_fields(recipe, target)
