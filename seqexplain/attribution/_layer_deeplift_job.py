"""A prepared job for the contributions of a hidden layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqexplain.attribution._deeplift_job import DeepLift, DeepLiftOptions
from seqexplain.attribution._job import Arrays, AtLength
from seqexplain.attribution._propagation import Plan
from seqexplain.attribution._reference_job import weigh_pairs
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array, Tensor
from seqexplain.results import LayerAttributions


@dataclass(frozen=True, kw_only=True)
class LayerDeepLiftOptions(DeepLiftOptions):
    """Choices of the job; the fields are the parameters of `layer_deeplift`."""

    layer: str = ""


class LayerDeepLift(DeepLift):
    """A DeepLIFT job that stops at a hidden layer."""

    method = "layer_deeplift"
    has_hypothetical = False
    options: LayerDeepLiftOptions

    def _make_plan(self, heads: list[int]) -> Plan:
        graph = self.model.graph
        self._source = self.model.layer_value(self.options.layer)
        needed = {v for p in graph.needed_for(heads) for v in graph.operations[p].inputs} | set(heads)
        if self._source not in needed:
            raise ParameterError(
                f"The target {', '.join(self.targets)} does not depend on the layer {self.options.layer!r}; it "
                "contributes nothing."
            )
        return self._plan_to(heads, self._source)

    def _choices(self) -> dict[str, Any]:
        return {**super()._choices(), "layer": self.options.layer}

    @property
    def _adds_up(self) -> bool:
        return False  # a path around the layer is no fault

    def _shapes_of_results(self, n: int, length: int) -> dict[str, tuple[int, ...]]:
        shapes = super()._shapes_of_results(n, length)
        core = self.model.value_shapes(length)[self._source]
        return {**shapes, "hypothetical": (n, len(self.targets), *core)}

    def _reduce(
        self, m: Tensor, x: Tensor, references: Tensor, saved: Sequence[Tensor], saved_r: Sequence[Tensor],
        f_x: Tensor, f_r: Tensor, share: Tensor,
    ) -> list[Tensor]:  # fmt: skip
        place = self._plan.saved.index(self._source)
        return weigh_pairs(m * (saved[place] - saved_r[place]), f_x, f_r, share)

    def explain_layer(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> LayerAttributions:
        """Explain rows `start …` of the job, `(b, L, 4)`."""
        X, found, _ = self._compute(X, start, names)
        pick = (lambda a: a) if self.several_targets else (lambda a: a[:, 0])
        return LayerAttributions(
            contributions=pick(found["hypothetical"]),  # type: ignore[no-untyped-call]
            predictions=pick(found["predictions"]),  # type: ignore[no-untyped-call]
            reference_predictions=pick(found["reference_predictions"]),  # type: ignore[no-untyped-call]
            completeness_error=pick(found["error"]),  # type: ignore[no-untyped-call]
            layer=self.options.layer,
            names=tuple(names) or tuple(f"sequence_{i}" for i in range(len(X))),
            targets=self.targets,
            method=self.method,
            parameters=self.parameters,
        )

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        return {}
