"""Which scalar of a model is explained.

Every target is an affine function of the values at the heads: a choice of one unit, a contrast of two, or a callable
that is checked to be affine. That is what propagation needs, and it lets several targets share one forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, TargetError
from seqexplain.models.backend import Array
from seqexplain.models.operations import Shape

MOVED_SOFTMAX = "softmax, reshaped"  # what such a head ends in: its logits are known, their classes' axis is not

TargetSpec = Any  # None, an index, (head, index), Contrast, a callable, a Target, or a list of these


@dataclass(frozen=True)
class Head:
    """One output of a model.

    Attributes
    ----------
    name
        Of the output layer.
    shape
        Of one example: `(tasks,)` or `(length, channels)`, say.
    activation
        What ends the head: `"sigmoid"`, `"softmax"`, another activation's name or `"linear"`.
    value
        Value in the graph at the level that is explained.
    softmax_axis
        Axes of one example, counted from the end, over which a softmax that ends the head runs.
    """

    name: str
    shape: Shape
    activation: str
    value: int
    softmax_axis: tuple[int, ...] = (-1,)


@dataclass(frozen=True)
class Contrast:
    """The difference of two targets, `positive − negative`: why this class rather than that one?"""

    positive: Any
    negative: Any


def contrast(positive: TargetSpec, negative: TargetSpec) -> Contrast:
    """Return the target `positive − negative`.

    Parameters
    ----------
    positive, negative
        Targets, as every method takes them.

    Returns
    -------
    Contrast
        A target, as every method takes it.

    Examples
    --------
    >>> contrast(0, 1)
    Contrast(positive=0, negative=1)
    """
    return Contrast(positive, negative)


@dataclass(frozen=True)
class Profile:
    """The shape of a profile head: what `profile` returns."""

    head: Any = None
    channel: int | None = None
    joint: bool = False


def profile(head: Any = None, *, channel: int | None = None, joint: bool = False) -> Profile:
    """Return the target that explains the shape of a predicted profile, not its height.

    Of the logits z over positions it is Σ p·(z − mean z), with p = softmax(z) at the explained sequence. The weights p
    are constants: gradients do not pass them, and references have those of the sequence that they are compared with.

    Parameters
    ----------
    head
        Name or number of the head; None where the model has one head.
    channel
        One channel (strand) of the head; None adds them all up.
    joint
        Whether mean and softmax run over positions and channels together, for models trained with one multinomial
        over both strands; otherwise over the positions of each channel.

    Returns
    -------
    Profile
        A target, as every method takes it.

    References
    ----------
    Avsec Ž et al. (2021). Base-resolution models of transcription-factor binding reveal soft motif syntax. Nature
    Genetics 53, 354–366.

    Examples
    --------
    >>> profile("profile", channel=0)
    Profile(head='profile', channel=0, joint=False)
    """
    return Profile(head, channel, joint)


@dataclass(frozen=True)
class Target:
    """An affine function of values in the graph: `Σ_value Σ weights[value] · value + offset`.

    Attributes
    ----------
    label
        For people.
    weights
        From the number of a value to an array of the value's shape.
    offset
        The constant.
    softmax_over
        For some values the axes of one example, from the end, over which softmax(value), at the explained sequence,
        multiplies the weights, which then lose their mean.
    """

    label: str
    weights: dict[int, Array]
    offset: float = 0.0
    softmax_over: Mapping[int, tuple[int, ...]] = field(default_factory=dict)


def is_whole(value: Any) -> bool:
    """Return whether `value` is a whole number; True and False, which Python counts among them, are none here."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def describe_heads(heads: Sequence[Head]) -> str:
    """List what can be explained, for messages."""
    parts = []
    for position, head in enumerate(heads):
        shape = "×".join("?" if n is None else str(n) for n in head.shape) or "one value"
        parts.append(f"head {position} {head.name!r} with shape {shape} (ends in {head.activation})")
    return "; ".join(parts)


Hidden = Callable[[str], tuple[Head, Shape]]  # a layer and its shape by its name; raises where there is none


def resolve_targets(
    target: TargetSpec, heads: Sequence[Head], shapes: Sequence[Shape], hidden: Hidden | None = None
) -> tuple[Target, ...]:
    """Turn what a user asked for into targets; a list gives several.

    Parameters
    ----------
    target
        None (allowed where the model has a single scalar), an index, `(head, index)`, `(head, (position, channel))`,
        a `Contrast`, a `Profile`, a callable from the list of heads' values to one number a sequence, a `Target`, which
        stays what it is, or a list of these. A slice in an index adds up what it spans. In place of a head the name of
        a hidden layer may stand.
    heads
        The model's heads.
    shapes
        The heads' shapes at the input length in question, without None.
    hidden
        Finds hidden layers; None where there is no looking into the model.

    Raises
    ------
    TargetError
        When the target does not exist, is ambiguous, or is a callable that is not affine.
    """
    if isinstance(target, list):
        if not target:
            raise TargetError("target=[] names nothing to explain; give at least one target.")
        return tuple(_resolve(one, heads, shapes, hidden) for one in target)
    return (_resolve(target, heads, shapes, hidden),)


