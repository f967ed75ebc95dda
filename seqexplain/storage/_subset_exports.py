"""Sufficient input subsets as a table, or as BED for genome browsers."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, SequenceWarning
from seqexplain.results import STOPPED, Interval, SequenceSubset, SufficientInputSubsets
from seqexplain.sequences.encoding import BASES
from seqexplain.storage._files import atomic_file
from seqexplain.storage._store import ResultStore

COLUMNS = (
    "target",
    "subset",
    "size",
    "value",
    "threshold",
    "sufficient",
    "positions",
    "pattern",
    "prediction",
    "ended",
)


def export_subsets(
    found: SufficientInputSubsets | ResultStore,
    out: str | Path,
    *,
    format: str = "tsv",
    overwrite: bool = False,
) -> Path:
    """Write sufficient input subsets, one a line; of a store a chunk in memory at a time.

    Positions are 0-based. `tsv`: name and place of the sequence, target, number of the subset, how many bases it has, f
    of it alone, the threshold, whether it suffices on the full model, its positions (the most important first), its
    bases with dots between them, f of the sequence, and why no more was looked for. A sequence without a subset has one
    line too. `bed`: BED12, a block for each run of bases, on the genome where sequences have coordinates, else on the
    sequences themselves.

    Parameters
    ----------
    found
        The result, or the store that holds one.
    out
        File to write.
    format
        `"tsv"` or `"bed"`.
    overwrite
        Whether a file that exists may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ParameterError
        For another format, or a store of something else.
    StorageError
        When the store cannot be read, or the file cannot be written.

    Warns
    -----
    SequenceWarning
        When sequences without coordinates are left out of a BED file of others that have some.
    """
    if format not in ("tsv", "bed"):
        raise ParameterError(f'No format {format!r} for subsets; use "tsv" or "bed".')
    if isinstance(found, ResultStore):
        if not found.layout.subsets:
            raise ParameterError(
                f"{found.path} holds {found.attrs['method']}, not sufficient input subsets; give the store that "
                "seqexplain sis wrote."
            )
        blocks: Iterable[Any] = found
        placed = found.layout.intervals
    else:
        blocks, placed = [found], found.intervals is not None
    path = Path(out).expanduser()
    with (
        atomic_file(path, overwrite=overwrite) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        if format == "tsv":
            table = csv.writer(file, delimiter="\t", lineterminator="\n")
            table.writerow(["name", *(["chromosome", "start", "end", "strand"] if placed else []), *COLUMNS])
            for block in blocks:
                table.writerows(_table_lines(block, placed))
            return path
        left_out = 0
        for block in blocks:
            for place, line in _bed_lines(block, placed):
                left_out += place is None
                if place is not None:
                    file.write("\t".join(map(str, line)) + "\n")
    if left_out:
        warnings.warn(
            f"{left_out} subsets lie in sequences without genome coordinates and are not in {path}.",
            SequenceWarning,
            stacklevel=2,
        )
    return path


def _by_target(block: SufficientInputSubsets) -> Iterator[tuple[str, SufficientInputSubsets]]:
    for position, label in enumerate(block.targets or ("",)):
        one = block.for_target(position) if block.several_targets else block
        if isinstance(one, SufficientInputSubsets):
            yield label, one


def _table_lines(block: SufficientInputSubsets, placed: bool) -> Iterator[list[Any]]:
    for label, one in _by_target(block):
        for row, name in enumerate(one.names):
            place = (one.intervals or [None] * len(one))[row]
            where = [place.chromosome, place.start, place.end, place.strand] if place else [""] * 4
            begin = [name, *(where if placed else []), label]
            end = [f"{one.predictions[row]:.6g}", STOPPED[int(one.stopped[row])]]
            threshold = f"{one.threshold[row]:.6g}"
            subsets = one.subsets(row)
            for subset in subsets:
                yield [
                    *begin, subset.number, len(subset), f"{subset.value:.6g}", threshold,
                    "yes" if subset.sufficient else "no", ",".join(map(str, subset.positions)), pattern_of(one, subset),
                    *end,
                ]  # fmt: skip
            if not subsets:
                yield [*begin, "", 0, "", threshold, "", "", "", *end]


def pattern_of(result: SufficientInputSubsets, subset: SequenceSubset) -> str:
    """Return a subset's bases from its first to its last position, with dots for what is between them."""
    first, last = int(subset.positions.min()), int(subset.positions.max())
    letters = ["."] * (last - first + 1)
    for position in subset.positions:
        letters[position - first] = BASES[int(result.X[subset.sequence, position].argmax())]
    return "".join(letters)


def _bed_lines(block: SufficientInputSubsets, placed: bool) -> Iterator[tuple[Interval | None, list[Any]]]:
    for label, one in _by_target(block):
        for subset in one.subsets():
            name = one.names[subset.sequence]
            length = one.X.shape[1] if one.lengths is None else int(one.lengths[subset.sequence])
            place = (one.intervals or [None] * len(one))[subset.sequence]
            if not placed:
                place = Interval("_".join(name.split()) or ".", 0, length)
            called = "_".join([*name.split(), *(label.split() if block.several_targets else []), f"sis{subset.number}"])
            yield place, _bed_line(place, subset, called) if place else []


def _bed_line(place: Interval, subset: SequenceSubset, name: str) -> list[Any]:
    on_genome = place.end - 1 - subset.positions if place.strand == "-" else place.start + subset.positions
    ordered = np.sort(on_genome)
    starts = ordered[np.concatenate([[True], np.diff(ordered) > 1])]
    ends = ordered[np.concatenate([np.diff(ordered) > 1, [True]])] + 1
    first, last = int(starts[0]), int(ends[-1])
    blocks = [",".join(map(str, values)) for values in (ends - starts, starts - first)]
    score = 1000 if subset.sufficient else 0
    return [place.chromosome, first, last, name, score, place.strand, first, last, 0, len(starts), *blocks]
