"""Insertions before every base of a stretch of each sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._checks import check_count
from seqexplain.perturbation._indel_results import InsertionEffects
from seqexplain.perturbation._indels import check_keep, put_in, read_inserts
from seqexplain.perturbation._inserts import names_for
from seqexplain.perturbation._scorer import EditOptions, Scorer
from seqexplain.perturbation._substitutions import check_span
from seqexplain.sequences.shuffle import check_seed


def insertion_effects(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    inserts: Any = ("A", "C", "G", "T"),
    size: int = 1,
    n_samples: int = 10,
    keep: str | None = "left",
    start: int = 0,
    end: int | None = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
) -> InsertionEffects:
    """Put bases in before every base of a stretch, and score the result.

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
    inserts
        What is put in: strings of one length (default: each single base); an array `(k, size, 4)`, or
        `(n, k, size, 4)` with those of each sequence; or `"random"`: `n_samples` times `size` bases, each with
        probability ¼, the same at all positions of a sequence.
    size, n_samples
        Of random bases.
    keep
        What stays in its place; the rest moves, and what it pushes over the end is lost, so that the length stays.
        `"left"`: what is left of the insertion; bases are lost at the right end. `"right"`: the reverse. `"center"`:
        the middle of the sequence: insertions left of it push bases out to the left, the others to the right. None:
        nothing is lost; for models that take sequences of any length.
    start, end
        The stretch, 0-based and half-open: bases are put in before each of it. Default: all.
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Sequences at a time; `"auto"` fits memory. Insertions move what follows, so each is computed whole.
    random_state
        Seed of random bases; they depend on it and on the sequence alone.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own; they do not move.

    Returns
    -------
    InsertionEffects
        `effects` `(n, p, k)`: f of the sequence with insert k before the base at `positions[p]`, less f(x); `inserted`
        `(n, k, size, 4)`.

    Raises
    ------
    ParameterError
        When an option has another value than those above.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X or the inserts do not fit.

    Examples
    --------
    >>> found = insertion_effects(model, X, target=0, inserts=["GATA", "TATC"])  # doctest: +SKIP
    >>> found.effects.mean(axis=0)  # by place and strand  # doctest: +SKIP
    """
    model, X = opened(model, X)
    n, length = X.shape[:2]
    first, last = check_span(start, end, length)
    check_count("size", size)
    check_count("n_samples", n_samples)
    seed = check_seed(random_state)
    labels = names_for(names, n)
    filled = model.fill_unknown(X)
    inserted = model.fill_unknown(read_inserts(inserts, filled, int(size), int(n_samples), seed))
    width = inserted.shape[2]
    check_keep(keep, model, target, level, length, width)
    options = EditOptions(
        target=target, level=level, batch_size=batch_size, random_state=seed, extra_inputs=extra_inputs
    )
    scorer = Scorer(model, length, n, options)
    bound = scorer.bind(X, names=names)
    positions = np.arange(first, last)
    effects = put_in(bound, positions, inserted, keep)
    single = slice(None) if scorer.several_targets else 0
    return InsertionEffects(
        effects=effects[:, single],
        positions=positions,
        size=int(width),
        X=X,
        predictions=bound.base[:, single],
        names=labels,
        targets=scorer.targets,
        parameters={
            **scorer.parameters,
            "inserts": inserts if isinstance(inserts, str) else list(np.shape(inserted)[1:3]),
            "keep": keep,
            "start": first,
            "end": last,
            "random_state": seed,
        },
        inserted=inserted,
    )
