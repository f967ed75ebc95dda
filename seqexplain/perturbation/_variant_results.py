"""What variants do to a model's outputs: the result type, and its table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from seqexplain._display import ROWS, card, counted, listing, rows_table, shortened, value_range
from seqexplain.errors import ShapeError
from seqexplain.results import BY_BASE, BY_SEQUENCE, Array, Attributions
from seqexplain.sequences import Variant, VariantStatus

VALUES = ("reference", "alternative", "difference", "log2_fold_change", "logit_difference")
PLACE_COLUMNS = ("line", "id", "chromosome", "start", "end", "ref", "alt", "status", "reason", "unknown_bases")
# names of the values as columns: `ref` and `alt` are alleles there
VALUE_COLUMNS = ("reference_value", "alternative_value", "difference", "log2_fold_change", "logit_difference")


@dataclass(frozen=True)
class VariantEffects:
    """Effects of `n` alleles on `t` targets; what was not scored is NaN and has a reason.

    Attributes
    ----------
    variants
        All `n` alleles that were asked for, in their order.
    status, reasons
        `n` each: what became of an allele (`seqexplain.sequences.VariantStatus`, whose values are strings), and why; of
        a scored one the reason is empty, or a note on its window.
    reference, alternative
        `(n, t)` float32: the targets' values with either allele, in the unit of `level` (outputs, by default).
    difference
        `(n, t)` float32: alternative − reference.
    log2_fold_change
        `(n, t)` float32: log2(output with the alternative allele / output with the reference allele), whatever `level`
        is; NaN where an output is not above 0.
    logit_difference
        `(n, t)` float32: difference of the values below a final sigmoid or softmax, whatever `level` is; of other
        heads that of the outputs. NaN for a SavedModel, whose logits are not known.
    unknown_bases
        `(n,)` int64: unknown bases in the window, filled ones off the chromosome included; -1 where not scored.
    targets
        `t` labels.
    level
        Of `reference`, `alternative` and `difference`.
    reference_contributions, alternative_contributions
        Contribution maps of both alleles, one row for each allele that was *scored*, in order (`np.flatnonzero(scored)`
        says which); None unless they were asked for. The intervals are the windows on the genome; the window with an
        allele that moves bases has none.
    parameters
        How it was computed.
    """

    variants: tuple[Variant, ...]
    status: tuple[VariantStatus, ...]
    reasons: tuple[str, ...]
    reference: Array
    alternative: Array
    difference: Array
    log2_fold_change: Array
    logit_difference: Array
    unknown_bases: Array
    targets: tuple[str, ...]
    level: str = "output"
    reference_contributions: Attributions | None = None
    alternative_contributions: Attributions | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wanted = (len(self.variants), len(self.targets))
        for name in VALUES:
            if getattr(self, name).shape != wanted:
                raise ShapeError(f"{name} has shape {getattr(self, name).shape}; expected {wanted}: alleles × targets.")

    def __repr__(self) -> str:
        scored = int(self.scored.sum())
        return f"VariantEffects({counted(len(self), 'allele')}, {scored:,} scored, targets {listing(self.targets)})"

    def _repr_html_(self) -> str:
        counts = ", ".join(f"{count:,} {status}" for status, count in self.counts.items())
        facts = [
            ("alleles", counts),
            ("target" if len(self.targets) == 1 else "targets", listing(self.targets)),
            ("difference", f"{value_range(self.difference)} ({self.level})" if self.scored.any() else ""),
        ]
        return card("VariantEffects", counted(len(self), "allele"), facts, table=self._largest())

    def _largest(self) -> str:
        """Return a table of the alleles with the largest differences, of the target where they are largest."""
        size = np.nan_to_num(np.abs(self.difference))
        if not size.size:
            return ""
        t = int(size.max(axis=0).argmax())
        rows: list[list[object]] = []
        for i in np.argsort(-size[:, t], kind="stable")[:ROWS]:
            if not self.scored[i]:
                continue
            v = self.variants[i]
            place = f"{v.chromosome}:{v.start:,} {shortened(v.reference)}>{shortened(v.alternative)}"
            values = (float(array[i, t]) for array in (self.reference, self.alternative, self.difference))
            rows.append([place, v.id, *values])
        label = shortened(self.targets[t])
        return rows_table(
            ["largest effects", "id", f"reference, {label}", "alternative", "difference"], rows, int(self.scored.sum())
        )

    def __len__(self) -> int:
        return len(self.variants)

    @property
    def scored(self) -> Array:
        """`(n,)` bool: which alleles have values."""
        return np.array([status is VariantStatus.SCORED for status in self.status], dtype=bool)

    @property
    def counts(self) -> dict[str, int]:
        """How many alleles have each status, the most frequent first."""
        return {str(status): count for status, count in Counter(self.status).most_common()}

    def rows(self) -> Iterator[list[object]]:
        """Yield the rows of the table, whose columns are `columns_of(targets)`; an empty cell is what is not there."""
        values = [getattr(self, name) for name in VALUES]
        for i, variant in enumerate(self.variants):
            unknown = self.unknown_bases[i]
            numbers = [_text(array[i, t]) for t in range(len(self.targets)) for array in values]
            yield [
                *place_of(variant), self.status[i].value, self.reasons[i], "" if unknown < 0 else int(unknown), *numbers
            ]  # fmt: skip

    def to_table(self) -> Any:
        """Return a pandas DataFrame: a row an allele, scored or not, coordinates 0-based and half-open.

        The columns are `line`, `id`, `chromosome`, `start`, `end`, `ref`, `alt`, `status`, `reason`, `unknown_bases`;
        and of each target `reference_value:LABEL`, `alternative_value:LABEL`, `difference:LABEL`,
        `log2_fold_change:LABEL`, `logit_difference:LABEL`.
        """
        import pandas as pd

        names = columns_of(self.targets)
        places = [place_of(variant) for variant in self.variants]
        columns: dict[str, Any] = {name: [row[i] for row in places] for i, name in enumerate(names[:7])}
        for name in ("start", "end"):
            columns[name] = pd.array([None if cell == "" else cell for cell in columns[name]], dtype="Int64")
        columns["status"] = [status.value for status in self.status]
        columns["reason"] = list(self.reasons)
        columns["unknown_bases"] = self.unknown_bases
        arrays = [getattr(self, name)[:, t] for t in range(len(self.targets)) for name in VALUES]
        columns |= dict(zip(names[len(PLACE_COLUMNS) :], arrays, strict=True))
        return pd.DataFrame(columns)


def columns_of(targets: Sequence[str]) -> list[str]:
    """Return the names of a table's columns."""
    return [*PLACE_COLUMNS, *(f"{name}:{target}" for target in targets for name in VALUE_COLUMNS)]


