"""pseudo_images=: images of a folder or an archive are labelled as test rows are, and part of the run's name."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from common.errors import KitError
from common.runs import _digest_below
from common.training.jobs import jobs_of
from common.verbs import predict, validate
from common.workflow.prepare import prepared
from common.workflow.training_rows.pseudo import with_pseudo_labels


@pytest.fixture
def copies(frozen: Any, tmp_path: Path) -> Path:
    """A folder with two copies of every training image, in folders of their own."""
    frozen()
    for name in ("one", "two"):
        shutil.copytree(tmp_path / "data" / "train", tmp_path / "more" / name)
    return tmp_path / "more"


def test_a_leak_planted_among_more_images_enters_no_fold_that_holds_out_what_they_show(
    frozen: Any, teacher: str, copies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("00e7.png", "03e7.png"):
        Image.open(copies / "one" / name).convert("RGBA").save(copies / "one" / name)
    request = frozen(pseudo=teacher, pseudo_images=str(copies))
    with prepared(request) as ready:
        plain = jobs_of(ready.recipe, ready.split.folds)
        _, jobs = with_pseudo_labels(ready, plain)
        listed = pd.read_csv(ready.run / "pseudo_labels.csv", dtype=str)
        for job, before in zip(jobs, plain, strict=True):
            assert job.held_out is not None
            held = set(ready.table["id"][job.held_out])
            mine = listed["id"][listed["job"] == job.name].tolist()
            copied = [Path(name) for name in mine if name.startswith(str(copies))]
            assert (
                len(job.rows) == len(before.rows) + 12 + 2 * 32
            )  # test rows, copies of what it trains on
            assert len(mine) == 12 + 2 * 32 and len(copied) == 2 * 32
            assert not held & {path.stem for path in copied} and all(map(Path.is_file, copied))
    told = capsys.readouterr().err
    assert "unlabelled images: 2 of 108 images with an alpha channel: composited on white" in told


@pytest.mark.slow
def test_more_images_come_from_an_archive_too_and_are_part_of_the_runs_name(
    frozen: Any, teacher: str, copies: Path, tmp_path: Path
) -> None:
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", copies)
    fields = {"pseudo": teacher, "views": "identity"}
    runs = [validate.run(frozen(**fields, pseudo_images=str(each))) for each in (copies, archive)]
    weights, others = (
        [path.read_bytes() for path in sorted(Path(each["run"]).glob("fold*/weights.safetensors"))]
        for each in runs
    )
    assert weights == others and runs[0]["run"] != runs[1]["run"]
    (copies / "one" / "00e7.png").unlink()
    with prepared(frozen(**fields, pseudo_images=str(copies))) as ready:
        assert str(ready.run.folder) != runs[0]["run"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".DS_Store").touch()
    (tmp_path / "notes.txt").touch()
    for name, words in (("gone", "no such"), ("empty", "holds no"), ("notes.txt", "holds no")):
        place = tmp_path / name
        with pytest.raises(KitError, match=words):
            validate.run(frozen(**fields, pseudo_images=str(place)))


@pytest.mark.slow
def test_a_trained_run_predicts_without_its_more_images_and_says_which_were_unreadable(
    frozen: Any, teacher: str, copies: Path, capfd: Any
) -> None:
    (copies / "one" / "broken.png").write_bytes(b"no image")
    fields = {"pseudo": teacher, "pseudo_images": str(copies), "views": "identity"}
    request = frozen(**fields, unreadable="mean")
    found = validate.run(request)
    assert re.search("left out of the pseudo-labels: .*broken.png", capfd.readouterr().err)
    shutil.rmtree(copies)
    assert predict.run(replace(request, run=Path(found["run"])))["submission"]


def test_the_digest_of_more_images_holds_those_that_are_linked_and_any_name(tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "more", tmp_path / "elsewhere"
    place.mkdir()
    elsewhere.mkdir()
    (elsewhere / os.fsdecode(b"\xff.png")).write_bytes(b"one")
    (place / "linked").symlink_to(elsewhere)
    (elsewhere / "up").symlink_to(place)
    before = _digest_below(place)
    (elsewhere / os.fsdecode(b"\xff.png")).write_bytes(b"other")
    assert _digest_below(place) != before
