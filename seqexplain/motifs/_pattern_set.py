"""All motifs that were found in the contributions of one target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from seqexplain.errors import ParameterError
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
    """

    patterns: tuple[Pattern, ...]
    method: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    intervals: tuple[Interval | None, ...] | None = None
    length: int = 0
    label: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.patterns)

    def __iter__(self) -> Iterator[Pattern]:
        return iter(self.patterns)

    def __getitem__(self, key: int | str) -> Pattern:
        """Return a pattern by position or id.

        Raises
        ------
        ParameterError
            When there is none of that id.
        """
        if isinstance(key, int):
            return self.patterns[key]
        for pattern in self.patterns:
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
        """Order and number patterns: `pos_0` is the largest that speaks for the target, `pos_0.0` part of it."""
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
        subpatterns (number).
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
        return pd.DataFrame(lines, columns=list(columns))

    def plot(self, *, largest: int = 10, labels: Sequence[str] = (), title: str | None = None) -> list[Any]:
        """Draw the cores of the first patterns: mean contributions on the left, base frequencies on the right.

        Parameters
        ----------
        largest
            How many to draw.
        labels
            One text a pattern that is drawn; default: its id and size.
        title
            Text above.

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
            labels=labels or [f"{pattern.id}: {pattern.size} occurrences" for pattern in shown],
            title=title,
        )


def _numbered(pattern: Pattern, id: str) -> Pattern:
    motif = Motif(id, pattern.trimmed().consensus, pattern.motif.counts)
    parts = tuple(_numbered(part, f"{id}.{k}") for k, part in enumerate(pattern.subpatterns))
    return replace(pattern, id=id, motif=motif, subpatterns=parts)
