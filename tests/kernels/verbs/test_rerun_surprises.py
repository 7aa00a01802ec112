"""A pushed predicting kernel, re-run on hidden sets that nobody has seen: what is submitted, what is told."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import competitions
import kit
from common.data.csv_rows import read_rows
from common.kaggle import client
from common.kaggle.client.kernels import Pushed, submit_kernel
from common.kaggle.server.host import Host
from common.kaggle.server.hosted import Hosted
from common.kaggle.session import Ending, Session
from common.storage import read_json
from common.workflow.submitting.hidden_set import as_code_competition
from common.workflow.submitting.local_kaggle import environment_set, of_embedded
from kernels.sandbox.sealed_run import run_sealed
from kernels.sandbox.watchdog import session_processes

pytestmark = pytest.mark.slow
WORDS = ("rows=300", "epochs=12", "folds=2", "groups=identical", "views=mirror+shifts")
CHILD = b"from kernels.runtime.predict import predict"


@dataclass
class Site:
    """A local Kaggle with a pushed kernel; `rerun` submits it there against another hidden set."""

    folder: Path
    hosted: Hosted
    run: Path

    def push(self, *more: str) -> Pushed:
        """A kernel that predicts as the run does."""
        places = ["--data", str(self.hosted.files), "--runs", str(self.run.parent)]
        steps = ["--predict", str(self.run), "--no-proof", "--no-forecast", *more]
        with (
            Host([self.hosted], folder=self.folder / "host", run_kernel=run_sealed) as host,
            environment_set(host.environment),
        ):
            assert kit.main(["digits", "kernel", *steps, *places]) == 0
        made = self.run.parent.glob("digits-quick-predict-v*")
        origins = [read_json(each / "run.json")["kernel"] for each in made]
        newest = max(origins, key=lambda origin: origin["version"])
        names = ("owner", "slug", "version", "url")
        return Pushed(**{name: newest[name] for name in names})

    def hidden(self, name: str, ids: list[str]) -> Path:
        """A hidden set of these ids, whose images are those of the embedded test set in turn."""
        place = self.folder / name
        whole = sorted((self.folder / "whole" / "test").iterdir())
        (place / "test").mkdir(parents=True)
        for number, each in enumerate(ids):
            os.link(whole[number % len(whole)], place / "test" / f"{each}.png")
        lines = ["id,label", *(f"{each},0" for each in ids)]
        (place / "sample_submission.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return place

    def rerun(
        self,
        pushed: Pushed,
        hidden: Path,
        run: Callable[[Session], Ending] = run_sealed,
        **terms: Any,
    ) -> tuple[client.Submission, list[list[str]], dict[str, Any], str]:
        """The submission, its rows, the kernel's report, and its log."""
        kept: list[list[str]] = []

        def score(path: Path) -> tuple[float, float]:
            kept[:] = read_rows(path, (), None)[1]  # it is called twice
            wanted = read_rows(hidden / "sample_submission.csv", (), None)[1]
            if [row[0] for row in kept] != [row[0] for row in wanted]:
                raise ValueError("other ids")
            return float(len(kept)), 0.5

        hosted = replace(self.hosted, hidden=hidden, score=score, **terms)
        with Host([hosted], folder=self.folder / "host", run_kernel=run) as host:
            ref = submit_kernel(
                "digits", pushed, "submission.csv", hidden.name, environment=host.environment
            )
            told = client.wait("digits", ref, environment=host.environment)
            output = host.rerun_output(pushed.slug, pushed.version)
        report = output / "kit-predicted.json"
        lines = output.with_name("log.jsonl").read_text(encoding="utf-8").splitlines()
        log = "".join(json.loads(line)["data"] for line in lines)
        return told, kept, read_json(report) if report.is_file() else {}, log


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    whole = of_embedded(competitions.load("digits"), folder / "whole")
    hosted = as_code_competition(whole, competitions.load("digits"), folder / "visible")
    places = ["--data", str(hosted.files), "--runs", str(folder / "runs")]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAGGLE_API_ENVIRONMENT", raising=False)
        assert kit.main(["digits", "run", *WORDS, *places]) == 0
        (run,) = (folder / "runs").glob("digits-quick-*")
        yield Site(folder, hosted, run)


@pytest.fixture(scope="module")
def pushed(site: Site) -> Pushed:
    return site.push()


