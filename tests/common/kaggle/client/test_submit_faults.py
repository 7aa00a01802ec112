"""Every way a submission goes wrong: what is shown, and how often it was submitted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.kaggle import client
from common.kaggle.client import KaggleError
from common.kaggle.server.host import FOREVER, Fault, Host, Hosted

DAY = 86_400


def refs(host: Host) -> list[int]:
    return [entry.ref for entry in host._submissions.entries("petals")]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="PUT", status=503),
        Fault(method="PUT", cut_at=2),
        Fault(method="StartSubmissionUpload", status=429, retry_after=1),
        Fault(method="CreateSubmission", status=429),
        Fault(method="CreateSubmission", status=503),
        Fault(method="CreateSubmission"),
    ],
    ids=["put-503", "put-cut", "start-429", "create-429", "create-503", "answer-lost"],
)
def test_a_fault_that_passes_ends_in_one_submission(
    host: Host, submission: Path, fault: Fault
) -> None:
    host.faults.add(fault)
    ref = client.submit("petals", submission, "once", environment=host.environment)
    host._submissions.close()
    assert refs(host) == [ref]
    assert host._submissions.entry(ref).public == 0.75


def test_a_lost_answer_is_looked_for_and_told(
    host: Host, submission: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="CreateSubmission"), Fault(method="ListSubmissions", status=503))
    ref = client.submit("petals", submission, "once", environment=host.environment)
    assert f"it counted: submission {ref}" in capsys.readouterr().err
    assert refs(host) == [ref]


def test_an_upload_that_always_fails_submits_nothing_and_says_so(
    host: Host, submission: Path
) -> None:
    host.faults.add(Fault(method="PUT", status=503, times=FOREVER))
    with pytest.raises(KaggleError, match=r"did not arrive whole; nothing was submitted"):
        client.submit("petals", submission, "m", environment=host.environment)
    assert refs(host) == []


@pytest.mark.slow
def test_silence_after_sending_is_no_reason_to_send_again(
    host: Host, submission: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_SILENCE", "3")
    host.faults.add(Fault(method="CreateSubmission", silent=True))
    with pytest.raises(client.UnsureError, match="cannot tell whether it counted"):
        client.submit("petals", submission, "m", environment=host.environment)
    assert refs(host) == []


@pytest.mark.slow
def test_a_list_that_cannot_be_read_is_no_reason_to_send_again(
    host: Host, submission: Path
) -> None:
    host.faults.add(Fault(method="CreateSubmission"))
    host.faults.add(Fault(method="ListSubmissions", status=503, times=FOREVER))
    with pytest.raises(client.UnsureError, match=r"cannot be read.*petals/submissions"):
        client.submit("petals", submission, "m", environment=host.environment)
    assert len(refs(host)) == 1


def test_a_file_that_cannot_be_scored_shows_kaggles_own_description(
    host: Host, submission: Path
) -> None:
    reason = "ERROR: Required column 'label' could not be found"
    host.faults.add(Fault(method="Score", message=reason))
    ref = client.submit("petals", submission, "m", environment=host.environment)
    with pytest.raises(client.SubmissionError, match=reason):
        client.wait("petals", ref, environment=host.environment)


def test_the_daily_limit_is_told_before_an_upload_and_after_a_refusal(
    host: Host, submission: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = host.environment
    found = client.competition_status("petals", environment=environment)
    client.check_can_submit("petals", found)
    assert "submissions to petals left today, this one included: 2" in capsys.readouterr().err
    for _ in range(2):
        client.submit("petals", submission, "m", environment=environment)
    limits = client.limits("petals", environment=environment)
    assert limits == client.Limits(today=2, total=2, allowed=0, capped=False)

    evening = datetime(2026, 11, 20, 21, 15, tzinfo=UTC)
    with pytest.raises(KaggleError, match=r"quota is used up \(2 submissions\).*in 2 h 45 min"):
        client.check_can_submit(
            "petals", client.competition_status("petals", environment=environment), now=evening
        )
    with pytest.raises(
        KaggleError, match=r"midnight UTC.*has used its daily submission allowance .2. today"
    ):
        client.submit("petals", submission, "m", environment=environment)
    assert len(refs(host)) == 2


def test_a_day_later_there_are_submissions_again(tmp_path: Path, submission: Path) -> None:
    now = [20_000.0 * DAY]
    hosted = Hosted(
        slug="petals",
        title="P",
        files=tmp_path / "none",
        score=lambda _: (1.0, 1.0),
        metric="accuracy",
        daily_limit=1,
    )
    with Host([hosted], folder=tmp_path / "host", clock=lambda: now[0]) as host:
        client.submit("petals", submission, "m", environment=host.environment)
        now[0] += DAY
        client.submit("petals", submission, "m", environment=host.environment)
        assert len(refs(host)) == 2


@pytest.mark.parametrize(
    ("closing", "sentence"),
    [
        ({"code_only": True}, "takes submissions from Kaggle's notebooks only"),
        ({"closed": True}, "takes no submissions any more"),
    ],
)
def test_a_competition_that_takes_no_files_says_so_before_the_upload(
    tmp_path: Path, submission: Path, closing: dict[str, bool], sentence: str
) -> None:
    hosted = Hosted(
        slug="petals",
        title="P",
        files=tmp_path / "none",
        score=lambda _: (1.0, 1.0),
        metric="accuracy",
        **closing,
    )  # type: ignore[arg-type]
    with Host([hosted], folder=tmp_path / "host") as host:
        with pytest.raises(KaggleError, match=sentence):
            client.check_can_submit(
                "petals", client.competition_status("petals", environment=host.environment)
            )
        with pytest.raises(KaggleError, match=r"notebooks only|takes no submissions any more"):
            client.submit("petals", submission, "m", environment=host.environment)
        assert refs(host) == []


def test_a_late_submission_is_scored_and_does_not_rank(
    tmp_path: Path, submission: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hosted = Hosted(
        slug="petals",
        title="P",
        files=tmp_path / "none",
        score=lambda _: (1.0, 0.9),
        metric="accuracy",
        deadline=1_700_000_000.0,
        board=[("ann", 0.9, 0.8)],
    )
    with Host([hosted], folder=tmp_path / "host") as host:
        environment = host.environment
        client.check_can_submit(
            "petals", client.competition_status("petals", environment=environment)
        )
        assert "ended on 2023-11-14: a late submission is scored" in capsys.readouterr().err
        ref = client.submit("petals", submission, "m", environment=environment)
        assert client.wait("petals", ref, environment=environment).private == 0.9
        rows = client.leaderboard("petals", environment=environment)
    assert [(row.team, row.score) for row in rows] == [("ann", 0.8)]


def test_limits_that_are_not_told_hold_nothing_up(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    host.faults.add(Fault(method="GetSubmissionLimits", status=501, times=2))
    found = client.competition_status("petals", environment=host.environment)
    client.check_can_submit("petals", found)
    assert "left today is not told" in capsys.readouterr().err


def test_a_score_is_read_from_the_list_where_none_is_told_alone(
    host: Host, submission: Path
) -> None:
    ref = client.submit("petals", submission, "m", environment=host.environment)
    host._submissions.close()
    host.faults.add(Fault(method="GetSubmission", status=404, times=FOREVER))
    assert client.wait("petals", ref, environment=host.environment).public == 0.75


def test_a_call_that_the_site_has_not_got_is_not_repeated(host: Host) -> None:
    host.faults.add(Fault(method="ListSubmissions", status=501, message="Unknown method"))
    with pytest.raises(KaggleError, match=r"Kaggle refused \(501: Unknown method\)$"):
        client.submissions("petals", environment=host.environment)
