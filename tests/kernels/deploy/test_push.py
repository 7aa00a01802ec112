"""A kernel pushed: what is kept of an earlier one of its name is never taken for its own."""

from dataclasses import replace
from pathlib import Path

import pytest
from plain_site import Site, serving
from toy_kernel import kernel, run_kernel

import competitions
from common.kaggle.client import KaggleError, kernels
from common.kaggle.server.host import Host, Hosted
from common.workflow.request import Request
from kernels.build import spec as making
from kernels.build.spec import BuiltKernel
from kernels.deploy.push import output_of, pushed


@pytest.fixture
def made(tmp_path: Path) -> BuiltKernel:
    request = Request(
        competition=competitions.load("digits"), recipe_name="quick", runs=tmp_path / "runs"
    )
    return making.build_kernel(request, making.Shape(), [], source=None, online=False)


def test_output_of_a_deleted_kernel_whose_numbers_began_anew_is_put_aside(
    made: BuiltKernel, tmp_path: Path
) -> None:
    stale = output_of(made.folder, 1)
    stale.mkdir(parents=True)
    (stale / "submission.csv").write_text("old", encoding="utf-8")
    files = tmp_path / "files"
    files.mkdir()
    (files / "sample_submission.csv").write_text("id,label\n", encoding="utf-8")
    digits = Hosted(
        slug="digits", title="Digits", files=files, metric="accuracy", score=lambda _: (0.5, 0.5)
    )
    with Host([digits], folder=tmp_path / "host", run_kernel=run_kernel) as host:
        there = pushed(made, again=False, environment=host.environment)
        assert there.version == 1
        assert not stale.exists()
        (kept,) = made.folder.glob("version-1-until-*")
        assert (kept / "submission.csv").read_text(encoding="utf-8") == "old"
        assert pushed(made, again=False, environment=host.environment) == there
        assert len(host._kernels._versions) == 1


@pytest.mark.slow
def test_a_push_that_nobody_can_tell_of_is_found_later_and_pushed_again_only_when_told_to(
    made: BuiltKernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_PAUSES", "0.01")
    monkeypatch.setenv("KIT_LISTED", "0")
    monkeypatch.setenv("KIT_SILENCE", "5")
    site = Site(lost=["SaveKernel"], late_s=1000.0)
    with serving(site, tmp_path / "home") as environment:
        with pytest.raises(
            kernels.UnsureError, match="cannot tell whether it arrived, and nothing"
        ):
            pushed(made, again=False, environment=environment)
        site.late_s = 0.0
        assert pushed(made, again=False, environment=environment).version == 1
        assert pushed(made, again=True, environment=environment).version == 2
        assert len(site.pushed) == 2


def test_a_competition_of_a_long_name_is_pushed_under_a_title_that_the_site_takes(
    tmp_path: Path,
) -> None:
    title = making.title_of("kit planet understanding the amazon from space quick")
    fits = kernel("print(1)", title=title, slug=kernels.slug_of(title), competitions=())
    with Host([], folder=tmp_path / "host", run_kernel=run_kernel) as host:
        assert kernels.push(fits, environment=host.environment).version == 1
    with pytest.raises(KaggleError, match="51 characters, and Kaggle wants 50 at most"):
        kernels.push(replace(fits, title="a" * 51, slug="a" * 51), environment=host.environment)
