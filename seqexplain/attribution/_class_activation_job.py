"""Prepared jobs of class activation maps: a layer's channels, weighed and brought to the length of the sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.attribution._activation_layer import Chosen, chosen_layer, pooled_layer
from seqexplain.attribution._gradient_job import check_flag
from seqexplain.attribution._gradient_rules import gradient_step
from seqexplain.attribution._job import Arrays, AtLength, JobOptions
from seqexplain.attribution._modified_backward import choose_guided
from seqexplain.attribution._places import Places, places_of
from seqexplain.attribution._propagation import Plan, make_plan, sweep, target_values
from seqexplain.attribution._sequence_job import SequenceJob
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array, Tensor, ops, to_numpy

INTERPOLATIONS = ("linear", "nearest")


@dataclass(frozen=True, kw_only=True)
class CamOptions(JobOptions):
    """Choices of a class activation map; the fields are the parameters of `cam`."""

    interpolation: str = "linear"

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise ParameterError(f'interpolation={self.interpolation!r} is not known; use "linear" or "nearest".')


@dataclass(frozen=True, kw_only=True)
class ActivationOptions(CamOptions):
    """Choices of Grad-CAM; the fields are the parameters of `grad_cam`."""

    layer: str | None = None
    relu: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag("relu", self.relu)


class ClassActivation(SequenceJob):
    """A prepared job of class activation maps."""

    method = "cam"
    has_hypothetical = False
    options: CamOptions

    def __init__(self, model: Any, length: int, n_sequences: int, options: CamOptions) -> None:
        self.options = options
        super().__init__(model, length, n_sequences, options)

    # --- what the kinds of maps differ in ----------------------------------------------------------------------

    @property
    def _rectified(self) -> bool:
        """Whether negative values of a map become 0."""
        return False

    def _choose_layer(self, heads: list[int]) -> Chosen:
        return pooled_layer(self.model, heads)

    def _weigh(self, gradient: Tensor, axes: list[int]) -> Tensor:
        """Return the weight of each channel. Below global averaging w_k/n arrives at each of n positions."""
        return ops.sum(gradient, axis=axes, keepdims=True)

    # --- the job -----------------------------------------------------------------------------------------------

    def _make_plan(self, heads: list[int]) -> Plan:
        self._layer = self._choose_layer(heads)
        self._maps = [
            make_plan(self.model, heads, gradient_step, self.method, source=value) for value in self._layer.values
        ]
        return self._maps[0]

    def _plans(self) -> list[Plan]:
        """Return all sweeps: one to the layer for each strand, and what else the method needs."""
        return self._maps

    def _prepare(self, length: int) -> None:
        self._places(self._at(length))  # refuses a layer whose axes are not those of a map

    def _choices(self) -> dict[str, Any]:
        return {"layer": self._layer.label, "interpolation": self.options.interpolation}

    def _shapes_of_results(self, n: int, length: int) -> dict[str, tuple[int, ...]]:
        t = len(self.targets)
        return {"map": (n, t, length), "predictions": (n, t)}

    def _places(self, at: AtLength) -> list[Places]:
        """Return where the layer's positions are, on each strand."""
        if "places" not in at.constant:
            graph = self.model.graph
            at.constant["places"] = [
                places_of(graph, value, at.shapes, self._weights, self._layer.label, turned=strand == 1)
                for strand, value in enumerate(self._layer.values)
            ]
        found: list[Places] = at.constant["places"]
        return found

    def _batch(self, at: AtLength, X: Array, extra: Mapping[str, Array], row: int) -> Arrays:
        x, extras = self._inputs(X, extra)
        plans, places, real = self._plans(), self._places(at), len(X)
        model, graph, positions, heads = self.model, self._plan.graph, self._plan.forward, self._plan.heads

        def make() -> Callable[..., Any]:
            def run(weights: Any, x: Tensor, extras: Any, target_weights: Any, offsets: Tensor) -> list[Tensor]:
                values = graph.run(weights, model.feeds(x, extras), positions)
                at_heads = [ops.expand_dims(values[h], 1) for h in heads]
                start = self._start(target_weights, at_heads)
                found = [ops.squeeze(target_values(at_heads, start, offsets), 2)]
                for k, plan in enumerate(plans):
                    at_x = [ops.expand_dims(values[v], 1) for v in plan.saved]
                    m = ops.squeeze(sweep(plan, weights, at_x, [], start, at.shapes), 2)
                    found.append(self._map(m, values[plan.source], places[k]) if k < len(places) else m)
                return found

            return run

        key = (self.method, tuple(p.key for p in plans), self._rectified, self._start_key, tuple(x.shape))
        out = model.compiled(key, make)(self._weights, x, extras, at.target_weights, self._offsets)
        predictions, *rest = (np.moveaxis(to_numpy(o), 0, 1) for o in out)
        rest = [np.broadcast_to(r, (self.batch_sequences, *r.shape[1:]))[:real] for r in rest]
        maps = [p.spread(m, self.options.interpolation) for p, m in zip(places, rest, strict=False)]
        found = {"map": sum(maps[1:], maps[0]), "predictions": predictions[:real]}
        return {**found, **self._more(rest[len(maps) :], found["map"])}

    def _map(self, gradient: Tensor, activations: Tensor, places: Places) -> Tensor:
        """Return `(targets, sequences, positions)` from the gradient `(t, s or 1, *layer)` and the layer's values."""
        axes = list(range(2, len(gradient.shape) - 1))
        found = ops.sum(self._weigh(gradient, axes) * activations, axis=-1)
        if self._rectified:
            found = ops.relu(found)
        return found if len(axes) == 1 else ops.mean(found, axis=2 + (1 - places.axis))

    def _more(self, signals: list[Array], found: Array) -> Arrays:
        """Return what the other sweeps come to."""
        return {}

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        return {"contributions": X[:, None] * found["map"][..., None], "hypothetical": None}


class GradCam(ClassActivation):
    """A prepared job of Grad-CAM."""

    method = "grad_cam"
    options: ActivationOptions

    @property
    def _rectified(self) -> bool:
        return self.options.relu

    def _choose_layer(self, heads: list[int]) -> Chosen:
        return chosen_layer(self.model, heads, self.options.layer)

    def _weigh(self, gradient: Tensor, axes: list[int]) -> Tensor:
        return ops.mean(gradient, axis=axes, keepdims=True)

    def _choices(self) -> dict[str, Any]:
        return {**super()._choices(), "relu": self.options.relu}


class GuidedGradCam(GradCam):
    """A prepared job of guided Grad-CAM."""

    method = "guided_grad_cam"
    has_hypothetical = True

    def _make_plan(self, heads: list[int]) -> Plan:
        self._guided = make_plan(self.model, heads, choose_guided, self.method)
        return super()._make_plan(heads)

    def _plans(self) -> list[Plan]:
        return [*self._maps, self._guided]

    def _shapes_of_results(self, n: int, length: int) -> dict[str, tuple[int, ...]]:
        t = len(self.targets)
        return {"arrived": (n, t, length, 4), **super()._shapes_of_results(n, length)}

    def _more(self, signals: list[Array], found: Array) -> Arrays:
        return {"arrived": signals[0] * found[..., None]}

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        return {"contributions": found["arrived"] * X[:, None], "hypothetical": found["arrived"]}
