"""What a motif does to backgrounds that it is put into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._estimate import Estimate, estimate
from seqexplain.perturbation._experiment import Experiment, one_target
from seqexplain.perturbation._inserts import (
    MotifLike,
    check_strand,
    inserted_effects,
    on_strand,
    read_insert,
    read_positions,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


@dataclass(frozen=True, eq=False)
class Marginalisation:
    """Scores of `n` backgrounds without a motif, and with it at each of `p` positions.

    With a list of targets the arrays marked † have one more axis, the targets, after the first.

    Attributes
    ----------
    motif
        Its name, or the consensus.
    positions
        `(p,)` int64, 0-based starts of the motif.
    without †
        `(n,)` float32, the target's value of each background as it is.
    effects †
        `(n, p)` float32: with the motif − without, in the target's unit.
    strand
        `"-"` where the motif's reverse complement was put in.
    names
        Of the backgrounds.
    targets, parameters
        What was computed, and how.
    """

    motif: str
    positions: Array
    without: Array
    effects: Array
    strand: str = "+"
    names: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def several_targets(self) -> bool:
        """Whether the arrays carry an axis of targets."""
        return self.without.ndim == 2

    @property
    def with_motif(self) -> Array:
        """`(n, p)` † float32, the target's value with the motif."""
        return np.asarray(self.without[..., None] + self.effects)

    def summary(self, confidence: float = 0.95) -> Estimate:
        """Average the effects over backgrounds.

        Parameters
        ----------
        confidence
            Of the interval, which takes backgrounds to be independent; shuffles of one sequence are not quite.

        Returns
        -------
        Estimate
            Arrays `(p,)` †.
        """
        return estimate(self.effects, 0, confidence)

    def to_table(self, confidence: float = 0.95) -> DataFrame:
        """Return a line for each target and position, with intervals of this `confidence`.

        Columns: motif, strand, target, position, n, without and with (mean scores), effect, standard_error, low, high.
        """
        import pandas as pd

        found = self.summary(confidence)
        lines = []
        for t, target in enumerate(self.targets):
            pick = (t,) if self.several_targets else ()
            without, inserted = self._of(self.without, t), self._of(self.with_motif, t)
            for p, position in enumerate(self.positions):
                lines.append(
                    {
                        "motif": self.motif,
                        "strand": self.strand,
                        "target": target,
                        "position": int(position),
                        "n": len(self.names),
                        "without": float(without.mean(dtype=np.float64)),
                        "with": float(inserted[:, p].mean(dtype=np.float64)),
                        "effect": found.mean[(*pick, p)],
                        "standard_error": found.standard_error[(*pick, p)],
                        "low": found.low[(*pick, p)],
                        "high": found.high[(*pick, p)],
                    }
                )
        return pd.DataFrame(lines)

    def values_table(self) -> DataFrame:
        """Return a line for each target, position and background: name, target, position, without, with, effect."""
        import pandas as pd

        n, p = len(self.names), len(self.positions)
        parts = []
        for t, target in enumerate(self.targets):
            without, effects = self._of(self.without, t), self._of(self.effects, t)
            parts.append(
                pd.DataFrame(
                    {
                        "name": np.repeat(np.array(self.names, dtype=object), p),
                        "target": target,
                        "position": np.tile(self.positions, n),
                        "without": np.repeat(without, p),
                        "with": (without[:, None] + effects).ravel(),
                        "effect": effects.ravel(),
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    def _of(self, values: Array, target: int) -> Array:
        return one_target(values, target, several=self.several_targets)

    def plot(self, *, ax: Axes | None = None, title: str | None = None) -> Axes:
        """Draw the effect along the positions, a line a target; or, for one position, a point a background.

        Parameters
        ----------
        ax
            Axes to draw on; a new figure without.
        title
            Text above.

        Returns
        -------
        matplotlib.axes.Axes
            Those drawn on.
        """
        from seqexplain.plot import effect_curves, effect_points

        effects = {f"target {target}": self._of(self.effects, t) for t, target in enumerate(self.targets)}
        title = f"{self.motif} inserted" if title is None else title
        if len(self.positions) == 1:
            return effect_points({name: values[:, 0] for name, values in effects.items()}, ax=ax, title=title)
        return effect_curves(self.positions, effects, ax=ax, title=title, xlabel="start of the motif (bp)")


class MarginalisationExperiment(Experiment[Marginalisation]):
    """All of `marginalisation` but its loop over backgrounds.

    Parameters
    ----------
    model, backgrounds, motif, position, strand, sample
        As for `marginalisation`; backgrounds are `(n, L, 4)`, or strings.
    options
        The other parameters of `marginalisation`, by keyword.

    Raises
    ------
    ParameterError, ShapeError, TargetError
        As `marginalisation` does, before anything is computed.
    """

    def __init__(
        self,
        model: SequenceModel | Any,
        backgrounds: Array | Sequence[str],
        motif: MotifLike,
        *,
        position: str | int | Sequence[int] | Array = "centre",
        strand: str = "+",
        sample: bool = False,
        **options: Any,
    ) -> None:
        self._open(model, backgrounds, options)
        self._insert = read_insert(motif, sample=sample)
        self._strand = check_strand(strand)
        self._positions = read_positions(position, self._insert, self.X.shape[1])
        self._sample = bool(sample)
        self._prepare(options, edits=len(self._positions))

    @property
    def parameters(self) -> dict[str, Any]:
        return {**self._scorer.parameters, "sample": self._sample, "random_state": self._seed}

    @property
    def choices(self) -> dict[str, Any]:
        return {
            "motif": self._insert.description, "strand": self._strand, "positions": self._positions.tolist(),
        }  # fmt: skip

    def block(self, rows: slice) -> dict[str, Array]:
        """Return what is found of the backgrounds `rows`, arrays `(b, t, …)` by name."""
        x, bound = self._bind(rows)
        words = on_strand(self._insert.words(x, self._seed, "motif a"), self._strand)
        effects = inserted_effects(bound, words, self._positions).transpose(0, 2, 1)
        return {"without": bound.base, "effects": effects}

    def result(self, arrays: Mapping[str, Array]) -> Marginalisation:
        """Return the result that the `arrays` of all blocks, `(n, t, …)` by name, make."""
        return Marginalisation(
            motif=self._insert.name,
            positions=self._positions,
            strand=self._strand,
            names=self.labels,
            targets=self._scorer.targets,
            parameters=self.parameters,
            **self._of_targets(arrays),
        )


def marginalisation(
    model: SequenceModel | Any,
    backgrounds: Array | Sequence[str],
    motif: MotifLike,
    *,
    position: str | int | Sequence[int] | Array = "centre",
    strand: str = "+",
    sample: bool = False,
    target: Any = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
    names: Sequence[str] = (),
) -> Marginalisation:
    """Put a motif into backgrounds and measure what that does to the model's output.

    Averaged over backgrounds, the difference is the marginal effect of the motif: what the model makes of it whatever
    is around it.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model.
    backgrounds
        `(n, L, 4)` one-hot, or `n` strings of one length; `make_backgrounds` makes shuffles and random ones.
    motif
        - a consensus with IUPAC codes: R, Y, … are drawn anew for each background, each allowed base as likely; N
          leaves the background's base;
        - a matrix `(w, 4)` of counts or probabilities, or a `Motif`: its most probable bases, or see `sample`.
    position
        0-based start of the motif, several of them, `(k,)`, `"centre"`, or `"all"` where it fits.
    strand
        `"-"` puts the reverse complement in.
    sample
        Draw the bases of a matrix from its probabilities, one word for each background, the same at all positions.
    target, level, batch_size, random_state, extra_inputs, evaluation
        As for `in_silico_mutagenesis`. Words are drawn from the seed and the background's own bases.
    names
        Of the backgrounds, for tables, and for extra inputs that are given by name.

    Returns
    -------
    Marginalisation

    Raises
    ------
    ParameterError
        When the motif or an option makes no sense, or the motif does not fit.
    ShapeError
        When backgrounds, matrix or extra inputs have the wrong shape, or there is no background.
    TargetError
        When the target does not exist.

    Notes
    -----
    effect_i = f(background_i with the motif) − f(background_i), in the unit of the target (logits, by default).

    References
    ----------
    Koo PK, Majdandzic A, Ploenzke M, Anand P, Paul SB (2021). Global importance analysis: an interpretability method
    to quantify importance of genomic features in deep neural networks. PLoS Comput. Biol. 17:e1008925.
    """
    return MarginalisationExperiment(
        model, backgrounds, motif, position=position, strand=strand, sample=sample, target=target, level=level,
        batch_size=batch_size, random_state=random_state, extra_inputs=extra_inputs, evaluation=evaluation, names=names,
    ).run()  # fmt: skip
