"""The primitive operations that a model is flattened to.

An operation knows how to compute forward and which weights it uses; a *linear* one also knows its transpose. It knows
nothing of attribution methods: those are tables from the kind of an operation to a rule.

Tensors have one batch axis, then the axes of one example, channels last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

import numpy as np

from seqexplain.models._fast_convolution import correlate, is_fast
from seqexplain.models._windows import fold, pad_axis, same_padding, take_slice, unfold
from seqexplain.models.backend import Tensor, ops, vjp

Weights = Mapping[str, Tensor]
Shape = tuple[int | None, ...]  # of one example, without the batch axis

NARROW = 16  # channels; below, a convolution's transpose is faster as one matrix product and shifted sums


class Kind(Enum):
    """What an operation is to an attribution method."""

    LINEAR = "linear"
    ELEMENTWISE = "elementwise"
    MAX_POOL = "max pooling"
    MAXIMUM = "maximum of inputs"
    SOFTMAX = "softmax"
    LOGSUMEXP = "log-sum-exp"
    PRODUCT = "product"
    SELECT = "select"
    SCAN = "scan"
    OPAQUE = "opaque"


def align_ranks(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Give tensors of lower rank the axes that Keras' merge layers broadcast over, after the batch axis."""
    rank = max(len(t.shape) for t in tensors)
    aligned = []
    for t in tensors:
        missing = rank - len(t.shape)
        aligned.append(ops.reshape(t, (t.shape[0], *(1,) * missing, *t.shape[1:])) if missing else t)
    return aligned


