"""An HDF5 file of patterns, ours or one of TF-MoDISco's, turned back into a `PatternSet`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import FileFormatError, MissingFileError, ParameterError, SeqExplainError
from seqexplain.motifs._contribution_source import ContributionSource
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._pattern import Pattern, core_of
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.results import Interval

Array = NDArray[Any]

OURS = "seqexplain"  # group with what the layout of TF-MoDISco has no place for
VERSION = 1
GROUPS = ((1, "pos_patterns", "pos"), (-1, "neg_patterns", "neg"))
_OLD = "metacluster_idx_to_submetacluster_results"  # TF-MoDISco before version 2


class PatternFile:
    """An HDF5 file of patterns, open for reading."""

    def __init__(self, path: Path) -> None:
        import h5py

        if not path.is_file():
            raise MissingFileError(f"{path} does not exist or is no file; expected patterns in HDF5.")
        self.path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise FileFormatError(f"{path} is not an HDF5 file, or is damaged: {error}") from error

    def __enter__(self) -> PatternFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        # ours are KeyErrors, ValueErrors or OSErrors, too
        if isinstance(error, LookupError | OSError | TypeError | ValueError) and not isinstance(error, SeqExplainError):
            raise FileFormatError(
                f"{self.path} is not a file of patterns that can be read: {error.args[0] if error.args else error}"
            ) from error

    @property
    def is_ours(self) -> bool:
        """Whether `write_patterns` wrote it."""
        return OURS in self._file

    def ours(self) -> PatternSet:
        """Return what was written."""
        group = self._file[OURS]
        version = int(group.attrs["format_version"])
        if version > VERSION:
            raise FileFormatError(
                f"{self.path} has version {version} of the layout; this version of seqexplain reads up to {VERSION}. "
                "Install a newer one."
            )
        about = json.loads(group["about"].asstr()[0])
        names = tuple(group["names"].asstr()[:])
        found = {(pattern.sign, k): pattern for pattern, k in self._patterns(_our_pattern)}
        return PatternSet(
            patterns=tuple(found[sign, k] for sign, k in about["order"]),
            method=about["method"],
            parameters=about["parameters"],
            names=names,
            intervals=_intervals(group["intervals"]) if "intervals" in group else None,
            length=about["length"],
            label=about["label"],
            notes=tuple(about["notes"]),
        )

    def foreign(self, source: ContributionSource | None, length: int | None) -> PatternSet:
        """Return what TF-MoDISco wrote; see `read_patterns`."""
        if _OLD in self._file:
            raise FileFormatError(
                f"{self.path} was written by TF-MoDISco before version 2. Turn it into the present layout: "
                f"modisco convert -i {self.path.name} -o new.h5"
            )
        if not any(name in self._file for _, name, _ in GROUPS):
            if "window_size" not in self._file.attrs:
                raise FileFormatError(
                    f"{self.path} has neither pos_patterns nor neg_patterns; expected the HDF5 layout of TF-MoDISco."
                )
            notes = ["the file holds no pattern: TF-MoDISco found none"]
        else:
            notes = []
        window = self._file.attrs.get("window_size")
        window = None if window is None else int(window)
        patterns = [pattern for pattern, _ in self._patterns(_their_pattern)]
        reach = max((int(pattern.end.max()) for pattern in patterns), default=0)
        whole = self._length(source, length, window, reach)
        shift = 0 if window is None else whole // 2 - window // 2
        patterns = [_moved(pattern, shift) for pattern in patterns]
        n = 1 + max((int(pattern.sequence.max()) for pattern in patterns), default=-1)
        if source is None:
            names = tuple(f"sequence_{i}" for i in range(n))
            notes.append("the file names no sequences and no genome intervals; they are called by their numbers")
        elif n > source.n:
            raise ParameterError(
                f"{self.path} has an occurrence in sequence {n - 1}, but {source.description} has only {source.n} "
                "sequences. Give the contributions that TF-MoDISco was given, all of them and in the same order."
            )
        else:
            names = source.names
        if source is None and length is None:
            notes.append("places are counted from the begin of the window that TF-MoDISco looked at")
        return PatternSet(
            patterns=tuple(patterns),
            method="modisco",
            parameters={"file": self.path.name, "window_size": window, "shift": shift},
            names=names,
            intervals=None if source is None else source.intervals,
            length=whole,
            label="" if source is None else source.label,
            notes=tuple(notes),
        )

    def _length(self, source: ContributionSource | None, length: int | None, window: int | None, reach: int) -> int:
        """Return the length of the sequences; occurrences reach up to `reach` in the window."""
        if source is not None:
            if length is not None and length != source.length:
                raise ParameterError(f"length is {length}, but the source has sequences of {source.length} bp.")
            length = source.length
        if length is None:
            return reach if window is None else window
        if isinstance(length, bool) or not isinstance(length, int | np.integer) or length < (window or reach):
            raise ParameterError(
                f"The sequences have length {length!r}, but {self.path} is about a window of {window or reach} bp of "
                "each; give the length of the sequences that TF-MoDISco was given."
            )
        return int(length)

    def _patterns(self, read: Callable[[Any, str, int, str], Pattern]) -> Iterator[tuple[Pattern, int]]:
        """Yield each pattern with its number in its group."""
        for sign, name, stem in GROUPS:
            for k, key in enumerate(_in_order(self._file.get(name, {}), "pattern_")):
                yield read(self._file[name][key], f"{stem}_{k}", sign, f"{self.path}: {name}/{key}"), k


def _in_order(group: Any, stem: str) -> list[str]:
    """Return the groups called `stem` and a number, by that number: names sort 1, 10, 2."""
    keys = [key for key in group if key.startswith(stem) and key[len(stem) :].isdigit()]
    return sorted(keys, key=lambda key: int(key[len(stem) :]))


def _our_pattern(group: Any, _id: str, sign: int, where: str) -> Pattern:
    attributes, seqlets = group.attrs, group["seqlets"]
    parts = [_our_pattern(group[key], "", sign, f"{where}/{key}") for key in _in_order(group, "subpattern_")]
    low, high = (int(edge) for edge in attributes["window"])
    own = slice(low, high)
    strand = np.where(seqlets["is_revcomp"][:], "-", "+")
    return Pattern(
        id=str(attributes["id"]),
        sign=int(attributes["sign"]),
        motif=Motif(str(attributes["motif_id"]), str(attributes["motif_name"]), group["counts"][own]),
        cwm=group["contrib_scores"][own],
        hypothetical_cwm=None if attributes["hypothetical_is_observed"] else group["hypothetical_contribs"][own],
        sequence=seqlets["example_idx"][:],
        start=seqlets["start"][:] + np.where(strand == "-", len(group["counts"]) - high, low),
        strand=strand,
        contribution=seqlets["contribution"][:],
        core=(int(attributes["core"][0]), int(attributes["core"][1])),
        subpatterns=tuple(parts),
    )


def _their_pattern(group: Any, id: str, sign: int, where: str) -> Pattern:
    seqlets = group["seqlets"]
    start, end = (np.asarray(seqlets[name][:], dtype=np.int64) for name in ("start", "end"))
    shares, cwm = np.asarray(group["sequence"][:], dtype=np.float64), np.asarray(group["contrib_scores"][:], np.float64)
    width, size = len(cwm), len(start)
    if size == 0 or np.any(end - start != width):
        raise FileFormatError(
            f"{where} is {width} bp wide and has {size} seqlets of {sorted({int(w) for w in end - start})} bp; "
            "expected one seqlet at least, each as wide as the pattern."
        )
    sites = np.asarray(seqlets["sequence"][:].sum(axis=0), np.float64) if "sequence" in seqlets else shares * size
    # as in our own: a base that is not known is a quarter of each
    counts = sites + np.maximum(size - sites.sum(axis=1, keepdims=True), 0) / 4
    contribution = np.full(size, np.nan)
    if "contrib_scores" in seqlets:
        contribution = np.asarray(seqlets["contrib_scores"][:].sum(axis=(1, 2), dtype=np.float64))
    hypothetical = group["hypothetical_contribs"][:] if "hypothetical_contribs" in group else None
    core = core_of(cwm)
    parts = []
    for k, key in enumerate(_in_order(group, "subpattern_")):
        # what was converted from the old layout has the number of a part's seqlets only
        if "start" in group[key]["seqlets"]:
            parts.append(_their_pattern(group[key], f"{id}.{k}", sign, f"{where}/{key}"))
    motif = Motif(id, "", counts)
    return Pattern(
        id=id,
        sign=sign,
        motif=Motif(id, Motif(id, "", counts[core[0] : core[1]]).consensus, motif.counts),
        cwm=cwm,
        hypothetical_cwm=None if hypothetical is None else np.asarray(hypothetical, dtype=np.float64),
        sequence=np.asarray(seqlets["example_idx"][:], dtype=np.int64),
        start=start,
        strand=np.where(np.asarray(seqlets["is_revcomp"][:], dtype=bool), "-", "+"),
        contribution=contribution,
        core=core,
        subpatterns=tuple(parts),
    )


def _moved(pattern: Pattern, shift: int) -> Pattern:
    parts = tuple(_moved(part, shift) for part in pattern.subpatterns)
    return replace(pattern, start=pattern.start + shift, subpatterns=parts)


def _intervals(group: Any) -> tuple[Interval | None, ...]:
    columns = (group["chromosome"].asstr()[:], group["start"][:], group["end"][:], group["strand"].asstr()[:])
    return tuple(
        Interval(str(chromosome), int(start), int(end), str(strand)) if strand else None
        for chromosome, start, end, strand in zip(*columns, strict=True)
    )
