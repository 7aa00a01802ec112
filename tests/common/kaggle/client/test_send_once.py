"""What must not be made twice: a lost answer, and a list that lags behind."""

from collections.abc import Iterator

from common.kaggle.client.child_process import RemoteError
from common.kaggle.client.errors import KaggleError
from common.kaggle.client.send_once import send_at_most_once


def made(answers: Iterator[str | None]) -> tuple[str, list[str]]:
    """What `once` returns, and what was sent, when every answer is lost."""
    sent: list[str] = []

    def send() -> str:
        sent.append("it")
        if len(sent) == 1:
            raise RemoteError("connection", "cut")
        return "made a second time"

    found = send_at_most_once(
        "making it",
        send,
        lambda: next(answers),
        refused=lambda failure: KaggleError(str(failure)),
        arrived="was made",
        place="the list",
        advice="look",
    )
    return found, sent


def test_a_list_that_lags_behind_is_looked_at_again() -> None:
    assert made(iter([None, None, "made"])) == ("made", ["it"])


def test_what_is_in_no_list_is_sent_again() -> None:
    assert made(iter([None, None, None])) == ("made a second time", ["it", "it"])