@dataclass(frozen=True, eq=False)
class Operation:
    """One step of a flattened model.

    Attributes
    ----------
    name
        Unique in the graph: the layer's path and, where a layer becomes several operations, the part.
    layer, layer_class
        The layer (path in the model) and its class, for messages.
    inputs, outputs
        Numbers of the values that are read and written.
    read_weights
        Returns the weights as they are now; called once for each job, so a retrained model is seen.
    """

    name: str
    layer: str
    layer_class: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    read_weights: Callable[[], dict[str, Tensor]] = field(default=dict, repr=False)

    kind: ClassVar[Kind]

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute the outputs for one batch."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Linear(Operation):
    """`y = A(x₁, x₂, …) + b`, with `A` linear in all inputs together."""

    kind: ClassVar[Kind] = Kind.LINEAR

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        """Compute `A(inputs)`, without the bias. Weights may be replaced (by their absolute values, say)."""
        raise NotImplementedError

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Compute `A(inputs) + b`."""
        y = self.apply(weights, inputs)
        return [y + weights["bias"] if "bias" in weights else y]

    @staticmethod
    def absolute(weights: Weights) -> dict[str, Tensor]:
        """Return the weights of `|A|`, which has the absolute value of every entry of `A`, and no bias."""
        return {name: ops.abs(w) for name, w in weights.items() if name != "bias"}

    def transpose(self, weights: Weights, cotangent: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
        """Compute `Aᵀ(cotangent)`, one tensor an input.

        `shapes` are the inputs' shapes without the batch axis; the batch is the cotangent's.
        """
        batch = cotangent.shape[0]
        zeros = [ops.zeros((batch, *shape), dtype=cotangent.dtype) for shape in shapes]
        return list(vjp(lambda *x: self.apply(weights, x), zeros, cotangent))


@dataclass(frozen=True, eq=False)
class Structural(Linear):
    """A linear operation without negative weights that moves, sums or repeats values: reshape, pad, add …"""

    function: Callable[..., Tensor] = field(default=lambda x: x, repr=False)
    moves_only: bool = False  # every output is a copy of one input: an activation before it could come after it

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        return self.function(*inputs)


@dataclass(frozen=True, eq=False)
class Difference(Linear):
    """`x₁ − x₂`; the signs are weights, so that `|A|` is the sum."""

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        first, second = align_ranks(inputs)
        return weights["signs"][0] * first + weights["signs"][1] * second


@dataclass(frozen=True, eq=False)
class Scale(Linear):
    """`y = scale · x + bias`, channel by channel: batch normalisation at inference, rescaling."""

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        return inputs[0] * weights["scale"]

    def transpose(self, weights: Weights, cotangent: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
        return [cotangent * weights["scale"]]


@dataclass(frozen=True, eq=False)
class Dense(Linear):
    """`y = x K + b` on the last axis."""

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        return ops.matmul(inputs[0], weights["kernel"])

    def transpose(self, weights: Weights, cotangent: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
        return [ops.matmul(cotangent, ops.transpose(weights["kernel"]))]


@dataclass(frozen=True, eq=False)
class Convolution(Linear):
    """Convolution over one or two spatial axes; `kernel` is `(*window, channels in / groups, channels out)`."""

    strides: tuple[int, ...] = (1,)
    dilation: tuple[int, ...] = (1,)
    padding: str = "valid"  # "valid", "same" or, for one axis, "causal"

    def _pads(self, spatial: Sequence[int], window: Sequence[int]) -> list[tuple[int, int]]:
        spans = [(w - 1) * d + 1 for w, d in zip(window, self.dilation, strict=True)]
        if self.padding == "same":
            return [same_padding(n, k, s) for n, k, s in zip(spatial, spans, self.strides, strict=True)]
        if self.padding == "causal":
            return [(k - 1, 0) for k in spans]
        return [(0, 0) for _ in spans]

    def _is_fast(self, kernel: Tensor, channels_in: int) -> bool:
        groups = channels_in // kernel.shape[-2]
        return is_fast(tuple(kernel.shape), self.strides, self.dilation, groups)

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        x, kernel, padding = inputs[0], weights["kernel"], self.padding
        fast = self._is_fast(kernel, x.shape[-1])
        if padding == "causal" or fast:
            (before, after), padding = self._pads(x.shape[1:-1], kernel.shape[:-2])[0], "valid"
            x = pad_axis(x, 1, before, after)
        if fast:
            return correlate(x, kernel, self.dilation[0])
        return ops.conv(
            x,
            kernel,
            strides=self.strides,
            padding=padding,
            data_format="channels_last",
            dilation_rate=self.dilation,
        )

    def transpose(self, weights: Weights, cotangent: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
        kernel = weights["kernel"]
        ungrouped = kernel.shape[-2] == shapes[0][-1]
        if ungrouped and kernel.shape[-2] <= NARROW and all(s == 1 for s in self.strides):
            return [self._transpose_narrow(kernel, cotangent, shapes[0])]
        if self._is_fast(kernel, shapes[0][-1]):
            # correlation with the reversed kernel, channels exchanged
            before = self._pads(shapes[0][:-1], kernel.shape[:-2])[0][0]
            margin = (kernel.shape[0] - 1) * self.dilation[0]
            reversed_kernel = ops.transpose(ops.flip(kernel, axis=0), (0, 2, 1))
            m = correlate(pad_axis(cotangent, 1, margin, margin), reversed_kernel, self.dilation[0])
            return [take_slice(m, 1, before, before + shapes[0][0])]
        return super().transpose(weights, cotangent, shapes)

    def _transpose_narrow(self, kernel: Tensor, cotangent: Tensor, shape: Sequence[int]) -> Tensor:
        # One product with all taps at once, then each tap's columns shifted to their places and summed.
        rank = len(shape) - 1
        window = tuple(kernel.shape[:rank])
        channels_in, channels_out = kernel.shape[-2:]
        columns = ops.reshape(ops.moveaxis(kernel, -1, 0), (channels_out, -1))
        batch, out = cotangent.shape[0], tuple(cotangent.shape[1:-1])
        y = ops.matmul(ops.reshape(cotangent, (-1, channels_out)), columns)
        y = ops.reshape(y, (batch, *out, *window, channels_in))
        pads = self._pads(shape[:-1], window)
        for axis in range(rank):
            # after each round the window axis of `axis` is gone; the next one is again at 1 + rank
            taps, dilation, (before, _) = window[axis], self.dilation[axis], pads[axis]
            length = shape[axis]
            margin = (taps - 1) * dilation
            # cotangent position o, tap j touches the padded input at o + j·dilation
            y = pad_axis(y, 1 + axis, margin, max(0, before + length - y.shape[1 + axis]))
            tap_axis = 1 + rank
            summed = None
            for j in range(taps):
                start = margin + before - j * dilation
                piece = take_slice(y, 1 + axis, start, start + length)
                piece = piece[(slice(None),) * tap_axis + (j,)]
                summed = piece if summed is None else summed + piece
            y = summed
        return y


@dataclass(frozen=True, eq=False)
class AveragePool(Linear):
    """Mean over windows; with `padding="same"` the mean of the positions that exist."""

    window: tuple[int, ...] = (2,)
    strides: tuple[int, ...] = (2,)
    padding: str = "valid"

    def _geometry(self, shape: Sequence[int]) -> list[tuple[int, int, Any]]:
        """Return padding before and after, and 1 / count of each output position, for each axis."""
        result = []
        for n, k, s in zip(shape, self.window, self.strides, strict=False):
            before, after = same_padding(n, k, s) if self.padding == "same" else (0, 0)
            out = (n + before + after - k) // s + 1
            starts = np.arange(out) * s - before
            counts = np.minimum(starts + k, n) - np.maximum(starts, 0)
            result.append((before, after, (1.0 / counts).astype("float32")))
        return result

    def apply(self, weights: Weights, inputs: Sequence[Tensor]) -> Tensor:
        y = inputs[0]
        rank = len(self.window)
        for axis, (before, after, share) in enumerate(self._geometry(y.shape[1:]), start=1):
            k, s = self.window[axis - 1], self.strides[axis - 1]
            y = pad_axis(y, axis, before, after)
            if k == s:
                y = ops.sum(unfold(y, axis, k, s), axis=axis + 1)
            else:
                out = len(share)
                y = sum(take_slice(y, axis, j, j + (out - 1) * s + 1, s) for j in range(k))
            y = y * ops.reshape(ops.convert_to_tensor(share), (1,) * axis + (-1,) + (1,) * (rank + 1 - axis))
        return y

    def transpose(self, weights: Weights, cotangent: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
        m = cotangent
        rank = len(self.window)
        for axis, (before, after, share) in enumerate(self._geometry(shapes[0]), start=1):
            k, s, n = self.window[axis - 1], self.strides[axis - 1], shapes[0][axis - 1]
            m = m * ops.reshape(ops.convert_to_tensor(share), (1,) * axis + (-1,) + (1,) * (rank + 1 - axis))
            spread = ops.repeat(ops.expand_dims(m, axis + 1), k, axis=axis + 1)
            m = take_slice(fold(spread, axis, s, n + before + after), axis, before, before + n)
        return [m]


@dataclass(frozen=True, eq=False)
class Elementwise(Operation):
    """Any activation: each output depends on its own input alone."""

    kind: ClassVar[Kind] = Kind.ELEMENTWISE
    function: Callable[[Tensor, Weights], Tensor] = field(default=lambda x, _: x, repr=False)
    label: str = ""  # the activation's name

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        return [self.function(inputs[0], weights)]

    def derivative(self, weights: Weights, x: Tensor) -> Tensor:
        """Return dy/dx at `x`."""
        return vjp(lambda z: self.function(z, weights), [x], ops.ones_like(x))[0]


@dataclass(frozen=True, eq=False)
class MaxPool(Operation):
    """Maximum over windows of one or two spatial axes. Ties go to the first position."""

    kind: ClassVar[Kind] = Kind.MAX_POOL
    window: tuple[int | None, ...] = (2,)  # None: the whole axis
    strides: tuple[int | None, ...] = (2,)
    padding: str = "valid"

    def windows(self, x: Tensor, first: int = 1) -> Tensor:
        """Return the windows `(…, *out, window size, channels)`; spatial axes begin at axis `first`."""
        rank = len(self.window)
        lowest = -np.inf
        for axis in range(rank):
            place = first + 2 * axis
            n = x.shape[place]
            k, s = self.window[axis] or n, self.strides[axis] or n
            if self.padding == "same":
                x = pad_axis(x, place, *same_padding(n, k, s), value=lowest)
            x = unfold(x, place, k, s)
        # (…, out1, k1, out2, k2, C) -> (…, out1, out2, k1·k2, C)
        lead = list(range(first))
        order = [*lead, *(first + 2 * a for a in range(rank)), *(first + 2 * a + 1 for a in range(rank))]
        order.append(first + 2 * rank)
        if rank > 1:
            x = ops.transpose(x, order)
        shape = [*x.shape[: first + rank], -1, x.shape[-1]]
        return ops.reshape(x, shape)

    def scatter(self, windows: Tensor, spatial: Sequence[int], first: int = 1) -> Tensor:
        """Add windows back to their places: the adjoint of `windows`. `spatial` are the input's spatial sizes."""
        rank = len(self.window)
        out = windows.shape[first : first + rank]
        sizes = [k or n for k, n in zip(self.window, spatial, strict=True)]
        x = ops.reshape(windows, [*windows.shape[:first], *out, *sizes, windows.shape[-1]])
        if rank > 1:
            order = list(range(first))
            for a in range(rank):
                order += [first + a, first + rank + a]
            x = ops.transpose(x, [*order, first + 2 * rank])
        for axis in reversed(range(rank)):
            place, n, k = first + 2 * axis, spatial[axis], sizes[axis]
            s = self.strides[axis] or n
            before, after = same_padding(n, k, s) if self.padding == "same" else (0, 0)
            x = take_slice(fold(x, place, s, n + before + after), place, before, before + n)
        return x

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        x = inputs[0]
        if all(k is None for k in self.window):
            return [ops.max(x, axis=tuple(range(1, 1 + len(self.window))), keepdims=True)]
        if self.window == self.strides or len(self.window) > 1:
            return [ops.max(self.windows(x), axis=-2)]
        (k,), (s,) = self.window, self.strides
        n = x.shape[1]
        if self.padding == "same":
            x = pad_axis(x, 1, *same_padding(n, k, s), value=-np.inf)  # type: ignore[arg-type]
        out = (x.shape[1] - k) // s + 1
        y = None
        for j in range(k):  # type: ignore[arg-type]
            piece = take_slice(x, 1, j, j + (out - 1) * s + 1, s)  # type: ignore[arg-type]
            y = piece if y is None else ops.maximum(y, piece)
        return [y]


