"""Mutagenesis of sliding windows: what k neighbouring bases are worth together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._window_mutagenesis_job import WindowMutagenesis, WindowMutagenesisOptions
from seqexplain.results import WindowAttributions


def window_mutagenesis(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
    *,
    target: Any = None,
    window: int = 10,
    stride: int = 1,
    n_samples: int = 5,
    replacement: str = "shuffle",
    start: int = 0,
    end: int | None = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    names: Sequence[str] = (),
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> WindowAttributions:
    """Replace windows of k bases, again and again, and score what is left.

    A single substitution may leave a motif recognisable; what a stretch of k bases is worth shows when all of it is
    replaced. The effect of a window is mean_s f(x with the window's sample s) − f(x). The score of a base is **minus
    the mean effect of all windows that cover it**, positive where replacing lowers f; it does not grow with the number
    of windows, and scores do not add up to a difference in f.

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
    window
        Its width k in bp.
    stride
        Distance between windows in bp, at most `window`. The last window ends with the stretch.
    n_samples
        Replacements of each window. Their spread is told; with one sample there is none.
    replacement
        `"shuffle"`: the window's own bases in another order, which keeps its composition; `"random"`: any base, each
        with probability ¼.
    start, end
        The stretch that windows slide over, 0-based and half-open; default: all.
    level
        `"logit"`: below a final sigmoid or softmax, which saturate; `"output"`: the output itself.
    batch_size
        Whole sequences at a time; `"auto"` fits memory.
    random_state
        Seed of the replacements. They depend on it and on the sequence alone; neighbouring windows share random
        numbers, so that their effects differ by what they cover and not by luck.
    names
        Names of the sequences.
    extra_inputs
        Values of the model's other inputs, instead of the model's own.
    evaluation
        `"incremental"`: compute only what an edit reaches in each layer; `"full"`: compute each sequence whole;
        `"auto"`: incremental where that saves arithmetic.

    Returns
    -------
    WindowAttributions
        `contributions` and, of several samples, their `spread`; `window_starts`, `window_effects` and `window_spread`.
        There are no hypothetical scores. Unknown bases stay unknown in every replacement.

    Raises
    ------
    ParameterError
        When an option has another value than those above, or the stretch is shorter than a window.
    TargetError
        When the target does not exist or is ambiguous.
    ShapeError
        When X does not fit the model.

    Examples
    --------
    >>> result = window_mutagenesis(model, X, target=0, window=8)  # doctest: +SKIP
    >>> result.window_starts[result.window_effects[0].argmin()]  # where 8 bp matter most  # doctest: +SKIP
    """
    model, X = opened(model, X)
    options = WindowMutagenesisOptions(
        target=target,
        window=window,
        stride=stride,
        n_samples=n_samples,
        replacement=replacement,
        start=start,
        end=end,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
        evaluation=evaluation,
    )
    return cast(WindowAttributions, WindowMutagenesis(model, X.shape[1], len(X), options).explain(X, names=names))
