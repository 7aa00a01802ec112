"""The command line against a site: twice, again, without a score yet; and `kit host` made to fail."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kit
from common import ledger
from common.kaggle.server.host import FOREVER, Fault, Host, Hosted
from common.verbs import host as host_verb
from common.verbs import run
from common.workflow.submitting.local_kaggle import environment_set


@pytest.fixture
def site(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A site that scores any file, the environment that leads there, and a finished run."""
    monkeypatch.setenv("KIT_PAUSES", "0.01")
    monkeypatch.setenv("KIT_LISTED", "0")
    monkeypatch.setattr("common.kaggle.client.submitting.FIRST_POLL_S", 0.05)
    run.run(toy(epochs=1))
    hosted = Hosted(
        slug="digits",
        title="Digits",
        files=tmp_path / "none",
        score=lambda _: (0.5, 0.25),
        metric="accuracy",
    )
    with Host([hosted], folder=tmp_path / "site") as host, environment_set(host.environment):
        yield host


def digits(tmp_path: Path, *words: str) -> int:
    places = ["--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    return kit.main(["digits", *words, *places])


def rows(tmp_path: Path) -> list[tuple[int, str, float | None, float | None]]:
    found = ledger.read(tmp_path / "runs" / ledger.NAME)
    return [(row.ref, row.status, row.public, row.private) for row in found]


@pytest.mark.slow
def test_the_same_file_is_sent_again_only_when_the_command_line_says_so(
    site: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert digits(tmp_path, "submit", "--message", "one") == 0
    first, second = 50_000_001, 50_000_002
    capsys.readouterr()
    assert digits(tmp_path, "submit") == 1
    refused = capsys.readouterr().err
    assert f"was submitted to digits before (submission {first} of " in refused
    assert "public score 0.5) and would fare the same: --again sends it" in refused
    assert digits(tmp_path, "submit", "--again", "--message", "two", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ref"] == second
    assert rows(tmp_path) == [(ref, "complete", 0.5, 0.25) for ref in (first, second)]
    sent = [entry.description.partition(" ")[2] for entry in site._submissions.entries("digits")]
    assert sent == ["two", "one"]


def test_a_file_from_elsewhere_is_checked_sent_once_and_entered(
    site: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own,) = (tmp_path / "runs").glob("digits-toy-*")
    made = pd.read_csv(own / "submission.csv", dtype=str)
    file = tmp_path / "a friend's.csv"
    made.iloc[1:].to_csv(file, index=False)
    assert digits(tmp_path, "submit", str(file)) == 1
    assert "would be refused" in capsys.readouterr().err
    assert not list((tmp_path / "runs").glob("digits-file-*"))
    made[::-1].to_csv(file, index=False)
    assert digits(tmp_path, "check-submission", str(file), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["problems"], len(found["remarks"])) == ([], 1)
    assert digits(tmp_path, "submit", str(file), "--json") == 0
    said = capsys.readouterr()
    assert "remark: the rows are in another order" in said.err
    result = json.loads(said.out)
    assert (result["ref"], result["public"]) == (50_000_001, 0.5)
    assert Path(result["submission"]).read_bytes() == file.read_bytes()
    assert digits(tmp_path, "submit", str(file)) == 1
    assert "would fare the same: --again sends it" in capsys.readouterr().err
    entry = ledger.read(tmp_path / "runs" / ledger.NAME)[-1]
    assert (entry.run, entry.recipe, entry.cv) == (Path(result["run"]).name, "file", None)
    assert [sent.description.partition(" ")[2] for sent in site._submissions.entries("digits")] == [
        file.name
    ]
    assert digits(tmp_path, "blend", str(own), result["run"]) == 1
    assert "a submission file from elsewhere" in capsys.readouterr().err
    assert digits(tmp_path, "submit", str(file), "epochs=1") == 1
    assert "is sent as it is: leave epochs=1 out" in capsys.readouterr().err
    assert digits(tmp_path, "submit", "nothing.csv") == 1
    assert "there is no file nothing.csv to submit" in capsys.readouterr().err
    assert digits(tmp_path, "submit", str(own / "submission.csv"), "--message", "x" * 2000) == 0
    said = capsys.readouterr()
    assert (
        "the message of 2000 characters is cut to" in said.err
    )  # it is the run's own, and sent as that
    assert ledger.read(tmp_path / "runs" / ledger.NAME)[-1].run == own.name


def test_a_submission_without_a_score_is_in_the_ledger_and_is_completed_later(
    site: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.faults.add(Fault(method="GetSubmission", status=503, times=FOREVER))
    ref = 50_000_001
    assert digits(tmp_path, "submit") == 1
    shown = capsys.readouterr().err
    assert f"has arrived: submission {ref}; waiting for its score" in shown
    assert (
        f"kit: waiting for the score of submission {ref} to digits: Kaggle is in trouble" in shown
    )
    assert rows(tmp_path) == [(ref, "pending", None, None)]
    assert kit.main(["ledger", "--runs", str(tmp_path / "runs")]) == 0
    shown = capsys.readouterr().out
    assert f"no score yet: `kit digits leaderboard --runs {tmp_path / 'runs'}` asks again" in shown

    assert digits(tmp_path, "leaderboard") == 0
    assert rows(tmp_path) == [(ref, "complete", 0.5, 0.25)]

    site.faults.clear()
    assert digits(tmp_path, "submit") == 0  # the run has been waiting for it as well
    assert f"was sent by a call before this one: submission {ref}" in capsys.readouterr().err
    assert rows(tmp_path) == [(ref, "complete", 0.5, 0.25)]
    assert len(site._submissions.entries("digits")) == 1


def test_a_refused_file_is_in_the_ledger_as_refused(
    site: Host, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.faults.add(Fault(method="Score", message="Submission must have 418 rows."))
    assert digits(tmp_path, "submit") == 1
    assert "Submission must have 418 rows; correct the file" in capsys.readouterr().err
    assert rows(tmp_path) == [(50_000_001, "error", None, None)]
    assert digits(tmp_path, "submit") == 1
    assert ": Submission must have 418 rows.) and would fare the same" in capsys.readouterr().err


def test_words_of_the_command_line_become_faults_and_terms() -> None:
    assert host_verb.parse_fault('Score message="no such column" times=2') == Fault(
        method="Score", message="no such column", times=2
    )
    fault = host_verb.parse_fault("GET cut_at=7 ranged=true slow_s=0.5")
    assert fault == Fault(method="GET", cut_at=7, ranged=True, slow_s=0.5)
    terms = host_verb.values_of(Hosted, ["entered=false", "daily_limit=3", "deadline=1.5e9"])
    assert terms == {"entered": False, "daily_limit": 3, "deadline": 1.5e9}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("PUTS status=503", "begins with no method: did you mean 'PUT'"),
        ("PUT state=503", "'state=503' is not name=value: did you mean 'status'"),
        ("PUT status=many", "status=many: status is of type int"),
        ("GET ranged=maybe", "ranged is of type bool"),
        ("", "begins with no method"),
    ],
)
def test_a_fault_that_cannot_happen_is_a_sentence(words: str, answer: str) -> None:
    with pytest.raises(ValueError, match=answer):
        host_verb.parse_fault(words)
