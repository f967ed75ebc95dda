"""A result store in the formats that other tools read, a chunk in memory at a time."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, SeqExplainWarning, SequenceWarning, StorageError, TargetError
from seqexplain.results import Array, Attributions
from seqexplain.storage._bigwig import export_bigwig
from seqexplain.storage._files import atomic_file, refuse_taken, storage_errors
from seqexplain.storage._hdf5 import hdf5_writer
from seqexplain.storage._npz import NpzWriter
from seqexplain.storage._store import ResultStore
from seqexplain.storage._subset_exports import export_subsets

_H5_ROWS = 64  # sequences in a chunk of an HDF5 data set: some MB, whatever tool reads it


def export(
    store: str | Path | ResultStore,
    out: str | Path,
    *,
    format: str = "npz",
    target: int | str | None = None,
    overwrite: bool = False,
    allow_incomplete: bool = False,
) -> tuple[Path, ...]:
    """Write a result store for another tool. Arrays are `(n, 4, L)`; each file appears whole or not at all.

    ==========  ======================================================================================
    format      what is written to `out`
    ==========  ======================================================================================
    `modisco`   a folder with `ohe.npz` and `shap.npz` (one array each, `arr_0`), which
                `modisco motifs -s ohe.npz -a shap.npz -n 2000 -w L` and `finemo` read, and `regions.bed`
                where every sequence has its place on a genome, as wide as the arrays (also where it was
                padded, and begins below 0)
    `h5`        one HDF5 file with `raw/seq`, `shap/seq` (hypothetical) and `projected_shap/seq`, the layout
                of chrombpnet and bpnet, which `modisco motifs -i` and `finemo` read; `regions/` has names
                and coordinates; `effects/seq` the raw effects, where a method has them
    `npz`       one archive with `one_hot`, `contributions`, `hypothetical`, `predictions`, `names`, and
                `effects` where a method has them
    `bed`       the intervals: chromosome, start, end, name, 0, strand (0-based, half-open); without what lies
                before the begin of a chromosome, where a sequence was padded
    `bigwig`    contributions along the genome; see `export_bigwig`, which has more to choose
    `tsv`       a line a sequence: name, length, coordinates, prediction, sum of the contributions, and the
                largest completeness error
    `subsets`   of sufficient input subsets: a line a subset; see `export_subsets`
    `blocks`    of these a BED12 file: a line a subset, a block for each run of its bases
    ==========  ======================================================================================

    Parameters
    ----------
    store
        The store, or its path.
    out
        File to write, or folder for `modisco`.
    format
        See above.
    target
        Which of several targets: position or label. `bed`, `tsv`, `subsets` and `blocks` need none.
    overwrite
        Whether files that exist may be replaced.
    allow_incomplete
        Whether the finished part of an interrupted job will do.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ParameterError
        For an unknown format, or `bed` or `bigwig` when no sequence has coordinates.
    TargetError
        When the store has several targets and none is chosen, or the target does not exist.
    StorageError
        When the store cannot be read, or a file cannot be written.

    Warns
    -----
    SeqExplainWarning
        When the method has no hypothetical scores, and the observed ones are written in their place.
    SequenceWarning
        When sequences without coordinates are left out of `bed` or `bigwig`.
    """
    if format not in _FORMATS:
        raise ParameterError(f"No export format {format!r}; choose one of {', '.join(_FORMATS)}.")
    if not isinstance(store, ResultStore):
        store = ResultStore(store, allow_incomplete=allow_incomplete)
    path = Path(out).expanduser()
    if format in _PER_BASE:
        _check_target(store, target)
        if not store.layout.hypothetical:
            warnings.warn(
                f"{store.attrs['method']} has no hypothetical scores; the contributions of the observed "
                "bases are written in their place.",
                SeqExplainWarning,
                stacklevel=2,
            )
    return _FORMATS[format](store, path, target, overwrite)


def _write_modisco(store: ResultStore, folder: Path, target: int | str | None, overwrite: bool) -> tuple[Path, ...]:
    sequences, scores = folder / "ohe.npz", folder / "shap.npz"
    files = [sequences, scores]
    if folder.is_file():
        raise StorageError(f"{folder} is a file; give a folder, in which {sequences.name} and {scores.name} go.")
    if not folder.exists():
        with storage_errors(folder):
            folder.mkdir()
    for file in files:  # both are checked before the first is written
        refuse_taken(file, overwrite=overwrite)
    shape = (store.n_done, 4, store.layout.length)
    with ExitStack() as stack:
        # written together, so that the pair changes places at the very end
        archives = [
            stack.enter_context(NpzWriter(stack.enter_context(atomic_file(file, overwrite=overwrite))))
            for file in files
        ]
        archives[0].write("arr_0", shape, np.int8, _pieces(store, target, _one_hot))
        archives[1].write("arr_0", shape, np.float32, _pieces(store, target, _hypothetical))
    if store.layout.intervals and all(None not in (block.intervals or (None,)) for block in store):
        files += _write_bed(store, folder / "regions.bed", target, overwrite, as_wide=True)
    return tuple(files)


def _write_npz(store: ResultStore, path: Path, target: int | str | None, overwrite: bool) -> tuple[Path, ...]:
    n, shape = store.n_done, (store.n_done, 4, store.layout.length)
    width = max((len(name) for name in store.names()), default=1) or 1
    with atomic_file(path, overwrite=overwrite) as temporary, NpzWriter(temporary) as archive:
        archive.write("one_hot", shape, np.int8, _pieces(store, target, _one_hot))
        archive.write("contributions", shape, np.float32, _pieces(store, target, _observed))
        if store.layout.hypothetical:
            scores = _pieces(store, target, _hypothetical)
            archive.write("hypothetical", shape, np.float32, scores)
        if store.layout.effects:
            archive.write("effects", shape, np.float32, _pieces(store, target, _effects))
        predictions = _pieces(store, target, lambda block: block.predictions)
        archive.write("predictions", (n,), np.float32, predictions)
        names = (np.array(block.names, dtype=f"<U{width}") for block in store)
        archive.write("names", (n,), f"<U{width}", names)
    return (path,)


def _write_h5(store: ResultStore, path: Path, target: int | str | None, overwrite: bool) -> tuple[Path, ...]:
    import h5py

    n, shape = store.n_done, (store.n_done, 4, store.layout.length)
    options: dict[str, Any] = {}
    if n:  # HDF5 cuts no empty data set into chunks
        options = {
            "chunks": (min(_H5_ROWS, n), *shape[1:]),
            "compression": "gzip",
            "compression_opts": 1,
            "shuffle": True,
        }
    with atomic_file(path, overwrite=overwrite) as temporary, hdf5_writer(temporary) as writer:
        file = writer.file
        raw = file.create_dataset("raw/seq", shape, "int8", **options)
        hypothetical = file.create_dataset("shap/seq", shape, "float32", **options)
        observed = file.create_dataset("projected_shap/seq", shape, "float32", **options)
        effects = file.create_dataset("effects/seq", shape, "float32", **options) if store.layout.effects else None
        regions = file.create_group("regions")
        names = regions.create_dataset("name", (n,), h5py.string_dtype())
        places: dict[str, Any] = {}
        if store.layout.intervals:
            places = {key: regions.create_dataset(key, (n,), "int64") for key in ("start", "end")}
            places |= {key: regions.create_dataset(key, (n,), h5py.string_dtype()) for key in ("chromosome", "strand")}
        first = 0
        for block in _blocks(store, target):
            rows = slice(first, first + len(block))
            raw[rows], hypothetical[rows], observed[rows] = (
                _one_hot(block),
                _hypothetical(block),
                _observed(block),
            )
            if effects is not None:
                effects[rows] = _effects(block)
            names[rows] = list(block.names)
            for key, data in places.items():
                missing = -1 if key in ("start", "end") else ""
                data[rows] = [getattr(i, key) if i else missing for i in block.intervals or ()]
            first = rows.stop
            writer.check()
    return (path,)


def _write_bed(
    store: ResultStore, path: Path, target: int | str | None, overwrite: bool, *, as_wide: bool = False
) -> tuple[Path, ...]:
    if not store.layout.intervals:
        raise ParameterError(f"No sequence of {store.path} has genome coordinates; choose the format tsv.")
    left_out = 0
    with (
        atomic_file(path, overwrite=overwrite) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
        for block in store:
            for name, place in zip(block.names, block.intervals or (), strict=True):
                if place is None:
                    left_out += 1
                    continue
                start = place.start if as_wide else max(place.start, 0)
                if place.end <= start:
                    continue  # nothing but padding
                # BED has no quoting: a tab inside a name would shift the columns
                name = name.replace("\t", " ") or "."
                table.writerow((place.chromosome, start, place.end, name, 0, place.strand))
    if left_out:
        warnings.warn(
            f"{left_out} of {store.n_done} sequences have no genome coordinates and are not in {path}.",
            SequenceWarning,
            stacklevel=4,
        )
    return (path,)


def _write_bigwig(store: ResultStore, path: Path, target: int | str | None, overwrite: bool) -> tuple[Path, ...]:
    return (export_bigwig(store, path, target=target, overwrite=overwrite),)


def _write_tsv(store: ResultStore, path: Path, target: int | str | None, overwrite: bool) -> tuple[Path, ...]:
    labels = store.targets if store.layout.several_targets else ("",)
    kinds = ["prediction", "contribution_sum"] + ["completeness_error"] * (store.layout.n_errors is not None)
    header = ["name", "length"] + ["chromosome", "start", "end", "strand"] * store.layout.intervals
    header += [f"{kind}:{label}" if label else kind for label in labels for kind in kinds]
    with (
        atomic_file(path, overwrite=overwrite) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file, delimiter="\t", lineterminator="\n")
        table.writerow(header)
        for block in store:
            several = block.several_targets
            sums = block.contributions.sum(axis=(-2, -1), dtype=np.float64)
            columns = [block.predictions, sums.astype(np.float32)]
            if block.completeness_error is not None:
                columns.append(np.abs(block.completeness_error).max(axis=-1))
            # (n, targets, kinds) → a line a sequence
            numbers = np.stack([c if several else c[:, None] for c in columns], axis=-1).reshape(len(block), -1)
            for i, name in enumerate(block.names):
                length = block.X.shape[1] if block.lengths is None else block.lengths[i]
                line = [name, length]
                if block.intervals is not None:
                    place = block.intervals[i]
                    line += [place.chromosome, place.start, place.end, place.strand] if place else [""] * 4
                table.writerow(line + [f"{value:.6g}" for value in numbers[i]])
    return (path,)


def _write_subsets(store: ResultStore, path: Path, target: int | str | None, overwrite: bool) -> tuple[Path, ...]:
    return (export_subsets(store, path, format="tsv", overwrite=overwrite),)


def _write_blocks(store: ResultStore, path: Path, target: int | str | None, overwrite: bool) -> tuple[Path, ...]:
    return (export_subsets(store, path, format="bed", overwrite=overwrite),)


_FORMATS: dict[str, Callable[[ResultStore, Path, int | str | None, bool], tuple[Path, ...]]] = {
    "modisco": _write_modisco,
    "h5": _write_h5,
    "npz": _write_npz,
    "bed": _write_bed,
    "bigwig": _write_bigwig,
    "tsv": _write_tsv,
    "subsets": _write_subsets,
    "blocks": _write_blocks,
}
_PER_BASE = ("modisco", "h5", "npz")


def _check_target(store: ResultStore, target: int | str | None) -> None:
    labels = store.targets
    if target is None:
        if store.layout.several_targets:
            raise TargetError(
                f"{store.path} has several targets; choose one with target= (--target): {', '.join(labels)}."
            )
    elif target not in labels and target not in range(-max(1, len(labels)), max(1, len(labels))):
        raise TargetError(f"{store.path} has no target {target!r}; it has: {', '.join(labels)}.")


def _blocks(store: ResultStore, target: int | str | None) -> Iterator[Attributions]:
    for block in store:
        yield block.for_target(0 if target is None else target) if block.several_targets else block


def _pieces(store: ResultStore, target: int | str | None, pick: Callable[[Attributions], Array]) -> Iterator[Array]:
    return (pick(block) for block in _blocks(store, target))


def _one_hot(block: Attributions) -> Array:
    return block.X.transpose(0, 2, 1).astype(np.int8)


def _hypothetical(block: Attributions) -> Array:
    scores = block.contributions if block.hypothetical is None else block.hypothetical
    return scores.transpose(0, 2, 1)


def _observed(block: Attributions) -> Array:
    return block.contributions.transpose(0, 2, 1)


def _effects(block: Attributions) -> Array:
    effects: Any = block.effects  # there, as the layout says
    found: Array = effects.transpose(0, 2, 1)
    return found
