"""A group of linear operations with its weights: its terms, its positive and negative parts, and their transposes.

Write C for the operation that the rule is about, D for the scales before it and E for those behind, and `u = D a`. The
terms of a unit j are E_j C_ij u_i. Splitting the *weights* by sign, and u, sums numbers of one sign only: the parts come
out without the cancellation that (A a ± |A| |a|) / 2 has, which a rule that divides by one of them could not bear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from seqexplain.attribution._lrp_groups import Group
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import WeightList
from seqexplain.models.operations import Convolution, Dense, Linear, Scale

Weights = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class BoundGroup:
    """A group with its weights, for tensors with any number of leading axes; folded where that is possible.

    Attributes
    ----------
    before, core, behind
        The operations, each with its weights and the shapes of its inputs (one example).
    shape_out
        Of the group's value.
    not_negative
        Whether its inputs are known to be.
    """

    before: Sequence[tuple[Linear, Weights, Sequence[Sequence[int]]]]
    core: tuple[Linear, Weights, Sequence[Sequence[int]]]
    behind: Sequence[tuple[Linear, Weights, Sequence[Sequence[int]]]]
    shape_out: Sequence[int]
    not_negative: bool

    # --- values ------------------------------------------------------------------------------------------------

    def scaled(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Return u = D a, what the core reads, without the biases before it."""
        values = list(inputs)
        for operation, weights, shapes in self.before:
            values = [_with_lead(lambda x, op=operation, w=weights: op.apply(w, x), values, shapes)]
        return values

    def signed(self, u: Sequence[Tensor]) -> Tensor:
        """Return Σ_i z_ij."""
        operation, weights, shapes = self.core
        y = _with_lead(lambda x: operation.apply(weights, x), u, shapes)
        for op, w, s in self.behind:
            y = _with_lead(lambda x, op=op, w=w: op.apply(w, x), [y], s)
        return y

    def split(self, v: Sequence[Tensor], up: bool = True, down: bool = True) -> tuple[Tensor | None, Tensor | None]:
        """Return A⁺v and A⁻v of A = E C, each where it is wanted; None stands for 0."""
        both = any(isinstance(op, Scale) for op, _, _ in self.behind)
        operation, weights, shapes = self.core
        parts: list[Tensor | None] = []
        for wanted, part in zip((up, down), (positive, negative), strict=True):
            w = part(weights)
            needed = (wanted or both) and w is not None
            parts.append(_with_lead(lambda x, w=w: operation.apply(w, x), v, shapes) if needed else None)
        p, n = parts
        for op, w, s in self.behind:
            if isinstance(op, Scale):
                high, low = ops.maximum(w["scale"], 0.0), ops.minimum(w["scale"], 0.0)
                p, n = _add(_times(p, high), _times(n, low)), _add(_times(n, high), _times(p, low))
            else:
                p, n = (None if t is None else _with_lead(lambda x, op=op, w=w: op.apply(w, x), [t], s) for t in (p, n))
        return p, n

    def mapped(self, function: Callable[[Tensor], Tensor]) -> BoundGroup:
        """Return the group with a function of each of its weights; without biases."""

        def one(part: tuple[Linear, Weights, Sequence[Sequence[int]]]) -> tuple[Linear, Weights, Sequence[Sequence[int]]]:
            operation, weights, shapes = part
            return operation, {k: function(w) for k, w in weights.items() if k != "bias"}, shapes

        return replace(self, before=[*map(one, self.before)], core=one(self.core), behind=[*map(one, self.behind)])

    def bias(self) -> Tensor | None:
        """Return b, what the group gives without any input, with leading axes of 1; None where there is none."""
        value = None
        for operation, weights, shapes in (*self.before, self.core, *self.behind):
            if value is None:
                if "bias" not in weights:
                    continue
                zeros = [ops.zeros((1, *s)) for s in shapes]
                if isinstance(operation, Scale):
                    value = zeros[0] + weights["bias"]
                    continue
                value = ops.broadcast_to(weights["bias"], (1, *self._after(operation))) + 0.0
            else:
                value = operation.forward(weights, [value])[0]
        return None if value is None else ops.expand_dims(value, 0)

    # --- relevance ---------------------------------------------------------------------------------------------

    def signed_back(self, s: Tensor) -> list[Tensor]:
        """Return Aᵀs for s with three leading axes."""
        operation, weights, shapes = self.core
        for op, w, sh in reversed(self.behind):
            s = _back(op, w, sh, s)[0]
        return _back(operation, weights, shapes, s)

    def split_back(self, up: Tensor | None, down: Tensor | None) -> list[Tensor]:
        """Return (A⁺)ᵀup + (A⁻)ᵀdown; None stands for 0."""
        operation, weights, shapes = self.core
        for op, w, sh in reversed(self.behind):
            if isinstance(op, Scale):
                high, low = ops.maximum(w["scale"], 0.0), ops.minimum(w["scale"], 0.0)
                up, down = _add(_times(up, high), _times(down, low)), _add(_times(down, high), _times(up, low))
            else:
                up, down = (None if t is None else _back(op, w, sh, t)[0] for t in (up, down))
        total: list[Tensor | None] = [None] * len(shapes)
        for s, part in ((up, positive), (down, negative)):
            w = part(weights)
            if s is not None and w is not None:
                total = [_add(t, g) for t, g in zip(total, _back(operation, w, shapes, s), strict=True)]
        lead = tuple((up if up is not None else down).shape[:3])  # type: ignore[union-attr]
        return [ops.zeros((*lead, *s)) if t is None else t for t, s in zip(total, shapes, strict=True)]

    def to_inputs(self, values: Sequence[Tensor], *, multiplied: bool = False) -> list[Tensor]:
        """Return the relevance of the group's inputs from that of u: what scales keeps it, what moves moves it back.

        With `multiplied` the values are not relevance but what u has to be multiplied by, and scales count.
        """
        values = list(values)
        for operation, weights, shapes in reversed(self.before):
            if multiplied or not isinstance(operation, Scale):
                values = _back(operation, weights, shapes, values[0])
        return values

    # --- inner parts -------------------------------------------------------------------------------------------

    def _after(self, operation: Linear) -> Sequence[int]:
        """Return the shape of what an operation of the group gives."""
        parts = [*self.before, self.core, *self.behind]
        following = [shapes[0] for (op, _, _), (_, _, shapes) in zip(parts, parts[1:], strict=False) if op is operation]
        return following[0] if following else self.shape_out


