"""Once, at two sites that share no code: lost answers, late lists, tidied texts, unnamed versions."""

import html
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from plain_site import Site, serving
from toy_kernel import kernel, run_kernel

from common.kaggle import client
from common.kaggle.client import kernels
from common.kaggle.client.competition_status import CompetitionStatus, Limits, SubmissionCount
from common.kaggle.client.submission_quota import count_unlisted
from common.kaggle.client.submitting import described
from common.kaggle.server.host import Fault, Host, Hosted
from common.runs import Run
from common.storage import write_json
from common.workflow.submitting.submit_once import submit_once

MESSAGE = "a & b <c>\n second line " + "x" * 300 + " "
TIDY = {
    "stripped": str.strip,
    "one line, escaped": lambda text: html.escape(" ".join(text.split())),
    "cut at 255": lambda text: text[:255],
    "cut at 60": lambda text: text[:60],
    "upper case": str.upper,
}


@contextmanager
def tidy_host(folder: Path, files: Path, **terms: object) -> Iterator[Host]:
    hosted = Hosted(
        slug="petals", title="Petals", files=files, metric="accuracy", score=lambda _: (1.0, 1.0),
        **terms,  # type: ignore[arg-type]
    )  # fmt: skip
    with Host([hosted], folder=folder, run_kernel=run_kernel) as host:
        yield host


def test_the_mark_is_first_and_the_message_on_one_line_within_what_sites_keep(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = described("[0123456789abcdef.01234567]", MESSAGE)
    assert text.startswith("[0123456789abcdef.01234567] a & b <c> second line xxx")
    assert len(text) == 255
    assert "the message of 324 characters is cut to 227" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["one line, escaped", pytest.param("cut at 60", marks=pytest.mark.slow),
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("stripped", "cut at 255", "upper case"))])  # fmt: skip
@pytest.mark.usefixtures("here")
def test_a_lost_answer_is_found_by_its_mark_alone(
    tmp_path: Path, submission: Path, name: str
) -> None:
    site = Site(lost=["CreateSubmission"], tidy=TIDY[name], counts=False)
    with serving(site, tmp_path / "home") as environment:
        ref = client.submit("petals", submission, MESSAGE, environment=environment)
    assert [row["ref"] for row in site.submitted] == [ref]


@pytest.mark.slow
def test_a_host_that_tidies_and_lists_late_gets_a_submission_whose_answer_was_lost_once(
    tmp_path: Path, files: Path, submission: Path
) -> None:
    with tidy_host(tmp_path / "host", files, tidy=True, late_s=600.0) as host:
        host.faults.add(Fault(method="CreateSubmission"))
        with pytest.raises(
            client.UnsureError, match=r"counts 1 submission more than are in the li"
        ):
            client.submit("petals", submission, MESSAGE, environment=host.environment)
        (entry,) = host._submissions.entries("petals")
    assert "] a &amp; b &lt;c&gt; second line xxx" in entry.description
    assert len(entry.description) == 255


@pytest.mark.slow
@pytest.mark.parametrize("counts", [True, False, "late"])
@pytest.mark.parametrize("late_s", [0.0, 1.0, 4.0])
def test_a_list_that_is_late_is_no_reason_to_send_again(
    tmp_path: Path, submission: Path, monkeypatch: pytest.MonkeyPatch, counts: bool | str,
    late_s: float,
) -> None:  # fmt: skip
    monkeypatch.setenv("KIT_LISTED", "6")
    site = Site(lost=["CreateSubmission"], late_s=late_s, counts=counts)
    with serving(site, tmp_path / "home") as environment:
        ref = client.submit("petals", submission, "m", environment=environment)
    assert [row["ref"] for row in site.submitted] == [ref]


@pytest.mark.usefixtures("here")
def test_where_neither_list_nor_count_tells_nothing_is_sent_again(
    tmp_path: Path, submission: Path
) -> None:
    site = Site(lost=["CreateSubmission"], late_s=60.0, counts=False)
    with (
        serving(site, tmp_path / "home") as environment,
        pytest.raises(client.UnsureError) as caught,
    ):
        client.submit("petals", submission, "m", environment=environment)
    assert str(caught.value) == (
        "submitting to petals: Remote end closed connection without response, and it is not in the "
        "list so far, and Kaggle does not tell how many were made: cannot tell whether it counted, "
        "and nothing was sent again; the same command looks once more first (the list: "
        "https://www.kaggle.com/competitions/petals/submissions)"
    )
    assert len(site.submitted) == 1


@pytest.fixture
def run(tmp_path: Path, submission: Path) -> Run:
    """A run with a file to hand in."""
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    write_json(run / "run.json", {})
    (run / "submission.csv").write_bytes(submission.read_bytes())
    return run


def handed_in(run: Run, environment: Mapping[str, str], *, again: bool = False) -> int:
    path = run / "submission.csv"
    sent = submit_once("petals", run, path, "m", again=again, environment=environment)
    return int(sent["ref"])


