"""Contributions in the files of other tools: which arrays they are, how they lie, and reading them in blocks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError, SeqExplainWarning, ShapeError
from seqexplain.motifs._array_files import NUMBERS, ArrayFile, Hdf5Array, NpyFile, Reader, hdf5_file, npz_members
from seqexplain.motifs._contribution_source import BLOCK_BASES, ContributionBlock, ContributionSource
from seqexplain.motifs._foreign_places import Places, places_of_bed, places_of_hdf5, places_of_npz
from seqexplain.sequences.encoding import UNKNOWN, one_hot_to_codes

Array = NDArray[Any]

HDF5_SUFFIXES = (".h5", ".hdf5", ".he5")
UNIFORM = 0.25  # of each base, as some tools write an unknown one
MAX_CHUNK_BYTES = 256 << 20  # rows that lie together in a file are read together up to here

# the arrays of a pair, by the names that tools give them: sequences, then scores, hypothetical ones first
_HDF5_PAIRS = (
    ("raw/seq", ("shap/seq", "projected_shap/seq")),
    ("input_seqs", ("hyp_scores",)),
)
_NPZ_SEQUENCES = ("one_hot", "ohe", "sequences", "input_seqs", "seqs", "X", "x", "arr_0")
_NPZ_SCORES = (
    "hypothetical",
    "hypothetical_contributions",
    "hyp_scores",
    "contributions",
    "shap",
    "attributions",
    "X_attr",
    "attr",
    "scores",
    "arr_1",
)
_FOLDER = (("ohe", "shap"), ("sequences", "attributions"), ("X", "attributions"))


@dataclass(frozen=True)
class _Pair:
    """The two arrays, and what else is known of the sequences."""

    sequences: ArrayFile
    scores: ArrayFile
    places: Places
    description: str


def open_files(source: str | Path | Sequence[str | Path]) -> ContributionSource:
    """Open contributions that lie in files of other tools, or in exports of ours.

    Parameters
    ----------
    source
        One of these:

        - a folder with `ohe.npz` and `shap.npz` (or `.npy`), and maybe `regions.bed`;
        - the paths (sequences, scores), or (sequences, scores, BED file), of `.npz` or `.npy` files;
        - a `.npz` file that holds both;
        - a `.h5` file with `raw/seq` and `shap/seq` (chrombpnet, bpnet-lite, our own), or with `input_seqs` and
          `hyp_scores` (bpnet, bpreveal).

        Arrays are `(n, 4, L)` or `(n, L, 4)`, which their shape tells; scores may be `(n, L)`.

    Returns
    -------
    ContributionSource
        Blocks are read as they are asked for. Scores that are zero at all bases but the observed ones are no
        hypothetical scores.

    Raises
    ------
    ShapeError
        Where shapes do not go together or do not tell the layout; at reading, where sequences are not one-hot, or
        scores hold NaN or infinity.
    FileFormatError, MissingFileError, MissingExtraError, ParameterError
        When a file is not what it should be.
    """
    return _FromFiles(_pair(source))


def _pair(source: str | Path | Sequence[str | Path]) -> _Pair:
    if not isinstance(source, str | Path):
        paths = [Path(one).expanduser() for one in source]
        if len(paths) not in (2, 3):
            raise ParameterError(
                f"source has {len(paths)} paths; expected (sequences, scores), or (sequences, scores, BED file)."
            )
        for path in paths:
            _check_exists(path)
        places = places_of_bed(paths[2]) if len(paths) == 3 else Places()
        return _Pair(_single(paths[0]), _single(paths[1]), places, f"{paths[0]} and {paths[1]}")
    path = Path(source).expanduser()
    _check_exists(path)
    if path.is_dir():
        return _pair_of_folder(path)
    if path.suffix.lower() in HDF5_SUFFIXES:
        return _pair_of_hdf5(path)
    if path.suffix.lower() == ".npz":
        return _pair_of_npz(path)
    if path.suffix.lower() == ".npy":
        raise ParameterError(f"{path} is one array; give the paths of two: (sequences, scores).")
    raise FileFormatError(
        f"{path} is not a file of contributions; expected a result store (.zarr), .npz, .h5, a folder with ohe.npz and "
        "shap.npz, or the paths (sequences, scores)."
    )


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise MissingFileError(f"{path} does not exist; expected a file of contributions. Check the path.")


def _single(path: Path) -> ArrayFile:
    if path.suffix.lower() == ".npy":
        return NpyFile(path)
    if path.suffix.lower() != ".npz":
        raise FileFormatError(f"{path} is neither a .npy nor a .npz file; expected one array.")
    members = npz_members(path)
    if len(members) > 1:
        raise FileFormatError(
            f"{path} holds {len(members)} arrays, {', '.join(members[:5])}; expected one. Give the file alone if "
            "sequences and scores are both in it."
        )
    return NpyFile(path, members[0])


def _pair_of_folder(folder: Path) -> _Pair:
    for names in _FOLDER:
        for suffix in (".npz", ".npy"):
            sequences, scores = (folder / f"{name}{suffix}" for name in names)
            if sequences.is_file() and scores.is_file():
                bed = folder / "regions.bed"
                places = places_of_bed(bed) if bed.is_file() else Places()
                return _Pair(_single(sequences), _single(scores), places, str(folder))
    raise FileFormatError(
        f"{folder} is neither a result store nor a folder with ohe.npz and shap.npz. Give the paths of both files."
    )


def _pair_of_npz(path: Path) -> _Pair:
    members = npz_members(path)
    sequences = next((name for name in _NPZ_SEQUENCES if name in members), None)
    scores = next((name for name in _NPZ_SCORES if name in members), None)
    if sequences is None or scores is None:
        raise FileFormatError(
            f"{path} holds {', '.join(members[:8])}; expected sequences (such as one_hot, sequences, X) and scores "
            "(such as hypothetical, contributions, attributions). Save them under such names."
        )
    return _Pair(NpyFile(path, sequences), NpyFile(path, scores), places_of_npz(path, members), str(path))


def _pair_of_hdf5(path: Path) -> _Pair:
    with hdf5_file(path) as file:
        found: list[str] = []
        file.visititems(lambda name, item: found.append(name) if hasattr(item, "shape") else None)
    for sequences, choices in _HDF5_PAIRS:
        scores = next((name for name in choices if name in found), None)
        if sequences in found and scores is not None:
            return _Pair(Hdf5Array(path, sequences), Hdf5Array(path, scores), places_of_hdf5(path, found), str(path))
    shown = ", ".join(found[:8]) or "nothing"
    raise FileFormatError(
        f"{path} holds {shown}; expected raw/seq and shap/seq (as chrombpnet writes), or input_seqs and hyp_scores "
        "(as bpnet and bpreveal do)."
    )


def _bases_last(file: ArrayFile, *, observed_will_do: bool) -> bool | None:
    """Return whether an array is `(n, L, 4)` rather than `(n, 4, L)`; None for `(n, L)`."""
    if file.dtype.kind not in NUMBERS:
        raise ShapeError(f"{file.where} has dtype {file.dtype}; expected numbers.")
    shape = file.shape
    if len(shape) == 2 and observed_will_do:
        return None
    if len(shape) != 3:
        more = ", or (n, L)" if observed_will_do else ""
        raise ShapeError(f"{file.where} has shape {shape}; expected (n, 4, L) or (n, L, 4){more}.")
    if shape[1] == shape[2] == 4:
        raise ShapeError(
            f"{file.where} has shape {shape}: with sequences of 4 bp nothing tells (n, 4, L) from (n, L, 4). Pad the "
            "sequences, or make Attributions of the arrays."
        )
    if 4 not in shape[1:]:
        raise ShapeError(f"{file.where} has shape {shape}; expected (n, 4, L) or (n, L, 4): no axis is 4 long.")
    return shape[2] == 4


class _FromFiles(ContributionSource):
    def __init__(self, pair: _Pair) -> None:
        self._sequences, self._scores = pair.sequences, pair.scores
        self._bases_last = bool(_bases_last(self._sequences, observed_will_do=False))
        self._scores_last = _bases_last(self._scores, observed_will_do=True)
        self.n, self.length = self._sequences.shape[0], self._sequences.shape[1 if self._bases_last else 2]
        length = self._scores.shape[2 if self._scores_last is False else 1]
        if (self._scores.shape[0], length) != (self.n, self.length):
            raise ShapeError(
                f"{self._scores.where} has {self._scores.shape[0]} sequences of {length} bp, and "
                f"{self._sequences.where} {self.n} of {self.length} bp; expected the same. Do they belong together?"
            )
        self.description, self.label = pair.description, ""
        self.names, self.intervals, self.lengths = _described(pair.places, self.n, self.length, pair.description)
        self._together = max(self._sequences.rows_together, self._scores.rows_together)
        self._step = self._rows_in_block()
        self.has_hypothetical = self._scores_last is not None and self._other_bases_score()

    def _rows_in_block(self) -> int:
        rows = max(1, BLOCK_BASES // max(self.length, 1))
        if self._together * self.length * 4 * self._scores.dtype.itemsize > MAX_CHUNK_BYTES:
            return rows
        # whole chunks, for one that is cut is unpacked twice
        return max(1, rows // self._together) * self._together

    def _other_bases_score(self) -> bool:
        """Whether any base scores that is not the observed one, in the first block that scores at all."""
        with ExitStack() as stack:
            sequences, scores = (stack.enter_context(file.opened()) for file in (self._sequences, self._scores))
            for first in range(0, self.n, self._step):
                codes, values = self._arrays(sequences, scores, first, min(first + self._step, self.n))
                if values.any():
                    others = np.arange(4, dtype=np.uint8) != codes[..., None]
                    return bool((values * (others & (codes != UNKNOWN)[..., None])).any())
        return False

    def blocks(self) -> Iterator[ContributionBlock]:
        with ExitStack() as stack:
            sequences, scores = (stack.enter_context(file.opened()) for file in (self._sequences, self._scores))
            for first in range(0, self.n, self._step):
                end = min(first + self._step, self.n)
                yield self._block(np.arange(first, end), *self._arrays(sequences, scores, first, end))

    def read(self, rows: Sequence[int] | Array) -> ContributionBlock:
        index = np.asarray(rows, dtype=np.int64).reshape(-1)
        outside = index[(index < -self.n) | (index >= self.n)]
        if outside.size:
            raise ParameterError(f"{self.description} has {self.n} sequences; there is no row {int(outside[0])}.")
        index = index % max(self.n, 1)
        codes = np.empty((len(index), self.length), dtype=np.uint8)
        shape = (len(index), self.length) if self._scores_last is None else (len(index), self.length, 4)
        values = np.empty(shape, dtype=np.float32)
        with ExitStack() as stack:
            sequences, scores = (stack.enter_context(file.opened()) for file in (self._sequences, self._scores))
            for places, wanted, first, end in _runs(index, self._together, self._step):
                found, scored = self._arrays(sequences, scores, first, end)
                codes[places], values[places] = found[wanted - first], scored[wanted - first]
        return self._block(index, codes, values)

    def _arrays(self, sequences: Reader, scores: Reader, first: int, end: int) -> tuple[Array, Array]:
        """Return base codes `(m, L)`, and scores `(m, L, 4)` or `(m, L)`, of rows `first` to `end`."""
        X = sequences(first, end)
        X = X if self._bases_last else X.transpose(0, 2, 1)
        if X.dtype.kind == "f":
            unknown = (X == UNIFORM).all(axis=-1)
            if unknown.any():
                X = np.where(unknown[..., None], 0, X)
        try:
            codes = one_hot_to_codes(X)
        except ShapeError:
            raise self._not_one_hot(X, first) from None
        with np.errstate(over="ignore"):  # what becomes infinite is refused below
            values = scores(first, end).astype(np.float32)
        if self._scores_last is False:
            values = values.transpose(0, 2, 1)
        finite = np.isfinite(values)
        if not finite.all():
            row = int(np.flatnonzero(~finite.reshape(len(values), -1).all(axis=1))[0])
            raise ShapeError(
                f"{self._scores.where}: the scores of row {first + row} ({self.names[first + row]}) hold NaN or "
                "infinity, or are too large for 32 bits; expected numbers only. Leave it out, or explain it again."
            )
        return codes, values

    def _not_one_hot(self, X: Array, first: int) -> ShapeError:
        known = ((X == 1).sum(axis=-1) == 1) & (np.count_nonzero(X, axis=-1) == 1)
        row, position = (int(i) for i in np.argwhere(~known & X.any(axis=-1))[0])
        values = ", ".join(f"{float(value):.4g}" for value in X[row, position])
        return ShapeError(
            f"{self._sequences.where} is not one-hot: row {first + row}, position {position} holds {values}; expected "
            "one 1 and three 0, or four 0 for an unknown base. Are sequences and scores in the right order?"
        )

    def _block(self, rows: Array, codes: Array, values: Array) -> ContributionBlock:
        known = codes != UNKNOWN
        if values.ndim == 2:
            return ContributionBlock(rows=rows, codes=codes, observed=np.where(known, values, np.float32(0)))
        picked = np.take_along_axis(values, np.where(known, codes, 0)[..., None].astype(np.int64), axis=-1)[..., 0]
        return ContributionBlock(
            rows=rows,
            codes=codes,
            observed=np.where(known, picked, np.float32(0)),
            hypothetical=np.ascontiguousarray(values) if self.has_hypothetical else None,
        )


def _runs(index: Array, together: int, step: int) -> Iterator[tuple[Array, Array, int, int]]:
    """Cut rows into stretches of the file: places in `index`, rows, and first and end row to be read."""
    order = np.argsort(index, kind="stable")
    ascending = index[order]
    # rows apart are read alone, for the gap between them may be long; but never a part of what lies together
    apart = np.diff(ascending // together) > 1
    edges = [0, *(np.flatnonzero(apart) + 1).tolist(), len(order)]
    for begin, stop in pairwise(edges):
        while begin < stop:
            first = int(ascending[begin])
            end = begin + int(np.searchsorted(ascending[begin:stop], first + step))
            yield order[begin:end], ascending[begin:end], first, int(ascending[end - 1]) + 1
            begin = end


def _described(
    places: Places, n: int, length: int, where: str
) -> tuple[tuple[str, ...], tuple[Any, ...] | None, NDArray[np.int64]]:
    """Return names, intervals and lengths, once it is sure that they belong to these sequences."""
    lengths = np.full(n, length, dtype=np.int64)
    for what, values in (("names", places.names), ("intervals", places.intervals)):
        if values is not None and len(values) != n:
            raise ShapeError(f"{where} has {n} sequences, but {len(values)} {what}; expected one for each.")
    intervals = places.intervals
    if intervals is not None:
        widths = np.array([length if one is None else one.end - one.start for one in intervals], dtype=np.int64)
        if places.padded and (widths <= length).all():
            lengths = widths
        elif (widths != length).any() and places.summits is not None:
            intervals = places.around_summits(length)
        elif (widths != length).any():
            row = int(np.argmax(widths != length))
            warnings.warn(
                f"{where}: the sequences have {length} bp, but the interval of row {row} has {widths[row]}; genome "
                "coordinates are left out. Give intervals as long as the sequences, or a narrowPeak file.",
                SeqExplainWarning,
                stacklevel=5,
            )
            intervals = None
    names = places.names
    if names is None:
        named = intervals or (None,) * n
        names = tuple(
            f"sequence_{i}" if one is None else f"{one.chromosome}:{one.start}-{one.end}" for i, one in enumerate(named)
        )
    return names, intervals, lengths
