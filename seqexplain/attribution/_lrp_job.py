"""A prepared job of layer-wise relevance propagation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seqexplain.attribution._completeness import holds
from seqexplain.attribution._job import Arrays, AtLength, JobOptions
from seqexplain.attribution._lrp_choice import DEFAULT, RuleChoice, choose_rules, describe
from seqexplain.attribution._lrp_groups import linear_groups
from seqexplain.attribution._lrp_passes import ABSORBED
from seqexplain.attribution._lrp_steps import lrp_steps
from seqexplain.attribution._own_rules import OwnRule, describe_rules, keeping, key_of, with_own_rules
from seqexplain.attribution._propagation import Plan, Shapes, forward_pass, make_plan, sweep
from seqexplain.attribution._sequence_job import SequenceJob
from seqexplain.errors import CompletenessWarning, ParameterError
from seqexplain.models._fast_convolution import plain_convolutions
from seqexplain.models.backend import Array, Tensor, ops, to_numpy
from seqexplain.models.operations import Operation
from seqexplain.models.sequence_model import SequenceModel

POOLING = ("winner", "proportional")


@dataclass(frozen=True, kw_only=True)
class LrpOptions(JobOptions):
    """Choices of a job of relevance propagation; the fields are the parameters of `lrp`."""

    rule: RuleChoice = DEFAULT
    max_pool: str = "winner"
    rules: Mapping[type, OwnRule] | None = None

    def __post_init__(self) -> None:
        if self.max_pool not in POOLING:
            raise ParameterError(f'max_pool={self.max_pool!r} is not known; use "winner" or "proportional".')


class LayerRelevance(NamedTuple):
    """What one operation passed on, of each sequence: `relevance_in + absorbed = relevance_out`, but for rounding.

    Attributes
    ----------
    operation
        Its name: that of the layer and, where a layer becomes several operations, the part.
    layer_class
        The layer's class.
    rule
        The rule that passed it; None for what only moves, selects or activates.
    relevance_out
        `(n,)`, or `(n, t)` for a list of targets: Σ R of its output.
    relevance_in
        As before: Σ R of its inputs.
    absorbed
        As before: what no input got: the shares of biases and of ε, of units with nothing to give to, and what went to
        inputs of the model other than the sequence.
    """

    operation: str
    layer_class: str
    rule: Any
    relevance_out: Array
    relevance_in: Array
    absorbed: Array


class Lrp(SequenceJob):
    """A prepared job of relevance propagation: validated once, compiled once, fed chunk by chunk."""

    method = "lrp"
    has_hypothetical = False

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: LrpOptions) -> None:
        self.options = options
        super().__init__(keeping(model, options.rules), length, n_sequences, options)

    def _make_plan(self, heads: list[int]) -> Plan:
        graph = self.model.graph
        groups = linear_groups(graph, heads)
        rules = choose_rules(graph, groups, self.options.rule)
        own = self.options.rules
        key = (tuple(sorted((p, repr(rule)) for p, rule in rules.items())), self.options.max_pool, key_of(own))
        choose = lrp_steps(graph, groups, rules, self.options.max_pool, graph.reached_from(graph.inputs[0]))
        choose = with_own_rules(choose, own)
        plan = make_plan(self.model, heads, choose, "LRP", key)
        used = {step.position for step in plan.steps}
        self._rules = {p: rule for p, rule in rules.items() if p in used}
        layers = {p: groups[p].layer if p in groups else graph.operations[p] for p in self._rules}
        self._names = {graph.operations[p]: layer.name for p, layer in layers.items()}
        return plan

    def _choices(self) -> dict[str, Any]:
        return {
            "rule": describe(self.options.rule),
            "rules": {
                self._names[self._plan.graph.operations[p]]: repr(rule) for p, rule in sorted(self._rules.items())
            },
            "max_pool": self.options.max_pool,
            **({"own_rules": describe_rules(self.options.rules)["rules"]} if self.options.rules else {}),
        }

    def _shapes_of_results(self, n: int, length: int) -> dict[str, tuple[int, ...]]:
        t = len(self.targets)
        numbers = dict.fromkeys(("predictions", "begun", "lost", "magnitude"), (n, t))
        return {"relevance": (n, t, length, 4), **numbers}

    def _batch(self, at: AtLength, X: Array, extra: Mapping[str, Array], row: int) -> Arrays:
        with plain_convolutions():
            return super()._batch(at, X, extra, row)

    def _begin(self, start: list[Tensor], heads: Sequence[Tensor]) -> list[Tensor]:
        return [w * value for w, value in zip(start, heads, strict=True)]

    def _sweep(
        self, weights: Any, at_x: Sequence[Tensor], begin: Sequence[Tensor], shapes: Shapes
    ) -> dict[str, Tensor]:
        """Propagate, and keep the books: what began is what arrived and what was absorbed on the way."""
        relevance, rows = self._account(weights, at_x, begin, shapes)
        begun = sum(_total(b) for b in begin)
        absorbed = sum((row.absorbed for row in rows), ops.zeros_like(begun))
        magnitude = sum((row.magnitude for row in rows), _total(ops.abs(relevance)))
        lost = begun - _total(relevance) - absorbed
        numbers = {"begun": begun, "lost": lost, "magnitude": magnitude + ops.zeros_like(begun)}
        return {"relevance": ops.squeeze(relevance, 2), **numbers}

    def _account(
        self, weights: Any, at_x: Sequence[Tensor], begin: Sequence[Tensor], shapes: Shapes
    ) -> tuple[Tensor, list[_Row]]:
        """Propagate; return what arrives at the sequence, and what each operation did with its relevance."""
        plan = self._plan
        rows = []
        for head, value in zip(plan.heads, begin, strict=True):
            if head not in plan.varying:  # nothing of it depends on the sequence
                whole = _total(value)
                rows.append(_Row(None, whole, ops.zeros_like(whole), whole, ops.abs(whole)))

        def observe(operation: Operation, m: Any, values: Sequence[int], results: Sequence[Tensor]) -> None:
            arrived = [a for a in (m if isinstance(m, list) else [m]) if a is not None]
            out = sum(_total(a) for a in arrived)
            into, absorbed = ops.zeros_like(out), ops.zeros_like(out)
            size = ops.zeros_like(out)
            for value, result in zip(values, results, strict=True):
                if value == ABSORBED:
                    absorbed, size = absorbed + ops.squeeze(result[0], 2), size + ops.squeeze(result[1], 2)
                elif value in plan.varying:
                    into = into + _total(result)
                else:
                    absorbed, size = absorbed + _total(result), size + _total(ops.abs(result))
            rows.append(_Row(operation, out, into, absorbed, size))

        return sweep(plan, weights, at_x, [], begin, shapes, observe), rows

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        relevance, predictions = found["relevance"], found["predictions"]
        if len(X):
            self._warn(at, X, extra, names, start, found)
        total = relevance.sum(axis=-1, keepdims=True)
        error = total.sum(axis=(-2, -1), dtype=np.float64) - predictions
        # of a base, or of none, the whole position's is put at what is observed; other input keeps what each value got
        base = ((X == 0) | (X == 1)).all(axis=-1, keepdims=True) & (X.sum(axis=-1, keepdims=True) <= 1)
        return {
            "contributions": np.where(base[:, None], total * X[:, None], relevance),
            "completeness_error": error[..., None].astype(np.float32),
        }

    def _warn(self, at: AtLength, X: Array, extra: Mapping[str, Array], names: Sequence[str], start: int,
              found: Arrays) -> None:  # fmt: skip
        """Warn where relevance is lost that neither a bias nor ε nor an empty unit absorbed."""
        lost, begun = found["lost"], found["begun"]
        usual = np.abs(begun).max(axis=0, keepdims=True)
        failed = ~holds(lost, begun, found["magnitude"], usual)
        if not failed.any():
            return
        row, target = (int(i) for i in np.unravel_index(np.argmax(np.abs(lost) * failed), lost.shape))
        one = slice(row, row + 1)
        table = self._table(at, X[one], {k: v[one] for k, v in extra.items()})
        worst = max(table, key=lambda r: abs(float((r.relevance_out - r.relevance_in - r.absorbed)[0, target])))
        size = float((worst.relevance_out - worst.relevance_in - worst.absorbed)[0, target])
        warnings.warn(
            f"Relevance is not conserved for {int(failed.sum())} of {failed.size} sequences; worst is "
            f"{names[row] if len(names) else f'sequence {start + row}'}, target {self.targets[target]}: of "
            f"{begun[row, target]:.6g} that began, {lost[row, target]:.3g} is neither at the sequence nor absorbed. "
            f"Most is lost at {worst.operation!r} ({worst.layer_class}, {size:.3g}). A rule that divides by sums "
            'near 0 loses to rounding: use "epsilon" there.',
            CompletenessWarning,
            stacklevel=6,
        )

    def conservation(self, X: Array, *, names: Sequence[str] = ()) -> list[LayerRelevance]:
        """Return what each operation passed on, last first, `(n,)` or for a list of targets `(n, t)`.

        Parameters
        ----------
        X
            `(n, L, 4)` one-hot.
        names
            `n` names.
        """
        X = self.model.validate(X)
        at = self._at(X.shape[1])
        extra = self.model.extra_rows(
            np.arange(len(X)), extra_inputs=self._options.extra_inputs, names=names or None, n=len(X)
        )
        tables = []
        for low in range(0, max(len(X), 1), self.batch_sequences):
            rows = slice(low, min(low + self.batch_sequences, len(X)))
            tables.append(self._table(at, X[rows], {k: v[rows] for k, v in extra.items()}))
        joined = []
        for parts in zip(*tables, strict=True):
            columns = (np.concatenate(column) for column in list(zip(*parts, strict=True))[3:])
            joined.append(LayerRelevance(*parts[0][:3], *(c if self.several_targets else c[:, 0] for c in columns)))
        return joined

    def _table(self, at: AtLength, X: Array, extra: Mapping[str, Array]) -> list[LayerRelevance]:
        """Return the operations' books for a batch, `(n, t)` each."""
        x, extras = self._inputs(X, extra)
        with plain_convolutions():
            saved, heads = forward_pass(self._plan, self._weights, x, extras)
            heads = [ops.expand_dims(h, 1) for h in heads]
            begin = self._begin(self._start(at.target_weights, heads), heads)
            _, rows = self._account(self._weights, [ops.expand_dims(v, 1) for v in saved], begin, at.shapes)
        rules = {self._plan.graph.operations[p]: rule for p, rule in self._rules.items()}
        table = []
        for row in rows:
            columns = (to_numpy(c)[:, : len(X)].T for c in (row.out, row.into, row.absorbed))
            if row.operation is None:
                table.append(LayerRelevance("(heads that read no sequence)", "", None, *columns))
            else:
                name = self._names.get(row.operation, row.operation.name)
                table.append(LayerRelevance(name, row.operation.layer_class, rules.get(row.operation), *columns))
        return table


class _Row(NamedTuple):
    """What an operation did with relevance, `(targets, sequences)` each."""

    operation: Operation | None
    out: Tensor
    into: Tensor
    absorbed: Tensor
    magnitude: Tensor


def _total(relevance: Tensor) -> Tensor:
    """Return Σ R over a value, `(targets, sequences)`."""
    return ops.sum(relevance, axis=tuple(range(2, len(relevance.shape))))