@pytest.mark.parametrize("rows", [0, 1, 20_000])
def test_a_hidden_set_of_any_size_is_predicted_in_its_samples_order_and_in_half_the_time(
    site: Site, pushed: Pushed, rows: int
) -> None:
    ids = [f"row-{(number * 7919) % 20_011:05}" for number in range(rows)]
    told, kept, report, _ = site.rerun(pushed, site.hidden(f"rows-{rows}", ids))
    assert (told.status, told.public) == ("COMPLETE", rows)
    assert [row[0] for row in kept] == ids
    assert (report["rows"], report["predicted"]) == (rows, rows)
    if rows > 1000:  # the same images have the same answers, wherever they stand
        assert len({row[1] for row in kept}) > 1
        assert [row[1] for row in kept[:359]] == [row[1] for row in kept[359:718]]
        half = report["seconds"] / 2
        hurried = site.push("--budget", f"{half:.1f}s")
        told, kept, report, _ = site.rerun(hurried, site.folder / f"rows-{rows}", rerun_s=half)
        assert (told.status, told.public) == ("COMPLETE", rows)
        print(f"{2 * half:.0f} s, then {half:.0f} s:", report)
        if report:  # else it was stopped in order, by its own clock
            assert report["seconds"] < half
            assert sum(report["levels"].values()) == report["predicted"]


def test_a_jpeg_that_is_cut_short_has_the_mean_prediction_and_is_named_in_the_log(
    site: Site, pushed: Pushed
) -> None:
    hidden = site.hidden("cut", [f"row-{number}" for number in range(40)])
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    whole = cv2.imencode(".jpg", pixels)[1].tobytes()
    for name, image in (("row-7", whole[: len(whole) // 2]), ("row-8", b""), ("row-9", None)):
        (hidden / "test" / f"{name}.png").unlink()
        if image is not None:
            (hidden / "test" / f"{name}.png").write_bytes(image)
    told, kept, report, log = site.rerun(pushed, hidden)
    assert told.public == 40
    assert report["unreadable"] == ["row-7", "row-8", "row-9"]
    assert (report["rows"], report["predicted"]) == (40, 37)
    assert "row-7" in log
    assert len({row[1] for row in kept[7:10]}) == 1


def when_begun(session: Session, act: Callable[[], None]) -> Ending:
    """Run sealed; `act` once as soon as the mean prediction stands in submission.csv."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            text = session.log.read_text(encoding="utf-8") if session.log.is_file() else ""
            if "with the mean prediction, to be replaced" in text:
                act()
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return run_sealed(session)
    finally:
        over.set()
        watcher.join()


def test_where_the_predicting_is_killed_the_mean_prediction_is_submitted(
    site: Site, pushed: Pushed
) -> None:
    def kill() -> None:
        for number in session_processes(os.getpid()):
            with_child = Path(f"/proc/{number}/cmdline")
            if CHILD in (with_child.read_bytes() if with_child.is_file() else b""):
                os.kill(number, 9)

    ids = [f"row-{number:04}" for number in range(3000)]
    told, kept, report, log = site.rerun(
        pushed, site.hidden("killed", ids), lambda session: when_begun(session, kill)
    )
    assert (told.status, told.public) == ("COMPLETE", 3000)
    assert report == {}
    assert len({row[1] for row in kept}) == 1
    assert "the predicting was killed by signal 9; submission.csv is what it had written" in log


def test_where_the_disk_is_full_what_was_written_before_is_submitted(
    site: Site, pushed: Pushed
) -> None:
    def on_a_small_disk(session: Session) -> Ending:
        disk = [*["mount", "-t", "tmpfs", "-o", "size=400k", "kit"], str(session.working)]
        if subprocess.run(disk, capture_output=True).returncode:
            pytest.skip("no disk can be mounted here")

        def fill() -> None:
            with (session.working / "filler").open("wb", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    return

        try:
            ending = when_begun(session, fill)
            (session.working / "filler").unlink(missing_ok=True)
            shutil.copytree(session.working, session.working.with_name("kept"))
        finally:
            subprocess.run(["umount", str(session.working)], check=True)
        shutil.copytree(session.working.with_name("kept"), session.working, dirs_exist_ok=True)
        return ending

    ids = [f"row-{number:04}" for number in range(3000)]
    told, kept, report, log = site.rerun(pushed, site.hidden("full", ids), on_a_small_disk)
    assert (told.status, told.public) == ("COMPLETE", 3000)
    assert report == {}
    assert len({row[1] for row in kept}) == 1
    assert "No space left on device" in log
