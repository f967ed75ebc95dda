"""The experiment of `spacing`, block of backgrounds by block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._experiment import Experiment
from seqexplain.perturbation._inserts import Insert, MotifLike, contents, inserted_effects, on_strand, read_insert
from seqexplain.perturbation._scorer import BoundSequences
from seqexplain.perturbation._spacing_result import Spacing

ORIENTATIONS = ("++", "+-", "-+", "--")


class SpacingExperiment(Experiment[Spacing]):
    """All of `spacing` but its loop over backgrounds.

    Parameters
    ----------
    model, backgrounds, motif_a, motif_b, distances, orientations, position, sample
        As for `spacing`; backgrounds are `(n, L, 4)`, or strings.
    options
        The other parameters of `spacing`, by keyword.

    Raises
    ------
    ParameterError, ShapeError, TargetError
        As `spacing` does, before anything is computed.
    """

    def __init__(
        self,
        model: SequenceModel | Any,
        backgrounds: Array | Sequence[str],
        motif_a: MotifLike,
        motif_b: MotifLike,
        *,
        distances: Iterable[int] = range(51),
        orientations: Sequence[str] = ORIENTATIONS,
        position: str | int = "centre",
        sample: bool = False,
        **options: Any,
    ) -> None:
        self._open(model, backgrounds, options)
        self._first = read_insert(motif_a, sample=sample, parameter="motif_a")
        self._second = read_insert(motif_b, sample=sample, parameter="motif_b")
        self._gaps, self._ways = _read_distances(distances), _read_orientations(orientations)
        self._at = _read_position(position, self._first, self._second, self._gaps, self.X.shape[1])
        self._sample = bool(sample)
        self._prepare(options, edits=len(self._gaps))
        # of B in each place, and of B beside A
        self.edits = len(self._gaps) * len({way[1] for way in self._ways}) + len(self._gaps) * len(self._ways)

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            **self._scorer.parameters, "sample": self._sample, "random_state": self._seed,
            "width_a": self._first.width, "width_b": self._second.width,
        }  # fmt: skip

    @property
    def choices(self) -> dict[str, Any]:
        return {
            "motif_a": self._first.description, "motif_b": self._second.description, "distances": self._gaps.tolist(),
            "orientations": list(self._ways), "position": self._at,
        }  # fmt: skip

    def block(self, rows: slice) -> dict[str, Array]:
        """Return what is found of the backgrounds `rows`, arrays `(b, t, …)` by name."""
        x, bound = self._bind(rows)
        b, t, o, d = len(x), len(self._scorer.targets), len(self._ways), len(self._gaps)
        effect_a, places = np.empty((b, t, o), np.float32), self._at + self._first.width + self._gaps
        effect_b, beside_a = np.empty((b, t, o, d), np.float32), np.empty((b, t, o, d), np.float32)
        words_a = self._first.words(x, self._seed, "motif a")
        words_b = self._second.words(x, self._seed, "motif b")
        for strand in sorted({way[1] for way in self._ways}):
            effects = inserted_effects(bound, on_strand(words_b, strand), places).transpose(0, 2, 1)
            for k in (k for k, way in enumerate(self._ways) if way[1] == strand):
                effect_b[:, :, k] = effects
        for strand in sorted({way[0] for way in self._ways}):
            held = _holding(bound, on_strand(words_a, strand), self._at)
            _, bound_a = self._bind(rows, held)
            for k in (k for k, way in enumerate(self._ways) if way[0] == strand):
                effect_a[:, :, k] = bound_a.base - bound.base
                effects = inserted_effects(bound_a, on_strand(words_b, self._ways[k][1]), places)
                beside_a[:, :, k] = effects.transpose(0, 2, 1)
        return {"without": bound.base, "effect_a": effect_a, "effect_b": effect_b, "effect_b_beside_a": beside_a}

    def result(self, arrays: Mapping[str, Array]) -> Spacing:
        """Return the result that the `arrays` of all blocks, `(n, t, …)` by name, make."""
        return Spacing(
            motif_a=self._first.name,
            motif_b=self._second.name,
            distances=self._gaps,
            orientations=self._ways,
            position=self._at,
            names=self.labels,
            targets=self._scorer.targets,
            parameters=self.parameters,
            **self._of_targets(arrays),
        )


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
