"""Scoring sequences in batches that fit memory, and checking the flattened graph against the model itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from seqexplain.errors import ModelLoadError, ParameterError, ShapeError
from seqexplain.models.backend import Array, Tensor, device, free_memory, to_numpy, to_tensor
from seqexplain.models.graph import WeightList
from seqexplain.models.target import Head, Target
from seqexplain.sequences import one_hot

if TYPE_CHECKING:
    from seqexplain.models.sequence_model import SequenceModel

CPU_BATCH_BYTES = 256 << 20  # activations of one batch; larger ones fall out of the processor's cache
MIN_BATCH_BYTES = 16 << 20
MAX_BATCH = 1024
CONCURRENT_BATCHES = 2  # on a CPU: each fills the gaps that the other leaves between its products
BLACK_BOX_CHANNELS = 64  # assumed width of a model of which nothing is known
VERIFY_TOLERANCE = 1e-4  # of the outputs' scale: how far the flattened graph may be from the model itself
VERIFY_TOLERANCE_HALF = {
    "float16": 2e-2,
    "bfloat16": 1e-1,
}  # likewise, where the model itself computes in half precision
VERIFY_LENGTH = 200  # bp, for a model of any length; doubled until it is not too short for the model
VERIFY_DOUBLINGS = 9


def predict(
    model: SequenceModel,
    X: Array | Sequence[str],
    *,
    target: Any,
    level: str,
    batch_size: int | str,
    extra_inputs: Mapping[str, Any] | None,
) -> Any:
    """Score sequences; see `SequenceModel.predict`."""
    n = len(X)
    whole: dict[str, Array] = {}
    for rows, x in _by_length(model, X):
        targets = None if target is None else model.targets(target, level=level, length=x.shape[1])
        extra = model.extra_rows(rows, extra_inputs=extra_inputs, n=n)
        for key, value in _one_length(model, model.fill_unknown(x), extra, targets, level, batch_size).items():
            if key not in whole:
                whole[key] = np.zeros((n, *value.shape[1:]), dtype=np.float32)
            if value.shape[1:] != whole[key].shape[1:]:
                raise ShapeError(
                    f"Head {key!r} has another shape for each sequence length, so sequences of different lengths "
                    "cannot be returned together; score one length at a time, or give a target."
                )
            whole[key][rows] = value
    if target is not None:
        return whole["target"] if isinstance(target, list) else whole["target"][:, 0]
    return next(iter(whole.values())) if len(whole) == 1 else whole


def _by_length(model: SequenceModel, X: Array | Sequence[str]) -> Iterator[tuple[Array, Array]]:
    """Yield (rows, one-hot) for each length among the sequences."""
    if isinstance(X, (list, tuple)) and X and all(isinstance(s, str) for s in X):
        lengths = np.array([len(s) for s in X])
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            yield rows, model.validate(one_hot([X[i] for i in rows]))
        return
    x = model.validate(X)
    yield np.arange(len(x)), x


def target_values(
    model: SequenceModel,
    x: Array,
    extra: dict[str, Array],
    targets: tuple[Target, ...],
    *,
    level: str,
    batch_size: int | str,
) -> Array:
    """Return the values of targets, `(n, t)`, of inputs that are taken as they are.

    Parameters
    ----------
    model
        The model.
    x
        `(n, L, 4)` float32; rows of zeros are shown to the model as zeros, whatever it does with unknown bases.
    extra
        The other inputs, `(n, …)` each.
    targets
        From `model.targets`, at that `level`.
    batch_size
        Sequences at a time, or `"auto"`.
    """
    return _one_length(model, x, extra, targets, level, batch_size)["target"]


def _one_length(
    model: SequenceModel,
    x: Array,
    extra: dict[str, Array],
    targets: tuple[Target, ...] | None,
    level: str,
    batch_size: int | str,
) -> dict[str, Array]:
    size = choose_batch_size(model, batch_size, x.shape[1], len(x))
    heads = model.heads_at(level)
    values = tuple(h.value for h in heads)
    if model.black_box:
        run: Callable[[Array, dict[str, Array]], list[Array]] = lambda a, e: call_model(model, a, e)  # noqa: E731
    else:
        model.verify()
        model.value_shapes(x.shape[1])  # refuses sequences that are too short
        if targets is not None:
            values = tuple(sorted({v for t in targets for v in t.weights}))
        run = _compiled_forward(model, values, size, x.shape[1])

    def compute(low: int) -> list[Array]:
        real = len(x[low : low + size])
        batch = [pad_rows(v[low : low + size], size) for v in (x, *extra.values())]
        return [o[:real] for o in run(batch[0], dict(zip(extra, batch[1:], strict=True)))]

    starts = range(0, max(len(x), 1), size)  # at least one batch: an empty job learns its shapes from padding
    pieces = [compute(starts[0])]  # alone: it compiles
    with ThreadPoolExecutor(1 if model.black_box or device() != "cpu" else CONCURRENT_BATCHES) as pool:
        pieces += pool.map(compute, starts[1:])
    outputs = [np.concatenate(p) for p in zip(*pieces, strict=True)]
    if targets is None:
        named = zip(heads, outputs, strict=True)
        return {h.name: (_centred(v, h) if level == "centered_logit" else v).astype(np.float32) for h, v in named}
    return {"target": values_of(targets, dict(zip(values, outputs, strict=True)))}


def _compiled_forward(
    model: SequenceModel, values: tuple[int, ...], size: int, length: int
) -> Callable[[Array, dict[str, Array]], list[Array]]:
    positions = model.graph.needed_for(values)

    def make() -> Callable[..., Any]:
        def forward(weights: WeightList, x: Tensor, extra: dict[str, Tensor]) -> list[Tensor]:
            computed = model.graph.run(weights, model.feeds(x, extra), positions)
            return [computed[v] for v in values]

        return forward

    run = model.compiled(("predict", values, size, length), make)
    weights = model.weights()
    return lambda x, extra: [
        to_numpy(o) for o in run(weights, to_tensor(x), {k: to_tensor(v) for k, v in extra.items()})
    ]


def _centred(value: Array, head: Head) -> Array:
    """Return the logits of a softmax less their mean; other heads as they are."""
    if head.activation != "softmax":
        return value
    centred: Array = value - value.mean(axis=head.softmax_axis, keepdims=True)
    return centred


def values_of(targets: Sequence[Target], outputs: Mapping[int, Array]) -> Array:
    """Return the targets' values `(n, targets)`."""
    columns = []
    for target in targets:
        n = len(next(iter(outputs.values())))
        column = np.full(n, target.offset, dtype=np.float64)
        for value, mask in target.weights.items():
            z = outputs[value].astype(np.float64)
            weights = np.broadcast_to(mask.astype(np.float64), z.shape)
            if value in target.softmax_over:
                axes = target.softmax_over[value]
                share = np.exp(z - z.max(axis=axes, keepdims=True))
                share /= share.sum(axis=axes, keepdims=True)
                weights = weights * share
                weights = weights - weights.mean(axis=axes, keepdims=True)
            column += (weights * z).reshape(n, math.prod(z.shape[1:])).sum(axis=1)  # n may be 0
        columns.append(column.astype(np.float32))
    return np.stack(columns, axis=1)


