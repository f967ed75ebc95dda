"""Figures to files, whole or not at all, the same bytes each time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from seqexplain.errors import MissingFileError, ParameterError
from seqexplain.plot._arrays import is_number

DPI = 200  # pixels an inch in PNG
MAX_PIXELS = 2**16 - 1  # a side: the most that Matplotlib's renderer draws

# A date in the file would make two runs differ; None takes it out.
_METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {}, "pdf": {"CreationDate": None}}

_RC: dict[Any, Any] = {
    "svg.hashsalt": "seqexplain",  # names inside the file do not depend on chance
    "svg.fonttype": "none",  # text stays text
    "pdf.fonttype": 42,  # TrueType, embedded: text can be edited, and journals accept it
}


def save_figure(
    figure: Figure | Axes | Sequence[Axes | Sequence[Axes]], path: str | os.PathLike[str], *, dpi: float = DPI
) -> Path:
    """Write a figure as SVG, PNG or PDF, by the suffix of the path.

    The file appears whole or not at all: it is written under a temporary name in the same folder and then
    renamed, replacing a file of that name. The same figure gives the same bytes, without a date. Letters of
    logos are always outlines; titles and axis labels stay text in SVG (searchable and editable; a viewer
    without the font takes another sans-serif) and in PDF (with the font embedded).

    Parameters
    ----------
    figure
        A figure, or axes of it, as `logo` and `tracks` return them.
    path
        Ends in `.svg`, `.png` or `.pdf`; its folder has to exist.
    dpi
        Pixels an inch, for PNG.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ParameterError
        When the suffix, `dpi` or `figure` cannot be used.
    MissingFileError
        When the folder does not exist.
    """
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in _METADATA:
        named = f"ends in {target.suffix!r}" if kind else "has no suffix"
        raise ParameterError(f"{target} {named}; expected a picture in one of the formats .svg, .png or .pdf.")
    root = _root(figure)
    if not is_number(dpi) or dpi <= 0:
        raise ParameterError(f"dpi is {dpi!r}; expected a number of pixels an inch above 0, such as dpi={DPI}.")
    side = max(root.get_size_inches()) * dpi
    if kind == "png" and side > MAX_PIXELS:
        raise ParameterError(
            f"The picture would be {side:.0f} pixels on a side; at most {MAX_PIXELS} can be drawn. Lower "
            f"dpi, or save "
            "as .svg or .pdf, which have no pixels."
        )
    if not target.parent.is_dir():
        raise MissingFileError(f"The folder {target.parent} does not exist. Create it first, or name another.")
    if target.is_dir():
        raise ParameterError(f"{target} is a folder; expected the name of a file.")
    partial = target.with_name(f".{target.stem}.{uuid4().hex}.part")
    try:
        with partial.open("xb") as stream, rc_context(_RC):
            root.savefig(stream, format=kind, dpi=dpi, metadata=_METADATA[kind])
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _flat(figure: object) -> list[object]:
    """Return what a sequence of axes, or of pairs of them, holds."""
    if isinstance(figure, Sequence) and not isinstance(figure, str):
        return [one for part in figure for one in _flat(part)]
    return [figure]


def _root(figure: object) -> Figure:
    """Return the figure that a figure, axes, or a list of axes, belongs to."""
    roots: list[Figure] = []
    for item in _flat(figure):
        holder: object = item.figure if isinstance(item, Axes) else item
        while isinstance(holder, SubFigure):
            holder = holder.figure
        if not isinstance(holder, Figure):
            raise ParameterError(
                f"figure is a {type(figure).__name__}; expected a Matplotlib figure, or axes as `logo` returns them."
            )
        roots.append(holder)
    if not roots or any(root is not roots[0] for root in roots):
        raise ParameterError(f"figure holds axes of {len(roots)} figures; expected those of one.")
    return roots[0]
