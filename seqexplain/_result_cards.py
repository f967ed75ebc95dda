"""What the results of methods show of themselves in a notebook, and in one line of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain._completeness import completeness_of
from seqexplain._display import ROWS, card, counted, curve, listing, number, rows_table, shortened, value_range

BASES = "ACGT"
SETTINGS = 5  # shown
SETTING_LETTERS = 24
MOST_TARGETS = 3  # with a column of their own


def attributions_text(result: Any) -> str:
    """Return one line: type, sizes, method and targets."""
    targets = f", targets {listing(result.targets)}" if result.targets else ""
    method = f", {result.method}" if result.method else ""
    return f"{type(result).__name__}({_size(result)}{method}{targets})"


def attributions_html(result: Any) -> str:
    """Return the card of `Attributions` and what derives from them."""
    facts = [
        ("method", _method(result.method, result.parameters)),
        ("target" if len(result.targets) == 1 else "targets", listing(result.targets)),
        ("predictions", value_range(result.predictions)),
        ("contributions", value_range(result.contributions)),
        ("hypothetical", value_range(result.hypothetical) if result.hypothetical is not None else ""),
        ("effects", value_range(result.effects) if result.effects is not None else ""),
        ("completeness", completeness_text(result)),
        ("genome", _genome(result.intervals)),
        *_of_kind(result),
    ]
    lead = tuple(range(result.contributions.ndim - 2))
    strength = np.abs(result.contributions).sum(axis=-1).mean(axis=lead) if len(result) else np.zeros(0)
    return card(
        type(result).__name__,
        _size(result),
        facts,
        drawing=curve(strength, "mean size of contributions along the sequence"),
        table=_first_sequences(result),
    )


def layer_text(result: Any) -> str:
    """Return one line of `LayerAttributions`."""
    shape = " × ".join(map(str, result.contributions.shape[_lead(result) :]))
    return f"LayerAttributions({counted(len(result), 'sequence')}, layer {result.layer!r} of {shape}, {result.method})"


def layer_html(result: Any) -> str:
    """Return the card of `LayerAttributions`, with the channels that contribute most."""
    shape = " × ".join(map(str, result.contributions.shape[_lead(result) :]))
    error = result.completeness_error
    facts = [
        ("method", _method(result.method, result.parameters)),
        ("target" if len(result.targets) == 1 else "targets", listing(result.targets)),
        ("predictions", value_range(result.predictions)),
        ("contributions", value_range(result.contributions)),
        ("largest error", number(float(np.abs(error).max())) if error is not None and error.size else ""),
    ]
    table = ""
    if len(result) and result.predictions.ndim == 1:
        mean = result.by_channel().mean(axis=0)
        best = np.argsort(-np.abs(mean), kind="stable")[:ROWS]
        rows = [[str(int(k)), float(mean[k])] for k in best]
        table = rows_table(["channel", "mean contribution"], rows, len(mean))
    title = f"{counted(len(result), 'sequence')}, layer {shortened(result.layer)} of {shape}"
    return card("LayerAttributions", title, facts, table=table)


def completeness_text(result: Any) -> str:
    """Return in how many pairs contributions add up, and the largest error; empty where that is not known.

    LRP is not told of here: biases absorb part of what it distributes.
    """
    if result.reference_predictions is None or not len(result):
        return ""
    found = completeness_of(result)
    if found is None or not found[2].size:
        return ""
    error, _, held, _ = found
    count, n = int(held.sum()), held.size
    share = "all" if count == n else f"{min(100 * count / n, 99.9):.3g} %"
    worst = np.unravel_index(int(np.abs(error).argmax()), error.shape)
    largest = f"largest error {number(abs(float(error[worst])))} ({shortened(result.names[int(worst[0])])})"
    return f"{share} of {counted(n, 'pair')} add{'s' if n == 1 else ''} up; {largest}"


def _size(result: Any) -> str:
    return f"{counted(len(result), 'sequence')} × {int(result.X.shape[1]):,} bp"


def _lead(result: Any) -> int:
    return 1 + int(result.predictions.ndim == 2)


def _method(method: str, parameters: Mapping[str, Any]) -> str:
    settings = []
    for name, value in parameters.items():
        if name.startswith(("batch_", "random_")):  # they change no result, or say nothing by themselves
            continue
        text = f"{value:g}" if isinstance(value, float) else str(value)
        if isinstance(value, str | int | float | bool) and 0 < len(text) <= SETTING_LETTERS:
            settings.append(f"{name}={text}")
    more = ", …" if len(settings) > SETTINGS else ""
    return method + (f" ({', '.join(settings[:SETTINGS])}{more})" if settings else "")


def _genome(intervals: Sequence[Any] | None) -> str:
    placed = [interval for interval in intervals or () if interval is not None]
    if not placed:
        return ""
    share = "" if len(placed) == len(intervals or ()) else f"{len(placed):,} of the sequences, "
    return share + listing(list(dict.fromkeys(interval.chromosome for interval in placed)))


def _of_kind(result: Any) -> list[tuple[str, str]]:
    """Return the facts that only some kinds of results have."""
    facts = []
    if getattr(result, "window_starts", None) is not None:
        facts.append(("windows", f"{counted(len(result.window_starts), 'window')} a sequence, effects "
                                 f"{value_range(result.window_effects)}"))  # fmt: skip
    if hasattr(result, "subset_value"):
        counts = result.n_subsets
        sizes = np.count_nonzero(result.subset) / max(int(counts.sum()), 1)
        having = f"in {int((counts > 0).sum()):,} of {counts.size:,}"
        found = int(counts.sum())
        mean = f", {number(sizes)} bases on average" if found else ""
        facts += [
            ("subsets", f"{counted(found, 'subset')} {having}{mean}"),
            ("threshold", ("at most " if result.negative else "at least ") + value_range(result.threshold)),
        ]
    return facts


def _first_sequences(result: Any) -> str:
    n = min(len(result), ROWS)
    if result.several_targets:
        labels = list(result.targets[:MOST_TARGETS])
        columns = ["sequence", *(f"f(x), {shortened(label)}" for label in labels)]
        rows = [
            [shortened(result.names[i]), *(float(result.predictions[i, t]) for t in range(len(labels)))]
            for i in range(n)
        ]
        return rows_table(columns, rows, len(result))
    columns = ["sequence", "f(x)", "strongest base"]
    rows = []
    for i in range(n):
        scores = result.contributions[i]
        position, base = np.unravel_index(int(np.abs(scores).argmax()), scores.shape) if scores.size else (0, 0)
        value = float(scores[position, base]) if scores.size else 0.0
        strongest = (
            f"{BASES[int(base)]} at {int(position):,}: {'+' if value > 0 else ''}{number(value)}" if value else ""
        )
        rows.append([shortened(result.names[i]), float(result.predictions[i]), strongest])
    return rows_table(columns, rows, len(result))
