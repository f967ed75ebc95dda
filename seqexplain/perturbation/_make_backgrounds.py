"""Sequences to put motifs into: shuffles of given ones, or random ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.perturbation._inserts import thresholds
from seqexplain.sequences import one_hot
from seqexplain.sequences.encoding import UNKNOWN, codes_to_one_hot, one_hot_to_codes
from seqexplain.sequences.shuffle import SHUFFLES, check_count, check_seed, draw_shuffles, warn_if_few_shuffles
from seqexplain.sequences.streams import stream

Array = NDArray[Any]

UNIFORM = (0.25, 0.25, 0.25, 0.25)
MAX_ORDER = 8  # 4⁹ numbers; longer contexts are hardly ever seen twice


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
        - `"markov"`: drawn from the Markov chain of the order given that was counted in X.
    length
        Of `"random"` and `"markov"` sequences in bp; that of X, where it is given, by default.
    composition
        How likely A, C, G and T are, for `"random"`.
    order
        Of the chain: how many bases the next one depends on, 0 to 8. Contexts that X lacks are followed by what
        follows the shorter context without their first base.
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
    length = _whole("length", length, 1)
    generator = stream(seed, kind)
    if kind == "random" or codes is None:
        return codes_to_one_hot(_draw(generator, [_check_composition(composition)[None]], n, length))
    chains = [_conditional(codes, k) for k in range(_whole("order", order, 0, MAX_ORDER) + 1)]
    for k in range(1, len(chains)):
        unseen = np.isnan(chains[k][:, 0])
        chains[k][unseen] = chains[k - 1][np.flatnonzero(unseen) % 4 ** (k - 1)]
    return codes_to_one_hot(_draw(generator, chains, n, length))


def _codes_of(X: Array | Sequence[str]) -> NDArray[np.uint8]:
    if isinstance(X, (list, tuple)) and X and isinstance(X[0], str):
        X = one_hot(list(X))
    codes = one_hot_to_codes(X)
    if codes.ndim != 2 or codes.size == 0:
        raise ShapeError(f"X has shape {np.shape(X)}; expected (n, length, 4) with one sequence at least.")
    return codes


def _conditional(codes: Array, order: int) -> Array:
    """Return how often each base follows each context, `(4**order, 4)` shares; NaN for contexts never seen."""
    words = np.lib.stride_tricks.sliding_window_view(codes, min(order + 1, codes.shape[1]), axis=1)
    words = words.reshape(-1, words.shape[2])
    known = words[(words != UNKNOWN).all(axis=1)].astype(np.int64)
    if known.shape[1] <= order:
        return np.full((4**order, 4), np.nan)
    index = known @ 4 ** np.arange(order, -1, -1)
    counts = np.bincount(index, minlength=4 ** (order + 1)).reshape(-1, 4).astype(float)
    if order == 0 and counts.sum() == 0:
        raise ShapeError("X holds unknown bases only; expected some of A, C, G and T to count.")
    with np.errstate(invalid="ignore"):
        return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def _draw(generator: np.random.Generator, chains: Sequence[Array], n: int, length: int) -> NDArray[np.uint8]:
    """Draw from chains of order 0, 1, …: the first bases from the shorter ones. `chains[0]` is `(1, 4)`."""
    numbers = generator.random((n, length))
    below = [thresholds(chain) for chain in chains]
    out = np.zeros((n, length), dtype=np.uint8)
    context = np.zeros(n, dtype=np.int64)
    for position in range(length):
        k = min(position, len(chains) - 1)
        out[:, position] = (numbers[:, position, None] >= below[k][context % 4**k]).sum(axis=1)
        context = (context * 4 + out[:, position]) % 4**MAX_ORDER
    return out


def _check_composition(composition: Sequence[float]) -> Array:
    values = np.asarray(composition, dtype=np.float64)
    if values.shape != (4,) or not (values >= 0).all() or not np.isclose(values.sum(), 1, atol=1e-3):
        raise ParameterError(f"composition is {composition!r}; expected shares of A, C, G and T that sum to 1.")
    return np.asarray(values / values.sum())


def _whole(name: str, value: int, least: int, most: int | None = None) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        to = "" if most is None else f" to {most}"
        raise ParameterError(f"{name} is {value!r}; expected a whole number from {least}{to}.")
    return int(value)
