"""What two motifs do together, by how far apart they are and which way they face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models._prediction import choose_batch_size
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._estimate import Estimate, estimate
from seqexplain.perturbation._experiment import blocks, evaluation_of, one_target, refuse_nothing
from seqexplain.perturbation._inserts import (
    Insert,
    MotifLike,
    contents,
    inserted_effects,
    names_for,
    on_strand,
    read_insert,
)
from seqexplain.perturbation._scorer import BoundSequences, EditOptions, Scorer
from seqexplain.sequences.shuffle import check_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

ORIENTATIONS = ("++", "+-", "-+", "--")
CURVES = ("interaction", "both", "a", "b")


@dataclass(frozen=True, eq=False)
class Spacing:
    """What one or both of two motifs do to `n` backgrounds, in `o` orientations and at `d` distances.

    With a list of targets the arrays marked † have one more axis, the targets, after the first.

    Attributes
    ----------
    motif_a, motif_b
        Their names or consensus; A lies upstream of B.
    distances
        `(d,)` int64, bp between the end of A and the start of B: 0 where they touch.
    orientations
        `o` texts: the strand of A, then that of B.
    position
        0-based start of A.
    without †
        `(n,)` float32, the target's value of each background as it is.
    effect_a †
        `(n, o)` float32: with A alone − without.
    effect_b †
        `(n, o, d)` float32: with B alone, in the place that it has beside A, − without.
    effect_b_beside_a †
        `(n, o, d)` float32: with both − with A alone.
    names
        Of the backgrounds.
    targets, parameters
        What was computed, and how.
    """

    motif_a: str
    motif_b: str
    distances: Array
    orientations: tuple[str, ...]
    position: int
    without: Array
    effect_a: Array
    effect_b: Array
    effect_b_beside_a: Array
    names: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def several_targets(self) -> bool:
        """Whether the arrays carry an axis of targets."""
        return self.without.ndim == 2

    def effects(self, curve: str = "interaction") -> Array:
        """Return effects of each background, `(n, o, d)` † float32, in the target's unit.

        Parameters
        ----------
        curve
            `"both"`, `"a"` and `"b"`: with both motifs, or one, less without (A stays in its place, so that its effect
            is the same at all distances). `"interaction"`: both − A − B + without, what the motifs do together
            beyond the sum of what they do alone.

        Raises
        ------
        ParameterError
            For another curve.
        """
        if curve not in CURVES:
            raise ParameterError(f"curve is {curve!r}; expected one of {', '.join(map(repr, CURVES))}.")
        if curve == "interaction":
            return np.asarray(self.effect_b_beside_a - self.effect_b)
        if curve == "both":
            return np.asarray(self.effect_a[..., None] + self.effect_b_beside_a)
        if curve == "a":
            return np.broadcast_to(self.effect_a[..., None], self.effect_b.shape)
        return self.effect_b

    def summary(self, curve: str = "interaction", confidence: float = 0.95) -> Estimate:
        """Return means over backgrounds of the `curve` that `effects` takes, arrays `(o, d)` †.

        With intervals of this `confidence`, as in `Marginalisation.summary`.
        """
        return estimate(self.effects(curve), 0, confidence)

    def to_table(self, confidence: float = 0.95) -> DataFrame:
        """Return a line for each target, orientation and distance, with intervals of this `confidence`.

        Columns: motif_a, motif_b, target, orientation, distance, position_a, position_b, n, without (mean score),
        effect_a, effect_b, effect_both, interaction (means), interaction_standard_error, interaction_low,
        interaction_high, effect_both_standard_error.
        """
        import pandas as pd

        found = {curve: self.summary(curve, confidence) for curve in CURVES}
        start_b = self.position + int(self.parameters["width_a"]) + self.distances
        lines = []
        for t, target in enumerate(self.targets):
            pick = (t,) if self.several_targets else ()
            without = float(one_target(self.without, t, several=self.several_targets).mean(dtype=np.float64))
            for o, orientation in enumerate(self.orientations):
                for d, distance in enumerate(self.distances):
                    at = (*pick, o, d)
                    lines.append(
                        {
                            "motif_a": self.motif_a,
                            "motif_b": self.motif_b,
                            "target": target,
                            "orientation": orientation,
                            "distance": int(distance),
                            "position_a": self.position,
                            "position_b": int(start_b[d]),
                            "n": len(self.names),
                            "without": without,
                            "effect_a": found["a"].mean[at],
                            "effect_b": found["b"].mean[at],
                            "effect_both": found["both"].mean[at],
                            "effect_both_standard_error": found["both"].standard_error[at],
                            "interaction": found["interaction"].mean[at],
                            "interaction_standard_error": found["interaction"].standard_error[at],
                            "interaction_low": found["interaction"].low[at],
                            "interaction_high": found["interaction"].high[at],
                        }
                    )
        return pd.DataFrame(lines)

    def values_table(self) -> DataFrame:
        """Return a line for each target, orientation, distance and background.

        Columns: name, target, orientation, distance, without (score), effect_a, effect_b, effect_both, interaction.
        """
        import pandas as pd

        n, o, d = len(self.names), len(self.orientations), len(self.distances)
        parts = []
        for t, target in enumerate(self.targets):
            none = one_target(self.without, t, several=self.several_targets)
            a, b, both, extra = (
                one_target(self.effects(curve), t, several=self.several_targets).ravel()
                for curve in ("a", "b", "both", "interaction")
            )
            parts.append(
                pd.DataFrame(
                    {
                        "name": np.repeat(np.array(self.names, dtype=object), o * d),
                        "target": target,
                        "orientation": np.tile(np.repeat(np.array(self.orientations, dtype=object), d), n),
                        "distance": np.tile(self.distances, n * o),
                        "without": np.repeat(none, o * d),
                        "effect_a": a,
                        "effect_b": b,
                        "effect_both": both,
                        "interaction": extra,
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    def plot(
        self, curve: str = "interaction", *, target: int = 0, ax: Axes | None = None, title: str | None = None
    ) -> Axes:
        """Draw one line an orientation along the distances: the mean, in a band of ± its standard error.

        Parameters
        ----------
        curve
            As `effects` takes it.
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
        from seqexplain.plot import effect_curves

        effects = one_target(self.effects(curve), target, several=self.several_targets)
        lines = {f"{_arrows(way)} ({way})": effects[:, o] for o, way in enumerate(self.orientations)}
        return effect_curves(
            self.distances, lines, ax=ax, xlabel=f"bp between {self.motif_a} and {self.motif_b}",
            ylabel={"a": "effect of A", "b": "effect of B", "both": "effect of both"}.get(curve, curve),
            title=f"{self.motif_a} and {self.motif_b}, target {self.targets[target]}" if title is None else title,
        )  # fmt: skip