def _resolve(target: TargetSpec, heads: Sequence[Head], shapes: Sequence[Shape], hidden: Hidden | None) -> Target:
    if isinstance(target, Target):  # resolved before, maybe at another level than the rest
        return target
    if isinstance(target, Contrast):
        a, b = (_resolve(one, heads, shapes, hidden) for one in (target.positive, target.negative))
        if a.softmax_over or b.softmax_over:
            raise TargetError(
                "A contrast of profiles is no target: each has its own weights. Explain both, target=[a, b], and "
                "subtract the contributions."
            )
        weights = {k: np.array(v) for k, v in a.weights.items()}
        for k, v in b.weights.items():
            weights[k] = weights[k] - v if k in weights else -v
        return Target(f"{a.label} − {b.label}", weights, a.offset - b.offset)
    if isinstance(target, Profile):
        return _profile(target, heads, shapes)
    if callable(target):
        return _affine(target, heads, shapes)
    named = target[0] if isinstance(target, tuple) and len(target) == 2 else target
    if hidden is not None and isinstance(named, str) and named not in [h.name for h in heads]:
        try:
            layer, its_shape = hidden(named)
        except ParameterError as error:
            raise TargetError(f"There is no head {named!r}. The model has {describe_heads(heads)}. {error}") from None
        index = _index_of(target, None if target is named else target[1], layer, its_shape, [layer])
        return _unit(f"{named}:", layer, its_shape, index)
    head, index = _head_and_index(target, heads, shapes)
    return _unit("" if len(heads) == 1 else f"{heads[head].name}:", heads[head], shapes[head], index)


def _unit(prefix: str, head: Head, shape: Shape, index: tuple[Any, ...]) -> Target:
    unit = np.zeros([n or 0 for n in shape], dtype=np.float32)
    unit[index] = 1.0
    label = prefix + ",".join(_slice_text(i) if isinstance(i, slice) else str(i) for i in index)
    return Target(label.removesuffix(":") or head.name, {head.value: unit})


def _slice_text(index: slice) -> str:
    if index == slice(None):
        return "*"
    parts = ("" if part is None else str(part) for part in (index.start, index.stop, index.step))
    return ":".join(parts).removesuffix(":")


def _profile(target: Profile, heads: Sequence[Head], shapes: Sequence[Shape]) -> Target:
    exist = f"The model has {describe_heads(heads)}."
    if target.head is None and len(heads) > 1:
        raise TargetError(f"profile() does not say which head is meant. {exist} Use profile({heads[0].name!r}), say.")
    position = _head_position(target.head, heads, exist)
    head, shape = heads[position], shapes[position]
    if len(shape) not in (1, 2) or (shape[0] or 0) < 2:
        raise TargetError(
            f"profile() explains a head with positions, of shape (positions,) or (positions, channels); head "
            f"{head.name!r} has shape {shape}. {exist}"
        )
    mask = np.ones([n or 0 for n in shape], dtype=np.float32)
    if target.channel is not None:
        channels = shape[1] if len(shape) == 2 else 1
        if not is_whole(target.channel) or not 0 <= target.channel < (channels or 0):
            raise TargetError(
                f"profile(channel={target.channel!r}) is out of range: head {head.name!r} has {channels} channel(s), "
                "from 0."
            )
        if len(shape) == 2:
            mask = np.zeros_like(mask)
            mask[:, target.channel] = 1.0
    axes = tuple(range(-len(shape), 0)) if target.joint else (-len(shape),)
    part = "" if target.channel is None else f":{target.channel}"
    return Target(f"profile({head.name}{part})", {head.value: mask}, softmax_over={head.value: axes})


def _head_and_index(target: TargetSpec, heads: Sequence[Head], shapes: Sequence[Shape]) -> tuple[int, tuple[Any, ...]]:
    exist = f"The model has {describe_heads(heads)}."
    if target is None:
        if len(heads) == 1 and int(np.prod([n or 0 for n in shapes[0]])) == 1:
            return 0, (0,) * len(shapes[0])
        raise TargetError(
            f"No target was given, and the model has more than one value to explain. {exist} {_how(heads)}"
        )
    head: Any = None
    index = target
    if isinstance(target, tuple) and len(target) == 2 and (isinstance(target[0], str) or len(heads) > 1):
        head, index = target
    elif isinstance(target, str):
        head, index = target, None
    elif len(heads) > 1:
        raise TargetError(f"target={target!r} does not say which head is meant. {exist} {_how(heads)}")
    position = _head_position(head, heads, exist)
    return position, _index_of(target, index, heads[position], shapes[position], heads)


