"""Patterns in the HDF5 layout of TF-MoDISco, with what makes them whole again: written, and read whoever wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ParameterError
from seqexplain.motifs._contribution_source import ContributionBlock, ContributionSource, open_contributions
from seqexplain.motifs._pattern import Pattern, cut_windows
from seqexplain.motifs._pattern_reading import OURS, VERSION, PatternFile
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.results import Interval
from seqexplain.storage import atomic_file, jsonable, refuse_taken
from seqexplain.storage._hdf5 import Hdf5Writer, hdf5_writer

Array = NDArray[Any]


def write_patterns(
    patterns: PatternSet, path: str | Path, source: Any, *, target: int | str | None = None, overwrite: bool = False
) -> None:
    """Write patterns, found by any method, as TF-MoDISco writes its own, so that its tools read them.

    `modisco report`, Fi-NeMo and others open the file. `read_patterns` gives the same patterns back.

    Parameters
    ----------
    patterns
        Motifs, found by any method.
    path
        HDF5 file to write; it appears whole or not at all.
    source
        The contributions they were found in, or anything that `open_contributions` takes: the layout wants the
        contributions of every occurrence.
    target
        Which of several targets of the source; by default the one that the patterns name.
    overwrite
        Whether a file that stands there may be replaced.

    Raises
    ------
    ParameterError
        When the patterns were not found in this source: their number of sequences, length or target differ.
    TargetError
        As `open_contributions`.
    StorageError
        When the file exists, or cannot be written.

    Notes
    -----
    See `seqexplain/motifs/README.md` for the layout. All patterns are written as wide as the widest, with what lies
    beside the narrower ones, as the readers insist on it; `read_patterns` cuts them again. Coordinates are those of
    the sequences as given. An occurrence that hangs over an edge has zeros there, and may begin below 0. Where there
    are no hypothetical contributions, those of the observed bases stand in their place, as the readers insist on them
    too, and the attribute `hypothetical_is_observed` says so.
    """
    path = Path(path).expanduser()
    refuse_taken(path, overwrite=overwrite)
    if target is None and not isinstance(source, ContributionSource):
        target = patterns.label or None
    opened = open_contributions(source, target=target)
    if (opened.n, opened.length) != (patterns.n_sequences, patterns.length):
        raise ParameterError(
            f"The patterns were found in {patterns.n_sequences} sequences of {patterns.length} bp, but "
            f"{opened.description} has {opened.n} of {opened.length} bp. Give the contributions they come from."
        )
    if patterns.label and opened.label and patterns.label != opened.label:
        raise ParameterError(
            f"The patterns were found in contributions to {patterns.label!r}, but those given are to {opened.label!r}. "
            "Give the contributions they come from; target= need not be given."
        )
    everything = [one for pattern in patterns for one in _with_parts(pattern)]
    width = max((pattern.width for pattern in everything), default=0)
    windows = {id(pattern): _Windows(pattern, width, hypothetical=opened.has_hypothetical) for pattern in everything}
    if everything:
        for block in opened.blocks():
            for held in windows.values():
                held.add(block)
    with atomic_file(path, overwrite=overwrite) as temporary, hdf5_writer(temporary) as writer:
        writer.file.attrs["window_size"] = patterns.length
        for sign, name in ((1, "pos_patterns"), (-1, "neg_patterns")):
            mine = [pattern for pattern in patterns if pattern.sign == sign]
            if mine:
                group = writer.file.create_group(name)
                for k, pattern in enumerate(mine):
                    _write_pattern(writer, group.create_group(f"pattern_{k}"), pattern, windows)
        _write_rest(writer, patterns)


def read_patterns(
    path: str | Path, source: Any = None, *, target: int | str | None = None, length: int | None = None
) -> PatternSet:
    """Read patterns that `write_patterns` or TF-MoDISco (`modisco` 2, `modisco-lite` 2 and 3) wrote.

    Parameters
    ----------
    path
        HDF5 file.
    source
        The contributions that TF-MoDISco was given, or anything that `open_contributions` takes: for the names,
        genome intervals and length of the sequences, which its files do not hold. Not needed for files of ours.
    target
        Which of several targets of the source.
    length
        Length of the sequences that TF-MoDISco was given, in bp, where there is no source. Its command looks at a
        window around their middle (400 bp, if not told otherwise) and counts from the window's begin: with the
        length, places are counted from the sequences' begin.

    Returns
    -------
    PatternSet
        The patterns in the order of the file. `notes` say what the file does not tell.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FileFormatError
        When it is not such a file; the message says what is missing.
    ParameterError
        When the length or the source do not fit the file.
    """
    path = Path(path).expanduser()
    with PatternFile(path) as file:
        if file.is_ours:
            return file.ours()
        opened = None if source is None else open_contributions(source, target=target)
        return file.foreign(opened, length)


def _with_parts(pattern: Pattern) -> Iterator[Pattern]:
    yield pattern
    for part in pattern.subpatterns:
        yield from _with_parts(part)


class _Windows:
    """Bases and contributions of a pattern's occurrences, `width` wide, filled in as blocks of the source go by."""

    def __init__(self, pattern: Pattern, width: int, *, hypothetical: bool) -> None:
        self.pattern, self.width = pattern, width
        # the pattern's own part of the window
        self.low = (width - pattern.width) // 2
        self.high = self.low + pattern.width
        turned = pattern.strand == "-"
        self.start = pattern.start - np.where(turned, width - self.high, self.low)
        shape = (pattern.size, width, 4)
        self.sequence = np.zeros(shape, dtype=np.float32)
        self.observed = np.zeros(shape, dtype=np.float32)
        self.hypothetical = np.zeros(shape, dtype=np.float32) if hypothetical else self.observed

    def add(self, block: ContributionBlock) -> None:
        """Take the occurrences in the sequences of a block."""
        pattern, low, high = self.pattern, int(block.rows[0]), int(block.rows[-1])
        mine = np.flatnonzero((pattern.sequence >= low) & (pattern.sequence <= high))
        if len(mine) == 0:
            return
        cut = cut_windows(block, pattern.sequence[mine] - low, self.start[mine], self.width, pattern.strand[mine])
        self.sequence[mine] = np.eye(5, 4, dtype=np.float32)[cut.codes]
        self.observed[mine] = self.sequence[mine] * cut.observed[..., None]
        if cut.hypothetical is not None:
            self.hypothetical[mine] = cut.hypothetical

    def counts(self) -> Array:
        """`(width, 4)`: the pattern's, and beside it those of its occurrences; an unknown base is a quarter of each."""
        counts = self.sequence.sum(axis=0, dtype=np.float64)
        counts += (self.pattern.size - counts.sum(axis=1, keepdims=True)) / 4
        counts[self.low : self.high] = self.pattern.motif.counts
        return np.asarray(counts)

    def mean(self, windows: Array, own: Array) -> Array:
        """`(width, 4)`: the pattern's own matrix, and beside it the mean over its occurrences."""
        mean = windows.mean(axis=0, dtype=np.float64)
        mean[self.low : self.high] = own
        return np.asarray(mean)


