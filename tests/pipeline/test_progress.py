"""What is shown while a job runs."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from seqexplain.pipeline import _progress
from seqexplain.pipeline._progress import progress_of


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress_of("explaining", 100, 40, shown=True) as advance:
        advance(10)
        advance(50)
    assert "explaining" in terminal.getvalue()
    assert "100/100" in terminal.getvalue()
    assert capsys.readouterr().out == "", "standard output is for results"


def test_elsewhere_a_line_a_minute(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(_progress.time, "monotonic", lambda: now)
    caplog.set_level(logging.INFO)
    with progress_of("explaining", 1000, 400, shown=True) as advance:
        for _ in range(60):  # ten sequences in ten seconds, each time
            now += 10.0
            advance(10)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 10
    assert lines[0] == "explaining: 460 of 1000 sequences, 1 a second, about 9 min left"
    assert lines[-1] == "explaining: 1000 of 1000 sequences, 1 a second, about 0 s left"


def test_nothing_at_all(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_of("explaining", 10, 0, shown=False) as advance:
        advance(10)
    assert terminal.getvalue() == ""
    assert not caplog.records
