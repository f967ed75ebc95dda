"""What a user sees when something goes wrong: one line, and an exit status.

Nothing is caught on the way: every subcommand raises, and this is the one place where errors become text.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

from seqexplain.cli._wording import for_command_line
from seqexplain.errors import SeqExplainError, SeqExplainWarning

TRACEBACK_VARIABLE = "SEQEXPLAIN_TRACEBACK"
USER_MISTAKE, OUR_MISTAKE = 2, 1
INTERRUPTED, BROKEN_PIPE = 130, 141  # 128 + the number of the signal, as shells count
SAME_WARNINGS = 3  # of one category; a job of many batches would repeat itself

# errno → how to mend it
_REMEDIES = {
    errno.ENOSPC: "Free some space, or write to another disk.",
    errno.EDQUOT: "Free some of your quota, or write to another disk.",
    errno.EACCES: "Choose another place, or change its permissions.",
    errno.EPERM: "Choose another place, or change its permissions.",
    errno.EROFS: "Choose a place that can be written.",
    errno.ENOENT: "Check the path; a folder is not made for you.",
    errno.ENOTDIR: "A part of the path is a file; check it.",
    errno.EISDIR: "That is a folder; give a file.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n).",
}


def guarded(run: Callable[[], None]) -> int:
    """Call a function; turn whatever it raises or warns about into lines on standard error.

    Returns
    -------
    int
        The exit status.
    """
    with warnings.catch_warnings(), _logging_to_stderr():
        warnings.simplefilter("always", SeqExplainWarning)
        warnings.showwarning = _WarningLines()
        try:
            run()
            sys.stdout.flush()
        except KeyboardInterrupt as interrupt:
            _line("interrupted", str(interrupt) or "nothing that looks whole was left unfinished.")
            return INTERRUPTED
        except BrokenPipeError:
            _abandon_stdout()
            return BROKEN_PIPE
        except Exception as error:
            status = _report(error)
            try:
                sys.stdout.flush()
            except OSError:
                _abandon_stdout()
            return status
    return 0


def _report(error: Exception) -> int:
    if isinstance(getattr(error, "exit_code", None), int) and not hasattr(error, "format_message"):
        return int(error.exit_code)  # type: ignore[attr-defined]  # typer.Exit, from --help
    if os.environ.get(TRACEBACK_VARIABLE):
        sys.stderr.write("".join(traceback.format_exception(error)))
    if isinstance(error, SeqExplainError):
        _line("error", for_command_line(str(error)))
        return USER_MISTAKE
    if hasattr(error, "format_message"):  # a usage error of typer's
        message = error.format_message().replace("Value error, ", "").rstrip(".")
        end = "" if message.endswith("?") else "."  # of a hint: Did you mean …?
        _line("error", f"{message}{end} {_help_of(error)}")
        return USER_MISTAKE
    if isinstance(error, MemoryError) or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
        _line("error", "out of memory. Lower --batch-size, or take a machine with more.")
        return USER_MISTAKE
    if isinstance(error, OSError) and error.errno is not None:
        named = f"{error.filename}: " if error.filename else ""
        reason = error.strerror or str(error)
        _line("error", f"{named}{reason}. {_REMEDIES.get(error.errno, '')}".rstrip())
        return USER_MISTAKE
    _line(
        "error",
        f"this is a bug: {type(error).__name__}: {error}. Please report it, with what "
        f"{TRACEBACK_VARIABLE}=1 before the same command prints.",
    )
    return OUR_MISTAKE


def _help_of(error: Any) -> str:
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", None) or "seqexplain"
    return f"See {path} --help."


def _line(kind: str, text: str) -> None:
    """Write one line, whatever the text holds."""
    # standard error may be closed as well: there is nobody left to tell
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"seqexplain: {kind}: {' '.join(text.split())}\n")
        sys.stderr.flush()


class _WarningLines:
    """Shows each warning once, on one line, and not too many of a kind."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._counts: Counter[type[Warning]] = Counter()

    def __call__(
        self, message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any
    ) -> None:
        ours = issubclass(category, SeqExplainWarning)
        text = for_command_line(str(message)) if ours else f"{category.__name__}: {message} ({filename}:{lineno})"
        if text in self._seen:
            return
        self._seen.add(text)
        self._counts[category] += 1
        if self._counts[category] <= SAME_WARNINGS:
            _line("warning", text)
        elif self._counts[category] == SAME_WARNINGS + 1:
            _line("warning", f"there are more of this kind ({category.__name__}), which are not shown.")


class _Lines(logging.Handler):
    """Log records as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = "note" if record.levelno < logging.WARNING else record.levelname.lower()
        _line(kind, for_command_line(record.getMessage()))


@contextlib.contextmanager
def _logging_to_stderr() -> Any:
    """Show the package's log while a command runs; `--quiet` raises its level."""
    log = logging.getLogger("seqexplain")
    handler, level = _Lines(), log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def be_quiet() -> None:
    """Show warnings and errors only, for the rest of this command."""
    logging.getLogger("seqexplain").setLevel(logging.WARNING)


def _abandon_stdout() -> None:
    """Point standard output at nothing: nobody takes what is left in it, and flushing at exit would complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