@dataclass(frozen=True, eq=False)
class Maximum(Operation):
    """The largest of several inputs, element by element (`sign=-1`: the smallest)."""

    kind: ClassVar[Kind] = Kind.MAXIMUM
    sign: int = 1

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        y = inputs[0]
        for x in inputs[1:]:
            y = ops.maximum(y, x) if self.sign > 0 else ops.minimum(y, x)
        return [y]


def log_sum_exp(z: Tensor, axis: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return the two parts of log Σ exp z: the largest z, and the rest, which is exact where logits are large."""
    top = ops.max(z, axis=axis, keepdims=True)
    return top, ops.log(ops.sum(ops.exp(z - top), axis=axis, keepdims=True))


@dataclass(frozen=True, eq=False)
class Softmax(Operation):
    """`exp(z) / Σ exp(z)` over some axes (of one example, counted from the end)."""

    kind: ClassVar[Kind] = Kind.SOFTMAX
    axis: tuple[int, ...] = (-1,)

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        top, log_sum = log_sum_exp(inputs[0], self.axis)
        return [ops.exp((inputs[0] - top) - log_sum)]


@dataclass(frozen=True, eq=False)
class Opaque(Operation):
    """A layer that is computed as it is and has no rule: methods that look inside refuse it.

    `layer_type` is the class of the layer (or of the `keras.ops` operation), where it is one.
    """

    kind: ClassVar[Kind] = Kind.OPAQUE
    function: Callable[..., list[Tensor]] = field(default=lambda w, x: list(x), repr=False)
    layer_type: type | None = None

    def forward(self, weights: Weights, inputs: Sequence[Tensor]) -> list[Tensor]:
        return self.function(weights, inputs)