def _index_of(target: TargetSpec, index: Any, head: Head, shape: Shape, heads: Sequence[Head]) -> tuple[Any, ...]:
    """Return a checked index into a head of this shape; `heads` are what can be named instead, for messages."""
    exist = f"The model has {describe_heads(heads)}."
    if index is None:
        if int(np.prod([n or 0 for n in shape])) != 1:
            raise TargetError(f"target={target!r} does not say which unit is meant. {exist} {_how(heads)}")
        index = (0,) * len(shape)
    index = index if isinstance(index, tuple) else (index,)
    if not all(is_whole(i) or isinstance(i, slice) for i in index):
        truth = "True and False are no indices: " if any(isinstance(i, (bool, np.bool_)) for i in index) else ""
        raise TargetError(
            f"target={target!r} is not understood; {truth}expected an index, (head, index), a contrast, a profile, a "
            f"callable, or a list of these. {exist}"
        )
    if len(index) != len(shape):
        raise TargetError(
            f"target={target!r} gives {len(index)} index(es) for head {head.name!r}, which has "
            f"{len(shape)} axes. {exist} {_how(heads)}"
        )
    for i, n in zip(index, shape, strict=True):
        empty = not range(n or 0)[i] if isinstance(i, slice) else not -(n or 0) <= i < (n or 0)
        if empty:
            raise TargetError(f"target={target!r} is out of range. {exist} Indices start at 0.")
    return tuple(i if isinstance(i, slice) else int(i) % (n or 1) for i, n in zip(index, shape, strict=True))


def _head_position(head: Any, heads: Sequence[Head], exist: str) -> int:
    if head is None:
        return 0
    if isinstance(head, str):
        names = [h.name for h in heads]
        if head not in names:
            raise TargetError(f"There is no head {head!r}. {exist}")
        return names.index(head)
    if is_whole(head) and 0 <= head < len(heads):
        return int(head)
    raise TargetError(f"There is no head {head!r}. {exist}")


def _how(heads: Sequence[Head]) -> str:
    first = heads[0]
    index = "0" if len(first.shape) <= 1 else f"({', '.join('0' for _ in first.shape)})"
    if len(heads) == 1:
        return f"Use target={index}, or a callable that combines several values."
    return f"Use target=({first.name!r}, {index}), or a callable that combines several values."


def _affine(function: Callable[..., Any], heads: Sequence[Head], shapes: Sequence[Shape]) -> Target:
    """Read the weights of an affine callable off its values, and check that it is affine."""
    from seqexplain.models.backend import ops, to_numpy, to_tensor

    name = getattr(function, "__name__", type(function).__name__)
    sizes = [int(np.prod([n or 0 for n in s])) for s in shapes]
    total = sum(sizes)
    generator = np.random.default_rng(0)

    def evaluate(flat: Array) -> Array:
        parts, start = [], 0
        for shape, size in zip(shapes, sizes, strict=True):
            parts.append(to_tensor(flat[:, start : start + size].reshape(len(flat), *[n or 0 for n in shape])))
            start += size
        value = function(parts[0] if len(parts) == 1 else parts)
        value = to_numpy(ops.convert_to_tensor(value))
        if value.shape != (len(flat),):
            raise TargetError(
                f"The callable target {name!r} returned shape {value.shape} for {len(flat)} sequences; "
                f"expected ({len(flat)},): one number a sequence."
            )
        return value.astype(np.float64)

    zero = evaluate(np.zeros((1, total), dtype=np.float32))[0]
    columns = []
    for start in range(0, total, 1024):  # unit vectors in blocks: a profile head may have thousands of units
        stop = min(start + 1024, total)
        block = np.zeros((stop - start, total), dtype=np.float32)
        block[np.arange(stop - start), np.arange(start, stop)] = 1.0
        columns.append(evaluate(block) - zero)
    weights = np.concatenate(columns)
    probe = generator.normal(size=(4, total)).astype(np.float32)
    predicted = probe.astype(np.float64) @ weights + zero
    found = evaluate(probe)
    scale = np.abs(probe).astype(np.float64) @ np.abs(weights) + abs(zero) + 1e-6
    if np.any(np.abs(found - predicted) > 1e-4 * scale):
        raise TargetError(
            f"The callable target {name!r} is not an affine function of the model's outputs (a weighted sum and a "
            "constant), which contributions that add up need. Explain the parts, or put the function into the model "
            "as a layer."
        )
    parts: dict[int, Array] = {}
    start = 0
    for position, (shape, size) in enumerate(zip(shapes, sizes, strict=True)):
        part = weights[start : start + size].reshape([n or 0 for n in shape]).astype(np.float32)
        value = heads[position].value
        parts[value] = parts[value] + part if value in parts else part  # one value may be two heads
        start += size
    return Target(name, parts, float(zero))


def centred(target: Target, heads: Sequence[Head]) -> Target:
    """Return a target of softmax heads less the mean over the classes, example by example and position by position.

    A softmax does not see what is added to all its logits, so contributions to one logit alone hold what does not
    matter (Shrikumar et al. 2017, "Adjustments for softmax layers").
    """
    weights = dict(target.weights)
    for head in heads:
        if head.activation == MOVED_SOFTMAX and head.value in weights:
            raise TargetError(
                f"The head {head.name!r} is reshaped after its softmax, so which logits belong to one softmax is not "
                'known; use level="logit", or a contrast of two classes.'
            )
        if head.activation == "softmax" and head.value in weights:
            w = weights[head.value]
            weights[head.value] = w - w.mean(axis=head.softmax_axis, keepdims=True)
    return Target(target.label, weights, target.offset, target.softmax_over)
