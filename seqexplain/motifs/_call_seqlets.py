"""Seqlets: where contributions are more than chance, by a null that is stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._contribution_source import ContributionSource, open_contributions
from seqexplain.motifs._found_spans import FoundSpans, Level, joined, none_found
from seqexplain.motifs._open_background import open_background
from seqexplain.motifs._recursive_seqlets import RecursiveCaller
from seqexplain.motifs._seqlets import Seqlets
from seqexplain.motifs._span_null import (
    NullTables,
    RowBlocks,
    SumHistogram,
    convolved_null,
    laplace_null,
    measured_null,
)
from seqexplain.motifs._window_seqlets import significant_windows, with_rates

Method = Literal["recursive", "window"]
Null = Literal["laplace", "empirical", "background"]
Sign = Literal["both", "positive", "negative"]

LONGEST = 200  # bp of a span; the tables of p-values grow with it
# What was nearest to the rate that is stated, on contributions of shuffled sequences of three networks
_NULL_OF: Mapping[str, str] = {"recursive": "empirical", "window": "laplace"}
_SIGNS: Mapping[str, tuple[int, ...]] = {"both": (+1, -1), "positive": (+1,), "negative": (-1,)}
_WORDS = {+1: "positive", -1: "negative"}


@dataclass
class _Call:
    """What is asked for, and what was learned on the way."""

    source: RowBlocks
    background: RowBlocks | None
    method: Method
    null: Null
    fdr: float
    p_value: float | None
    signs: tuple[int, ...]
    shortest: int
    longest: int
    tests: int = 0
    background_tests: int = 0
    notes: list[str] = field(default_factory=list)
    levels: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def loosest(self) -> float:
        """The highest p-value at which a false discovery rate may be reached.

        With n spans tried, no more than n / shortest can be found, for they do not overlap; and n · p are expected.
        """
        return self.p_value if self.p_value is not None else min(self.fdr / self.shortest, 1.0)

    @property
    def ratio(self) -> float:
        """Spans tried in the data over those in the background."""
        return self.tests / max(self.background_tests, 1)


def call_seqlets(
    source: Any,
    *,
    target: int | str | None = None,
    method: Method = "recursive",
    null: Null | None = None,
    background: Any = None,
    fdr: float = 0.05,
    p_value: float | None = None,
    sign: Sign = "both",
    min_length: int = 4,
    max_length: int = 25,
    window: int = 21,
) -> Seqlets:
    """Find the spans that contribute significantly, for or against the target.

    Parameters
    ----------
    source
        Contributions: `Attributions`, a result store or its path, a file of another tool; see `open_contributions`.
    target
        Which of several targets, by position or label.
    method
        `"recursive"`: spans of `min_length` to `max_length` bases, every part of which, of `min_length` bases or more,
        is significant too; longer spans are taken before shorter ones, of equally long ones the more significant.
        `"window"`: windows of `window` bases, the most significant first, as TF-MoDISco has them.
    null
        What sums of contributions are like where there is no motif:

        - `"laplace"`: the sums of k bases that were seen in these data, each k by itself, follow a Laplace distribution
          with a rate on each side, which is fitted to the inner half of the values;
        - `"empirical"`: bases contribute independently, each as any base of these data, the motifs' included;
        - `"background"`: sums are distributed as in `background`.

        By default `"background"` where that is given, else `"empirical"` for recursive seqlets and `"laplace"` for
        windows.
    background
        Contributions of sequences without motifs to the same target, shuffled ones say: anything that `source` may be,
        opened with the same `target`, by the same method and the same model where these are known.
    fdr
        False discovery rate: the share of false seqlets that is accepted, for each sign by itself.
    p_value
        In its place, the highest p-value of a seqlet and its parts; q-values are given all the same.
    sign
        `"positive"`: for the target; `"negative"`: against it; or `"both"`.
    min_length, max_length
        Of recursive seqlets, in bp.
    window
        In bp.

    Returns
    -------
    Seqlets
        By sequence and start; none overlaps another. Empty where nothing is significant, with a note that says why.

    Raises
    ------
    ParameterError
        For parameters that make no sense, and a background of another method, level or model.
    ShapeError, TargetError, StorageError, FileFormatError, MissingFileError
        As `open_contributions` and its blocks do.

    Notes
    -----
    **P-value** of a span: the chance that the sum of as many bases is as large (or as small) under the null.

    **False discovery rate** at a threshold t of the p-value. With the nulls that are formulas: n·t / seqlets found,
    where n is the number of spans tried (of `min_length`, or windows). As a false seqlet holds one such span at least,
    that is an upper bound: Benjamini and Hochberg (1995), counting what was found as whole seqlets. With a background
    the same caller is run on it: (seqlets found there + 1) · (n / spans tried there) / seqlets found here. The q-value
    is the smallest rate at which the seqlet, or a part of it, is found. Spans of nothing but zeros (unknown bases,
    padding) are neither tried nor counted.

    The rate is what the null makes of it. Contributions of neighbouring bases are alike in most models, which
    `"empirical"` does not know; but it takes the motifs' bases for a part of the null, which makes it careful.
    `"laplace"` knows the sums, but takes their tails for exponential, and in shuffled sequences, where models answer to
    words that look like motifs, they are longer. Where contributions of shuffled sequences can be had, `"background"`
    assumes least, and its rate holds against them.

    Contributions are read twice, a block at a time; what is kept in memory are tables, and the stretches (a few per
    cent of the bases) that reach the loosest threshold. The result does not depend on blocks, and nothing is drawn
    at random.

    References
    ----------
    Shrikumar et al. 2018, arXiv:1811.00416 (TF-MoDISco: windows, Laplace null). Schreiber 2025, bioRxiv
    2025.08.08.669296 (tangermeme: recursive seqlets). Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289.
    """
    opened = open_contributions(source, target=target)
    behind = None if background is None else open_background(opened, background, target=target)
    _check_choices(method, null, sign, behind)
    chosen: Any = null or (_NULL_OF[method] if background is None else "background")
    _check_numbers(fdr, p_value, min_length, max_length, window)
    shortest, longest = (window, window) if method == "window" else (min_length, max_length)
    call = _Call(
        RowBlocks(opened),
        None if behind is None else RowBlocks(behind),
        method,
        chosen,
        fdr,
        p_value,
        _SIGNS[sign],
        int(shortest),
        int(longest),
    )
    tables = _null_tables(call)
    found = none_found()
    if tables is not None:
        found = _windows(call, tables) if method == "window" else _recursive(call, tables)
    if tables is not None and not len(found):
        call.notes.append(_why_none(call))
    parameters: dict[str, Any] = {"method": method, "null": call.null, "fdr": fdr, "p_value": p_value, "sign": sign}
    parameters |= {"window": window} if method == "window" else {"min_length": min_length, "max_length": max_length}
    parameters |= {"spans_tried": call.tests, "thresholds": call.levels, "contributions": opened.description}
    if behind is not None and call.null == "background":
        parameters |= {"background": behind.description, "background_spans_tried": call.background_tests}
    return Seqlets(
        sequence=found.sequence,
        start=found.start,
        end=found.end,
        score=found.score,
        p_value=found.p_value,
        q_value=found.q_value,
        names=opened.names,
        intervals=opened.intervals,
        parameters=parameters,
        notes=tuple(call.notes),
    )


def _check_choices(method: Any, null: Any, sign: Any, background: ContributionSource | None) -> None:
    for name, value, kinds in (("method", method, Method), ("null", null, Null), ("sign", sign, Sign)):
        if value not in get_args(kinds) and (value, name) != (None, "null"):
            choices = ", ".join(repr(kind) for kind in get_args(kinds))
            raise ParameterError(f"{name} is {value!r}; expected one of {choices}.")
    if null == "background" and background is None:
        raise ParameterError(
            'null="background" needs background=…: contributions of sequences without motifs, such as shuffled ones.'
        )
    if background is not None and null not in (None, "background"):
        raise ParameterError(
            f'null is {null!r}, which does not use a background; leave one out, or say null="background".'
        )


def _check_numbers(fdr: Any, p_value: Any, min_length: Any, max_length: Any, window: Any) -> None:
    for name, value in (("fdr", fdr), ("p_value", p_value)):
        if value is not None and not (isinstance(value, int | float | np.number) and 0 < value <= 1):
            raise ParameterError(f"{name} is {value!r}; expected a number above 0 and at most 1, such as 0.05.")
    for name, value, least in (("min_length", min_length, 1), ("max_length", max_length, 1), ("window", window, 1)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= LONGEST:
            raise ParameterError(f"{name} is {value!r}; expected a whole number of bp from {least} to {LONGEST}.")
    if max_length < min_length:
        raise ParameterError(f"max_length is {max_length}, below min_length, {min_length}; give a longer one.")


def _null_tables(call: _Call) -> NullTables | None:
    """Read the contributions (and the background) once and return the null; None, with a note, without one."""
    from seqexplain.motifs._span_kernels import count_spans

    short = int((call.source.source.lengths < call.shortest).sum())
    if short:
        call.notes.append(
            f"{short} of {call.source.source.n} sequences are shorter than {call.shortest} bp and hold no span."
        )
    sums, bases = SumHistogram(call.shortest, call.longest), SumHistogram(1, 1)
    for part in call.source:
        call.tests += int(count_spans(part.observed, part.lengths, call.shortest))
        if call.null == "laplace":
            sums.add(part.observed, part.lengths)
        elif call.null == "empirical":
            bases.add_bases(part.observed, part.codes, part.lengths)
    if not call.tests:
        call.notes.append(f"No span of {call.shortest} bp holds a contribution other than 0: there are no seqlets.")
        return None
    tables: NullTables | None
    if call.null == "empirical":
        tables = convolved_null(bases, call.longest)
    elif call.null == "laplace":
        # sequences may be too short for the longest spans
        tables = laplace_null(sums.trimmed())
    else:
        tables = _background_tables(call)
    if tables is None:
        call.notes.append(
            f"Too few spans of {call.shortest} bp, or all contributions alike: no null can be told from them, and "
            "there are no seqlets."
        )
    return tables


def _background_tables(call: _Call) -> NullTables | None:
    background: Any = call.background
    sums = SumHistogram(call.shortest, call.longest)
    for part in background:
        sums.add(part.observed, part.lengths)
    call.background_tests = int(sums.counts[0].sum())
    return measured_null(sums.trimmed())


def _recursive(call: _Call, tables: NullTables) -> FoundSpans:
    parts = []
    for sign in call.signs:
        caller = RecursiveCaller(tables, sign, call.shortest, call.loosest)
        islands = caller.islands(call.source)
        decoys = caller.islands(call.background) if call.null == "background" and call.background else None
        levels = caller.levels(islands, call.tests, decoys, call.ratio)
        if call.p_value is not None:
            level: Level | None = levels[0]
        else:
            level = next((one for one in levels if one.rate <= call.fdr and one.found), None)
        _tell(call, sign, level, levels)
        if level is not None:
            found = caller.found(islands, level.threshold, levels)
            parts.append(found.take(np.sign(found.score) == sign))
    return joined(parts).without_overlaps()


def _windows(call: _Call, tables: NullTables) -> FoundSpans:
    found = significant_windows(call.source, tables, call.signs, call.shortest, call.loosest)
    decoys = None
    if call.null == "background" and call.background is not None:
        decoys = significant_windows(call.background, tables, call.signs, call.shortest, call.loosest)
    parts = []
    for sign in call.signs:
        mine = found.take(np.sign(found.score) == sign)
        false: NDArray[np.float64] | None = None
        if decoys is not None:
            false = decoys.p_value[np.sign(decoys.score) == sign]
        mine = with_rates(mine, call.tests, false, call.ratio)
        kept = mine if call.p_value is not None else mine.take(mine.q_value <= call.fdr)
        threshold = call.p_value if call.p_value is not None else float(kept.p_value.max(initial=0))
        rate = float(kept.q_value.max(initial=0))
        best = float(mine.q_value.min(initial=1))
        level = Level(threshold, len(kept), rate * len(kept)) if len(kept) else None
        _tell(call, sign, level, [Level(call.loosest, 1, best)])
        parts.append(kept)
    return joined(parts).in_order()


def _tell(call: _Call, sign: int, level: Level | None, levels: list[Level]) -> None:
    best = min(levels, key=lambda one: one.rate)
    told = {"best_rate": best.rate}
    if level is not None:
        told = {"p_value": level.threshold, "seqlets": level.found, "expected_false": level.false}
    call.levels[_WORDS[sign]] = told


def _why_none(call: _Call) -> str:
    if call.p_value is not None:
        return f"None of {call.tests} spans has a p-value of {call.p_value:g} or less: there are no seqlets."
    best = min((told.get("best_rate", 1.0) for told in call.levels.values()), default=1.0)
    return (
        f"None of {call.tests} spans reaches a false discovery rate of {call.fdr:g} (the lowest is {best:.2g}): there "
        "are no seqlets."
    )
