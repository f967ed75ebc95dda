"""Filters as motifs, from what they give at each position of many sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.motifs._association import association
from seqexplain.motifs._filter_likeness import ALIKE, likenesses
from seqexplain.motifs._filter_motifs import FilterMotif, FilterMotifs, motif_of_windows
from seqexplain.motifs._receptive_field import ReceptiveField
from seqexplain.sequences.encoding import UNKNOWN, one_hot_to_codes

Array = NDArray[Any]
Activations = Array | Callable[[], Iterable[Array]]

Sites = tuple[Array, Array, Array]  # row, position and activation

RULES = ("maximum", "background")
DEFAULTS = {"maximum": 0.5, "background": 0.95}
SITES = ("best", "all")
FAR_BELOW = 0.5  # of the layer's largest activation: what an activation such as GELU or ELU dips below zero is less
EVERYWHERE = 0.9  # of the background: where so much of it is active, being active says little
SAME = 1e-6  # relative: a filter that varies by less gives the same everywhere


def filter_patterns(
    activations: Activations,
    X: ArrayLike,
    field: ReceptiveField,
    *,
    background: Activations | None = None,
    threshold: float | None = None,
    threshold_of: str = "maximum",
    sites: str = "best",
    max_sites: int = 5000,
    negative: bool | None = None,
    layer: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> FilterMotifs:
    """Make a motif of each filter of a layer from the subsequences that activate it.

    Parameters
    ----------
    activations
        `(n, positions, filters)`; or a function without arguments that returns the same in blocks of sequences, in
        their order, and is called once (twice with `sites="all"`).
    X
        `(n, L, 4)` one-hot, or `(n, L)` uint8 base codes: what the activations are of.
    field
        The bases that each position sees.
    background
        The same of other sequences, of any number: shuffles, say.
    threshold
        See `threshold_of`; .5 and .95 by default.
    threshold_of
        What makes a site of a position:

        - `"maximum"`: an activation of at least `threshold` times the filter's largest over the sequences, as for
          DeepBind and Basset;
        - `"background"`: one above the quantile `threshold` of the filter's best activations in each background
          sequence, so that a share of 1 − `threshold` of the background is active.

        Never is an activation of 0 or below a site.
    sites
        `"best"`: each sequence's best position, the first of equal ones, if it is a site; or `"all"` sites, which may
        overlap each other.
    max_sites
        Of a filter at most with `"all"`: the most active ones (of equal ones the first).
    negative
        Whether activations far below zero make motifs of their own, with −activation. None: where the layer's lowest
        activation is at least half as far from zero as its highest, as it is without an activation function, or with
        tanh.
    layer, parameters
        For the result: the layer's name, and more of how it was computed.

    Returns
    -------
    FilterMotifs

    Raises
    ------
    ShapeError
        When arrays do not go together, or activations are not finite.
    ParameterError
        When an option makes no sense.

    Notes
    -----
    An unknown base, and what a window sees beyond the sequence's edge, counts ¼ for each base.

    Of a filter that pooling or a stride comes before, windows are known to some bases only, so that its matrix is
    blurred by as much.

    References
    ----------
    Alipanahi, Delong, Weirauch and Frey (2015) Predicting the sequence specificities of DNA- and RNA-binding proteins
    by deep learning. Nature Biotechnology 33:831.

    Kelley, Snoek and Rinn (2016) Basset: learning the regulatory code of the accessible genome with deep convolutional
    neural networks. Genome Research 26:990.

    Examples
    --------
    >>> from seqexplain.sequences import one_hot
    >>> X = one_hot(["CCGATACC", "GATACCCC", "CCCCCCCC"])
    >>> gata = np.zeros((3, 5, 1))
    >>> gata[0, 2], gata[1, 0] = 1, 1
    >>> found = filter_patterns(gata, X, ReceptiveField.regular(5, start=0, stride=1, width=4))
    >>> found["filter_0"].motif.consensus, found["filter_0"].start.tolist(), found["filter_0"].n_active
    ('GATA', [2, 0], 2)
    """
    share = _check(threshold, threshold_of, sites, max_sites, background is not None)
    codes = _codes(X)
    best = _scan(activations, field, len(codes), "activations", with_lowest=negative is not False)
    beside = None
    if background is not None:
        beside = _scan(background, field, None, "the background's activations", with_lowest=negative is not False)
        if beside.n_filters != best.n_filters:
            raise ShapeError(
                f"There are {best.n_filters} filters, and {beside.n_filters} of the background; expected the same."
            )
    notes: list[str] = []
    signs = _signs(best, negative, notes)
    entries = [_begin(best, beside, k, sign, share, threshold_of) for k in range(best.n_filters) for sign in signs]
    places = (
        [_best_sites(best, one) for one in entries]
        if sites == "best"
        else _all_sites(activations, entries, max_sites, notes)
    )
    found = [_with_motif(one, field, codes, *place) for one, place in zip(entries, places, strict=True)]
    frequencies = _frequencies(codes)
    n_background = 0 if beside is None else beside.n
    found = _compared(_tested(found, len(codes), n_background), frequencies)
    _say(found, n_background, notes)
    return FilterMotifs(
        filters=tuple(found),
        width=int(field.width),
        frequencies=frequencies,
        n_sequences=len(codes),
        n_background=n_background,
        length=codes.shape[1],
        layer=layer,
        parameters={
            "threshold": share, "threshold_of": threshold_of, "sites": sites, "max_sites": max_sites,
            "negative": -1 in signs, "alike": ALIKE, **(parameters or {}),
        },
        notes=tuple(notes),
    )  # fmt: skip


def _codes(X: ArrayLike) -> NDArray[np.uint8]:
    given = np.asarray(X)
    if given.ndim == 2 and given.dtype == np.uint8 and given.max(initial=0) <= UNKNOWN:
        return given
    if given.ndim != 3:
        raise ShapeError(
            f"X is {given.dtype} of shape {given.shape}; expected (n, length, 4) one-hot, or base codes (n, length), "
            "uint8 from 0 to 4."
        )
    return one_hot_to_codes(given)


def _check(threshold: float | None, threshold_of: str, sites: str, max_sites: int, background: bool) -> float:
    if threshold_of not in RULES:
        raise ParameterError(f"threshold_of is {threshold_of!r}; expected one of {', '.join(map(repr, RULES))}.")
    if threshold_of == "background" and not background:
        raise ParameterError(
            'threshold_of="background" needs a background, and there is none. Give one, or threshold_of="maximum".'
        )
    share = DEFAULTS[threshold_of] if threshold is None else threshold
    if isinstance(share, bool) or not isinstance(share, int | float | np.number) or not 0 < share <= 1:
        raise ParameterError(f"threshold is {threshold!r}; expected a share above 0, up to 1, such as 0.5.")
    if sites not in SITES:
        raise ParameterError(f"sites is {sites!r}; expected one of {', '.join(map(repr, SITES))}.")
    if isinstance(max_sites, bool) or not isinstance(max_sites, int | np.integer) or max_sites < 1:
        raise ParameterError(f"max_sites is {max_sites!r}; expected a whole number from 1.")
    return float(share)


@dataclass(frozen=True, eq=False)
class _Best:
    """The best activation of each sequence: `(n, filters)` each, highest and, where asked for, lowest."""

    high: Array
    high_at: Array
    low: Array
    low_at: Array | None

    @property
    def n(self) -> int:
        return len(self.high)

    @property
    def n_filters(self) -> int:
        return int(self.high.shape[1])

    def of(self, k: int, sign: int) -> Array:
        """Return a filter's best activations, `(n,)`, times `sign`."""
        return np.asarray(self.high[:, k] if sign > 0 else -self.low[:, k])

    def places(self, k: int, sign: int) -> Array:
        at = self.high_at if sign > 0 or self.low_at is None else self.low_at
        return np.asarray(at[:, k], dtype=np.int64)


