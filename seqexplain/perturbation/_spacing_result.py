"""What two motifs do together, by how far apart they are and which way they face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.perturbation._estimate import Estimate, estimate
from seqexplain.perturbation._experiment import one_target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

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


def _arrows(orientation: str) -> str:
    return "".join("→" if strand == "+" else "←" for strand in orientation)
