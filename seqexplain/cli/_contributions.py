"""The contributions that `motifs` and `hits` read: a store, or a file of another tool."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqexplain.cli._targets import stored_label
from seqexplain.errors import TargetError

if TYPE_CHECKING:
    from seqexplain.motifs import ContributionSource
    from seqexplain.storage import ResultStore

ContributionsPath = Annotated[
    Path,
    typer.Argument(
        metavar="CONTRIBUTIONS",
        help="What `seqexplain explain` wrote (STORE.zarr), or an .npz, .h5 or folder of another tool.",
    ),
]
StoredTarget = Annotated[
    str | None, typer.Option(metavar="TARGET", help="Which of several targets: its label, or its position from 0.")
]


def opened(path: Path, target: str | None, *, allow_incomplete: bool = False) -> ContributionSource:
    """Open contributions; of an interrupted job, if that is allowed, what it has finished.

    Raises
    ------
    TargetError
        When there is no such target, or several and none is chosen.
    SeqExplainError
        When the file cannot be read.
    """
    from seqexplain.motifs import open_contributions
    from seqexplain.storage import ResultStore, peek

    if peek(path) is None:
        if target is not None:
            raise TargetError(f"--target {target}: {path} is not a store of seqexplain and has one target only.")
        return open_contributions(path)
    store = ResultStore(path, allow_incomplete=allow_incomplete)
    return open_contributions(store, target=None if target is None else position_of(store, target))


def store_or_file(path: Path, allow_incomplete: bool) -> ResultStore | Path:
    """Open a store, of which the finished part may do; leave the path of another tool's file as it is.

    Raises
    ------
    SeqExplainError
        When the store cannot be read.
    """
    from seqexplain.storage import ResultStore, peek

    return path if peek(path) is None else ResultStore(path, allow_incomplete=allow_incomplete)


def position_of(store: ResultStore, text: str) -> int | str:
    """Return which target of a store a text means."""
    label = stored_label(store.targets, text)
    return int(label) if label not in store.targets and label.isdecimal() else label