def _blocks(activations: Activations, positions: int, what: str) -> Iterable[Array]:
    """Yield checked blocks."""
    for given in activations() if callable(activations) else [activations]:
        block = np.asarray(given)
        if block.ndim != 3 or block.shape[1] != positions or block.shape[2] == 0:
            raise ShapeError(
                f"A block of {what} has shape {block.shape}; expected (sequences, {positions}, filters): the receptive "
                f"field has {positions} positions."
            )
        yield block


def _scan(activations: Activations, field: ReceptiveField, n: int | None, what: str, *, with_lowest: bool) -> _Best:
    parts: list[tuple[Array, ...]] = []
    for block in _blocks(activations, len(field), what):
        high_at = block.argmax(axis=1)
        high = np.take_along_axis(block, high_at[:, None], axis=1)[:, 0]
        low, low_at = block.min(axis=1), high_at
        if with_lowest:
            low_at = block.argmin(axis=1)
        if not (np.isfinite(high).all() and np.isfinite(low).all()):
            raise ShapeError(f"{what} hold NaN or infinity; expected numbers only.")
        parts.append((high.astype(np.float32), high_at.astype(np.int32), low.astype(np.float32),
                      low_at.astype(np.int32)))  # fmt: skip
    if not parts:
        raise ShapeError(f"There are no {what}; expected one block at least.")
    high, high_at, low, low_at = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if n is not None and len(high) != n:
        raise ShapeError(f"{what} are of {len(high)} sequences, X of {n}; expected the same.")
    return _Best(high, high_at, low, low_at if with_lowest else None)


