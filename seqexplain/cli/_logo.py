"""`seqexplain logo`: one sequence of a store as a picture."""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._options import check_range
from seqexplain.cli._targets import stored_label
from seqexplain.errors import MissingFileError, ParameterError, SequenceError

if TYPE_CHECKING:
    from seqexplain.results import Attributions
    from seqexplain.storage import ResultStore

SUFFIXES = (".svg", ".png", ".pdf")
NAMES_COMPARED = 20_000  # comparing a name with more of them takes seconds
NAMES_SHOWN = 5
_GENOME_SPAN = re.compile(r"(?P<chromosome>[^\s:]+):(?P<start>\d+)-(?P<end>\d+)(?::(?P<label>.*))?")
_SPAN = re.compile(r"(?P<start>\d+)-(?P<end>\d+)(?::(?P<label>.*))?")


class Coordinates(StrEnum):
    """What the x axis counts."""

    AUTO = "auto"
    SEQUENCE = "sequence"
    GENOME = "genome"


class Track(StrEnum):
    """What is drawn."""

    CONTRIBUTIONS = "contributions"
    HYPOTHETICAL = "hypothetical"


def logo(
    store: Annotated[Path, typer.Argument(metavar="STORE.zarr", help="What `seqexplain explain` wrote.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="PICTURE", help="Ends in .svg, .png or .pdf.")],
    sequence: Annotated[str | None, typer.Option(metavar="NAME", help="The sequence, by name.")] = None,
    position: Annotated[int | None, typer.Option(help="The sequence, by its position in the store, from 0.")] = None,
    start: Annotated[int | None, typer.Option(help="First base to draw, from 0.")] = None,
    end: Annotated[int | None, typer.Option(help="Base after the last to draw.")] = None,
    hypothetical: Annotated[
        bool, typer.Option("--hypothetical", help="The contributions that all four bases would have.")
    ] = False,
    tracks: Annotated[
        list[Track] | None,
        typer.Option(help="What to draw, one below the other; repeat for both. Default: contributions."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TARGET", help="Targets to draw, by label as the store has them. Repeatable; default: all."
        ),
    ] = None,
    highlight: Annotated[
        list[str] | None,
        typer.Option(metavar="START-END:LABEL", help="Span to shade, 30-45:GATA or chr8:100-120:GATA. Repeatable."),
    ] = None,
    colors: Annotated[str, typer.Option(help="A colour scheme: classic, colorblind_safe, grays, …")] = "classic",
    coordinates: Annotated[Coordinates, typer.Option(help="What the x axis counts.")] = Coordinates.AUTO,
    shared_y: Annotated[bool, typer.Option("--shared-y", help="One y axis for all tracks.")] = False,
    title: Annotated[str | None, typer.Option(help="Text above; default: the sequence's name.")] = None,
    dpi: Annotated[float, typer.Option(help="Pixels an inch, for PNG.")] = 200,
) -> None:
    """Draw the contributions of one sequence as a logo. A picture of that name is replaced."""
    if (sequence is None) == (position is None):
        raise ParameterError("Say which sequence: either --sequence NAME or --position NUMBER.")
    if out.suffix.lower() not in SUFFIXES:
        raise ParameterError(f"{out}: pictures are written as {', '.join(SUFFIXES)}; give a name that ends in one.")
    if not out.expanduser().absolute().parent.is_dir():
        raise MissingFileError(f"Cannot write {out}: its folder does not exist. Make it first.")
    spans = [parse_highlight(text) for text in highlight or ()]
    from seqexplain.storage import ResultStore

    opened = ResultStore(store, allow_incomplete=True)
    check_range("--position", position, 0, len(opened) - 1)
    row = position if position is not None else find_row(opened, str(sequence))
    result = opened.read([row])
    if target:
        result = _only(result, [stored_label(result.targets, text) for text in target])
    wanted = list(tracks or ([Track.HYPOTHETICAL] if hypothetical else [Track.CONTRIBUTIONS]))
    if hypothetical and Track.HYPOTHETICAL not in wanted:
        wanted.append(Track.HYPOTHETICAL)

    from seqexplain.plot import attribution_logo, save_figure

    options: dict[str, Any] = {
        "start": start,
        "end": end,
        "coordinates": coordinates.value,
        "highlight": spans,
        "colors": colors,
        "shared_y": shared_y,
        "title": title,
    }
    if len(wanted) == 2:
        axes = attribution_logo(_both(result), 0, **options)
    else:
        axes = attribution_logo(result, 0, hypothetical=wanted == [Track.HYPOTHETICAL], **options)
    save_figure(axes, out.expanduser(), dpi=dpi)
    sys.stdout.write(f"{out}\n")


def find_row(store: ResultStore, name: str) -> int:
    """Return the position of a sequence.

    Raises
    ------
    SequenceError
        When no sequence has the name; close ones are listed.
    ParameterError
        When several have it.
    """
    try:
        return store.row(name)
    except ParameterError as error:
        names = list(islice(store.names(), NAMES_COMPARED))
        if name in names:
            raise ParameterError(f"{error} Use --position.") from None
        folded = name.casefold()
        containing = [known for known in names if folded and folded in known.casefold()]
        close = list(dict.fromkeys([*get_close_matches(name, names, n=NAMES_SHOWN), *containing]))[:NAMES_SHOWN]
        hint = f"Close names: {', '.join(close)}." if close else f"The first are: {', '.join(names[:NAMES_SHOWN])}."
        raise SequenceError(f"{store.path} has no sequence named {name!r}. {hint}") from None


def parse_highlight(text: str) -> tuple[Any, ...]:
    """Read `30-45`, `30-45:label` or `chr8:100-120:label`.

    Raises
    ------
    ParameterError
        When it is none of these.

    Examples
    --------
    >>> parse_highlight("30-45:GATA")
    (30, 45, 'GATA')
    """
    span = _SPAN.fullmatch(text)
    if span:
        return int(span["start"]), int(span["end"]), span["label"] or ""
    place = _GENOME_SPAN.fullmatch(text)
    if place:
        from seqexplain.results import Interval

        return Interval(place["chromosome"], int(place["start"]), int(place["end"])), place["label"] or ""
    raise ParameterError(f"--highlight {text!r} is not understood; write 30-45, 30-45:label or chr8:100-120:label.")


def _only(result: Attributions, labels: list[str]) -> Attributions:
    """Return some of the targets."""
    import numpy as np

    positions = []
    for label in labels:
        result.for_target(label)  # raises where there is none
        positions.append(result.targets.index(label))
    if not result.several_targets or len(positions) == 1:
        return result.for_target(positions[0])
    from dataclasses import replace

    from seqexplain.results import BY_BASE, BY_SEQUENCE

    picked = {
        name: None if value is None else np.take(value, positions, axis=1)
        for name in (*BY_BASE, *BY_SEQUENCE)
        for value in [getattr(result, name)]
    }
    return replace(result, targets=tuple(labels), **picked)  # type: ignore[arg-type]


def _both(result: Attributions) -> Attributions:
    """Return contributions and hypothetical ones as if they were targets, one track each."""
    from dataclasses import replace

    import numpy as np

    from seqexplain.plot._one_sequence import target_name

    if result.hypothetical is None:
        raise ParameterError(
            f"The method {result.method} gives no hypothetical contributions; draw --tracks contributions alone."
        )
    # (n, targets, L, 4), whether there was an axis for targets or not
    known: Any = result.X.any(axis=-1, keepdims=True)
    scores = [result.contributions, result.hypothetical]
    if not result.several_targets:
        scores = [part[:, None] for part in scores]
    many = len(result.targets) > 1
    labels = [
        f"{kind} {label}" if many else kind for kind in ("contribution", "hypothetical") for label in result.targets
    ]
    stacked = np.concatenate(scores, axis=1) * known[:, None]
    predictions = np.repeat(result.predictions.reshape(len(result), -1), 2, axis=1)
    title = None if many or not result.targets else f"{result.names[0]} · {target_name(result.targets[0])}"
    return replace(
        result,
        contributions=stacked,
        hypothetical=None,
        predictions=predictions,
        reference_predictions=None,
        completeness_error=None,
        names=(title or result.names[0],),
        targets=tuple(labels),
    )
