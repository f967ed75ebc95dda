"""Pairwise epistasis: what two substitutions do that neither explains alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._checks import check_count
from seqexplain.perturbation._edit_job import BASES_AT_ONCE, MAX_SEQUENCES
from seqexplain.perturbation._epistasis_result import Epistasis
from seqexplain.perturbation._experiment import blocks
from seqexplain.perturbation._inserts import names_for
from seqexplain.perturbation._scorer import BoundSequences, EditOptions, Scorer
from seqexplain.perturbation._substitutions import (
    BASES,
    OTHERS,
    check_span,
    is_base,
    substitution_effects,
)

MAX_BYTES = 1 << 31  # of a result: 2 GiB


def epistasis(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    start: int = 0,
    end: int | None = None,
    max_bytes: int = MAX_BYTES,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> Epistasis:
    """Score every pair of substitutions in a stretch, and tell what they do together.

    With e_ia = f(x(i→a)) − f(x) the effect of one substitution, the interaction of two is

        ε_ia,jb = f(x(i→a, j→b)) − f(x) − e_ia − e_jb,

    0 for a model that adds positions up. Bases that work as one (a motif, two motifs that need each other) interact
    where they are needed; redundant ones (two copies of a motif) too: losing both costs more than the sum.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`. Any model will do, also a SavedModel (with
        `level="output"`).
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    target
        What to explain: an index, `(head, index)`, `contrast(a, b)`, an affine callable, or a list of these. None where
        the model has a single value.
    start, end
        The stretch, 0-based and half-open; default: all. Of R bp it takes 9 R (R − 1) / 2 edited sequences each.
    max_bytes
        What the result may take: 64 R² bytes for each sequence and target. Below that nothing is left out.
    level
        `"logit"`: below a final sigmoid or softmax; `"output"`: the output itself. Additivity depends on it: a sigmoid
        bends what adds up below.
    batch_size
        Whole sequences at a time; `"auto"` fits memory.
    random_state
        Not used; every method has it.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    evaluation
        `"incremental"`: compute only what a substitution reaches in each layer; `"full"`: compute each sequence whole;
        `"auto"`: incremental where that saves arithmetic.

    Returns
    -------
    Epistasis
        `interactions` `(n, R, 4, R, 4)`, `singles` `(n, R, 4)`; `strength()` is a matrix of positions, `to_table()`
        lists the largest. Where a sequence has no base (N), all four are put there.

    Raises
    ------
    ParameterError
        When an option has another value than those above, or the result would be larger than `max_bytes`.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model.

    Examples
    --------
    >>> found = epistasis(model, X[:1], target=0, start=40, end=60)  # doctest: +SKIP
    >>> found.strength()[0].argmax()  # which positions depend on each other most  # doctest: +SKIP
    """
    model, X = opened(model, X)
    first, last = check_span(start, end, X.shape[1])
    labels = names_for(names, len(X))
    options = EditOptions(
        target=target, level=level, batch_size=batch_size, random_state=random_state, extra_inputs=extra_inputs,
        evaluation=evaluation,
    )  # fmt: skip
    n, span = len(X), last - first
    scorer = Scorer(model, X.shape[1], n, options, n_edits=4.5 * n * span * (span - 1))
    t = len(scorer.targets)
    check_count("max_bytes", max_bytes)
    refuse_too_large(n, t, span, int(max_bytes))
    interactions = np.zeros((n, t, span, 4, span, 4), dtype=np.float32)
    singles = np.zeros((n, t, span, 4), dtype=np.float32)
    predictions = np.zeros((n, t), dtype=np.float32)
    for rows in blocks(n, max(1, min(MAX_SEQUENCES, BASES_AT_ONCE // X.shape[1]))):
        here = {"start": rows.start, "names": tuple(names)[rows]}
        bound = scorer.bind(X[rows], **here)
        predictions[rows] = bound.base
        singles[rows] = substitution_effects(bound, first, last)[:, :, first:last]
        interactions[rows] = pair_interactions(bound, first, last, singles[rows])
    single = slice(None) if scorer.several_targets else 0
    return Epistasis(
        interactions=interactions[:, single],
        singles=singles[:, single],
        X=X[:, first:last],
        predictions=predictions[:, single],
        start=first,
        end=last,
        names=labels,
        targets=scorer.targets,
        parameters={**scorer.parameters, "start": first, "end": last},
    )


def pair_interactions(bound: BoundSequences, first: int, last: int, alone: Array) -> Array:
    """Return `(n, t, R, 4, R, 4)` float32 of a stretch of `R` bp; `alone`, `(n, t, R, 4)`, are the single effects."""
    interactions = np.zeros((*alone.shape, *alone.shape[2:]), dtype=np.float32)
    for i in range(first, last - 1):
        known = is_base(bound.X[:, i])
        others = np.where(known[:, None], np.pad(OTHERS, ((0, 0), (0, 1)))[bound.X[:, i].argmax(-1)], np.arange(4))
        # the same alternative of all sequences at a time; only what has no base has a fourth
        for alternative in range(3 if known.all() else 4):
            mine = np.flatnonzero(~known | (alternative < 3))
            base = others[mine, alternative]
            mutant = bound.X.copy()
            mutant[mine, i] = BASES[base]
            after = substitution_effects(bound.edited(mutant), i + 1, last)
            # f(ia, jb) − f(ia), less f(jb) − f: to the right of i
            together = (after[:, :, i + 1 : last] - alone[:, :, i + 1 - first :])[mine]
            place = i - first
            interactions[mine, :, place, base, place + 1 :] = together
            interactions[mine, :, place + 1 :, :, place, base] = together
    return interactions


def refuse_too_large(n: int, targets: int, span: int, limit: int) -> None:
    needed = 4 * n * targets * (4 * span) ** 2
    if needed > limit:
        fits = int(np.sqrt(limit / (64 * n * targets)))
        raise ParameterError(
            f"All pairs of {span} bp, of {n} sequences and {targets} targets, take {needed / 2**30:.3g} GiB; the limit "
            f"is {limit / 2**30:.3g} GiB. Take a stretch of up to {fits} bp (start=, end=), fewer sequences at a time, "
            "or a larger max_bytes."
        )
