"""How waiting looks on a terminal."""

import sys

import pytest

from common.kaggle.client.waiting import waiting


def test_a_wait_is_shown_in_one_line_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    with waiting() as show:
        show("short")
        show("version 1 of you/kit is running: " + "words " * 20)
    lines = capsys.readouterr().err.replace("\x1b[K", "").split("\r")
    assert [len(line.rstrip("\n")) for line in lines] == [0, 5, 39]
    assert lines[-1].endswith("…\n")
