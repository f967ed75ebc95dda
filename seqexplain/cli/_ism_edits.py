"""Which edits `seqexplain ism` makes beside substitutions: windows, deletions, insertions, pairs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

from seqexplain.cli._methods import Chosen, choose_method
from seqexplain.cli._options import check_range
from seqexplain.errors import ParameterError

PANEL = "What is edited"
SINGLE_BASES = ("A", "C", "G", "T")


class Replacement(StrEnum):
    """What a window is replaced with."""

    SHUFFLE = "shuffle"
    RANDOM = "random"


class IndelKeep(StrEnum):
    """What stays in its place where bases are lost or put in."""

    LEFT = "left"
    RIGHT = "right"
    CENTER = "center"
    NONE = "none"


class Fill(StrEnum):
    """What comes in where bases are lost."""

    UNKNOWN = "unknown"
    RANDOM = "random"


@dataclass(frozen=True)
class EditKind:
    """The kind of edits, and what belongs to it; substitutions where nothing is said."""

    window: Annotated[
        int | None,
        typer.Option(
            metavar="BP",
            help="Replace windows of so many bases, instead of substituting each base.",
            rich_help_panel=PANEL,
        ),
    ] = None
    deletions: Annotated[
        int | None,
        typer.Option(metavar="BP", help="Delete so many neighbouring bases, at each place.", rich_help_panel=PANEL),
    ] = None
    insertions: Annotated[
        str | None,
        typer.Option(
            metavar="BASES",
            help="Put bases in before each base: A,C,G,T, say, or GATA,TATC of one length; or random:BP, drawn.",
            rich_help_panel=PANEL,
        ),
    ] = None
    pairs: Annotated[
        bool,
        typer.Option(
            "--pairs",
            help="All pairs of substitutions, and what they do beyond the sum of both (epistasis): for short stretches "
            "(--start, --end), as R bp are 9 R (R − 1) / 2 sequences.",
            rich_help_panel=PANEL,
        ),
    ] = False
    stride: Annotated[
        int | None, typer.Option(metavar="BP", help="From window to window. Default: 1.", rich_help_panel=PANEL)
    ] = None
    samples: Annotated[
        int | None,
        typer.Option(
            help="Replacements of each window (default: 5), or random insertions (default: 10).", rich_help_panel=PANEL
        ),
    ] = None
    replacement: Annotated[
        Replacement | None,
        typer.Option(help="Of a window: its own bases shuffled (default), or random ones.", rich_help_panel=PANEL),
    ] = None
    keep: Annotated[
        IndelKeep | None,
        typer.Option(
            help="What stays in its place where bases are lost or put in: all on the left (default), on the right, the "
            "center; none: the length changes, for models of any length.",
            rich_help_panel=PANEL,
        ),
    ] = None
    fill: Annotated[
        Fill | None,
        typer.Option(
            help="What comes in at the end where bases are lost: N (default), or random bases.", rich_help_panel=PANEL
        ),
    ] = None

    def check(self) -> None:
        """Raise where a number is out of range, or options do not go together.

        Raises
        ------
        ParameterError
            In these cases.
        """
        check_range("--window", self.window, 1)
        check_range("--stride", self.stride, 1, self.window)
        check_range("--samples", self.samples, 1)
        check_range("--deletions", self.deletions, 1)
        kinds = {"--window": self.window, "--deletions": self.deletions, "--insertions": self.insertions}
        given = [name for name, value in kinds.items() if value is not None] + ["--pairs"] * self.pairs
        if len(given) > 1:
            raise ParameterError(f"{' and '.join(given)} are different edits; make a store of each.")
        drawn = self.insertions is not None and self.insertions.startswith("random")
        windows = "windows; say how wide they are with --window"
        belongs = {
            "--stride": (self.stride, self.window is not None, windows),
            "--replacement": (self.replacement, self.window is not None, windows),
            "--samples": (
                self.samples, self.window is not None or drawn,
                "windows and random insertions; give --window, or --insertions random:BP",
            ),
            "--keep": (
                self.keep, self.deletions is not None or self.insertions is not None,
                "deletions and insertions; give --deletions or --insertions",
            ),
            "--fill": (self.fill, self.deletions is not None, "deletions; give --deletions"),
        }  # fmt: skip
        for name, (value, fits, to) in belongs.items():
            if value is not None and not fits:
                raise ParameterError(f"{name} belongs to {to}.")
        self._inserts()

    def choose(self) -> tuple[Chosen, dict[str, Any]]:
        """Return the method, and the options of its job that say what is edited."""
        from seqexplain.pipeline._catalogue import OTHER_EDITS

        keep = {} if self.keep is None else {"keep": None if self.keep is IndelKeep.NONE else self.keep.value}
        samples = {} if self.samples is None else {"n_samples": self.samples}
        if self.deletions is not None:
            fill = {} if self.fill is None else {"fill": self.fill.value}
            return Chosen(OTHER_EDITS["deletions"], {}), {"size": self.deletions, **keep, **fill}
        if self.insertions is not None:
            return Chosen(OTHER_EDITS["insertions"], {}), {**self._inserts(), **keep, **samples}
        if self.pairs:
            return Chosen(OTHER_EDITS["pairs"], {}), {}
        if self.window is None:
            return choose_method("in_silico_mutagenesis", (), {}), {}
        own: dict[str, Any] = {} if self.stride is None else {"stride": self.stride}
        own |= {} if self.replacement is None else {"replacement": self.replacement.value}
        return choose_method("window_mutagenesis", (), {}), {"window": self.window, **own, **samples}

    def _inserts(self) -> dict[str, Any]:
        text = self.insertions
        if text is None:
            return {}
        word, colon, size = text.partition(":")
        if word == "random":
            if not (colon and size.isascii() and size.isdecimal() and int(size) > 0):
                raise ParameterError(f"--insertions {text}: say how many bases are drawn, as in random:3.")
            return {"inserts": "random", "size": int(size)}
        words = tuple(part.strip().upper() for part in text.split(","))
        if set("".join(words)) - set("".join(SINGLE_BASES)) or len({len(part) for part in words}) > 1 or not words[0]:
            raise ParameterError(
                f"--insertions {text} is not understood; expected bases of one length, such as A,C,G,T or GATA,TATC, "
                "or random:3."
            )
        return {"inserts": words}