def pad_rows(array: Array, size: int, axis: int = 0) -> Array:
    """Pad one axis with zeros to `size`, so that every batch has the shape that was compiled."""
    missing = size - array.shape[axis]
    if missing == 0:
        return array
    shape = list(array.shape)
    shape[axis] = missing
    return np.concatenate([array, np.zeros(shape, dtype=array.dtype)], axis=axis)


def memory_budget() -> int:
    """Return how many bytes of activations one batch may take.

    A power of two, so that the batch shape, which a stored run is tied to, does not follow every change of free memory.
    """
    free = max(free_memory() // 4, MIN_BATCH_BYTES)
    if device() == "cpu":
        free = min(free, CPU_BATCH_BYTES)
    return 1 << (free.bit_length() - 1)


def choose_batch_size(model: SequenceModel, asked: int | str, length: int, n: int) -> int:
    """Return how many sequences go in a batch.

    Parameters
    ----------
    model
        The model.
    asked
        A number, or `"auto"`.
    length
        Of the sequences in bp.
    n
        Number of sequences in the job.

    Raises
    ------
    ParameterError
        When `asked` is neither.
    """
    if asked != "auto":
        if isinstance(asked, bool) or not isinstance(asked, (int, np.integer)) or asked < 1:
            raise ParameterError(f'batch_size={asked!r} must be a whole number from 1, or "auto".')
        return int(asked)
    each = 4 * BLACK_BOX_CHANNELS * length if model.black_box else model.bytes_per_sequence(length)
    fits = max(1, memory_budget() // each)
    largest = min(fits, MAX_BATCH, max(1, n))
    power: int = 1 << (largest.bit_length() - 1)  # so that jobs of similar size share what is compiled
    return power if n > power else max(1, n)


def call_model(model: SequenceModel, x: Array, extra: Mapping[str, Array]) -> list[Array]:
    """Call the model itself, not its flattened graph, on canonical one-hot sequences."""

    def once(x: Array) -> list[Array]:
        inputs = model.arrange_inputs(x, extra)
        if model.black_box:
            return [np.asarray(o, dtype=np.float32) for o in model.keras_model.predict_batch(inputs)]
        tensors: Any = [to_tensor(i) for i in inputs]
        structure = getattr(model.keras_model, "_inputs_struct", None)
        if structure is not None:
            tensors = keras.tree.pack_sequence_as(structure, tensors)
        elif len(tensors) == 1:
            tensors = tensors[0]
        outputs = model.keras_model(tensors, training=False)
        return [to_numpy(o).astype(np.float32) for o in keras.tree.flatten(outputs)]

    forward = once(x)
    if not model.average_strands:
        return forward
    return [(a + b) / 2 for a, b in zip(forward, once(x[:, ::-1, ::-1]), strict=True)]


def _enough(model: SequenceModel) -> int:
    """Return a length in bp at which a model of any length can be computed."""
    for doublings in range(VERIFY_DOUBLINGS):
        try:
            model.value_shapes(VERIFY_LENGTH << doublings)
        except ShapeError:
            continue
        return VERIFY_LENGTH << doublings
    return VERIFY_LENGTH << VERIFY_DOUBLINGS


def verify(model: SequenceModel) -> None:
    """Compare the flattened graph with the model itself on two random sequences; see `SequenceModel.verify`."""
    length = model.length or _enough(model)
    generator = np.random.default_rng(0)
    x = np.eye(4, dtype=np.float32)[generator.integers(0, 4, size=(2, length))]
    shapes = dict(zip(model.input_names, model.input_shapes, strict=True))
    extra = {
        name: generator.normal(size=(2, *[n or length for n in shapes[name]])).astype(np.float32)
        for name in model.required_inputs
    }
    graph = model.graph
    feeds = model.feeds(to_tensor(x), {k: to_tensor(v) for k, v in extra.items()})
    values = graph.run(model.weights(), feeds, graph.needed_for(graph.outputs))
    theirs = call_model(model, x, extra)
    kinds = {layer.compute_dtype for layer in model.keras_model._flatten_layers()}
    tolerance = max(VERIFY_TOLERANCE_HALF.get(kind, VERIFY_TOLERANCE) for kind in kinds)
    for head, value, wanted in zip(model.heads, graph.outputs, theirs, strict=True):
        found = to_numpy(values[value])
        scale = max(1.0, float(np.abs(wanted).max())) if np.isfinite(wanted).all() else 1.0
        if not np.allclose(found, wanted, rtol=0, atol=tolerance * scale, equal_nan=True):
            raise ModelLoadError(
                f"Taken apart, the model {model.name!r} gives values at head {head.name!r} that differ by "
                f"{np.abs(found - wanted).max():.3g} from those when it is called. Some layer is used in a way that is "
                "not understood (a mask, or training mode); please report it with the model's configuration."
            )