def place_of(variant: Variant) -> list[object]:
    """Return line, id, chromosome, start, end and alleles; coordinates are empty where a line could not be read."""
    v = variant
    known = bool(v.reference) and not v.problem
    start, end = (v.start, v.start + len(v.reference)) if known else ("", "")
    return [v.line or "", v.id, v.chromosome, start, end, v.reference, v.alternative]


def _text(value: Any) -> str:
    # nine digits tell any two float32 apart
    return "" if np.isnan(value) else f"{value:.9g}"


def joined(parts: Sequence[VariantEffects]) -> VariantEffects:
    """Return results of one job, made part by part, as one."""
    first = parts[0]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(p, name) for p in parts]) for name in (*VALUES, "unknown_bases")
    }
    return replace(
        first,
        variants=tuple(v for p in parts for v in p.variants),
        status=tuple(s for p in parts for s in p.status),
        reasons=tuple(r for p in parts for r in p.reasons),
        reference_contributions=_joined_maps([p.reference_contributions for p in parts]),
        alternative_contributions=_joined_maps([p.alternative_contributions for p in parts]),
        **arrays,
    )


def _joined_maps(parts: Sequence[Attributions | None]) -> Attributions | None:
    maps = [part for part in parts if part is not None]
    if len(maps) < 2:
        return maps[0] if maps else None
    fields: dict[str, Any] = {"names": tuple(name for m in maps for name in m.names)}
    if maps[0].intervals is not None:
        fields["intervals"] = tuple(i for m in maps for i in m.intervals or ())
    for name in (*BY_BASE, *BY_SEQUENCE, "X"):
        values = [getattr(m, name) for m in maps]
        if values[0] is not None:
            fields[name] = np.concatenate(values)
    return replace(maps[0], **fields)
