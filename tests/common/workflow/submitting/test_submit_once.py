"""A run's file reaches Kaggle once, whatever happens to the calls that bring it there."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from common.kaggle.client import KaggleError, SubmissionError
from common.kaggle.server.host import Fault, Host, Hosted
from common.runs import Run
from common.storage import write_json
from common.workflow.submitting.submit_once import await_score, submit_once

ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_PAUSES", "0.01,0.01,0.01")
    monkeypatch.setenv("KIT_LISTED", "0")
    monkeypatch.setattr("common.kaggle.client.submitting.FIRST_POLL_S", 0.05)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    def score(path: Path) -> tuple[float, float]:
        value = float(path.read_text(encoding="utf-8"))
        return value, value / 2

    hosted = Hosted(
        slug="petals", title="Petals", files=tmp_path / "none", score=score, metric="accuracy",
        daily_limit=100_000,
    )  # fmt: skip
    with Host([hosted], folder=tmp_path / "host") as running:
        yield running


@pytest.fixture
def finished(tmp_path: Path) -> Callable[[str], Run]:
    def make(content: str) -> Run:
        run = Run(tmp_path / "runs" / content)
        run.folder.mkdir(parents=True)
        write_json(run / "run.json", {})
        (run / "submission.csv").write_text(content, encoding="utf-8")
        return run

    return make


def send(host: Host, run: Run, *, again: bool = False) -> dict[str, Any]:
    path, environment = run / "submission.csv", host.environment
    sent = submit_once("petals", run, path, "a cv 0.5", again=again, environment=environment)
    return await_score("petals", run, sent, environment=environment)


def count(host: Host) -> int:
    return len(host._submissions.entries("petals"))


def test_the_same_file_is_refused_unless_it_is_to_be_sent_again(
    host: Host, finished: Callable[[str], Run]
) -> None:
    run = finished("0.5")
    sent = send(host, run)
    assert (sent["public"], sent["private"]) == (0.5, 0.25)
    assert run.read()["submitting"] is None
    known = rf"submission {sent['ref']} of .*: public score 0\.5.*--again sends it"
    with pytest.raises(KaggleError, match=known):
        send(host, run)
    run.note(submitted=[])  # the site's list alone knows it
    with pytest.raises(KaggleError, match=known):
        send(host, run)
    assert count(host) == 1
    assert send(host, run, again=True)["ref"] == sent["ref"] + 1
    assert count(host) == 2


def test_a_file_that_only_the_run_remembers_is_refused_too(
    host: Host, finished: Callable[[str], Run]
) -> None:
    run = finished("0.5")
    send(host, run)
    host._submissions._entries.clear()
    with pytest.raises(KaggleError, match=r"public score 0\.5"):
        send(host, run)


def test_a_file_that_cannot_be_scored_is_not_waited_for_again(
    host: Host, finished: Callable[[str], Run]
) -> None:
    run = finished("nonsense")
    with pytest.raises(SubmissionError, match="could not convert"):
        send(host, run)
    with pytest.raises(KaggleError, match=r"of [\d-]+: could not convert.*--again"):
        send(host, run)
    assert count(host) == 1
    noted = run.read()["submitted"]
    assert [each["status"] for each in noted] == ["error"]
    assert "could not convert" in noted[0]["error"]


@pytest.mark.slow
def test_a_submission_whose_score_is_long_in_coming_is_pending_until_a_call_fetches_it(
    host: Host, finished: Callable[[str], Run]
) -> None:
    run = finished("0.5")
    host.faults.add(Fault(method="GetSubmission", status=503, times=4))
    with pytest.raises(
        KaggleError, match=r"waiting for the score of submission 50000001 to petals"
    ):
        send(host, run)
    known = {"ref": 50_000_001, "public": None, "private": None, "status": "pending"}
    assert run.read()["submitted"][0].items() >= known.items()
    earlier = run.read()["submitted"][0] | {"time": "2026-01-02T03:04:05+00:00"}
    run.note(submitted=[earlier])
    sent = send(host, run, again=True)  # even so: that one is not finished
    assert (sent["public"], sent["status"], sent["time"]) == (0.5, "complete", earlier["time"])
    assert run.read()["submitted"] == [sent]
    assert count(host) == 1


def killed_while(host: Host, run: Run, ready: Callable[[], bool]) -> None:
    """Begin to hand the run in, in a process that is killed with its child once it is `ready`."""
    code = (
        "import sys; from pathlib import Path; from common.runs import Run;"
        "from common.workflow.submitting.submit_once import submit_once; run = Run(Path(sys.argv[1]));"
        "submit_once('petals', run, run / 'submission.csv', 'm', again=False, environment=None)"
    )
    variables = {name: value for name, value in host.environment.items() if value}
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(run.folder)], cwd=ROOT, env={**os.environ, **variables},
        start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_call_killed_while_it_waits_for_the_score_is_gone_on_with(
    host: Host, finished: Callable[[str], Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = finished("0.5")
    host.faults.add(Fault(method="Score", slow_s=1.5))
    killed_while(host, run, lambda: count(host) == 1)
    assert send(host, run)["public"] == 0.5
    assert "was sent by a call before this one: submission 50000001" in capsys.readouterr().err
    assert count(host) == 1


@pytest.mark.slow
def test_a_request_still_on_its_way_when_its_process_was_killed_is_waited_for(
    host: Host, finished: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finished("0.5")
    host.faults.add(Fault(method="CreateSubmission", slow_s=2.5))
    killed_while(host, run, lambda: not host.faults._left)  # it is at work on it
    assert count(host) == 0
    monkeypatch.setenv("KIT_SILENCE", "3")
    assert send(host, run)["public"] == 0.5
    assert count(host) == 1


def test_a_call_killed_before_it_sent_anything_is_simply_made_again(
    host: Host, finished: Callable[[str], Run]
) -> None:
    run = finished("0.5")
    host.faults.add(Fault(method="StartSubmissionUpload", silent=True))
    killed_while(host, run, lambda: not host.faults._left)
    assert "sent" not in run.read()["submitting"]
    assert send(host, run)["public"] == 0.5
    assert count(host) == 1


SILENCE_S = 6.0  # longer than a process takes to start on a busy machine


def some_faults(chance: random.Random) -> list[Fault]:
    """Nothing, one or two things that go wrong on the way of one submission."""
    if chance.random() < 0.03:  # done only after its client has given up
        return [Fault(method="CreateSubmission", slow_s=SILENCE_S + 1)]
    status = chance.choice([429, 500, 502, 503])
    return chance.sample(
        [
            Fault(method="CreateSubmission"),
            Fault(method="CreateSubmission", times=2),
            Fault(method="CreateSubmission", status=status),
            Fault(method="CreateSubmission", status=504),
            Fault(method="StartSubmissionUpload", status=status),
            Fault(method="StartSubmissionUpload"),
            Fault(method="PUT", status=503),
            Fault(method="PUT", cut_at=chance.randrange(3)),
            Fault(method="ListSubmissions", status=status, times=chance.choice([1, 5])),
            Fault(method="GetSubmission", status=status),
            Fault(method="GetCompetition", status=status),
            Fault(method="Score", slow_s=0.3),
        ],
        chance.choice([0, 1, 1, 2, 2]),
    )


def all_arrive_once(
    host: Host, finished: Callable[[str], Run], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three hand in at a time, each calling again, as a person does, until it is done."""
    monkeypatch.setenv("KIT_SILENCE", str(SILENCE_S))
    chance = random.Random(number)
    values = [f"0.{place + 1:04}" for place in range(number)]

    def one(value: str) -> float:
        run = finished(value)
        host.faults.add(*some_faults(chance))
        failures: list[str] = []
        while len(failures) < 12:
            try:
                return float(send(host, run)["public"])
            except KaggleError as error:
                if "no answer in" not in str(error):  # a busy machine is no failure
                    failures.append(str(error))
        raise AssertionError(f"{value} was not submitted: {failures[-1]}")

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(one, values)) == [float(value) for value in values]
    arrived = sorted(entry.public for entry in host._submissions.entries("petals"))
    assert arrived == [float(value) for value in values]


@pytest.mark.slow
def test_submissions_under_random_faults_arrive_each_once(
    host: Host, finished: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    all_arrive_once(host, finished, 3, monkeypatch)


@pytest.mark.slow
def test_two_hundred_submissions_under_random_faults_arrive_each_once(
    host: Host, finished: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    all_arrive_once(host, finished, 200, monkeypatch)