def spacing(
    model: SequenceModel | Any,
    backgrounds: Array | Sequence[str],
    motif_a: MotifLike,
    motif_b: MotifLike,
    *,
    distances: Iterable[int] = range(51),
    orientations: Sequence[str] = ORIENTATIONS,
    position: str | int = "centre",
    sample: bool = False,
    target: Any = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
    names: Sequence[str] = (),
) -> Spacing:
    """Put two motifs into backgrounds, at all distances and orientations, and measure what each and both do.

    A stays where it is and B moves downstream. B upstream of A is the same experiment with the motifs exchanged; on
    the other strand it is that with opposite orientations, so that four of them and one order are all there is for a
    model which reads both strands alike.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model.
    backgrounds, motif_a, motif_b, sample
        As for `marginalisation`.
    distances
        bp between the end of A and the start of B, from 0.
    orientations
        Strand of A and strand of B, some of `"++"`, `"+-"`, `"-+"`, `"--"`.
    position
        0-based start of A; `"centre"` puts the widest pair in the middle of the backgrounds.
    target, level, batch_size, random_state, extra_inputs, evaluation, names
        As for `marginalisation`.

    Returns
    -------
    Spacing

    Raises
    ------
    ParameterError
        When a motif, distance, orientation or position makes no sense, or the pair does not fit.
    ShapeError, TargetError
        As for `marginalisation`.

    Notes
    -----
    interaction_i = f(A and B) − f(A) − f(B) + f(neither), each in background i, each motif with the same bases and in
    the same place throughout. On the scale of logits 0 means that the motifs' odds multiply; with level="output" it
    means that their probabilities add.
    """
    seed = check_seed(random_state)
    model, X = opened(model, backgrounds)
    refuse_nothing(X, "backgrounds")
    labels = names_for(names, len(X))
    first = read_insert(motif_a, sample=sample, parameter="motif_a")
    second = read_insert(motif_b, sample=sample, parameter="motif_b")
    gaps, ways = _read_distances(distances), _read_orientations(orientations)
    at = _read_position(position, first, second, gaps, X.shape[1])
    options = EditOptions(
        target=target, level=level, batch_size=batch_size, random_state=seed, extra_inputs=extra_inputs,
        evaluation=evaluation_of(evaluation, len(gaps)),
    )  # fmt: skip
    scorer = Scorer(model, X.shape[1], len(X), options)
    n, t, o, d = len(X), len(scorer.targets), len(ways), len(gaps)
    without, effect_a = np.empty((n, t), np.float32), np.empty((n, t, o), np.float32)
    effect_b, beside_a = np.empty((n, t, o, d), np.float32), np.empty((n, t, o, d), np.float32)
    places = at + first.width + gaps
    for rows in blocks(n, choose_batch_size(model, batch_size, X.shape[1], n)):
        x, here = X[rows], tuple(names)[rows]
        bound = scorer.bind(x, start=rows.start, names=here)
        without[rows] = bound.base
        words_a, words_b = first.words(x, seed, "motif a"), second.words(x, seed, "motif b")
        for strand in sorted({way[1] for way in ways}):
            effects = inserted_effects(bound, on_strand(words_b, strand), places).transpose(0, 2, 1)
            for k in (k for k, way in enumerate(ways) if way[1] == strand):
                effect_b[rows, :, k] = effects
        for strand in sorted({way[0] for way in ways}):
            held = _holding(bound, on_strand(words_a, strand), at)
            bound_a = scorer.bind(held, start=rows.start, names=here)
            for k in (k for k, way in enumerate(ways) if way[0] == strand):
                effect_a[rows, :, k] = bound_a.base - bound.base
                effects = inserted_effects(bound_a, on_strand(words_b, ways[k][1]), places)
                beside_a[rows, :, k] = effects.transpose(0, 2, 1)
    single = slice(None) if scorer.several_targets else 0
    return Spacing(
        motif_a=first.name,
        motif_b=second.name,
        distances=gaps,
        orientations=ways,
        position=at,
        without=without[:, single],
        effect_a=effect_a[:, single],
        effect_b=effect_b[:, single],
        effect_b_beside_a=beside_a[:, single],
        names=labels,
        targets=scorer.targets,
        parameters={
            **scorer.parameters, "sample": bool(sample), "random_state": seed, "width_a": first.width,
            "width_b": second.width,
        },
    )  # fmt: skip


