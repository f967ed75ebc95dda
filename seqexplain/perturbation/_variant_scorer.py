"""Prepared scoring of variants: validated once, fed block by block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models._prediction import choose_batch_size
from seqexplain.models.backend import Array
from seqexplain.models.provenance import provenance, unnamed_choices
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import Target
from seqexplain.perturbation._scorer import BoundSequences, EditOptions, Scorer
from seqexplain.perturbation._variant_results import VariantEffects
from seqexplain.results import Attributions, Interval
from seqexplain.sequences import Variant, VariantStatus, WindowCutter, one_hot, reverse_complement
from seqexplain.sequences.genome import Genome
from seqexplain.sequences.variant_windows import AlleleWindow, Keep, Refusal, VariantEdges

BLOCK_ALLELES = 4096  # held at a time, and
BLOCK_BASES = 16 << 20  # no more bases of windows than this, of each allele: 256 MiB as one-hot float32
WIDEST_STRETCH = 8  # bp; substitutions up to this wide share one call, whose stretches are all of one width

Contributions = Callable[[Array], Attributions]
Advance = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class VariantOptions:
    """Choices; the fields are parameters of `variant_effects`."""

    target: Any = None
    level: str = "output"
    length: int | None = None
    average_strands: bool = False
    keep: Keep = "left"
    edges: VariantEdges = "pad"
    max_unknown: int | None = None
    batch_size: int | str = "auto"
    extra_inputs: Mapping[str, Any] | None = None
    evaluation: str = "auto"


@dataclass(frozen=True)
class _Allele:
    """An allele that is scored: where it stands in the block, and its windows."""

    row: int
    name: str
    window: AlleleWindow


class VariantScorer:
    """A model, a genome and how to score; see `variant_effects`.

    Parameters
    ----------
    model
        The model.
    genome
        The genome.
    options
        What to compute.
    n_variants
        In the whole job, where known; a small job gets small batches.

    Raises
    ------
    ParameterError, TargetError
        When an option makes no sense, or the target does not exist.
    """

    def __init__(
        self, model: SequenceModel, genome: Genome, options: VariantOptions, n_variants: int | None = None
    ) -> None:
        self.model = model
        self.options = options
        self.length = _window_length(model, options.length)
        self.cutter = WindowCutter(
            genome, self.length, keep=options.keep, edges=options.edges, max_unknown=options.max_unknown
        )
        if model.per_sequence_extra(options.extra_inputs, by_row=True):
            raise ParameterError(
                "Extra inputs are given by row, but not every variant is scored; give one value for all, or a mapping "
                "from a variant's name (Variant.name) to its values."
            )
        self._named = model.per_sequence_extra(options.extra_inputs)
        if not model.black_box:
            model.verify()
        shown = self._targets(options.level)
        outputs = shown if options.level == "output" else self._targets("output", or_else=shown)
        logits = shown if options.level == "logit" else self._targets("logit", or_else=())
        self._t = len(shown)
        self.targets = tuple(target.label for target in shown)
        self._has_logits = bool(logits)
        if options.average_strands:
            _refuse_positions(model, (*shown, *outputs, *logits))
        self.block = max(1, min(BLOCK_ALLELES, BLOCK_BASES // self.length, n_variants or BLOCK_ALLELES))
        self.batch = choose_batch_size(model, options.batch_size, self.length, self.block)
        self._scorer = Scorer(
            model,
            self.length,
            1,  # no input is given by row
            EditOptions(
                # all three levels come from one pass through the model
                target=[*shown, *outputs, *logits],
                level="output",
                batch_size=self.batch,
                extra_inputs=options.extra_inputs,
                # what is kept of a window for its edits costs as much as one allele, and most windows have one
                evaluation="full" if options.evaluation == "auto" else options.evaluation,
            ),
        )
        self._unnamed = unnamed_choices(options.target, shown, options.extra_inputs)

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything that decides the numbers, ready for JSON."""
        options = self.options
        return {
            "targets": list(self.targets),
            **self._unnamed,
            "level": options.level,
            "length": self.length,
            "average_strands": options.average_strands,
            "keep": options.keep,
            "edges": options.edges,
            "max_unknown": options.max_unknown,
            "evaluation": self._scorer.options.evaluation,
            "batch": self.batch,
            "model": self.model.options(),
        }

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, device and model: where the numbers come from."""
        return provenance(self.model)

    def effects(
        self,
        variants: Sequence[Variant],
        *,
        contributions: Contributions | None = None,
        advance: Advance = lambda _: None,
    ) -> VariantEffects:
        """Score a block of variants, best of `block` alleles.

        Parameters
        ----------
        variants
            Any number.
        contributions
            As for `variant_effects`.
        advance
            Called now and then with the number of alleles that are done.

        Returns
        -------
        VariantEffects
            Of these, in their order.
        """
        n = len(variants)
        status = [VariantStatus.SCORED] * n
        reasons = [""] * n
        unknown = np.full(n, -1, dtype=np.int64)
        alleles: list[_Allele] = []
        for row, variant in enumerate(variants):
            found = self.cutter.cut(variant)
            if isinstance(found, Refusal):
                status[row], reasons[row] = found.status, found.reason
                continue
            reasons[row], unknown[row] = found.note, found.unknown
            alleles.append(_Allele(row, variant.name, found))
        advance(n - len(alleles))
        values = np.full((2, n, len(self._scorer.targets)), np.nan)
        self._fill(values, alleles, advance)
        maps = self._maps(alleles, contributions) if contributions is not None and alleles else (None, None)
        return VariantEffects(
            variants=tuple(variants),
            status=tuple(status),
            reasons=tuple(reasons),
            unknown_bases=unknown,
            targets=self.targets,
            level=self.options.level,
            reference_contributions=maps[0],
            alternative_contributions=maps[1],
            parameters=self.parameters,
            **self._effects_of(values),
        )

    # --- inner parts ---------------------------------------------------------------------------------------------

    def _targets(self, level: str, or_else: tuple[Target, ...] = ()) -> tuple[Target, ...]:
        """Return the targets at a level; something else where a black box has not that level."""
        if self.model.black_box and level != self.options.level and level != "output":
            return or_else
        return self.model.targets(self.options.target, level=level, length=self.length)

    def _effects_of(self, values: Array) -> dict[str, Array]:
        """Return the arrays of `VariantEffects` of `(2, n, shown + outputs + logits)`: of references, and changes."""
        t = self._t
        shown, outputs, logits = values[:, :, :t], values[:, :, t : 2 * t], values[:, :, 2 * t :]
        reference, effect = outputs
        positive = (reference > 0) & (reference + effect > 0)  # not where NaN
        ratio = np.where(positive, effect, 0) / np.where(positive, reference, 1)
        fold = np.where(positive, np.log1p(ratio) / np.log(2), np.nan)
        nothing = np.full(shown.shape[1:], np.nan)
        arrays = {
            "reference": shown[0],
            "alternative": shown.sum(axis=0),
            "difference": shown[1],
            "log2_fold_change": fold,
            "logit_difference": logits[1] if self._has_logits else nothing,
        }
        return {name: array.astype(np.float32) for name, array in arrays.items()}

    def _fill(self, values: Array, alleles: Sequence[_Allele], advance: Advance) -> None:
        """Score alleles, those first in which no base moves: of them only a stretch is edited."""
        stretches = [a for a in alleles if a.window.substitution and a.window.removed <= WIDEST_STRETCH]
        others = [a for a in alleles if not (a.window.substitution and a.window.removed <= WIDEST_STRETCH)]
        widest = max((a.window.removed for a in stretches), default=1)
        width = min(1 << (widest - 1).bit_length(), self.length)
        for group, stretch in ((stretches, width), (others, 0)):
            for piece in self._pieces(group):
                self._fill_piece(values, piece, stretch)
                advance(sum(map(len, piece)))

    def _pieces(self, alleles: Sequence[_Allele]) -> list[list[list[_Allele]]]:
        """Return alleles by the window that they share, a batch of windows at a time."""
        windows: dict[Any, list[_Allele]] = {}
        for allele in alleles:
            # a window that has inputs of its own is no other's
            key = allele.row if self._named else (allele.window.chromosome, allele.window.start)
            windows.setdefault(key, []).append(allele)
        shared = list(windows.values())
        return [shared[low : low + self.batch] for low in range(0, len(shared), self.batch)]

    def _fill_piece(self, values: Array, piece: Sequence[Sequence[_Allele]], width: int) -> None:
        X = one_hot([shared[0].window.reference for shared in piece])
        names = [shared[0].name for shared in piece]
        alleles = [allele for shared in piece for allele in shared]
        rows = np.array([row for row, shared in enumerate(piece) for _ in shared])
        both = self.options.average_strands and not self.model.average_strands
        found = np.zeros((2, len(alleles), values.shape[2]))
        for reverse in (False, True)[: 1 + both]:
            bound = self._scorer.bind(reverse_complement(X) if reverse else X, names=names)
            found[0] += bound.base[rows]
            if width:
                found[1] += self._score_stretches(bound, rows, alleles, width, reverse)
            else:
                x = self.model.fill_unknown(one_hot([a.window.alternative for a in alleles]))
                found[1] += bound.whole(reverse_complement(x) if reverse else x, rows) - bound.base[rows]
        values[:, [a.row for a in alleles]] = found / (1 + both)

    def _score_stretches(
        self, bound: BoundSequences, rows: Array, alleles: Sequence[_Allele], width: int, reverse: bool
    ) -> Array:
        """Return what substitutions change, as stretches of one width; the rest of a stretch stays as it is."""
        offsets = np.array([a.window.offset for a in alleles])
        starts = np.minimum(offsets, self.length - width)
        bases = [a.window.alternative[s : s + width] for a, s in zip(alleles, starts, strict=True)]
        stretches = self.model.fill_unknown(one_hot(bases))
        if reverse:
            starts, stretches = self.length - starts - width, reverse_complement(stretches)
        effects: Array = bound.effects(rows, starts, stretches[:, None])[:, 0]
        return effects

    def _maps(self, alleles: Sequence[_Allele], contributions: Contributions) -> tuple[Attributions, Attributions]:
        names = tuple(a.name for a in alleles)
        windows = [a.window for a in alleles]
        places = [Interval(w.chromosome, w.start, w.start + self.length) for w in windows]
        moved = [place if w.substitution else None for w, place in zip(windows, places, strict=True)]
        reference = _map_of(contributions, [w.reference for w in windows], names, places)
        return reference, _map_of(contributions, [w.alternative for w in windows], names, moved)


def _map_of(
    contributions: Contributions, sequences: Sequence[str], names: tuple[str, ...], places: Sequence[Interval | None]
) -> Attributions:
    found = contributions(one_hot(sequences))
    if not isinstance(found, Attributions) or len(found) != len(sequences):
        received = f"{len(found)} rows" if isinstance(found, Attributions) else type(found).__name__
        raise ParameterError(
            f"contributions returned {received} for {len(sequences)} sequences; expected their Attributions, as in "
            "contributions=lambda X: deeplift(model, X, target=0)."
        )
    return replace(found, names=names, intervals=tuple(places))


def _window_length(model: SequenceModel, asked: int | None) -> int:
    if model.length is None:
        if asked is None:
            raise ParameterError(
                f"The model {model.name!r} reads sequences of any length; say how long windows are: length=… in bp "
                "(--length on the command line)."
            )
        return asked
    if asked not in (None, model.length):
        raise ParameterError(f"length is {asked}, but the model {model.name!r} reads {model.length} bp; leave it out.")
    return model.length


def _refuse_positions(model: SequenceModel, targets: Sequence[Target]) -> None:
    """Raise where a target has positions, which would have to be turned with the strand."""
    for target in targets:
        shapes = [weights.shape for weights in target.weights.values()]
        if any(len(shape) > 1 and shape[0] > 1 for shape in shapes):
            raise ParameterError(
                f"average_strands=True needs targets without positions; {target.label!r} of the model {model.name!r} "
                "has some, and positions and strands would have to be turned as well."
            )
