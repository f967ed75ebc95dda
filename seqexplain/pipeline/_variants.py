"""The long job on variants: scored block by block, each kept at once, so that an interrupted job goes on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seqexplain.errors import StorageError
from seqexplain.pipeline._kept_blocks import KeptBlocks
from seqexplain.pipeline._progress import in_words, progress_of
from seqexplain.pipeline._source import SequenceSource, file_digests
from seqexplain.results import Interval
from seqexplain.sequences import SequenceRecord, UniqueNames, VariantStatus
from seqexplain.sequences.variant_windows import AlleleWindow
from seqexplain.sequences.variants import Variant, read_lines
from seqexplain.storage import jsonable

if TYPE_CHECKING:
    from seqexplain.perturbation import VariantEffects, VariantScorer

_log = logging.getLogger("seqexplain.pipeline")

BLOCK_ALLELES = 2048  # kept together, and lost together when the job is killed
_ARRAYS = ("reference", "alternative", "difference", "log2_fold_change", "logit_difference", "unknown_bases")


@dataclass(frozen=True)
class VariantFile:
    """What the first pass over a file of variants found.

    Attributes
    ----------
    path
        The file.
    lines, alleles
        How many lines hold variants, and how many alleles they have.
    digest
        SHA-256 of the file.
    """

    path: Path
    lines: int
    alleles: int
    digest: str


def survey_variants(path: str | Path) -> VariantFile:
    """Return what is in the file of variants at `path`, read once; see `read_variants` for what is raised."""
    path = Path(path)
    lines = alleles = 0
    for line in read_lines(path):
        lines += bool(line.variants)
        alleles += len(line.variants)
    return VariantFile(path, lines, alleles, next(iter(file_digests((path,)).values())))


class VariantRun:
    """A job on a file of variants that can be gone on with; whoever has one holds the lock of its output.

    Parameters
    ----------
    found
        The file.
    out
        The table that is to be made; what is found meanwhile stands beside it.
    """

    def __init__(self, found: VariantFile, out: Path) -> None:
        self.found = found
        self._kept = KeptBlocks(out, "variants")
        self._out = out
        self._block = BLOCK_ALLELES

    @property
    def stored(self) -> dict[str, Any] | None:
        """What describes the unfinished job that stands there, if one does."""
        return self._kept.stored

    def score(self, scorer: VariantScorer, *, overwrite: bool = False, progress: bool = True) -> None:
        """Score all blocks that are not there.

        Parameters
        ----------
        scorer
            What scores.
        overwrite
            Whether an unfinished job with other choices is discarded.
        progress
            Whether to show it.

        Raises
        ------
        StorageError
            When an unfinished job of other choices stands there, or the disk cannot be written.
        """
        began = time.monotonic()
        self._kept.begin(self._describe(scorer), overwrite=overwrite)
        self._block = min(scorer.block, BLOCK_ALLELES)
        total = self.found.alleles
        here = [i for i in range(-(-total // self._block)) if self._kept.has(i)]
        done = sum(min(self._block, total - i * self._block) for i in here)
        if done:
            _log.info("%s: going on after %d of %d alleles.", self._out, done, total)
        with progress_of("scoring", total, done, shown=progress, unit="alleles") as advance:
            for index, variants in enumerate(self._blocks()):
                if not self._kept.has(index):
                    self._write(index, scorer.effects(variants, advance=advance))
        if next(iter(file_digests((self.found.path,)).values())) != self.found.digest:
            self.discard()  # which blocks saw the old file and which the new one, nobody knows
            raise StorageError(
                f"{self.found.path} changed while it was read. What was found meanwhile is discarded; run the same "
                "command again when the file stays as it is."
            )
        if done < total:
            _log.info("%d alleles scored in %s.", total - done, in_words(time.monotonic() - began))

    def parts(self, scorer: VariantScorer) -> Iterator[VariantEffects]:
        """Yield what `scorer` found, block by block, in the order of the file; at least one part."""
        from seqexplain.perturbation import VariantEffects

        some = False
        for index, variants in enumerate(self._blocks()):
            some = True
            kept: dict[str, Any] = self._kept.read(index)
            yield VariantEffects(
                variants=tuple(variants),
                status=tuple(VariantStatus(word) for word in kept.pop("status").tolist()),
                reasons=tuple(kept.pop("reasons").tolist()),
                targets=scorer.targets,
                level=scorer.options.level,
                **kept,
            )
        if not some:
            yield scorer.effects([])

    def windows(self, scorer: VariantScorer) -> SequenceSource:
        """Return as sequences the windows of all alleles that `scorer` scores: the reference allele's, the other's."""

        def records() -> Iterator[SequenceRecord]:
            names = UniqueNames()
            for variants in self._blocks():
                for variant in variants:
                    window = scorer.cutter.cut(variant)
                    if isinstance(window, AlleleWindow):
                        yield from _pair(names.take(variant.name), window)

        return SequenceSource(records, f"{self.found.path} on {scorer.cutter.genome.path}", (self.found.path,))

    def discard(self) -> None:
        """Remove what was kept: the results are where they belong."""
        self._kept.discard()

    # --- inner parts ---------------------------------------------------------------------------------------------

    def _blocks(self) -> Iterator[list[Variant]]:
        variants = (variant for line in read_lines(self.found.path) for variant in line.variants)
        while block := list(islice(variants, self._block)):
            yield block

    def _describe(self, scorer: VariantScorer) -> dict[str, Any]:
        genome = Path(scorer.cutter.genome.path)
        return {
            "parameters": jsonable(scorer.parameters, "parameters"),
            "run": {
                "variants_sha256": self.found.digest,
                # a digest of a whole genome would take longer than most jobs
                "genome": {"bytes": genome.stat().st_size, "modified": genome.stat().st_mtime_ns},
                "block": min(scorer.block, BLOCK_ALLELES),
                "provenance": jsonable(scorer.provenance, "provenance"),
            },
        }

    def _write(self, index: int, part: VariantEffects) -> None:
        words = {
            "status": np.array([status.value for status in part.status]),
            "reasons": np.array(part.reasons),
        }
        self._kept.write(index, words | {name: getattr(part, name) for name in _ARRAYS})


def _pair(name: str, window: AlleleWindow) -> Iterator[SequenceRecord]:
    place = Interval(window.chromosome, window.start, window.start + len(window.reference))
    # where bases move, those of the window with the alternative allele have no one place
    moved = place if window.substitution else None
    yield SequenceRecord(f"{name}|ref", window.reference, interval=place)
    yield SequenceRecord(f"{name}|alt", window.alternative, interval=moved)