def bind(group: Group, weights: WeightList, shapes: Mapping[int, Sequence[int]], not_negative: bool) -> BoundGroup:
    """Return a group with its weights; a scale of channels right behind a convolution is multiplied into its kernel."""
    parts = [
        (operation, weights[p], [shapes[v] for v in operation.inputs])
        for p, operation in zip(group.positions, group.operations, strict=True)
    ]
    before, (core, core_weights, core_shapes), behind = parts[: group.core], parts[group.core], parts[group.core + 1 :]
    while behind and isinstance(core, (Convolution, Dense)) and isinstance(behind[0][0], Scale):
        scale = behind[0][1]["scale"]
        if len(scale.shape) > 1:  # of another axis than the channels
            break
        bias = behind[0][1].get("bias", 0.0)
        core_weights = {
            "kernel": core_weights["kernel"] * scale,
            "bias": core_weights.get("bias", 0.0) * scale + bias,
        }
        behind = behind[1:]
    # scales may be negative
    unsigned = not_negative and not any(isinstance(op, Scale) for op, _, _ in before)
    return BoundGroup(before, (core, core_weights, core_shapes), behind, shapes[group.output], unsigned)


def positive(weights: Weights) -> dict[str, Tensor] | None:
    """Return the weights of A⁺; what has none moves and adds, and is its own positive part."""
    return {k: ops.maximum(w, 0.0) for k, w in weights.items() if k != "bias"}


def negative(weights: Weights) -> dict[str, Tensor] | None:
    """Return the weights of A⁻, or None where it has none."""
    return {k: ops.minimum(w, 0.0) for k, w in weights.items() if k != "bias"} or None


def _with_lead(
    function: Callable[[list[Tensor]], Tensor], values: Sequence[Tensor], shapes: Sequence[Sequence[int]]
) -> Tensor:
    """Apply a function of tensors with one batch axis to tensors with other leading axes."""
    lead = tuple(values[0].shape[: len(values[0].shape) - len(shapes[0])])
    y = function([ops.reshape(x, (-1, *s)) for x, s in zip(values, shapes, strict=True)])
    return ops.reshape(y, (*lead, *y.shape[1:]))


def _back(operation: Linear, weights: Weights, shapes: Sequence[Sequence[int]], s: Tensor) -> list[Tensor]:
    lead = tuple(s.shape[:3])
    parts = operation.transpose(weights, ops.reshape(s, (-1, *s.shape[3:])), shapes)
    return [ops.reshape(p, (*lead, *shape)) for p, shape in zip(parts, shapes, strict=True)]


def _add(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _times(a: Tensor | None, b: Tensor) -> Tensor | None:
    return None if a is None else a * b
