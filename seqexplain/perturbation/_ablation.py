"""What a span of a sequence contributes: scores with its content replaced."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplain.errors import ParameterError, ShuffleWarning
from seqexplain.models._prediction import choose_batch_size
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._estimate import Estimate, estimate
from seqexplain.perturbation._experiment import blocks, evaluation_of, one_target, refuse_nothing
from seqexplain.perturbation._inserts import EDIT_NUMBERS, names_for
from seqexplain.perturbation._scorer import BoundSequences, EditOptions, Scorer
from seqexplain.perturbation._spans import Place, read_spans
from seqexplain.sequences.encoding import one_hot_to_codes
from seqexplain.sequences.shuffle import check_count, check_seed, draw_shuffles, log_distinct_shuffles
from seqexplain.sequences.streams import stream

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

CONTENTS = {"shuffle": "mononucleotide", "dinucleotide": "dinucleotide", "random": ""}


@dataclass(frozen=True, eq=False)
class Ablation:
    """Scores of sequences with spans replaced, `k` ablations of `s` samples each.

    With a list of targets the arrays marked † have one more axis, the targets, after the first.

    Attributes
    ----------
    rows
        `(k,)` int64: the sequence of each ablation.
    spans
        For each ablation what was replaced, 0-based half-open: one span, or several at once.
    predictions †
        `(n,)` float32, the target's value of each sequence as it is.
    effects †
        `(k, s)` float32: intact − ablated, in the target's unit; above 0 where the span speaks for the target.
    content
        What they were replaced with.
    names
        Of the sequences.
    targets, parameters
        What was computed, and how.
    """

    rows: Array
    spans: tuple[tuple[tuple[int, int], ...], ...]
    predictions: Array
    effects: Array
    content: str
    names: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def several_targets(self) -> bool:
        """Whether the arrays carry an axis of targets."""
        return self.predictions.ndim == 2

    @property
    def ablated(self) -> Array:
        """`(k, s)` † float32, the target's value with the spans replaced."""
        return np.asarray(self.predictions[self.rows][..., None] - self.effects)

    def summary(self, confidence: float = 0.95) -> Estimate:
        """Return the mean effects over samples, arrays `(k,)` †, with intervals of this `confidence`.

        The error is that of the sampling alone.
        """
        return estimate(self.effects, self.effects.ndim - 1, confidence)

    def to_table(self, confidence: float = 0.95) -> DataFrame:
        """Return a line for each target and ablation, with intervals of this `confidence`.

        Columns: name, start, end (of the first and last span), spans ("12-18;40-46"), target, n (samples), intact,
        ablated (mean), effect, standard_error, low, high.
        """
        import pandas as pd

        found = self.summary(confidence)
        lines = []
        for t, target in enumerate(self.targets):
            intact = one_target(self.predictions, t, several=self.several_targets)
            ablated = one_target(self.ablated, t, several=self.several_targets)
            for k, (row, spans) in enumerate(zip(self.rows, self.spans, strict=True)):
                at = (k, t) if self.several_targets else (k,)
                lines.append(
                    {
                        "name": self.names[row],
                        "start": spans[0][0],
                        "end": spans[-1][1],
                        "spans": ";".join(f"{start}-{end}" for start, end in spans),
                        "target": target,
                        "n": ablated.shape[1],
                        "intact": float(intact[row]),
                        "ablated": float(ablated[k].mean(dtype=np.float64)),
                        "effect": found.mean[at],
                        "standard_error": found.standard_error[at],
                        "low": found.low[at],
                        "high": found.high[at],
                    }
                )
        return pd.DataFrame(lines)

    def plot(self, *, target: int = 0, ax: Axes | None = None, title: str | None = None) -> Axes:
        """Draw the effect of each ablation: a point a sample, and mean ± standard error.

        Parameters
        ----------
        target
            Position of the target in `targets`, where there are several.
        ax
            Axes to draw on; a new figure without.
        title
            Text above.

        Returns
        -------
        matplotlib.axes.Axes
            Those drawn on.
        """
        from seqexplain.plot import effect_points

        effects = one_target(self.effects, target, several=self.several_targets)
        groups = {}
        for k, (row, spans) in enumerate(zip(self.rows, self.spans, strict=True)):
            where = ";".join(f"{start}-{end}" for start, end in spans)
            groups[f"{self.names[row]} {where}" if len(self.names) > 1 else where] = effects[k]
        return effect_points(
            groups, ax=ax, ylabel="intact − ablated",
            title=f"{self.content}, target {self.targets[target]}" if title is None else title,
        )  # fmt: skip


