"""Motifs and lists of numbers as text: a consensus, a motif of a file, positions and distances."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from seqexplain.errors import MissingFileError, ParameterError

if TYPE_CHECKING:
    from seqexplain.motifs import Motif

NAMES_SHOWN = 5


def read_motif(option: str, consensus: str | None, file: str | None) -> str | Motif | None:
    """Return the motif that `--OPTION` or `--OPTION-file` gives: a consensus, a `Motif`, or None for neither.

    Raises
    ------
    ParameterError
        When both are given, or the file holds no such motif, or several and none is named.
    MissingFileError, FileFormatError
        When the file does not exist or cannot be read.
    """
    if consensus is not None and file is not None:
        raise ParameterError(f"Both --{option} and --{option}-file are given; give one.")
    if file is None:
        return consensus
    return motif_of_file(file, f"--{option}-file")


def motif_of_file(text: str, option: str) -> Motif:
    """Return the motif that `FILE` or `FILE:NAME` means; NAME is its id or its name.

    Raises
    ------
    ParameterError
        When there is no such motif, or several of which none is named.
    MissingFileError, FileFormatError
        When the file does not exist or cannot be read.
    """
    from seqexplain.motifs import read_motifs

    path, name = Path(text).expanduser(), ""
    if not path.exists():
        head, colon, name = text.rpartition(":")
        if not colon or not Path(head).expanduser().is_file():
            raise MissingFileError(
                f"{option} {text}: there is no such file; expected FILE or FILE:NAME, JASPAR or MEME."
            )
        path = Path(head).expanduser()
    motifs = read_motifs(path)
    if not name:
        if len(motifs) > 1:
            raise ParameterError(
                f"{option}: {path} holds {len(motifs)} motifs ({_some([m.id for m in motifs])}); write {path}:NAME."
            )
        return motifs[0]
    for found in (
        [motif for motif in motifs if motif.id == name],
        [motif for motif in motifs if motif.name == name],
        [motif for motif in motifs if motif.name.casefold() == name.casefold()],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise ParameterError(
                f"{option}: {path} holds {len(found)} motifs called {name!r}; give the id of one: "
                f"{_some([motif.id for motif in found])}."
            )
    known = [label for motif in motifs for label in (motif.id, motif.name)]
    close = get_close_matches(name, known, n=NAMES_SHOWN)
    hint = f"Close ones: {', '.join(close)}." if close else f"It has: {_some([motif.id for motif in motifs])}."
    raise ParameterError(f"{option}: {path} holds no motif {name!r}. {hint}")


def parse_numbers(text: str, option: str) -> list[int]:
    """Read whole numbers and ranges, both ends included: `3,8,20`, `0:50`, `0:50:5`.

    Raises
    ------
    ParameterError
        When the text is something else, or holds no number.

    Examples
    --------
    >>> parse_numbers("0:10:5,12", "--distances")
    [0, 5, 10, 12]
    """
    numbers: list[int] = []
    try:
        for part in text.split(","):
            bounds = [int(bound) for bound in part.split(":")]
            if len(bounds) > 3 or (len(bounds) == 3 and bounds[2] < 1):
                raise ValueError
            numbers += bounds if len(bounds) == 1 else range(bounds[0], bounds[1] + 1, *bounds[2:])
    except ValueError:
        raise ParameterError(
            f"{option} {text!r} is not understood; write numbers (3,8,20), a range with both ends (0:50), or one "
            "with a step (0:50:5)."
        ) from None
    if not numbers:
        raise ParameterError(f"{option} {text!r} holds no number; write the smaller end of a range first.")
    return sorted(set(numbers))


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")
