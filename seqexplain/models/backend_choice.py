"""Choose the Keras backend, which can only be done before Keras is first imported."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqexplain.errors import BackendError

DEFAULT_BACKEND = "tensorflow"

# backend as Keras calls it -> (module that must be importable, extra of this package that brings it)
_BACKENDS = {
    "tensorflow": ("tensorflow", None),
    "jax": ("jax", "jax"),
    "torch": ("torch", "torch"),
}
_QUIET = "2"  # TF_CPP_MIN_LOG_LEVEL: errors only
# A line of the C++ log, `I0000 00:00:1795261417.878097    6936 port.cc:153] …`, and its preface.
_BANNER = re.compile(
    r"[IWE]\d{4} .*\.cc:\d+\]|WARNING: All log messages before absl::InitializeLog|"
    r"\d{4}-\d\d-\d\d .*\.cc:\d+\]|To enable the following instructions"
)
_ALIASES = {"tf": "tensorflow", "pytorch": "torch"}


def choose_backend(name: str | None = None) -> str:
    """Make `name` the Keras backend of this process, without importing Keras.

    Call it before anything imports Keras. Without a name the choice is the one Keras itself would make: the
    variable `KERAS_BACKEND`, then the file `keras.json` in `KERAS_HOME` (by default `~/.keras`), then
    TensorFlow.

    TensorFlow's start-up messages are silenced unless the environment already says how loud it is to be
    (`TF_CPP_MIN_LOG_LEVEL`).

    Parameters
    ----------
    name
        `"tensorflow"` (or `"tf"`), `"jax"`, `"torch"` (or `"pytorch"`), or None.

    Returns
    -------
    str
        The backend that is in force: `"tensorflow"`, `"jax"` or `"torch"`.

    Raises
    ------
    BackendError
        When the name is unknown, its package is not installed, or Keras is already imported with another
        backend.
    """
    loaded = _backend_of_loaded_keras()
    if name is None and loaded is not None:
        return loaded
    asked = (name or os.environ.get("KERAS_BACKEND") or _backend_of_settings_file() or DEFAULT_BACKEND).lower()
    backend = _ALIASES.get(asked, asked)
    if backend not in _BACKENDS:
        raise BackendError(f"Unknown Keras backend {asked!r}. Choose one of: {', '.join(_BACKENDS)}.")
    if loaded is not None and loaded != backend:
        raise BackendError(
            f"The Keras backend {backend!r} was asked for, but Keras is already imported with {loaded!r} and "
            f"cannot be switched. Start a new process and set KERAS_BACKEND={backend} before Keras is "
            f"imported."
        )
    module, extra = _BACKENDS[backend]
    if module not in sys.modules and importlib.util.find_spec(module) is None:
        package = f'"seqexplain[{extra}]"' if extra else module
        raise BackendError(f"The Keras backend {backend!r} is not installed. Run: pip install {package}")
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", _QUIET)
    return backend


def import_keras(backend: str | None = None) -> Any:
    """Import Keras on a backend and return it, without TensorFlow's start-up messages.

    What else is written to standard error meanwhile is passed on. A user who sets `TF_CPP_MIN_LOG_LEVEL`
    below 2 sees everything.

    Parameters
    ----------
    backend
        As for `choose_backend`.

    Returns
    -------
    module
        `keras`, as `import keras` gives it.

    Raises
    ------
    BackendError
        As `choose_backend`; also when the backend is installed but does not start.
    """
    chosen = choose_backend(backend)
    if "keras" in sys.modules:
        return sys.modules["keras"]
    try:
        if chosen != "tensorflow" or os.environ["TF_CPP_MIN_LOG_LEVEL"] < _QUIET:
            return importlib.import_module("keras")
        with _without_banner():
            keras = importlib.import_module("keras")
            # TensorFlow looks for devices when first used, and then complains once more where there is none.
            importlib.import_module("tensorflow").config.list_physical_devices()
    except ImportError as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise BackendError(f"The Keras backend {chosen!r} is installed but does not start: {reason}") from error
    return keras


@contextmanager
def _without_banner() -> Iterator[None]:
    """Hold back standard error and pass on all but TensorFlow's log lines.

    The lines are written by C++ code before its own log level is read, so they can only be caught at the file
    descriptor.
    """
    try:
        descriptor = sys.__stderr__.fileno() if sys.__stderr__ is not None else None
    except (OSError, ValueError):
        descriptor = None
    if descriptor is None:  # an embedded interpreter without standard error: nothing to hold back
        yield
        return
    saved = os.dup(descriptor)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), descriptor)
        try:
            yield
        finally:
            os.dup2(saved, descriptor)
            held.seek(0)
            for line in held.read().decode("utf-8", "replace").splitlines(keepends=True):
                if not _BANNER.match(line):
                    os.write(saved, line.encode("utf-8"))
            os.close(saved)


def _backend_of_loaded_keras() -> str | None:
    """Return the backend of Keras if it is imported already, else None."""
    keras = sys.modules.get("keras")
    # A half-imported Keras (this call came from inside its import) has no `backend` yet.
    backend = getattr(keras, "backend", None)
    return str(backend.backend()) if backend is not None else None


def _backend_of_settings_file() -> str | None:
    """Return what Keras' own settings file says, read as Keras reads it; None without one."""
    home = os.environ.get("KERAS_HOME")
    folder = Path(home) if home else Path.home() / ".keras"
    try:
        settings = json.loads((folder / "keras.json").read_text())
    except (OSError, ValueError):
        return None  # Keras, too, ignores a file that it cannot read
    backend = settings.get("backend") if isinstance(settings, dict) else None
    return backend if isinstance(backend, str) else None
