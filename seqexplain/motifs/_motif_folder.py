"""A folder with all that is known of the motifs that were found: written whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqexplain.errors import FileFormatError, MissingFileError, StorageError
from seqexplain.motifs._bed_text import write_table
from seqexplain.motifs._pattern_files import read_patterns, write_patterns
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.motifs._write_motifs import write_motifs
from seqexplain.storage import jsonable
from seqexplain.storage._files import storage_errors
from seqexplain.storage._lock import writer_lock

if TYPE_CHECKING:
    from seqexplain.motifs._motif_matches import MotifMatches

FORMAT, FORMAT_VERSION = "seqexplain-motifs", 1
SUMMARY, PATTERNS = "motifs.json", "motifs.h5"
LOGOS_DRAWN = 30  # patterns in the picture


def save_motifs(
    patterns: PatternSet,
    folder: str | Path,
    source: Any,
    *,
    matches: MotifMatches | None = None,
    target: int | str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write motifs into a folder.

    Parameters
    ----------
    patterns
        The motifs; there may be none.
    folder
        Where to; appears whole or not at all.
    source
        The contributions they were found in: anything `open_contributions` takes.
    matches
        With motifs of a database, as `match_motifs` gives them.
    target
        Which of several targets of the source; by default the one that the patterns name.
    overwrite
        Whether a folder that this function wrote before may be replaced; another one never is.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    StorageError
        When the folder exists, is being written by another process, or cannot be written.
    ParameterError
        When the patterns were not found in this source.

    Notes
    -----
    ===================  ====================================================================================
    file                 holds
    ===================  ====================================================================================
    `motifs.tsv`         a line a motif: name, occurrences, consensus, information, contribution, …
    `matches.tsv`        the best matches of each motif with p-, q- and E-values (with a database)
    `occurrences.tsv`    a line for each occurrence the motifs are made of, on sequence and genome
    `motifs.meme`        base frequencies of the cores, for Tomtom, FIMO and the like
    `motifs.h5`          everything, in TF-MoDISco's layout: `modisco report`, Fi-NeMo and `load_motifs` read it
    `logos.svg`, `.png`  contributions and base frequencies of the first 30
    `motifs.json`        method, parameters, notes, names and the version that wrote it
    `subpatterns.*`      table, matrices and logos of the parts of motifs that have been divided, if any has
    ===================  ====================================================================================
    """
    place = Path(folder).expanduser()
    with _fresh_folder(place, overwrite=overwrite) as inside:
        write_patterns(patterns, inside / PATTERNS, source, target=target)
        write_table(patterns.to_table(), inside / "motifs.tsv")
        write_table(patterns.occurrences_table(), inside / "occurrences.tsv")
        if matches is not None:
            write_table(matches.to_table(), inside / "matches.tsv")
        if len(patterns):
            write_motifs(patterns.motifs, inside / "motifs.meme")
            _draw(patterns, inside, "logos")
        parts = patterns.subpatterns()
        if len(parts):
            write_table(parts.to_table(), inside / "subpatterns.tsv")
            write_motifs(parts.motifs, inside / "subpatterns.meme")
            _draw(parts, inside, "subpatterns")
        summary = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "seqexplain": version("seqexplain"),
            "method": patterns.method,
            "parameters": jsonable(dict(patterns.parameters), "parameters"),
            "target": patterns.label,
            "sequences": patterns.n_sequences,
            "patterns": [pattern.id for pattern in patterns],
            "labels": dict(patterns.labels),
            "notes": list(patterns.notes),
        }
        (inside / SUMMARY).write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return place


def _draw(patterns: PatternSet, folder: Path, name: str) -> None:
    from seqexplain.plot import save_figure

    drawn = patterns.plot(largest=LOGOS_DRAWN)
    for suffix in ("svg", "png"):
        save_figure(drawn[0][0], folder / f"{name}.{suffix}")


def load_motifs(path: str | Path, source: Any = None, *, target: int | str | None = None) -> PatternSet:
    """Read motifs back: a folder of `save_motifs`, or an HDF5 file of `write_patterns` or TF-MoDISco.

    Parameters
    ----------
    path
        The folder, or the file.
    source, target
        As in `read_patterns`; needed for files of TF-MoDISco only.

    Returns
    -------
    PatternSet
        With `labels`, where a folder has them.

    Raises
    ------
    MissingFileError
        When nothing stands there.
    FileFormatError
        When it is neither.
    """
    place = Path(path).expanduser()
    if not place.exists():
        raise MissingFileError(f"There is no {place}; expected a folder of `seqexplain motifs`, or an HDF5 file.")
    if not place.is_dir():
        return read_patterns(place, source, target=target)
    summary = _summary(place)
    if summary is None:
        raise FileFormatError(
            f"{place} is no folder of motifs: it has no {SUMMARY} of ours. Give one that `seqexplain motifs` wrote."
        )
    found = read_patterns(place / PATTERNS, source, target=target)
    labels = summary.get("labels", {})
    if not isinstance(labels, dict):
        raise FileFormatError(
            f"{place / SUMMARY} is damaged: labels are {labels!r}; expected names by the motifs' ids."
        )
    return replace(found, labels=labels)


def refuse_motif_folder(folder: Path, *, overwrite: bool) -> None:
    """Raise StorageError where `save_motifs` may not write `folder`, with or without `overwrite`.

    Raises
    ------
    StorageError
        When something else stands there, or the folder it is to stand in does not exist.
    """
    place = Path(folder).expanduser()
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        if not place.is_dir() or _summary(place) is None:
            raise StorageError(
                f"{place} exists and is not a folder of motifs; it is never overwritten. Choose another path, or "
                "remove it yourself."
            )
        if not overwrite:
            raise StorageError(f"{place} exists already; choose another name, or pass overwrite=True (--overwrite).")
    if not place.absolute().parent.is_dir():
        raise StorageError(f"Cannot write {place}: the folder {place.absolute().parent} does not exist. Make it first.")


def _summary(folder: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError, AttributeError):
        found = json.loads((folder / SUMMARY).read_text("utf-8"))
        if found.get("format") == FORMAT:
            return dict(found)
    return None


@contextmanager
def _fresh_folder(place: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give an empty folder beside `place`, which takes its place when all went well, and goes when not.

    One process at a time writes a place, as it holds a lock that goes with it, however it ends; so whatever lies beside
    the place was left by one that was killed, and goes as well.
    """
    refuse_motif_folder(place, overwrite=overwrite)
    absolute = place.resolve()  # of a link, what it leads to
    staged, retired = (absolute.with_name(f".{absolute.name}.seqexplain-{state}") for state in ("new", "old"))
    with _named_as(place, absolute), writer_lock(absolute), storage_errors(place):
        refuse_motif_folder(place, overwrite=overwrite)  # another process may have written it since
        try:
            _clear(staged)
            staged.mkdir()
            with _named_as(place, staged):
                yield staged
            if absolute.exists():
                _clear(retired)
                absolute.rename(retired)
            staged.rename(absolute)
            _clear(retired)
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def _clear(leftover: Path) -> None:
    if leftover.is_dir():
        shutil.rmtree(leftover)


@contextmanager
def _named_as(place: Path, inside: Path) -> Iterator[None]:
    """Let errors name the place that was asked for, where they name the one that is written to."""
    try:
        yield
    except StorageError as error:
        if str(inside) == str(place) or str(inside) not in str(error):
            raise
        raise StorageError(str(error).replace(str(inside), str(place))) from error