@pytest.mark.usefixtures("here")
def test_the_same_command_later_finds_what_nobody_could_tell(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_SILENCE", "0.01")
    site = Site(lost=["CreateSubmission"], late_s=60.0, counts=False)
    with serving(site, tmp_path / "home") as environment:
        for told in (
            "cannot tell whether it counted",
            r"same command .* sends it from [\d:]+ UTC on",
        ):
            with pytest.raises(client.UnsureError, match=told):
                handed_in(run, environment)
        site.late_s = 0.0
        assert handed_in(run, environment) == 700
        assert len(site.submitted) == 1


@pytest.mark.usefixtures("here")
def test_what_is_counted_and_never_listed_is_sent_again_only_when_told_to(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_SILENCE", "0.01")
    monkeypatch.setattr("common.workflow.submitting.submit_once.TRUSTED_S", 0.0)
    site = Site(lost=["CreateSubmission"], late_s=60.0)
    with serving(site, tmp_path / "home") as environment:
        for told in (
            "more than are in the list so far: cannot tell",
            r"--again sends it if it is not",
        ):
            with pytest.raises(client.UnsureError, match=told):
                handed_in(run, environment)
        assert len(site.submitted) == 1
        assert handed_in(run, environment, again=True) == 701


@pytest.mark.usefixtures("here")
def test_what_was_surely_not_made_is_sent_by_the_next_call(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_SILENCE", "0.01")
    site = Site(lost=["CreateSubmission"], late_s=60.0)
    with serving(site, tmp_path / "home") as environment:
        with pytest.raises(client.UnsureError):
            handed_in(run, environment)
        site.submitted.clear()
        assert handed_in(run, environment) == 700
        assert len(site.submitted) == 1


@pytest.mark.parametrize(
    ("before", "after", "refs", "hidden"),
    [
        ((3, 3, 2, 7), (3, 3, 2, 7), [3], 0),
        ((3, 3, 2, 7), (4, 4, 1, 7), [3], 1),
        ((3, 3, 2, 7), (4, 4, 1, 7), [4, 3], 0),  # a teammate's, and it is listed
        ((3, 3, 2, 7), (4, 0, 2, 7), [3], 1),  # the total is told no more
        ((2, 3, 2, 7), (0, 3, 5, 7), [3], None),  # a new day
        ((0, 0, 5, 7), (1, 0, 4, 7), [], 1),
    ],
)
def test_what_is_counted_and_not_listed(
    before: tuple[int, int, int, int], after: tuple[int, int, int, int], refs: list[int],
    hidden: int | None,
) -> None:  # fmt: skip
    rows = [client.Submission(ref, "COMPLETE", None, None, "", "", "", "") for ref in refs]
    told = [Limits(day, total, allowed, False) for day, total, allowed, _ in (before, after)]
    now = CompetitionStatus({}, told[1], rows)
    assert count_unlisted(SubmissionCount(told[0], 3), now) == hidden
    assert count_unlisted(None, now) is None
    assert count_unlisted(SubmissionCount(told[0], 3), CompetitionStatus({}, None, rows)) is None


@pytest.mark.usefixtures("here")
def test_a_push_whose_answer_was_lost_is_found_where_the_site_names_no_version(
    tmp_path: Path,
) -> None:
    site = Site(lost=["SaveKernel"], versions=False)
    with serving(site, tmp_path / "home") as environment:
        found = kernels.push(kernel("print(1)"), environment=environment)
        assert (found.version, len(site.pushed)) == (1, 1)
        site.lost = ["SaveKernel"]  # and the same script once more
        found = kernels.push(kernel("print(1)"), environment=environment)
    assert (found.version, len(site.pushed)) == (2, 2)


@pytest.mark.usefixtures("here")
def test_a_version_that_is_told_of_late_is_not_pushed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(lost=["SaveKernel"], late_s=30.0)
    noted: list[int | None] = []
    with serving(site, tmp_path / "home") as environment:
        with pytest.raises(kernels.UnsureError, match=r"cannot tell whether it arrived, and noth"):
            kernels.push(kernel("print(1)"), sending=noted.append, environment=environment)
        threading.Timer(0.3, lambda: setattr(site, "late_s", 0.0)).start()
        monkeypatch.setenv("KIT_SILENCE", "0.5")
        since = {"newest": noted[0], "sent": site.pushed[0]["at"]}
        found = kernels.push(kernel("print(1)"), since=since, environment=environment)
    assert (found.version, len(site.pushed)) == (1, 1)


@pytest.mark.slow
def test_an_answer_without_a_version_is_looked_up_and_not_pushed_again(
    tmp_path: Path, files: Path
) -> None:
    with tidy_host(tmp_path / "host", files, unnumbered=True) as host:
        found = kernels.push(kernel("print(1)"), environment=host.environment)
        assert (found.version, len(host._kernels._versions)) == (1, 1)
