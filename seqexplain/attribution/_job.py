"""What all prepared jobs have in common: validated once, compiled once, fed chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from seqexplain.attribution._propagation import Plan, forward_pass
from seqexplain.models._prediction import choose_batch_size, memory_budget, pad_rows
from seqexplain.models.backend import Array, Tensor, device, ops, to_tensor
from seqexplain.models.provenance import provenance, unnamed_choices
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import Attributions

CONCURRENT_BATCHES = 4  # they prepare their input, and fill the gaps of others that leave a core idle
CONCURRENT_BATCHES_GPU = 2  # a batch is given a quarter of its memory
MAX_SEQUENCES = 256  # in one batch; more gains nothing

Arrays = dict[str, Array]


@dataclass(frozen=True, kw_only=True)
class JobOptions:
    """Choices that every method has; the fields are the parameters of the method's function."""

    target: Any = None
    level: str = "logit"
    batch_size: int | str = "auto"
    random_state: int = 0
    extra_inputs: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class AtLength:
    """What depends on the length of the sequences.

    Attributes
    ----------
    length
        In bp.
    shapes
        Of each value in the graph, one example.
    target_weights
        For each head that the targets read, `(targets, *head)`.
    constant
        What has been computed for all sequences of this length.
    """

    length: int
    shapes: Mapping[int, tuple[int, ...]]
    target_weights: list[Tensor]
    constant: dict[Any, Any] = field(default_factory=dict)


def concurrent_batches() -> int:
    """Return how many batches to compute at a time."""
    return CONCURRENT_BATCHES if device() == "cpu" else CONCURRENT_BATCHES_GPU