def ablation(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    spans: Any,
    *,
    content: str = "dinucleotide",
    n_samples: int = 10,
    together: bool = False,
    target: Any = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
    names: Sequence[str] = (),
) -> Ablation:
    """Replace spans of sequences, the hits of a motif for instance, and measure what is lost.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    spans
        0-based half-open:

        - `[(start, end), …]`: the same spans in each sequence;
        - an integer array `(k, 3)` of rows (sequence, start, end);
        - an object with arrays `sequence`, `start` and `end`, such as the `Hits` of `scan` and `best_hits`. Entries
          that start at −1 (no hit) are left out.
    content
        - `"dinucleotide"`: uniform shuffles of the span that keep its dinucleotides, and its first and last base;
        - `"shuffle"`: permutations of its bases;
        - `"random"`: each base as likely, but unknown bases stay.
    n_samples
        Replacements of each span.
    together
        Replace all spans of a sequence at once, rather than each by itself: of two sites that stand in for each other
        neither is missed alone.
    target, level, batch_size, random_state, extra_inputs, evaluation
        As for `in_silico_mutagenesis`. What replaces a span is drawn from the seed, its bases and, for `"random"`, its
        sequence and place.
    names
        Of the sequences, for tables, and for extra inputs that are given by name.

    Returns
    -------
    Ablation
        In the order of `spans`; by sequence where they are the same for all or ablated together.

    Raises
    ------
    ParameterError
        When spans or an option make no sense, or spans that are replaced together overlap.
    ShapeError
        When X is not one-hot, or shapes do not fit the model.
    TargetError
        When the target does not exist.

    Warns
    -----
    ShuffleWarning
        Where a span has no other shuffle than itself, so that its effect is 0 whatever the model.

    Notes
    -----
    effect_j = f(x) − f(x with sample j in the span), in the unit of the target: positive where the span speaks for it,
    as contributions are.
    """
    if content not in CONTENTS:
        raise ParameterError(f"content is {content!r}; expected one of {', '.join(map(repr, CONTENTS))}.")
    seed, n_samples = check_seed(random_state), check_count(n_samples)
    model, X = opened(model, X)
    refuse_nothing(X, "X")
    labels = names_for(names, len(X))
    places = read_spans(spans, len(X), X.shape[1], together=together)
    codes = one_hot_to_codes(X)
    if content != "random":
        _warn_of_lonely(codes, places, labels, CONTENTS[content])
    options = EditOptions(
        target=target, level=level, batch_size=batch_size, random_state=seed, extra_inputs=extra_inputs,
        evaluation=evaluation_of(evaluation, len(places) * n_samples / len(X)),
    )  # fmt: skip
    scorer = Scorer(model, X.shape[1], len(X), options)
    predictions = np.empty((len(X), len(scorer.targets)), dtype=np.float32)
    effects = np.empty((len(places), n_samples, len(scorer.targets)), dtype=np.float32)
    widths = _stretches(places, X.shape[1])
    for rows in blocks(len(X), choose_batch_size(model, batch_size, X.shape[1], len(X))):
        bound = scorer.bind(X[rows], start=rows.start, names=tuple(names)[rows])
        predictions[rows] = bound.base
        for width in np.unique(widths):
            mine = [k for k, p in enumerate(places) if rows.start <= p.row < rows.stop and widths[k] == width]
            step = max(1, EDIT_NUMBERS // (4 * int(width) * n_samples))
            for low in range(0, len(mine), step):
                chosen = mine[low : low + step]
                parts = [_replacements(codes, bound, places[k], rows.start, int(width), content, n_samples, seed)
                         for k in chosen]  # fmt: skip
                local = np.array([places[k].row - rows.start for k in chosen])
                starts = np.array([start for start, _ in parts])
                effects[chosen] = -bound.effects(local, starts, np.stack([new for _, new in parts]))
    effects = effects.transpose(0, 2, 1)
    single = slice(None) if scorer.several_targets else 0
    return Ablation(
        rows=np.array([p.row for p in places], dtype=np.int64),
        spans=tuple(p.spans for p in places),
        predictions=predictions[:, single],
        effects=effects[:, single],
        content=content,
        names=labels,
        targets=scorer.targets,
        parameters={
            **scorer.parameters, "content": content, "n_samples": n_samples, "together": together, "random_state": seed,
        },
    )  # fmt: skip


def _stretches(places: Sequence[Place], length: int) -> Array:
    """Return the width of the stretch that each ablation edits.

    Where they differ they are rounded up to powers of two, with bases around that stay as they are: an evaluator is
    compiled once for each width.
    """
    widths = np.array([p.end - p.start for p in places], dtype=np.int64)
    if len(np.unique(widths)) <= 1:
        return widths
    return np.asarray(np.minimum(2 ** np.ceil(np.log2(widths)).astype(np.int64), length))


def _replacements(
    codes: Array, bound: BoundSequences, place: Place, first: int, width: int, content: str, n: int, seed: int
) -> tuple[int, Array]:
    """Return where the stretch of an ablation starts, and what it is replaced with, `(n, width, 4)`."""
    start = min(place.start, codes.shape[1] - width)
    new = np.repeat(bound.X[place.row - first, start : start + width][None], n, axis=0)
    for low, high in place.spans:
        span = codes[place.row, low:high]
        if content == "random":
            generator = stream(seed, "ablation", bound.X[place.row - first], np.array([low, high]))
            drawn = np.eye(4, dtype=np.float32)[generator.integers(0, 4, (n, high - low))]
        else:
            drawn = draw_shuffles(span[None], n, seed, CONTENTS[content])[0]
        known = span < 4  # unknown bases stay where they are, as the model is shown them
        new[:, low - start : high - start][:, known] = drawn[:, known]
    return start, new


def _warn_of_lonely(codes: Array, places: Sequence[Place], names: Sequence[str], kind: str) -> None:
    from seqexplain.sequences.encoding import codes_to_one_hot

    lonely = [
        (p.row, low, high)
        for p in places
        for low, high in p.spans
        if log_distinct_shuffles(codes_to_one_hot(codes[p.row : p.row + 1, low:high]), kind=kind)[0] < 1e-6
    ]
    if lonely:
        row, low, high = lonely[0]
        warnings.warn(
            f"{len(lonely)} span(s) have no other {kind} shuffle than themselves (the first: {low}-{high} of "
            f'{names[row]}), so that replacing them changes nothing. Use content="random".',
            ShuffleWarning,
            stacklevel=3,
        )
