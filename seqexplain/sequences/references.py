"""References: what each sequence is compared with, drawn some sequences at a time."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.sequences.encoding import BASES, one_hot_to_codes
from seqexplain.sequences.shuffle import (
    SHUFFLES,
    check_count,
    check_seed,
    draw_shuffles,
    warn_if_few_shuffles,
)

Array = NDArray[Any]
ReferenceFunction = Callable[[Array, int, int], Array]
ReferenceSpec = str | Sequence[float] | Mapping[str, float] | Array | ReferenceFunction

_SUM_TOLERANCE = 1e-3  # "0.333,0.167,0.167,0.333" is meant as a distribution
_CONSTANTS = {"zeros": (0.0, 0.0, 0.0, 0.0), "uniform": (0.25, 0.25, 0.25, 0.25)}


class References(ABC):
    """References of sequences, drawn when asked for.

    Attributes
    ----------
    n
        References of each sequence.
    per_sequence
        Whether they differ from sequence to sequence. Where not, `draw(X[:1])` has them all.
    label
        What they are and how to have them again, ready for JSON.
    """

    n: int
    per_sequence: bool
    label: dict[str, Any]

    def draw(self, X: Array, *, start: int = 0) -> Array:
        """Return the references of some sequences.

        Parameters
        ----------
        X
            One-hot, `(s, L, 4)`.
        start
            Row of `X[0]` among all sequences of the job: arrays with references of each sequence are cut
            there, and messages count from it.

        Returns
        -------
        ndarray of float32, shape (s, n, L, 4)
            Where `per_sequence` is False it may be a read-only view that repeats one set.

        Raises
        ------
        ShapeError
            Where `X`, or what is known of the references, has another shape.
        """
        if X.ndim != 3 or X.shape[-1] != 4:
            hint = " Use X.transpose(0, 2, 1)." if X.ndim == 3 and X.shape[1] == 4 else ""
            raise ShapeError(f"X has shape {X.shape}; expected (n, length, 4).{hint}")
        return self._drawn(X, start)

    def check(self, n_sequences: int | None, length: int | None) -> None:
        """Raise unless the references fit a job's sequences.

        Parameters
        ----------
        n_sequences, length
            Number and length of the sequences; None for what is not known yet.

        Raises
        ------
        ShapeError
            Where the references are of another length, or for another number of sequences.
        """
        return  # what is drawn or constant fits any

    @abstractmethod
    def _drawn(self, X: Array, start: int) -> Array: ...


def resolve_references(references: ReferenceSpec | References, n: int = 20, *, random_state: int = 0) -> References:
    """Turn what a user gave as references into `References`.

    Parameters
    ----------
    references
        One of

        - `"dinucleotide"`, `"mononucleotide"`: `n` uniform shuffles of each sequence;
        - `"zeros"`, `"uniform"` (¼ of each base), four numbers (A C G T), a mapping of base to frequency, or
          a text such as `"0.3,0.2,0.2,0.3"`: a constant background at every position;
        - an array `(L, 4)` or `(r, L, 4)`, the same for all sequences, or `(n_seq, r, L, 4)`. For one
          reference of each sequence give `(n_seq, 1, L, 4)`;
        - a function of `X` `(s, L, 4)`, `n` and `random_state` that returns `(s, n, L, 4)`. It is called for
          some sequences at a time, so what it draws for one must not depend on the others.
    n
        References of each sequence, where they are drawn; constants and arrays bring their own number.
    random_state
        Seed of what is drawn.

    Returns
    -------
    seqexplain.sequences.References
        Ready to be drawn for any sequences.

    Raises
    ------
    ParameterError
        For an unknown name, a background that is no distribution, or a bad `n` or seed.
    ShapeError
        For an array of another shape, or with values that are not finite.

    Examples
    --------
    >>> background = resolve_references("0.3,0.2,0.2,0.3")
    >>> background.n, background.label
    (1, {'kind': 'constant', 'background': [0.3, 0.2, 0.2, 0.3]})
    >>> resolve_references("uniform").draw(np.zeros((2, 30, 4))).shape
    (2, 1, 30, 4)
    """
    if isinstance(references, References):
        return references
    n = check_count(n)
    seed = check_seed(random_state)
    if isinstance(references, str):
        if references in SHUFFLES:
            return _Shuffles(references, n, seed)
        if references in _CONSTANTS:
            return _Constant(_CONSTANTS[references])
        return _Constant(_background_from_text(references))
    if isinstance(references, Mapping):
        return _Constant(_background_from_mapping(references))
    if callable(references):
        return _Drawn(references, n, seed)
    try:
        array = np.asarray(references)
    except ValueError as error:
        raise ShapeError(f"references are no regular array ({error}). {_CHOICES}") from error
    if array.dtype.kind not in "fuib":
        raise ShapeError(f"references have dtype {array.dtype}; expected numbers. {_CHOICES}")
    if array.ndim == 1:
        return _Constant(_checked_background(array.tolist()))
    return _Given(array)


_CHOICES = (
    "Expected 'dinucleotide', 'mononucleotide', 'zeros', 'uniform', four background frequencies such as "
    "'0.3,0.2,0.2,0.3' (A, C, G, T), an array (L, 4), (r, L, 4) or (n, r, L, 4), or a function."
)


def _background_from_text(text: str) -> tuple[float, ...]:
    parts = text.replace(",", " ").split()
    try:
        values = [float(part) for part in parts]
    except ValueError:
        raise ParameterError(f"references are {text!r}. {_CHOICES}") from None
    return _checked_background(values)


def _background_from_mapping(mapping: Mapping[str, float]) -> tuple[float, ...]:
    if sorted(map(str, mapping)) != sorted(BASES):
        keys = ", ".join(map(str, mapping))
        raise ParameterError(f"The background has the keys {keys}; expected A, C, G and T.")
    return _checked_background([mapping[base] for base in BASES])


def _checked_background(values: Sequence[Any]) -> tuple[float, ...]:
    if len(values) != 4:
        raise ParameterError(f"The background has {len(values)} values; expected four, for A, C, G and T.")
    try:
        background = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        raise ParameterError(f"The background is {list(values)}; expected four numbers.") from None
    if not all(np.isfinite(background)) or min(background) < 0:
        raise ParameterError(f"The background is {list(background)}; expected four frequencies of 0 to 1.")
    total = sum(background)
    if any(background) and abs(total - 1) > _SUM_TOLERANCE:
        shares = ",".join(f"{value / total:.3g}" for value in background)
        raise ParameterError(
            f"The background {list(background)} sums to {total:g}; expected frequencies that sum to 1, such "
            f"as {shares}."
        )
    return background


class _Shuffles(References):
    """Uniform shuffles of each sequence."""

    def __init__(self, kind: str, n: int, seed: int) -> None:
        self.n, self.per_sequence = n, True
        self.label = {"kind": kind, "n": n, "random_state": seed}
        self._kind, self._seed = kind, seed

    def _drawn(self, X: Array, start: int) -> Array:
        codes = one_hot_to_codes(X)
        warn_if_few_shuffles(codes, self.n, self._kind, start=start)
        return draw_shuffles(codes, self.n, self._seed, self._kind)


class _Constant(References):
    """One background at every position."""

    def __init__(self, background: Sequence[float]) -> None:
        self.n, self.per_sequence = 1, False
        self.label = {"kind": "constant", "background": list(background)}
        self._row = np.asarray(background, dtype=np.float32)

    def _drawn(self, X: Array, start: int) -> Array:
        return np.broadcast_to(self._row, (X.shape[0], 1, X.shape[1], 4))


class _Given(References):
    """References that the user brought as an array."""

    def __init__(self, array: Array) -> None:
        if array.ndim not in (2, 3, 4) or array.shape[-1] != 4:
            hint = ""
            if array.ndim >= 2 and array.shape[-2] == 4:
                axes = (*range(array.ndim - 2), array.ndim - 1, array.ndim - 2)
                hint = f" Use references.transpose{axes}."
            raise ShapeError(f"references have shape {array.shape}; expected (L, 4), (r, L, 4) or (n, r, L, 4).{hint}")
        if array.size == 0:
            raise ShapeError(
                f"references have shape {array.shape}, without any value; expected at least one reference."
            )
        bad = np.argwhere(~np.isfinite(array)) if array.dtype.kind == "f" else np.empty((0, array.ndim))
        if len(bad):
            place = ", ".join(str(int(k)) for k in bad[0])
            raise ShapeError(f"references[{place}] is {array[tuple(bad[0])]}; expected finite numbers only.")
        self._array = array if array.ndim > 2 else array[None]
        self.n, self.per_sequence = self._array.shape[-3], array.ndim == 4
        digest = hashlib.sha256()
        for part in self._array:  # part by part: a large array need not be copied as a whole
            digest.update(np.ascontiguousarray(part, dtype=np.float32).tobytes())
        self.label = {"kind": "array", "shape": list(array.shape), "sha256": digest.hexdigest()}

    def check(self, n_sequences: int | None, length: int | None) -> None:
        have = self._array.shape
        if length is not None and have[-2] != length:
            raise ShapeError(
                f"references have length {have[-2]}, the sequences {length}; expected the same. Use "
                f'fit_length(references, {length}, policy="crop-or-pad"), or other references.'
            )
        if self.per_sequence and n_sequences is not None and have[0] != n_sequences:
            raise ShapeError(
                f"references of shape {have} are for {have[0]} sequences; there are {n_sequences}. Give one "
                "set for "
                f"each sequence, or an array (r, L, 4) for all."
            )

    def _drawn(self, X: Array, start: int) -> Array:
        self.check(None, X.shape[1])
        if not self.per_sequence:
            return np.broadcast_to(self._array.astype(np.float32, copy=False), (len(X), *self._array.shape))
        stop = start + len(X)
        if stop > len(self._array):
            raise ShapeError(
                f"references of shape {self._array.shape} are for {len(self._array)} sequences; sequence "
                f"{stop - 1} "
                f"(counted from 0) has none. Give one set for each sequence, or an array (r, L, 4) for all."
            )
        return self._array[start:stop].astype(np.float32, copy=False)


class _Drawn(References):
    """References from the user's function."""

    def __init__(self, function: ReferenceFunction, n: int, seed: int) -> None:
        self.n, self.per_sequence = n, True
        name = getattr(function, "__qualname__", type(function).__qualname__)
        module = getattr(function, "__module__", type(function).__module__)
        self.label = {"kind": "callable", "name": f"{module}.{name}", "n": n, "random_state": seed}
        self._function, self._seed, self._name = function, seed, name

    def _drawn(self, X: Array, start: int) -> Array:
        array = np.asarray(self._function(X, self.n, self._seed))
        wanted = (len(X), self.n, *X.shape[1:])
        if array.shape != wanted:
            raise ShapeError(
                f"The reference function {self._name} returned shape {array.shape}; expected {wanted}: "
                "(sequences, "
                f"references, length, 4)."
            )
        if array.dtype.kind not in "fuib" or not np.isfinite(array).all():
            raise ShapeError(f"The reference function {self._name} returned values that are not finite numbers.")
        return array.astype(np.float32, copy=False)
