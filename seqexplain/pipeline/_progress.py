"""How far a job is: a bar on a terminal, a line in the log now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_log = logging.getLogger("seqexplain.pipeline")

LOG_EVERY = 60.0  # seconds between two lines, where there is no terminal
_ETA_WINDOW = 600.0  # seconds that the rate is averaged over: the first batch compiles, chunks are uneven

Advance = Callable[[int], None]


@contextmanager
def progress_of(label: str, total: int, done: int, *, shown: bool, unit: str = "sequences") -> Iterator[Advance]:
    """Show progress through `total` sequences, of which `done` were done before.

    Parameters
    ----------
    label
        What is going on.
    total, done
        Sequences.
    shown
        False for nothing at all.
    unit
        What is counted, where it is not sequences.

    Yields
    ------
    callable
        To be called with the number of sequences just finished.
    """
    if not shown:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(label, total, done, unit) as advance:
            yield advance
    else:
        yield _Lines(label, total, done, unit)


@contextmanager
def phases_of(label: str, *, shown: bool) -> Iterator[Callable[[str, float], None]]:
    """Show how far a job of several phases is, whose parts cannot be counted.

    Parameters
    ----------
    label
        What is going on.
    shown
        False for nothing at all.

    Yields
    ------
    callable
        To be called with the phase that begins, and the share of the whole that is done, from 0 to 1.
    """
    if not shown:
        yield lambda _, __: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(label, total=1.0)
            yield lambda phase, share: progress.update(task, description=f"{label}: {phase}", completed=share)
    else:
        yield lambda phase, share: _log.info("%s: %s (%.0f %% done)", label, phase, 100 * share)


@contextmanager
def _bar(label: str, total: int, done: int, unit: str) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit} ·"),
        TimeElapsedColumn(),
        TextColumn("· left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=_ETA_WINDOW) as progress:
        task = progress.add_task(label, total=total, completed=done)
        yield lambda count: progress.advance(task, count)


class _Lines:
    """Progress as sparse lines of the log."""

    def __init__(self, label: str, total: int, done: int, unit: str) -> None:
        self._label, self._total, self._before, self._done, self._unit = label, total, done, done, unit
        self._began = self._last = time.monotonic()

    def __call__(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._last < LOG_EVERY and self._done < self._total:
            return
        self._last = now
        rate = (self._done - self._before) / max(now - self._began, 1e-9)
        left = (self._total - self._done) / rate
        _log.info(
            "%s: %d of %d %s, %.3g a second, about %s left",
            self._label,
            self._done,
            self._total,
            self._unit,
            rate,
            in_words(left),
        )


def in_words(seconds: float) -> str:
    """Return a duration for people.

    Examples
    --------
    >>> in_words(42), in_words(600), in_words(10_000)
    ('42 s', '10 min', '2 h 47 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes + (rest >= 30), 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes_left} min"
