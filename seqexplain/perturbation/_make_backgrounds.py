"""Sequences to put motifs into: shuffles of given ones, or random ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.perturbation._inserts import thresholds
from seqexplain.sequences import one_hot
from seqexplain.sequences.encoding import codes_to_one_hot, one_hot_to_codes
from seqexplain.sequences.markov import MarkovModel
from seqexplain.sequences.shuffle import SHUFFLES, check_count, check_seed, draw_shuffles, warn_if_few_shuffles
from seqexplain.sequences.streams import stream

Array = NDArray[Any]

UNIFORM = (0.25, 0.25, 0.25, 0.25)


def make_backgrounds(
    X: Array | Sequence[str] | None = None,
    n: int = 20,
    *,
    kind: str = "dinucleotide",
    length: int | None = None,
    composition: Sequence[float] = UNIFORM,
    order: int = 1,
    random_state: int = 0,
) -> Array:
    """Make sequences that lack the motifs of given ones, or any.

    Parameters
    ----------
    X
        `(s, L, 4)` one-hot, or strings of one length; not needed for `"random"`.
    n
        `"dinucleotide"`, `"mononucleotide"`: shuffles of each sequence. `"random"`, `"markov"`: sequences in all.
    kind
        - `"dinucleotide"`, `"mononucleotide"`: shuffles of X, which keep what bases follow which, or what bases there
          are;
        - `"random"`: bases drawn independently from `composition`;
        - `"markov"`: drawn from a Markov chain of the order given that is fitted to X.
    length
        Of `"random"` and `"markov"` sequences in bp; that of X, where it is given, by default.
    composition
        How likely A, C, G and T are, for `"random"`.
    order
        Of the chain: how many bases the next one depends on, 0 to 8; see `MarkovModel.fit`.
    random_state
        Seed.

    Returns
    -------
    numpy.ndarray
        `(s · n, L, 4)` float32, the shuffles of a sequence side by side; or `(n, L, 4)`.

    Raises
    ------
    ParameterError
        For an unknown kind, or when another parameter makes no sense or is missing.
    ShapeError, SequenceError
        When X is not one-hot DNA.

    Examples
    --------
    >>> from seqexplain.sequences import decode
    >>> sorted(decode(make_backgrounds(["ACCGT"], 1, kind="mononucleotide"))[0])
    ['A', 'C', 'C', 'G', 'T']
    >>> make_backgrounds(n=3, kind="random", length=50, composition=(0.3, 0.2, 0.2, 0.3)).shape
    (3, 50, 4)
    """
    n, seed = check_count(n), check_seed(random_state)
    if kind not in (*SHUFFLES, "random", "markov"):
        raise ParameterError(f'kind is {kind!r}; expected "dinucleotide", "mononucleotide", "random" or "markov".')
    codes = None if X is None else _codes_of(X)
    if codes is None and kind != "random":
        raise ParameterError(f'kind="{kind}" needs sequences to begin with; give X, or kind="random" and a length.')
    if kind in SHUFFLES and codes is not None:
        warn_if_few_shuffles(codes, n, kind)
        return draw_shuffles(codes, n, seed, kind).reshape(-1, codes.shape[1], 4)
    if length is None:
        if codes is None:
            raise ParameterError('kind="random" needs a length in bp, or X to take it from.')
        length = codes.shape[1]
    if isinstance(length, bool) or not isinstance(length, int | np.integer) or length < 1:
        raise ParameterError(f"length is {length!r}; expected a whole number of bp from 1.")
    if kind == "random" or codes is None:
        numbers = stream(seed, "backgrounds").random((n, length, 1))
        drawn = (numbers >= thresholds(_check_composition(composition))).sum(axis=2)
        return codes_to_one_hot(drawn.astype(np.uint8))
    return MarkovModel.fit(codes_to_one_hot(codes), order=order).sample(n, length, random_state=seed)


def _codes_of(X: Array | Sequence[str]) -> NDArray[np.uint8]:
    if isinstance(X, (list, tuple)) and X and isinstance(X[0], str):
        X = one_hot(list(X))
    codes = one_hot_to_codes(X)
    if codes.ndim != 2 or codes.size == 0:
        raise ShapeError(f"X has shape {np.shape(X)}; expected (n, length, 4) with one sequence at least.")
    return codes


def _check_composition(composition: Sequence[float]) -> Array:
    values = np.asarray(composition, dtype=np.float64)
    if values.shape != (4,) or not (values >= 0).all() or not np.isclose(values.sum(), 1, atol=1e-3):
        raise ParameterError(f"composition is {composition!r}; expected shares of A, C, G and T that sum to 1.")
    return np.asarray(values / values.sum())