def _write_pattern(writer: Hdf5Writer, group: Any, pattern: Pattern, windows: Mapping[int, _Windows]) -> None:
    held = windows[id(pattern)]
    missing = pattern.hypothetical_cwm is None
    hypothetical = pattern.cwm if pattern.hypothetical_cwm is None else pattern.hypothetical_cwm
    counts = held.counts()
    arrays: dict[str, Any] = {
        "sequence": counts / counts.sum(axis=1, keepdims=True),
        "contrib_scores": held.mean(held.observed, pattern.cwm),
        "hypothetical_contribs": held.mean(held.hypothetical, hypothetical),
        "counts": counts,
    }
    for name, values in arrays.items():
        group.create_dataset(name, data=values)
    seqlets = group.create_group("seqlets")
    arrays = {
        "n_seqlets": np.array([pattern.size]),
        "start": held.start,
        "end": held.start + held.width,
        "example_idx": pattern.sequence,
        "is_revcomp": pattern.strand == "-",
        "sequence": held.sequence,
        "contrib_scores": held.observed,
        "hypothetical_contribs": held.hypothetical,
        "contribution": pattern.contribution,
    }
    for name, values in arrays.items():
        seqlets.create_dataset(name, data=values)
        writer.check()
    group.attrs.update(
        {
            "id": pattern.id,
            "motif_id": pattern.motif.id,
            "motif_name": pattern.motif.name,
            "sign": pattern.sign,
            "window": (held.low, held.high),  # the pattern's own part; its core is counted from there
            "core": pattern.core,
            "hypothetical_is_observed": missing,
        }
    )
    for k, part in enumerate(pattern.subpatterns):
        _write_pattern(writer, group.create_group(f"subpattern_{k}"), part, windows)


def _write_rest(writer: Hdf5Writer, patterns: PatternSet) -> None:
    """Write what makes a set of patterns whole; the layout of TF-MoDISco has no place for it."""
    group = writer.file.create_group(OURS)
    group.attrs["format_version"] = VERSION
    places = {sign: [pattern for pattern in patterns if pattern.sign == sign] for sign in (1, -1)}
    about = {
        "method": patterns.method,
        "parameters": jsonable(dict(patterns.parameters), "parameters"),
        "notes": list(patterns.notes),
        "label": patterns.label,
        "length": patterns.length,
        # sign and number in its group of each pattern: the two kinds need not stand one after the other
        "order": [[pattern.sign, places[pattern.sign].index(pattern)] for pattern in patterns],
    }
    _write_text(group, "about", [json.dumps(about)])
    _write_text(group, "names", patterns.names)
    if patterns.intervals is not None:
        _write_intervals(group.create_group("intervals"), patterns.intervals)
    writer.check()


def _write_text(group: Any, name: str, values: Sequence[str]) -> None:
    import h5py

    group.create_dataset(name, data=np.array(list(values), dtype=object), dtype=h5py.string_dtype())


def _write_intervals(group: Any, intervals: Sequence[Interval | None]) -> None:
    # strand "" for a sequence that has no interval
    places = [interval or Interval("", -1, -1, "") for interval in intervals]
    _write_text(group, "chromosome", [place.chromosome for place in places])
    group.create_dataset("start", data=np.array([place.start for place in places], dtype=np.int64))
    group.create_dataset("end", data=np.array([place.end for place in places], dtype=np.int64))
    _write_text(group, "strand", [place.strand for place in places])