def _signs(best: _Best, negative: bool | None, notes: list[str]) -> tuple[int, ...]:
    """Return which sides of zero are looked at."""
    if best.n == 0 or negative is False:
        return (1,)
    lowest, highest = float(best.low.min()), float(best.high.max())
    if negative or (lowest < 0 and -lowest >= FAR_BELOW * highest):
        return (1, -1)
    if lowest < 0:
        notes.append(
            f"Activations go down to {lowest:.3g}, and up to {highest:.3g}: those below zero are left out. "
            "negative=True makes motifs of them."
        )
    return (1,)


def _begin(best: _Best, beside: _Best | None, k: int, sign: int, share: float, rule: str) -> FilterMotif:
    """Return a filter without its sites: threshold, and how many sequences are active."""
    mine = best.of(k, sign)
    others = None if beside is None else beside.of(k, sign)
    maximum = float(mine.max(initial=-np.inf)) if len(mine) else 0.0
    note = ""
    if maximum <= 0:
        note = "never active"
    elif best.high[:, k].max() - best.low[:, k].min() <= SAME * np.abs(best.high[:, k]).max():
        note = "the same everywhere"
    if rule == "maximum" or others is None:
        threshold = np.float32(share) * np.float32(maximum)
    else:
        threshold = np.nextafter(np.float32(np.quantile(others, share, method="inverted_cdf")), np.float32(np.inf))
    threshold = max(threshold, np.nextafter(np.float32(0), np.float32(1)))  # what is 0 is no activation
    n_active = 0 if note else int((mine >= threshold).sum())
    if not note and n_active == 0:
        note = "never above the threshold"
    nothing = np.empty(0, dtype=np.int64)
    return FilterMotif(
        filter=k,
        sign=sign,
        motif=None,
        maximum=maximum,
        threshold=float(threshold),
        sequence=nothing,
        start=nothing,
        strand=np.empty(0, dtype="<U1"),
        activation=np.empty(0, dtype=np.float32),
        n_active=n_active,
        n_background=None if others is None else 0 if note else int((others >= threshold).sum()),
        note=note,
    )


def _best_sites(best: _Best, one: FilterMotif) -> Sites:
    """Return each sequence's best site."""
    mine = best.of(one.filter, one.sign)
    rows = np.flatnonzero(mine >= np.float32(one.threshold)) if one.n_active else np.empty(0, dtype=np.int64)
    return rows, best.places(one.filter, one.sign)[rows], one.sign * mine[rows]


