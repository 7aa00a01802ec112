"""A competition whose files come as an archive: as if they lay in a folder."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from common.verbs import check
from common.workflow.files import open_files
from common.workflow.request import Request
from common.workflow.submitting.rehearsal_site import SERVED, make_rehearsal


def archived(request: Request, place: Path) -> Request:
    """The same request for the same files in an archive, with a cache of its own."""
    place.mkdir()
    shutil.make_archive(str(place / "all"), "zip", request.data)
    return replace(request, data=place, runs=place.parent / "other")


def test_images_of_an_archive_are_carved_as_files_are(toy: Any, tmp_path: Path) -> None:
    folders = [
        make_rehearsal(each, open_files(each), share=0.25, seed=0) / SERVED
        for each in (toy(), archived(toy(), tmp_path / "archived"))
    ]
    one, other = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in folders
    )
    assert len(one) > 48
    assert one == other
    assert folders[0].parents[1].name == folders[1].parents[1].name


def test_check_says_the_same_of_an_archive(toy: Any, tmp_path: Path) -> None:
    results = [check.run(each) for each in (toy(), archived(toy(), tmp_path / "archived"))]
    for name in ("same", "near", "train", "test", "problems"):
        assert results[0][name] == results[1][name], name


def test_an_image_that_the_archive_lacks_is_named_by_its_path(toy: Any, tmp_path: Path) -> None:
    (toy().data / "train/07e7.png").unlink()
    request = archived(toy(), tmp_path / "archived")
    with pytest.raises(ValueError, match=r"07e7 \(.*/unpacked/.*/train/07e7\.png\): missing"):
        check.run(request)
