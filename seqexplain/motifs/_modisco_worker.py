"""TF-MoDISco in a process of its own: `python -m seqexplain.motifs._modisco_worker FOLDER`.

The library prints, forks, sets numba's threads and keeps compiled functions; all that ends with this process. It is
talked to by lines: `patterns` on standard input asks for the second step, and every line on standard output is a JSON
object, an event. Arrays lie in the folder.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# the library's functions that take long: module, function, what a user reads. Names that a version has not are left out
PHASES = (
    ("affinitymat", "cosine_similarity_from_seqlets", "gapped k-mers of seqlets compared"),
    ("affinitymat", "jaccard_from_seqlets", "neighbours compared along their length"),
    ("tfmodisco", "_density_adaptation", "similarities adapted to density"),
    ("cluster", "LeidenCluster", "seqlets clustered"),
    ("tfmodisco", "_patterns_from_clusters", "clusters aligned"),
    ("aggregator", "_detect_spurious_merging", "patterns divided and merged"),
)
SIGNS = {"positive": 1, "negative": -1}
UNKNOWN = 4  # code of a base that is not known, or not there
TINY = 1e-20  # in the place of 0: far below rounding beside any contribution


class Channel:
    """Events to the process that started this one; whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._began, self._owner = time.monotonic(), os.getpid()

    def say(self, event: str, **facts: Any) -> None:
        """Send an event, with the seconds since the start and the most memory so far, in bytes."""
        if os.getpid() == self._owner:  # the library forks, and its children would speak as well
            line = {"event": event, "seconds": time.monotonic() - self._began, "peak_bytes": _peak_bytes(), **facts}
            self._out.write(json.dumps(line) + "\n")
            self._out.flush()


def _peak_bytes() -> int:
    """Return the most memory that this process had."""
    try:
        import resource
    except ImportError:  # not a Unix
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def listen(library: Any, say: Callable[..., None], now: dict[str, str]) -> None:
    """Have each of the long functions say when it is done, where it is not called by another of them.

    `now["sign"]` is whose seqlets they work on.
    """
    depth = 0

    def heard(function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal depth
            depth += 1
            try:
                value = function(*args, **kwargs)
            finally:
                depth -= 1
            if depth == 0:
                say("phase", phase=phase, sign=now["sign"])
            return value

        return wrapper

    for module, name, phase in PHASES:
        home = getattr(library, module, None)
        if callable(getattr(home, name, None)):
            setattr(home, name, heard(getattr(home, name), phase))


def call_seqlets(library: Any, folder: Path, options: dict[str, Any]) -> None:
    """Find seqlets in `observed.npy`, `(n, L)`, and write them to `seqlets.npz`."""
    observed = np.load(folder / "observed.npy")
    width = options["window_size"]
    # the library leaves out what lies within `flank` of an edge; 1 is the least with which it finds anything
    found, threshold = library.extract_seqlets.extract_seqlets(observed, flank=1, **options)
    row = np.array([one.example_idx for one in found], dtype=np.int64)
    start = np.array([one.start + 1 for one in found], dtype=np.int64)
    sums = np.cumsum(np.pad(observed.astype(np.float64), ((0, 0), (1, 0))), axis=1)
    score = sums[row, start + width] - sums[row, start]
    kept = np.abs(score) > threshold
    np.savez(folder / "seqlets.npz", row=row[kept], start=start[kept], score=score[kept])


def cluster(library: Any, folder: Path, options: dict[str, Any], say: Callable[..., None], now: dict[str, str]) -> None:
    """Make patterns of the seqlets of each sign, and write where they lie."""
    codes = np.load(folder / "codes.npy")
    hypothetical = np.load(folder / "hypothetical.npy")
    # an unknown base is a quarter of each: a row of zeros is the most informative position to the library, and it cuts
    # patterns to where they hang over an edge. It divides by zero where windows without any contribution are compared
    one_hot = np.vstack([np.eye(4), np.full(4, 0.25)]).astype(np.float32)[codes]
    hypothetical[(codes == UNKNOWN)[..., None] | (hypothetical == 0)] = TINY
    tracks = library.core.TrackSet(
        one_hot=one_hot, contrib_scores=one_hot * hypothetical, hypothetical_contribs=hypothetical
    )
    given = np.load(folder / "chosen.npz")
    found: dict[str, Any] = {}
    for name, sign in SIGNS.items():
        mine = np.flatnonzero(given["sign"] == sign)
        if len(mine) == 0:
            continue
        now["sign"] = name
        row, start, end = (given[key][mine].tolist() for key in ("row", "start", "end"))
        seqlets = tracks.create_seqlets(
            [
                library.core.Seqlet(example_idx=i, start=a, end=b, is_revcomp=False)
                for i, a, b in zip(row, start, end, strict=True)
            ]
        )
        try:
            patterns = library.tfmodisco.seqlets_to_patterns(
                seqlets=seqlets, track_set=tracks, track_signs=sign, **options
            )
        except Exception as error:  # it fails in many ways where seqlets are few or all alike
            traceback.print_exc()
            say("failed", sign=name, seqlets=len(mine), reason=f"{type(error).__name__}: {error}")
            continue
        for k, pattern in enumerate(patterns or []):
            found |= _places(f"{name}_{k}", pattern)
        say("phase", phase="patterns divided into parts", sign=name)
        say("end", sign=name, seqlets=len(mine), patterns=len(patterns or []))
    np.savez(folder / "patterns.npz", **found)


def _places(name: str, pattern: Any) -> dict[str, Any]:
    """Return row, start, end, whether turned, and number of the part, of each seqlet of a pattern: `(k, 5)`."""
    part = pattern.subclusters if pattern.subclusters is not None else [0] * len(pattern.seqlets)
    places = [
        (one.example_idx, one.start, one.end, bool(one.is_revcomp), int(p))
        for one, p in zip(pattern.seqlets, part, strict=True)
    ]
    return {name: np.array(places, dtype=np.int64)}


def die_with_parent() -> None:
    """Have the system end this process when the one that started it is gone, whatever ended that (Linux only)."""
    if sys.platform == "linux":
        import ctypes
        import signal

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main(folder: Path) -> None:
    """Do both steps; the second when it is asked for."""
    die_with_parent()
    channel = Channel()
    request = json.loads((folder / "request.json").read_text("utf-8"))
    import modiscolite as library

    if request["seqlets"] is not None:
        try:
            call_seqlets(library, folder, request["seqlets"])
        except Exception as error:  # contributions that are all positive, for instance
            traceback.print_exc()
            channel.say("seqlets", reason=f"{type(error).__name__}: {error}")
        else:
            channel.say("seqlets", reason="")
    if sys.stdin.readline().strip() == "patterns":
        known = inspect.signature(library.tfmodisco.seqlets_to_patterns).parameters
        unknown = sorted(set(request["patterns"]) - set(known))
        if unknown:
            channel.say("unknown", names=unknown, known=sorted(known))
        now: dict[str, str] = {}
        listen(library, channel.say, now)
        precompile = getattr(library, "precompile", None)  # of version 3: compiles the kernels beside the work
        if precompile is not None:
            precompile.start()
        cluster(library, folder, request["patterns"], channel.say, now)
        channel.say("done", library=str(library.__version__))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
