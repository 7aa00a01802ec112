"""A submitted kernel run again on hidden files: scored as the site does, and failed in the site's words."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from toy_kernel import kernel, run_kernel

from common.kaggle import client
from common.kaggle.client import kernels
from common.kaggle.server.host import Host
from common.kaggle.server.hosted import Hosted
from common.kaggle.session import Ending, Session

# It writes what the attached file says, which differs in the hidden set.
COPIES = """
import json, os
from pathlib import Path
files = Path(json.loads(os.environ["INPUTS"])["competitions/petals"])
rerun = "KAGGLE_IS_COMPETITION_RERUN" in os.environ
{body}
Path("submission.csv").write_text((files / "answer.txt").read_text())
"""


def score(path: Path) -> tuple[float, float]:
    """The number in the file; ValueError for a word."""
    return float(path.read_text(encoding="utf-8")), 0.5


def out_of_memory(session: Session) -> Ending:
    """A machine that has too little memory for a re-run."""
    ending = run_kernel(session)
    return Ending("ERROR", "too much", "memory") if session.variables else ending


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """A function that starts a host whose visible files answer 0.25 and whose hidden ones `hidden`."""
    opened: list[Host] = []

    def start(hidden: str = "0.75", run: Any = run_kernel, **terms: Any) -> Host:
        for name, text in (("files", "0.25"), ("hidden", hidden)):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "answer.txt").write_text(text, encoding="utf-8")
        hosted = Hosted(
            slug="petals",
            title="Petals",
            files=tmp_path / "files",
            hidden=tmp_path / "hidden",
            score=score,
            metric="accuracy",
            code_only=True,
            **terms,
        )
        host = Host([hosted], folder=tmp_path / "host", run_kernel=run)
        opened.append(host.__enter__())
        return host

    yield start
    for host in opened:
        host.__exit__(None, None, None)


def submitted(host: Host, body: str = "") -> client.Submission:
    """The submission of a kernel that does `body` first, when it has its score."""
    text = COPIES.format(body=body)
    pushed = kernels.push(kernel(text), environment=host.environment)
    assert kernels.follow(pushed, environment=host.environment).status == "COMPLETE"
    ref = kernels.submit_kernel(
        "petals", pushed, "submission.csv", "first", environment=host.environment
    )
    return client.wait("petals", ref, environment=host.environment)


@pytest.mark.slow
def test_what_the_kernel_writes_on_the_hidden_files_is_scored(hosts: Callable[..., Host]) -> None:
    assert submitted(hosts()).public == 0.75


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "words", "terms"),
    [
        ("import time\nif rerun: time.sleep(60)", "Notebook Timeout", {"rerun_s": 1.0}),
        ("if rerun: raise ValueError('private')", "Notebook Threw Exception", {}),
        ("if rerun: raise SystemExit(0)", "Submission CSV Not Found", {}),
        ("", "Submission Scoring Error", {"hidden": "no number"}),
        ("", "Notebook Exceeded Allowed Compute", {"run": out_of_memory}),
    ],
)
def test_a_rerun_fails_in_the_sites_words_alone_and_counts_against_the_day(
    hosts: Callable[..., Host], body: str, words: str, terms: dict[str, Any]
) -> None:
    host = hosts(daily_limit=1, **terms)
    with pytest.raises(client.SubmissionError, match=words) as told:
        submitted(host, body)
    assert "private" not in str(told.value)
    assert "`kit <competition> kernel --predict RUN" in str(told.value)
    limits = client.competition_status("petals", environment=host.environment).limits
    assert limits is not None
    assert limits.allowed == 0
