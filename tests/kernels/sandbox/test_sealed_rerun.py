"""Each of the site's words for a failed re-run, reached by a real script that runs sealed on the local Kaggle."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_kernel import kernel

from common.kaggle import client
from common.kaggle.client import kernels
from common.kaggle.server.host import Host
from common.kaggle.server.hosted import Hosted
from kernels.sandbox.sealed_run import run_sealed

SCRIPT = """
import os, sys, time
from pathlib import Path
hidden = "KAGGLE_IS_COMPETITION_RERUN" in os.environ
answer = Path("/kaggle/input/competitions/petals/answer.txt").read_text()
{body}
Path("submission.csv").write_text(answer)
"""


def score(path: Path) -> tuple[float, float]:
    """The number in the file; ValueError for a word."""
    return float(path.read_text(encoding="utf-8")), 0.5


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host whose hidden files answer 0.75, with 3 s, 150 MB and five submissions a day."""
    for name, text in (("files", "0.25"), ("hidden", "0.75")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "answer.txt").write_text(text, encoding="utf-8")
    petals = Hosted(
        slug="petals",
        title="Petals",
        files=tmp_path / "files",
        hidden=tmp_path / "hidden",
        score=score,
        metric="accuracy",
        code_only=True,
        daily_limit=5,
        rerun_s=3.0,
        rerun_mb=150,
    )
    with Host([petals], folder=tmp_path / "host", run_kernel=run_sealed) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("if hidden: time.sleep(60)", "Notebook Timeout"),
        ("if hidden: raise ValueError('the private reason')", "Notebook Threw Exception"),
        ("if hidden: os.kill(os.getpid(), 9)", "Notebook Threw Exception"),
        ("if hidden: sys.exit()", "Submission CSV Not Found"),
        ("if hidden: answer = 'the private answer'", "Submission Scoring Error"),
        (
            "held = hidden and bytearray(400 << 20); time.sleep(1.5)",
            "Notebook Exceeded Allowed Compute",
        ),
        ("", ""),
    ],
)
def test_a_sealed_rerun_ends_in_the_sites_words_and_tells_nothing_else(
    host: Host, body: str, words: str
) -> None:
    there = host.environment
    pushed = kernels.push(kernel(SCRIPT.format(body=body)), environment=there)
    assert kernels.follow(pushed, environment=there).status == "COMPLETE"
    ref = kernels.submit_kernel("petals", pushed, "submission.csv", "first", environment=there)
    if not words:
        assert client.wait("petals", ref, environment=there).public == 0.75
        return
    with pytest.raises(client.SubmissionError, match=f"{words};") as told:
        client.wait("petals", ref, environment=there)
    (row,) = client.submissions("petals", environment=there)
    assert (row.status, row.error, row.public) == ("ERROR", words, None)
    assert "private" not in str(told.value)
    limits = client.competition_status("petals", environment=there).limits
    assert limits is not None
    assert (limits.today, limits.allowed) == (1, 4)
