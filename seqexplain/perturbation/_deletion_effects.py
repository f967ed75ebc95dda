"""Every deletion of a size, in a stretch of each sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._indel_results import DeletionEffects
from seqexplain.perturbation._indels import check_deletion, check_keep, deleted, ends
from seqexplain.perturbation._inserts import names_for
from seqexplain.perturbation._scorer import EditOptions, Scorer
from seqexplain.perturbation._substitutions import check_span
from seqexplain.sequences.shuffle import check_seed


def deletion_effects(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    size: int = 1,
    keep: str | None = "left",
    fill: Any = "unknown",
    start: int = 0,
    end: int | None = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> DeletionEffects:
    """Delete every `size` neighbouring bases of a stretch, and score what is left.

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
    size
        Bases that are lost.
    keep
        What stays in its place; the rest moves up, and bases come in at its end so that the length stays. `"left"`:
        what is left of the deletion, as genome browsers show it; bases come in at the right end. `"right"`: the
        reverse. `"center"`: the middle of the sequence: deletions whose own middle lies left of it draw bases in from
        the left, the others from the right. None: nothing comes in; for models that take sequences of any length.
    fill
        What comes in: `"unknown"` bases (N); `"random"` ones, each with probability ¼, the same for all deletions of a
        sequence; or the bases that flank the sequences, a pair `(left, right)` of strings or arrays
        `(n, size or more, 4)`, None for a side that is not needed. The flanks of the genome are best: effects are of
        the deletion *and* of what comes in.
    start, end
        The stretch, 0-based and half-open; default: all.
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory. Deletions move what follows, so each is computed whole.
    random_state
        Seed of random bases; they depend on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own; they do not move.

    Returns
    -------
    DeletionEffects
        `effects` `(n, p)`: f of the sequence without the bases from `positions[p]` on, less f(x); `per_base()` is a
        score for each base.

    Raises
    ------
    ParameterError
        When an option has another value than those above, or the stretch is shorter than `size`.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X or the flanks do not fit.

    Examples
    --------
    >>> found = deletion_effects(model, X, target=0, size=3, fill=(None, flanks))  # doctest: +SKIP
    >>> found.positions[found.effects[0].argmin()]  # where losing 3 bp costs most  # doctest: +SKIP
    """
    model, X = opened(model, X)
    n, length = X.shape[:2]
    first, last = check_span(start, end, length)
    check_deletion(size, first, last, length)
    seed = check_seed(random_state)
    labels = names_for(names, n)
    check_keep(keep, model, target, level, length, -size)
    options = EditOptions(
        target=target, level=level, batch_size=batch_size, random_state=seed, extra_inputs=extra_inputs
    )
    scorer = Scorer(model, length, n, options)
    bound = scorer.bind(X, names=names)
    positions = np.arange(first, last - size + 1)
    effects = deleted(bound, positions, int(size), keep, ends(fill, bound, X, size, seed))
    single = slice(None) if scorer.several_targets else 0
    return DeletionEffects(
        effects=effects[:, single],
        positions=positions,
        size=int(size),
        X=X,
        predictions=bound.base[:, single],
        names=labels,
        targets=scorer.targets,
        parameters={
            **scorer.parameters,
            "size": int(size),
            "keep": keep,
            "fill": fill if isinstance(fill, str) else "flanks",
            "start": first,
            "end": last,
            "random_state": seed,
        },
    )
