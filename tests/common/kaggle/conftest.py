"""One loopback Kaggle for the module's tests, and the real, unpatched client pointed at it."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from common.kaggle.child import main
from common.kaggle.client.child_process import RemoteError
from common.kaggle.server.host import Host, Hosted
from common.workflow.submitting.local_kaggle import environment_set


def score(path: Path) -> tuple[float, float]:
    """Score a file by its only line; the word 'bad' is refused."""
    text = path.read_text(encoding="utf-8")
    if "bad" in text:
        raise ValueError("Submission must have 418 rows")
    return float(text), float(text) / 2


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_PAUSES", "0.01,0.01,0.01")
    monkeypatch.setenv("KIT_LISTED", "0")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "train").mkdir(parents=True)
    (folder / "train" / "a b.png").write_bytes(bytes(range(256)) * 40)
    (folder / "sample.csv").write_text("id,label\n1,x\n", encoding="utf-8")
    return folder


@pytest.fixture
def host(tmp_path: Path, files: Path) -> Iterator[Host]:
    competitions = [
        Hosted(
            slug="petals",
            title="Petals",
            files=files,
            score=score,
            metric="accuracy",
            daily_limit=2,
        ),
        Hosted(
            slug="unsigned",
            title="Rules not accepted",
            files=files,
            score=score,
            metric="accuracy",
            entered=False,
        ),
    ]
    with Host(competitions, folder=tmp_path / "host") as running:
        yield running


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    path = tmp_path / "submission.csv"
    path.write_text("0.75", encoding="utf-8")
    return path


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The official client in this process: a process of its own for each call takes longer."""

    def ask(request: Mapping[str, Any], *, environment: Mapping[str, str], **_: object) -> Any:
        with environment_set(environment):
            if "kaggle" in sys.modules:  # signed in at the host of a test before
                sys.modules["kaggle"].api._authenticated = False  # type: ignore[attr-defined]
            answer = main.answer(request)
        if "error" in answer:
            facts = answer["error"]
            raise RemoteError(facts.pop("kind"), facts.pop("reason"), **facts)
        return answer["result"]

    for module in ("client.retry", "client.submitting", "client.kernel_push"):
        monkeypatch.setattr(f"common.kaggle.{module}.ask", ask)