class Job:
    """A prepared job: validated once, compiled once, fed chunk by chunk.

    Parameters
    ----------
    model
        The model.
    length
        Of the longest sequence of the job in bp; memory is planned for it.
    n_sequences
        In the whole job.
    options
        What to compute.
    """

    method: ClassVar[str]
    has_hypothetical = True
    batches_at_once = 2 * CONCURRENT_BATCHES
    n_references = 0

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: JobOptions) -> None:
        self.model = model
        self._options = options
        model.check_extra_inputs(options.extra_inputs)
        targets = model.targets(options.target, level=options.level, length=length)
        self.targets = tuple(t.label for t in targets)
        self._unnamed = unnamed_choices(options.target, targets, options.extra_inputs)
        self.several_targets = isinstance(options.target, list)
        self._values = sorted({v for t in targets for v in t.weights})
        self._softmax_over = tuple(tuple(t.softmax_over.get(v, ()) for t in targets) for v in self._values)
        self._plan = self._make_plan(self._values)
        model.verify()
        self._n_sequences = n_sequences
        self._weights = self._plan.graph.read_weights()
        self._offsets = to_tensor(np.array([t.offset for t in targets]))
        self._lengths: dict[int, AtLength] = {}
        self._prepare(length)
        self._choose_batch(length)

    # --- what a method says ------------------------------------------------------------------------------------

    def _make_plan(self, heads: list[int]) -> Plan:
        """Plan the sweep to these values, and refuse what cannot be explained before anything is computed."""
        raise NotImplementedError

    def _prepare(self, length: int) -> None:
        """Check what else the method takes."""

    def _choose_batch(self, length: int) -> None:
        """Set `batch_sequences`."""
        raise NotImplementedError

    def _shapes_of_results(self, n: int, length: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what `_batch` returns for `n` sequences; `"predictions"` is among them."""
        raise NotImplementedError

    def _batch(self, at: AtLength, X: Array, extra: Mapping[str, Array], row: int) -> Arrays:
        """Compute at most `batch_sequences` sequences; the first axis of every array returned is the sequences."""
        raise NotImplementedError

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        """Warn of what went wrong; return the fields of `Attributions` that have a targets' axis."""
        raise NotImplementedError

    def _choices(self) -> dict[str, Any]:
        """Return the method's own parameters, ready for JSON."""
        return {}

    # --- what a pipeline asks ----------------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything that decides the numbers, ready for JSON."""
        return {
            "targets": list(self.targets),
            **self._unnamed,
            "level": self._options.level,
            **self._choices(),
            "batch_sequences": self.batch_sequences,
            "model": self.model.options(),
        }

    @property
    def by_position(self) -> bool:
        """Whether a result depends on its row in the job: inputs are given by row."""
        return self.model.per_sequence_extra(self._options.extra_inputs, by_row=True)

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, device and model: where the numbers come from."""
        return provenance(self.model)

    # --- computing ---------------------------------------------------------------------------------------------

    batch_sequences: int

    def explain(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> Attributions:
        """Explain rows `start …` of the job.

        Parameters
        ----------
        X
            `(b, L, 4)` one-hot.
        start
            Row of the job that `X[0]` is; places given arrays of references and extra inputs.
        names
            `b` names.
        """
        X, found, fields = self._compute(X, start, names)
        fields["predictions"] = found["predictions"]
        if not self.several_targets:
            fields = {name: None if value is None else value[:, 0] for name, value in fields.items()}
        return Attributions(
            X=X, names=tuple(names), targets=self.targets, method=self.method, parameters=self.parameters, **fields
        )

    def _compute(self, X: Array, start: int, names: Sequence[str]) -> tuple[Array, Arrays, dict[str, Any]]:
        """Compute all batches; return the checked X, what was found and the result's fields."""
        X = self.model.validate(X)
        at = self._at(X.shape[1])
        n = len(X)
        extra = self.model.extra_rows(
            np.arange(start, start + n),
            extra_inputs=self._options.extra_inputs,
            names=names or None,
            n=self._n_sequences,
        )
        shapes = self._shapes_of_results(n, at.length)
        found: Arrays = {name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()}
        parts = [slice(low, min(low + self.batch_sequences, n)) for low in range(0, n, self.batch_sequences)]

        def compute(part: slice) -> None:
            batch = self._batch(at, X[part], {k: v[part] for k, v in extra.items()}, start + part.start)
            for name, values in batch.items():
                found[name][part] = values

        for part in parts[:1]:  # alone: it compiles
            compute(part)
        with ThreadPoolExecutor(concurrent_batches()) as pool:
            list(pool.map(compute, parts[1:]))
        return X, found, self._finish(at, X, extra, start, found, names)

    def _at(self, length: int) -> AtLength:
        if length not in self._lengths:
            shapes = self.model.value_shapes(length)
            targets = self.model.targets(self._options.target, level=self._options.level, length=length)
            weights = []
            for value in self._values:
                zero = np.zeros(shapes[value], dtype=np.float32)
                weights.append(to_tensor(np.stack([t.weights.get(value, zero) for t in targets])))
            self._lengths[length] = AtLength(length, shapes, weights)
        return self._lengths[length]

    def _fit(self, length: int, cost: float) -> int:
        """Return how many sequences fit memory, where one costs so many times its activations in a forward pass."""
        each = self.model.bytes_per_sequence(length, self._plan.forward) * (cost + len(self.targets) - 1)
        return max(1, int(memory_budget() / each))

    def _sequences_at_a_time(self, length: int, fits: int) -> int:
        if self._options.batch_size == "auto":
            return max(1, min(fits, MAX_SEQUENCES, self._n_sequences))
        return choose_batch_size(self.model, self._options.batch_size, length, self._n_sequences)

    def _inputs(self, X: Array, extra: Mapping[str, Array]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return a batch as tensors, padded to exactly `batch_sequences`: one shape is compiled."""
        x = to_tensor(pad_rows(self.model.fill_unknown(X), self.batch_sequences))
        return x, {k: to_tensor(pad_rows(v, self.batch_sequences)) for k, v in extra.items()}

    def _forward(self, x: Tensor, extras: Mapping[str, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Run the compiled forward pass: the saved values and the heads, for a batch `(b, L, 4)`."""
        plan = self._plan

        def make() -> Callable[..., Any]:
            return lambda weights, x, extra: forward_pass(plan, weights, x, extra)

        saved, heads = self.model.compiled(("forward", plan.key, tuple(x.shape)), make)(self._weights, x, dict(extras))
        return list(saved), list(heads)

    @property
    def _start_key(self) -> tuple[Any, ...]:
        """Tell what `_start` computes from what it computes for other targets."""
        return (len(self.targets), self._softmax_over)

    def _start(self, target_weights: Sequence[Tensor], heads: Sequence[Tensor]) -> list[Tensor]:
        """Return the targets' weights at each head, `(targets, sequences or 1, 1, *head)`.

        `heads` are the heads at the explained sequences, `(sequences, 1, *head)`, which profiles are weighted by.
        """
        start = []
        for w, value, over in zip(target_weights, heads, self._softmax_over, strict=True):
            plain = ops.reshape(w, (w.shape[0], 1, 1, *w.shape[1:]))
            if any(over):
                plain = ops.concatenate([_weigh(plain[t : t + 1], value, axes) for t, axes in enumerate(over)], axis=0)
            start.append(plain)
        return start


def _weigh(mask: Tensor, value: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return one target's weights, `(1, sequences, 1, *head)`; `axes` are empty for what is not weighed."""
    if not axes:
        return mask + ops.zeros_like(value)
    share = mask * ops.exp(value - ops.logsumexp(value, axis=axes, keepdims=True))
    return share - ops.mean(share, axis=axes, keepdims=True)