def _all_sites(activations: Activations, entries: list[FilterMotif], most: int, notes: list[str]) -> list[Sites]:
    """Return all sites, or the most active ones."""
    found: list[Sites] = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)) for _ in entries]
    capped: set[int] = set()
    first = 0
    for block in activations() if callable(activations) else [activations]:
        for i, one in enumerate(entries):
            if one.n_active == 0:
                continue
            mine = np.asarray(block[:, :, one.filter], dtype=np.float32) * np.float32(one.sign)
            row, position = np.nonzero(mine >= np.float32(one.threshold))
            rows, positions, values = found[i]
            found[i] = (
                np.concatenate([rows, row + first]),
                np.concatenate([positions, position]),
                np.concatenate([values, one.sign * mine[row, position]]),
            )
            if len(found[i][0]) > most:
                capped.add(i)
                found[i] = _most_active(found[i], one.sign, most)
        first += len(block)
    if capped:
        notes.append(
            f"{len(capped)} filters have more than {most} sites; their motifs are of the {most} most active ones."
        )
    return found


def _most_active(sites: Sites, sign: int, most: int) -> Sites:
    row, position, activation = sites
    kept = np.sort(np.argsort(-sign * activation, kind="stable")[:most])
    return row[kept], position[kept], activation[kept]


def _with_motif(
    one: FilterMotif, field: ReceptiveField, codes: Array, row: Array, position: Array, activation: Array
) -> FilterMotif:
    if len(row) == 0:
        return one
    motif, unknown = motif_of_windows(one.id, field.windows(codes, row, position))
    return replace(
        one,
        motif=motif,
        unknown=unknown,
        sequence=np.asarray(row, dtype=np.int64),
        start=field.starts[position],
        strand=np.where(field.turned[position], "-", "+"),
        activation=np.asarray(activation, dtype=np.float32),
    )


def _frequencies(codes: Array) -> NDArray[np.float64]:
    """Return how frequent each base is; one of each is added, so that none has a frequency of 0."""
    counts = np.array([np.count_nonzero(codes == base) for base in range(UNKNOWN)], dtype=np.float64) + 1
    return np.asarray(counts / counts.sum())


def _tested(found: list[FilterMotif], n: int, n_background: int) -> list[FilterMotif]:
    """Compare the shares of active sequences with those of the background."""
    tested = [i for i, one in enumerate(found) if one.motif is not None]
    if n_background == 0 or not tested:
        return found
    counts = np.array([[found[i].n_active, found[i].n_background or 0] for i in tested])
    result = association(counts, np.array([n, n_background]))
    if result is not None:
        for i, p, q in zip(tested, result.p_values, result.q_values, strict=True):
            found[i] = replace(found[i], p_value=float(p), q_value=float(q))
    return found


def _compared(found: list[FilterMotif], frequencies: Array) -> list[FilterMotif]:
    """Flag what an earlier filter says already."""
    active = [i for i, one in enumerate(found) if one.motif is not None]
    if not active:
        return found
    matrices = np.stack([m.probabilities for i in active if (m := found[i].motif) is not None])
    # the background of both strands: a filter and its reverse complement are compared
    both = (frequencies + frequencies[::-1]) / 2
    for i, like in zip(active, likenesses(matrices, both), strict=True):
        if like is not None:
            found[i] = replace(found[i], like=replace(like, other=active[like.other]))
    return found


def _say(found: list[FilterMotif], n_background: int, notes: list[str]) -> None:
    active = [one for one in found if one.motif is not None]
    common = sum((one.n_background or 0) > EVERYWHERE * n_background for one in active)
    if n_background and common > len(active) / 2:
        notes.append(
            f"{common} of {len(active)} active filters are so in over {EVERYWHERE:.0%} of the background, too: nearly "
            'any sequence has a site. threshold_of="background", or a higher threshold, tells more.'
        )
    dead = [one.id for one in found if one.motif is None]
    if dead:
        shown = ", ".join(dead[:10]) + (", …" if len(dead) > 10 else "")
        notes.append(f"{len(dead)} of {len(found)} filters are dead on these sequences: {shown}.")
    alike = sum(one.like is not None for one in found)
    if alike:
        notes.append(f"{alike} filters say the same as an earlier one (cosine of {ALIKE} or more).")
