"""All motifs that were found in the contributions of one target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from seqexplain.errors import ParameterError
from seqexplain.motifs._genome_spans import genome_spans
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._pattern import Pattern
from seqexplain.results import Interval

if TYPE_CHECKING:
    from pandas import DataFrame

    from seqexplain.motifs._contribution_source import ContributionSource


@dataclass(frozen=True, eq=False)
class PatternSet:
    """Motifs found in contributions: those that speak for the target first, each kind by size.

    Attributes
    ----------
    patterns
        The motifs; may be none, then `notes` say why.
    method
        What found them: `"modisco"`, `"fast"`, `"sis"` or `"filters"`.
    parameters
        How.
    names, intervals
        Of the sequences they were found in.
    length
        Of these sequences, bp.
    label
        The target.
    notes
        Plain statements of what a reader should know.
    labels
        What patterns are called, by id: the best match in a database. One that resembles nothing has none.
    """

    patterns: tuple[Pattern, ...]
    method: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    intervals: tuple[Interval | None, ...] | None = None
    length: int = 0
    label: str = ""
    notes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        from seqexplain.motifs._cards import patterns_html

        return patterns_html(self)

    def __len__(self) -> int:
        return len(self.patterns)

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self.patterns)

    def __getitem__(self, key: int | str) -> Pattern:
        """Return a pattern by position or id, a part of one by its id (`"pos_0.1"`).

        Raises
        ------
        ParameterError
            When there is none of that id.
        """
        if not isinstance(key, str):
            return self.patterns[key]
        whole_and_parts: list[Pattern] = [*self, *self.subpatterns()]
        for pattern in whole_and_parts:
            if pattern.id == key:
                return pattern
        raise ParameterError(f"There is no pattern {key!r}; there are: {', '.join(p.id for p in self) or 'none'}.")

    def __repr__(self) -> str:
        positive = sum(pattern.sign > 0 for pattern in self)
        return f"PatternSet({self.method}: {positive} positive, {len(self) - positive} negative patterns)"

    @property
    def n_sequences(self) -> int:
        """Number of sequences they were found in."""
        return len(self.names)

    def subpatterns(self) -> PatternSet:
        """Return the parts of all patterns, as patterns: what their occurrences differ in.

        `pos_0.1` is the second part of `pos_0`; each has the label of the pattern that it belongs to. Tables, pictures
        and hits can be had of them as of any other patterns. Empty where no pattern has been divided.

        Examples
        --------
        >>> motifs.subpatterns().to_table()  # doctest: +SKIP
        """
        parts = tuple(part for pattern in self for part in pattern.subpatterns)
        labels = {part.id: self.labels[p.id] for p in self if p.id in self.labels for part in p.subpatterns}
        return replace(self, patterns=parts, labels=labels)

    @property
    def motifs(self) -> list[Motif]:
        """The motifs' counts, cut to their cores, with the patterns' ids."""
        return [
            Motif(pattern.id, trimmed.consensus, trimmed.motif.counts)
            for pattern in self
            for trimmed in [pattern.trimmed()]
        ]

    @classmethod
    def of(
        cls,
        source: ContributionSource,
        patterns: Sequence[Pattern],
        *,
        method: str,
        parameters: Mapping[str, Any],
        notes: Sequence[str] = (),
    ) -> PatternSet:
        """Order and number patterns: `pos_0` is the largest that speaks for the target, `pos_0.0` part of it.

        Parameters
        ----------
        source
            The contributions they were found in.
        patterns
            In any order, with any ids.
        method, parameters, notes
            How they were found; kept as they are.

        Returns
        -------
        PatternSet
            With the names and intervals of the source.
        """
        ordered: list[Pattern] = []
        for sign, stem in ((1, "pos"), (-1, "neg")):
            mine = sorted((p for p in patterns if p.sign == sign), key=lambda p: (-p.size, p.consensus))
            for k, pattern in enumerate(mine):
                ordered.append(_numbered(pattern, f"{stem}_{k}"))
        return cls(
            patterns=tuple(ordered),
            method=method,
            parameters=dict(parameters),
            names=source.names,
            intervals=source.intervals,
            length=source.length,
            label=source.label,
            notes=tuple(notes),
        )

    def to_table(self) -> DataFrame:
        """Return a line for each pattern.

        Columns: pattern, sign, size (occurrences), sequences (how many have one), consensus (of the core), core_width,
        information (bits, of the core), mean_contribution (of an occurrence's window, in the unit of the target),
        centre (mean distance of the cores' middles from the sequences' middle, bp), plus (share on the + strand),
        subpatterns (number); and name (of the best match in a database), where patterns have been named.
        """
        import numpy as np
        import pandas as pd

        lines = []
        for pattern in self:
            core = pattern.trimmed()
            middle = core.start + core.width / 2
            lines.append(
                {
                    "pattern": pattern.id,
                    "sign": pattern.sign,
                    "size": pattern.size,
                    "sequences": len(np.unique(pattern.sequence)),
                    "consensus": core.consensus,
                    "core_width": core.width,
                    "information": float(core.motif.information.sum()),
                    "mean_contribution": float(pattern.contribution.mean()),
                    "centre": float(np.abs(middle - self.length / 2).mean()),
                    "plus": float((pattern.strand == "+").mean()),
                    "subpatterns": len(pattern.subpatterns),
                }
            )
        columns = (
            "pattern", "sign", "size", "sequences", "consensus", "core_width", "information", "mean_contribution",
            "centre", "plus", "subpatterns",
        )  # fmt: skip
        table = pd.DataFrame(lines, columns=list(columns))
        if self.labels:
            table.insert(1, "name", [self.labels.get(pattern.id, "") for pattern in self])
        return table

    def occurrences_table(self) -> DataFrame:
        """Return a line for each occurrence of each pattern.

        Columns: pattern, sequence (its name), start, end (of the core, 0-based half-open, in the sequence as given; may
        reach over an edge), strand, contribution (of the whole window); chromosome, genome_start, genome_end,
        genome_strand when sequences have genome intervals; and subpattern (id of the part that has it
        too, or empty) when a pattern has been divided.
        """
        import numpy as np
        import pandas as pd

        parts = []
        divided = any(pattern.subpatterns for pattern in self)
        for pattern in self:
            core = pattern.trimmed()
            columns: dict[str, Any] = {
                "pattern": pattern.id,
                "sequence": np.array(self.names, dtype=object)[core.sequence],
                "start": core.start,
                "end": core.end,
                "strand": core.strand,
                "contribution": core.contribution,
            }
            placed = genome_spans(self.intervals, core.sequence, core.start, core.end, core.strand)
            if placed is not None:
                columns |= placed.columns()
            if divided:
                columns["subpattern"] = _parts_of(pattern)
            parts.append(pd.DataFrame(columns))
        if parts:
            return pd.concat(parts, ignore_index=True)
        return pd.DataFrame(columns=["pattern", "sequence", "start", "end", "strand", "contribution"])

    def _caption(self, pattern: Pattern) -> str:
        name = self.labels.get(pattern.id, "")
        return f"{pattern.id}: {pattern.size:,} occurrences" + (f", {name}" if name else "")

    def plot(
        self, *, largest: int = 10, labels: Sequence[str] = (), title: str | None = None, ax: Any = None
    ) -> list[Any]:
        """Draw the cores of the first patterns: mean contributions on the left, base frequencies on the right.

        Parameters
        ----------
        largest
            How many to draw.
        labels
            One text a pattern that is drawn; default: its id, size and name.
        title
            Text above.
        ax
            Matplotlib axes in whose place all panels are put; default: a figure of their own.

        Returns
        -------
        list of (matplotlib.axes.Axes, matplotlib.axes.Axes)
            A pair a pattern; `.figure` of any of them is the figure.

        Raises
        ------
        ParameterError
            When there is no pattern.
        """
        from seqexplain.plot import pattern_panels

        if not self.patterns:
            raise ParameterError(f"There is no pattern to draw. {' '.join(self.notes)}".strip())
        shown = [pattern.trimmed() for pattern in self.patterns[:largest]]
        return pattern_panels(
            [pattern.cwm for pattern in shown],
            [pattern.motif.probabilities for pattern in shown],
            labels=labels or [self._caption(pattern) for pattern in shown],
            title=title,
            ax=ax,
        )


def _numbered(pattern: Pattern, id: str) -> Pattern:
    motif = Motif(id, pattern.trimmed().consensus, pattern.motif.counts)
    parts = tuple(_numbered(part, f"{id}.{k}") for k, part in enumerate(pattern.subpatterns))
    return replace(pattern, id=id, motif=motif, subpatterns=parts)


def _parts_of(pattern: Pattern) -> list[str]:
    """Return for each occurrence the id of the part that has it, too."""
    owner = {
        place: part.id
        for part in pattern.subpatterns
        for place in zip(part.sequence.tolist(), part.start.tolist(), part.strand.tolist(), strict=True)
    }
    places = zip(pattern.sequence.tolist(), pattern.start.tolist(), pattern.strand.tolist(), strict=True)
    return [owner.get(place, "") for place in places]
