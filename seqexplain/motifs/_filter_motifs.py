"""What the filters of a layer detect: a matrix each, how often they do, and how much it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs._contribution_source import open_contributions
from seqexplain.motifs._filter_likeness import Likeness
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._pattern import Stack, stack_patterns
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.sequences.encoding import UNKNOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

Array = NDArray[Any]

COLUMNS = (
    "id", "filter", "sign", "sites", "active_share", "background_share", "p_value", "q_value", "consensus", "width",
    "information", "unknown", "maximum", "threshold", "mean_absolute", "mean_contribution", "rank", "like",
    "like_strand", "similarity", "note",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class FilterMotif:
    """What one filter detects.

    Attributes
    ----------
    filter
        Its number in the layer.
    sign
        1 for large activations, −1 for those far below zero.
    motif
        Counts `(w, 4)` over its sites; an unknown base, and what hangs over an edge, counts ¼ for each base. None for a
        filter without a site.
    maximum
        Its largest activation over the sequences (times `sign`).
    threshold
        Activation (times `sign`) that makes a site.
    sequence, start
        `(k,)` int64: row of each site, and first base of its window in the sequence as given, whatever the strand.
    strand
        `(k,)` `"+"`, or `"-"` where the filter read the reverse complement.
    activation
        `(k,)` float32.
    n_active
        Sequences with a site.
    n_background
        Background sequences with one; None without a background.
    p_value, q_value
        Whether these two shares differ (Fisher's exact test, two-sided; Benjamini & Hochberg over the layer's active
        filters). NaN where there is no test.
    like
        An earlier filter with the same matrix, which may be shifted, or on the other strand.
    unknown
        Share of the sites' positions without a known base.
    note
        Why it has no motif; else empty.
    """

    filter: int
    sign: int
    motif: Motif | None
    maximum: float
    threshold: float
    sequence: NDArray[np.int64]
    start: NDArray[np.int64]
    strand: NDArray[np.str_]
    activation: NDArray[np.float32]
    n_active: int
    n_background: int | None = None
    p_value: float = np.nan
    q_value: float = np.nan
    like: Likeness | None = None
    unknown: float = 0.0
    note: str = ""

    @property
    def id(self) -> str:
        """`"filter_3"`, or `"filter_3_negative"`."""
        return f"filter_{self.filter}" + ("_negative" if self.sign < 0 else "")

    @property
    def size(self) -> int:
        """Number of sites."""
        return len(self.sequence)


@dataclass(frozen=True, eq=False)
class FilterMotifs:
    """The motifs of a layer's filters, in the order of the filters.

    Attributes
    ----------
    filters
        One a filter, and where negative activations count as well, two.
    width
        Of the receptive field, bp.
    frequencies
        `(4,)` of the bases in the sequences.
    n_sequences, n_background, length
        How many were scanned, and their length in bp.
    layer
        Its name.
    mean_contribution, mean_absolute
        `(filters of the layer,)` float64 or None: what each filter contributes to the target in a sequence, summed over
        its positions: mean over the explained sequences, and mean of the absolute values.
    target
        What is contributed to.
    parameters
        How it was computed.
    notes
        Plain statements of what a reader should know.
    """

    filters: tuple[FilterMotif, ...]
    width: int
    frequencies: NDArray[np.float64]
    n_sequences: int
    n_background: int
    length: int
    layer: str = ""
    mean_contribution: NDArray[np.float64] | None = None
    mean_absolute: NDArray[np.float64] | None = None
    target: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.filters)

    def __iter__(self) -> Iterator[FilterMotif]:
        return iter(self.filters)

    def __getitem__(self, key: int | str) -> FilterMotif:
        """Return an entry by place or id.

        Raises
        ------
        ParameterError
            When there is none of that id.
        """
        if isinstance(key, int):
            return self.filters[key]
        for one in self.filters:
            if one.id == key:
                return one
        raise ParameterError(f"There is no {key!r}; there are: {', '.join(one.id for one in self)}.")

    def __repr__(self) -> str:
        return f"FilterMotifs({self.layer}: {len(self)} filters, {len(self.motifs)} active, {self.width} bp)"

    @property
    def active(self) -> list[FilterMotif]:
        """Those with a motif."""
        return [one for one in self.filters if one.motif is not None]

    @property
    def motifs(self) -> list[Motif]:
        """The motifs, with the filters' ids."""
        return [one.motif for one in self.filters if one.motif is not None]

    @property
    def rank(self) -> NDArray[np.int64] | None:
        """`(filters of the layer,)` 1 for the filter with the largest mean absolute contribution."""
        if self.mean_absolute is None:
            return None
        rank = np.empty(len(self.mean_absolute), dtype=np.int64)
        rank[np.argsort(-self.mean_absolute, kind="stable")] = np.arange(1, len(rank) + 1)
        return rank

    def information(self, one: FilterMotif) -> float:
        """Return Σ p·log2(p / b) of `one`'s motif against the bases of the sequences, bits; 0 without a motif."""
        if one.motif is None:
            return 0.0
        return float(one.motif.information_content(tuple(self.frequencies)).sum())

    def with_contributions(self, by_channel: ArrayLike, *, target: str = "") -> FilterMotifs:
        """Return the same with the importance of each filter.

        Parameters
        ----------
        by_channel
            `(n, filters)`: what each filter contributes in each sequence (`LayerAttributions.by_channel`).
        target
            What to.

        Raises
        ------
        ShapeError
            When there are contributions of another number of filters.
        """
        found = np.asarray(by_channel, dtype=np.float64)
        count = 1 + max(one.filter for one in self)
        if found.ndim != 2 or found.shape[1] != count:
            raise ShapeError(f"by_channel has shape {found.shape}; expected (sequences, {count}), one column a filter.")
        mean, absolute = found.mean(axis=0), np.abs(found).mean(axis=0)
        return replace(self, mean_contribution=mean, mean_absolute=absolute, target=target)

    def patterns(
        self,
        source: Any,
        *,
        target: int | str | None = None,
        duplicates: bool = False,
        largest: int | None = None,
    ) -> PatternSet:
        """Return the filters' sites as patterns of contributions, as all other methods give them.

        Parameters
        ----------
        source
            Contributions of the same sequences, in the same order, as `open_contributions` takes them.
        target
            Which of several targets of the source.
        duplicates
            Whether filters that say the same as an earlier one are kept.
        largest
            How many to keep: those with the largest absolute contribution at all of their sites together. None: all.

        Returns
        -------
        PatternSet
            A pattern's sign is that of the mean contribution at its sites; `parameters["filters"]` tells which filter
            each pattern is of.

        Raises
        ------
        ShapeError
            When the source has other sequences.
        """
        opened = open_contributions(source, target=target)
        if opened.n != self.n_sequences or opened.length != self.length:
            raise ShapeError(
                f"The contributions are of {opened.n} sequences of {opened.length} bp; the filters were scanned on "
                f"{self.n_sequences} of {self.length} bp. Give contributions of the same sequences."
            )
        kept = [one for one in self.active if duplicates or one.like is None]
        stacks = [Stack(one.sequence, one.start, self.width, one.strand, one.id, 1) for one in kept]
        found = stack_patterns(opened, stacks)
        for one, pattern in zip(kept, found, strict=True):
            if one.motif is None or not np.allclose(pattern.motif.counts, one.motif.counts):
                raise ShapeError(
                    f"At the sites of {one.id!r} the source has other bases than the sequences that the filters were "
                    "scanned on. Give contributions of the same sequences in the same order."
                )
        notes = [*self.notes]
        left_out = len(self.active) - len(kept)
        if largest is not None and largest < len(found):
            order = sorted(range(len(found)), key=lambda i: -abs(float(found[i].contribution.sum())))[:largest]
            notes.append(f"{len(found) - largest} filters contribute less than the {largest} that are kept.")
            kept, found = [kept[i] for i in order], [found[i] for i in order]
        signed = [replace(p, sign=-1 if p.contribution.mean() < 0 else 1) for p in found]
        if left_out:
            notes = [note for note in notes if "say the same" not in note]
            notes.append(f"{left_out} filters say the same as an earlier one and are left out.")
        if not self.active:
            notes.append("No filter is active in any sequence.")
        given = PatternSet.of(opened, signed, method="filters", parameters=self.parameters, notes=notes)
        own = {id(p.sequence): one.id for one, p in zip(kept, found, strict=True)}
        named = {p.id: own[id(p.sequence)] for p in given}
        return replace(given, parameters={**given.parameters, "layer": self.layer, "filters": named})

    def to_table(self) -> DataFrame:
        """Return a line for each filter, dead ones included.

        Columns: id, filter, sign; sites, active_share and background_share (of sequences), p_value, q_value; consensus,
        width (bp), information (bits, against the bases of the sequences), unknown (share of the sites' positions);
        maximum, threshold (activation); mean_absolute, mean_contribution, rank (of the layer's filters); like,
        like_strand, similarity (an earlier filter that says the same); note.
        """
        import pandas as pd

        rank = self.rank
        lines = []
        for one in self.filters:
            like = one.like
            line: dict[str, Any] = {
                "id": one.id,
                "filter": one.filter,
                "sign": one.sign,
                "sites": one.size,
                "active_share": one.n_active / max(self.n_sequences, 1),
                "background_share": np.nan if one.n_background is None else one.n_background / self.n_background,
                "p_value": one.p_value,
                "q_value": one.q_value,
                "consensus": "" if one.motif is None else one.motif.consensus,
                "width": self.width,
                "information": self.information(one),
                "unknown": one.unknown,
                "maximum": one.maximum,
                "threshold": one.threshold,
                "mean_absolute": np.nan if self.mean_absolute is None else self.mean_absolute[one.filter],
                "mean_contribution": np.nan if self.mean_contribution is None else self.mean_contribution[one.filter],
                "rank": None if rank is None else int(rank[one.filter]),
                "like": "" if like is None else self.filters[like.other].id,
                "like_strand": "" if like is None else like.strand,
                "similarity": np.nan if like is None else like.similarity,
                "note": one.note,
            }
            lines.append(line)
        return pd.DataFrame(lines, columns=list(COLUMNS))

    def plot(self, *, largest: int = 10, title: str | None = None, ax: Any = None) -> list[Axes]:
        """Draw the filters' logos, one below the other: the most important first, else those with the most sites.

        Parameters
        ----------
        largest
            How many to draw.
        title
            Text above.
        ax
            Matplotlib axes in whose place all panels are put; default: a figure of their own.

        Returns
        -------
        list of matplotlib.axes.Axes
            One a filter; `.figure` of any of them is the figure. Bars are the shares of active sequences.

        Raises
        ------
        ParameterError
            When no filter is active.
        """
        from seqexplain.plot import motif_panels

        if not self.active:
            raise ParameterError("No filter is active in any sequence, so there is nothing to draw.")
        rank = self.rank
        order = sorted(self.active, key=lambda one: -one.size if rank is None else int(rank[one.filter]))
        shown = order[:largest]
        shares = {"sequences": np.array([one.n_active / self.n_sequences for one in shown])}
        if self.n_background:
            shares["background"] = np.array([(one.n_background or 0) / self.n_background for one in shown])
        ppms = [one.motif.probabilities for one in shown if one.motif is not None]
        return motif_panels(
            ppms, labels=[one.id for one in shown], shares=shares, share_of="active sequences", title=title, ax=ax
        )


def motif_of_windows(name: str, windows: Array) -> tuple[Motif, float]:
    """Return the motif of `(k, w)` base codes, and the share of their positions without a known base."""
    known = windows < UNKNOWN
    counts = np.stack([(windows == base).sum(axis=0) for base in range(4)], axis=1).astype(np.float64)
    counts += (~known).sum(axis=0)[:, None] / 4
    motif = Motif(name, name, counts)
    return Motif(name, motif.consensus, counts), float(1 - known.mean())