def _holding(bound: BoundSequences, words: Array, at: int) -> Array:
    """Return backgrounds that hold a word each."""
    rows = np.arange(len(bound))
    held: Array = bound.X.copy()
    held[:, at : at + words.shape[1]] = contents(bound, words, rows, np.full(len(rows), at))
    return held


def _read_distances(distances: Iterable[int]) -> Array:
    gaps = np.asarray(list(distances))
    if gaps.ndim != 1 or len(gaps) == 0 or gaps.dtype.kind not in "iu":
        raise ParameterError("distances holds no whole numbers; expected bp between the motifs, such as range(0, 51).")
    if gaps.min() < 0:
        raise ParameterError(
            f"distance {int(gaps.min())} would lay the motifs over each other; expected bp from the end of A to the "
            "start of B, from 0. For B upstream of A exchange the motifs."
        )
    return gaps.astype(np.int64)


def _read_orientations(orientations: Sequence[str]) -> tuple[str, ...]:
    ways = (orientations,) if isinstance(orientations, str) else tuple(orientations)
    unknown = [way for way in ways if way not in ORIENTATIONS]
    if unknown or not ways or len(set(ways)) < len(ways):
        raise ParameterError(
            f"orientations is {orientations!r}; expected some of {', '.join(ORIENTATIONS)}, each once: the strand "
            "of A, then that of B."
        )
    return ways


def _read_position(position: str | int, first: Insert, second: Insert, gaps: Array, length: int) -> int:
    widest = first.width + int(gaps.max()) + second.width
    room = length - first.width - second.width
    pair = f"{first.name} ({first.width} bp), {int(gaps.max())} bp and {second.name} ({second.width} bp)"
    if widest > length:
        mend = f"The largest distance that fits is {room}." if room >= 0 else "The motifs alone do not fit."
        raise ParameterError(f"{pair} are {widest} bp together; the backgrounds have {length}. {mend}")
    if position == "centre":
        return (length - widest) // 2
    if isinstance(position, bool) or not isinstance(position, int | np.integer):
        raise ParameterError(f'position is {position!r}; expected the start of A in bp, or "centre".')
    if not 0 <= position <= length - widest:
        raise ParameterError(
            f"position is {position}; {pair} fit in backgrounds of {length} bp when A starts at 0 to {length - widest}."
        )
    return int(position)


def _arrows(orientation: str) -> str:
    return "".join("→" if strand == "+" else "←" for strand in orientation)
