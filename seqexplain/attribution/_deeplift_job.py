"""A prepared DeepLIFT job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seqexplain.attribution._completeness import worst_operation
from seqexplain.attribution._deeplift_rules import PROPORTIONAL, rules_for
from seqexplain.attribution._job import AtLength
from seqexplain.attribution._own_rules import OwnRule, describe_rules, keeping, key_of, with_own_rules
from seqexplain.attribution._propagation import (
    Choose,
    Plan,
    Step,
    by_kind,
    forward_pass,
    fused_step,
    make_plan,
    sweep,
    target_values,
)
from seqexplain.attribution._reference_job import ReferenceJob, ReferenceOptions, summarise
from seqexplain.attribution._reveal_cancel import RULES, fused_activations, reveal_cancel
from seqexplain.attribution._scan_step import scan_step
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Tensor, ops
from seqexplain.models.graph import Graph
from seqexplain.models.operations import Operation
from seqexplain.models.scan_operation import Scan
from seqexplain.models.sequence_model import SequenceModel


@dataclass(frozen=True, kw_only=True)
class DeepLiftOptions(ReferenceOptions):
    """Choices of a DeepLIFT job; the fields are the parameters of `deeplift`."""

    rule: str | Mapping[str, str] = "rescale"
    max_pool: str = "complete"
    rules: Mapping[type, OwnRule] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.rule, (str, Mapping)):
            raise ParameterError(
                f"rule={self.rule!r} is not understood; use one of {', '.join(RULES)}, or a mapping by layer."
            )
        if self.max_pool not in ("complete", "winner"):
            raise ParameterError(f'max_pool={self.max_pool!r} is not known; use "complete" or "winner".')


class DeepLift(ReferenceJob):
    """A prepared DeepLIFT job: validated once, compiled once, fed chunk by chunk."""

    method = "deeplift"
    options: DeepLiftOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: DeepLiftOptions) -> None:
        super().__init__(keeping(model, options.rules), length, n_sequences, options)

    def _make_plan(self, heads: list[int]) -> Plan:
        return self._plan_to(heads)

    def _plan_to(self, heads: list[int], source: int | None = None) -> Plan:
        options = self.options
        return deeplift_plan(self.model, heads, options.rule, options.max_pool, options.rules, source=source)

    def _choices(self) -> dict[str, Any]:
        rule = self.options.rule
        return {
            **super()._choices(),
            "rule": rule if isinstance(rule, str) else dict(rule),
            "max_pool": self.options.max_pool,
            **describe_rules(self.options.rules),
        }

    @property
    def _adds_up(self) -> bool:
        return self.options.max_pool == "complete"

    def _at_sequences(self, at: AtLength, x: Tensor, extras: Mapping[str, Tensor]) -> Any:
        return self._forward(x, extras)

    def _pairs(
        self,
        at: AtLength,
        x: Tensor,
        prepared: Any,
        references: Tensor | None,
        block: tuple[int, int],
        extras: Mapping[str, Tensor],
        share: Tensor,
    ) -> Sequence[Tensor]:
        """Run the compiled sweep over all pairs of a batch; the references' forward pass is part of it."""
        plan, constant = self._plan, self._constant
        s, r = self.batch_sequences, self.batch_references
        saved, heads = prepared
        saved_r: list[Tensor] = []
        heads_r: list[Tensor] = []
        if references is None:
            references, saved_r, heads_r = self._shared(at, block, extras)

        def make() -> Callable[..., Any]:
            def pairs(
                weights: Any, x: Tensor, saved: Any, heads: Any, references: Tensor, saved_r: Any, heads_r: Any,
                extras: Any, target_weights: Any, offsets: Tensor, share: Tensor,
            ) -> list[Tensor]:  # fmt: skip
                lead = 1 if constant else s
                if not constant:
                    rows = {k: ops.repeat(v, r, axis=0) for k, v in extras.items()}
                    flat = ops.reshape(references, (s * r, *x.shape[1:]))
                    saved_r, heads_r = forward_pass(plan, weights, flat, rows)
                at_r = [ops.reshape(v, (lead, r, *v.shape[1:])) for v in saved_r]
                at_x = [ops.expand_dims(v, 1) for v in saved]
                heads = [ops.expand_dims(v, 1) for v in heads]
                heads_r = [ops.reshape(v, (lead, r, *v.shape[1:])) for v in heads_r]
                start = self._start(target_weights, heads)
                m = sweep(plan, weights, at_x, at_r, start, at.shapes)
                f_x = target_values(heads, start, offsets)
                f_r = target_values(heads_r, start, offsets)
                return self._reduce(m, ops.expand_dims(x, 1), references, at_x, at_r, f_x, f_r, share)

            return pairs

        key = ("deeplift pairs", plan.key, self._start_key, constant, s, r, at.length,
               self.options.keep_references)  # fmt: skip
        return list(
            self.model.compiled(key, make)(
                self._weights,
                x,
                saved,
                heads,
                references,
                saved_r,
                heads_r,
                dict(extras),
                at.target_weights,
                self._offsets,
                share,
            )
        )

    def _reduce(
        self, m: Tensor, x: Tensor, references: Tensor, saved: Sequence[Tensor], saved_r: Sequence[Tensor],
        f_x: Tensor, f_r: Tensor, share: Tensor,
    ) -> list[Tensor]:  # fmt: skip
        """Reduce the multipliers of all pairs to what is kept; called while the sweep is compiled."""
        return summarise(m, x, references, f_x, f_r, share, each=self.options.keep_references)

    def _shared(
        self, at: AtLength, block: tuple[int, int], extras: Mapping[str, Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return references that all sequences share, with their activations, computed once for the job."""
        if ("activations", block) not in at.constant:
            references = self._shared_references(at, *block)
            rows = {k: ops.repeat(v[:1], self.batch_references, axis=0) for k, v in extras.items()}
            at.constant["activations", block] = (references, *self._forward(references[0], rows))
        found: tuple[Tensor, list[Tensor], list[Tensor]] = at.constant["activations", block]
        return found

    def _blame(self, at: AtLength, x: Tensor, reference: Tensor, extra: Mapping[str, Tensor], target: int) -> str:
        weights = [w[target : target + 1] for w in at.target_weights]
        layer = worst_operation(
            self._plan, self._weights, x, reference, extra, lambda heads: self._start(weights, heads), at.shapes
        )
        return f"Most is lost at {layer}."


def deeplift_plan(
    model: SequenceModel,
    heads: list[int],
    rule: str | Mapping[str, str],
    max_pool: str,
    own: Mapping[type, OwnRule] | None = None,
    *,
    source: int | None = None,
) -> Plan:
    """Plan a DeepLIFT sweep from some values of the graph to the sequence, or to a hidden `source`, which is saved."""
    choice = rule if isinstance(rule, str) else tuple(sorted(rule.items()))
    steps = with_own_rules(choose_steps(model.graph, rule, max_pool, source), own)
    keep = () if source is None else (source,)
    return make_plan(model, heads, steps, "DeepLIFT", (choice, max_pool, key_of(own)), source=source, keep=keep)


def choose_steps(graph: Graph, rule: str | Mapping[str, str], max_pool: str, source: int | None = None) -> Choose:
    """Return DeepLIFT's step for each operation of a graph, on the way to the sequence or to a hidden `source`."""
    fused = fused_activations(graph, rule, source)
    plain = by_kind(rules_for(max_pool), PROPORTIONAL)

    def choose(position: int, operation: Operation) -> Step | None:
        if position in fused:
            return fused_step(position, operation, fused[position], reveal_cancel)
        if isinstance(operation, Scan):  # Rescale inside, whatever the rule is outside
            return scan_step(position, operation, plain)
        return plain(position, operation)

    return choose
