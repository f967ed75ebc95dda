"""The two sequences that a model is shown for a variant, or why there are none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

import numpy as np

from seqexplain.errors import ParameterError, SequenceError
from seqexplain.sequences.encoding import describe_character, first_invalid
from seqexplain.sequences.genome import Genome
from seqexplain.sequences.variants import Variant, shortened

Keep = Literal["left", "right", "center"]
VariantEdges = Literal["pad", "skip"]

_PIECE = 1 << 14  # bp of a chromosome that are read at a time, at least: variants next to each other share them
_SHOWN = 3  # chromosome names in a reason
_SHIFTS = (-1, 1)
_MANY = 10  # mismatches before advice is given, and
_MOST = 0.8  # the share of them that has to fit it: one base fits by chance in a quarter


class VariantStatus(StrEnum):
    """What became of an allele."""

    SCORED = "scored"
    MALFORMED = "malformed"
    NO_ALTERNATIVE = "no_alternative"
    SYMBOLIC = "symbolic"
    BREAKEND = "breakend"
    SPANNING_DELETION = "spanning_deletion"
    MISSING_REFERENCE = "missing_reference"
    NOT_BASES = "not_bases"
    SAME_ALLELES = "same_alleles"
    UNKNOWN_CHROMOSOME = "unknown_chromosome"
    OFF_CHROMOSOME = "off_chromosome"
    REFERENCE_UNKNOWN = "reference_unknown"
    REFERENCE_MISMATCH = "reference_mismatch"
    TOO_LONG = "too_long"
    OFF_EDGE = "off_edge"
    MANY_UNKNOWN = "many_unknown"


@dataclass(frozen=True)
class Refusal:
    """Why an allele is not scored."""

    status: VariantStatus
    reason: str


@dataclass(frozen=True)
class AlleleWindow:
    """A window of a genome with either allele.

    Attributes
    ----------
    chromosome
        As the genome has it.
    start
        0-based position of the window's first base, of the one with the reference allele; may lie off the chromosome.
    reference, alternative
        Bases of equal number, upper case.
    offset
        Index of the first base that differs.
    removed, inserted
        Bases of the reference allele from there on, and of the alternative allele, without what both share.
    unknown
        Unknown bases of the window that has more of them.
    note
        What is to be known about it, or nothing.
    """

    chromosome: str
    start: int
    reference: str
    alternative: str
    offset: int
    removed: int
    inserted: int
    unknown: int
    note: str = ""

    @property
    def substitution(self) -> bool:
        """Whether no base moves."""
        return self.removed == self.inserted


class WindowCutter:
    """Cuts the windows of variants out of a genome.

    What both alleles begin or end with is left out first (`CAG` → `CG` removes the A). The window of the reference
    allele has the middle of what is left at index `length // 2`, as the windows of regions have. Where an allele is
    longer or shorter than the other, the window keeps its length: on one side bases fall out of it, or the genome's
    next ones come in.

    Parameters
    ----------
    genome
        The genome.
    length
        Of a window in bp.
    keep
        What stays in its place: everything `"left"` of the variant, so that the side of the higher positions gives way;
        everything `"right"` of it; or its middle, `"center"`: both sides give way by halves, the right one by the odd
        base.
    edges
        A window that runs off its chromosome is filled with N (`"pad"`), or refused (`"skip"`).
    max_unknown
        Most unknown bases (N) of a window; None for any number.

    Raises
    ------
    ParameterError
        When an option makes no sense.
    """

    def __init__(
        self,
        genome: Genome,
        length: int,
        *,
        keep: Keep = "left",
        edges: VariantEdges = "pad",
        max_unknown: int | None = None,
    ) -> None:
        for option, value, kinds in (("keep", keep, Keep), ("edges", edges, VariantEdges)):
            if value not in get_args(kinds):
                choices = ", ".join(repr(kind) for kind in get_args(kinds))
                raise ParameterError(f"{option} is {value!r}; expected one of {choices}.")
        for option, number, least in (("length", length, 1), ("max_unknown", max_unknown, 0)):
            whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
            if number is not None and not (whole and number >= least):
                raise ParameterError(f"{option} is {number!r}; expected a whole number of bp from {least}.")
        self.genome = genome
        self.length = int(length)
        self.keep = keep
        self.edges = edges
        self.max_unknown = max_unknown
        self._names: dict[str, str | Refusal] = {}
        self._piece = ("", 0, "")
        self._mismatches = 0
        self._elsewhere: Counter[int] = Counter()

    def cut(self, variant: Variant) -> AlleleWindow | Refusal:
        """Return the windows of `variant`, or why it has none."""
        refusal = _refuse_alleles(variant)
        if refusal is not None:
            return refusal
        name = self._resolve(variant.chromosome)
        if isinstance(name, Refusal):
            return name
        size = self.genome.length(name)
        start, end = variant.start, variant.start + len(variant.reference)
        if start < 0 or end > size:
            place = f"position {start + 1}" if len(variant.reference) == 1 else f"positions {start + 1}-{end}"
            return Refusal(VariantStatus.OFF_CHROMOSOME, f"{name} has the positions 1-{size}, not {place}.")
        found = self._fetch(name, start, end)
        if found != variant.reference:
            return self._mismatch(variant, name, found)
        if set(found) - set("ACGT"):
            return Refusal(VariantStatus.REFERENCE_UNKNOWN, f"the genome has {shortened(found)} there: unknown bases.")
        return self._window(variant, name, size)

    def advice(self) -> str | None:
        """Return what many reference alleles that do not fit have in common, if anything."""
        if self._mismatches < _MANY:
            return None
        shift, count = max(self._elsewhere.items(), key=lambda item: item[1], default=(0, 0))
        if count < _MOST * self._mismatches:
            return None
        where, mend = {
            -1: ("before", "A table's column 'start' counts from 0; call one that counts from 1 'pos'."),
            1: ("after", "VCF and a table's column 'pos' count from 1; call a column that counts from 0 'start'."),
        }[shift]
        return (
            f"{count} of {self._mismatches} reference alleles that the genome has not at their position stand one base "
            f"{where} it. {mend}"
        )

    def _resolve(self, chromosome: str) -> str | Refusal:
        if chromosome not in self._names:
            try:
                self._names[chromosome] = self.genome.resolve(chromosome)
            except SequenceError:
                names = list(self.genome.lengths)
                more = f", … ({len(names)} in all)" if len(names) > _SHOWN else ""
                self._names[chromosome] = Refusal(
                    VariantStatus.UNKNOWN_CHROMOSOME,
                    f"the genome has no chromosome {chromosome!r}; it has {', '.join(names[:_SHOWN])}{more}.",
                )
        return self._names[chromosome]

    def _fetch(self, chromosome: str, start: int, end: int) -> str:
        name, first, bases = self._piece
        if name != chromosome or start < first or end > first + len(bases):
            first = start - self.length  # alleles of later lines may begin a little earlier
            bases = self.genome.fetch(chromosome, first, max(end, first + max(_PIECE, 4 * self.length)))
            self._piece = (chromosome, first, bases)
        return bases[start - first : end - first]

    def _mismatch(self, variant: Variant, name: str, found: str) -> Refusal:
        start, wanted = variant.start, variant.reference
        self._mismatches += 1
        for shift in _SHIFTS:
            self._elsewhere[shift] += self._fetch(name, start + shift, start + shift + len(wanted)) == wanted
        swapped = " That is the alternative allele: are the two swapped?" if found == variant.alternative else ""
        return Refusal(
            VariantStatus.REFERENCE_MISMATCH,
            f"the genome has {shortened(found)} there, not {shortened(wanted)}.{swapped}",
        )

    def _fits(self, offset: int, shift: int, removed: str, inserted: str) -> bool:
        """Return whether both alleles lie in the window whole."""
        longest = max(len(removed), len(inserted))
        return longest <= self.length and shift <= offset <= self.length + shift - len(inserted)

    def _window(self, variant: Variant, name: str, size: int) -> AlleleWindow | Refusal:
        start, removed, inserted = trimmed(variant)
        offset = self.length // 2 - len(removed) // 2
        first = start - offset
        growth = len(inserted) - len(removed)
        shift = _leaving(self.keep, growth)
        if not self._fits(offset, shift, removed, inserted):
            longest = max(len(removed), len(inserted))
            what = f"an allele of {longest} bp does not fit a window of {self.length} bp"
            kinds = [k for k in get_args(Keep) if self._fits(offset, _leaving(k, growth), removed, inserted)]
            mend = " or ".join(f'keep="{k}" (--keep {k})' for k in kinds)
            how = f' with keep="{self.keep}"; it does with {mend}.' if kinds else "."
            return Refusal(VariantStatus.TOO_LONG, what + how)
        after = offset - shift + len(inserted)
        reference = self._fetch(name, first, first + self.length)
        left = self._fetch(name, first + shift, start)
        follows = start + len(removed)
        alternative = left + inserted + self._fetch(name, follows, follows + self.length - after)
        for bases in (reference, alternative):
            bad = first_invalid(bases)
            if bad is not None:
                what = f"the genome has {describe_character(bases[bad])} in the window, which is no base."
                return Refusal(VariantStatus.REFERENCE_UNKNOWN, what)
        ends = (first, first + self.length), (first + shift, follows + self.length - after)
        off = max(max(-low, 0) + max(high - size, 0) for low, high in ends)
        unknown = self.length - min(sum(map(bases.count, "ACGT")) for bases in (reference, alternative))
        if off and self.edges == "skip":
            return Refusal(VariantStatus.OFF_EDGE, f"the window runs {off} bp off {name}, which has {size} bp.")
        if self.max_unknown is not None and unknown > self.max_unknown:
            return Refusal(
                VariantStatus.MANY_UNKNOWN, f"{unknown} of {self.length} bp of the window are unknown bases."
            )
        notes = [f"the window runs {off} bp off {name}: filled with N." if off else ""]
        notes += [f"{unknown - off} bp of the window are unknown bases." if unknown > off else ""]
        note = " ".join(filter(None, notes))
        return AlleleWindow(name, first, reference, alternative, offset, len(removed), len(inserted), unknown, note)


def _leaving(keep: Keep, growth: int) -> int:
    """Return how many bases leave the window on its left where an allele is `growth` bases longer."""
    return {"left": 0, "right": growth, "center": int(growth / 2)}[keep]


def trimmed(variant: Variant) -> tuple[int, str, str]:
    """Return start and alleles of a variant without what both end with, and then what both begin with.

    Examples
    --------
    >>> trimmed(Variant("chr1", 99, "CAG", "CG"))
    (100, 'A', '')
    """
    reference, alternative = variant.reference, variant.alternative
    shortest = min(len(reference), len(alternative))
    behind = 0
    while behind < shortest and reference[-1 - behind] == alternative[-1 - behind]:
        behind += 1
    shortest -= behind
    before = 0
    while before < shortest and reference[before] == alternative[before]:
        before += 1
    return (
        variant.start + before,
        reference[before : len(reference) - behind],
        alternative[before : len(alternative) - behind],
    )


def _refuse_alleles(variant: Variant) -> Refusal | None:
    """Say what cannot be scored whatever the genome is."""
    reference, alternative = variant.reference, variant.alternative
    if variant.problem:
        return Refusal(VariantStatus.MALFORMED, variant.problem)
    if alternative in (".", ""):
        return Refusal(VariantStatus.NO_ALTERNATIVE, "there is no alternative allele.")
    if alternative == "*":
        return Refusal(VariantStatus.SPANNING_DELETION, "the allele is missing because of another line's deletion.")
    if alternative.startswith("<"):
        return Refusal(VariantStatus.SYMBOLIC, f"{shortened(alternative)} names an allele without its bases.")
    if "[" in alternative or "]" in alternative or alternative[0] == "." or alternative[-1] == ".":
        return Refusal(VariantStatus.BREAKEND, f"{alternative[:40]} joins another place of the genome.")
    if reference in (".", ""):
        return Refusal(VariantStatus.MISSING_REFERENCE, "there is no reference allele.")
    for which, allele, allowed in (("reference", reference, "ACGTN"), ("alternative", alternative, "ACGT")):
        bad = allele.strip(allowed)
        if bad:
            letter = describe_character(bad[0])
            return Refusal(VariantStatus.NOT_BASES, f"the {which} allele has {letter}; expected A, C, G and T.")
    if reference == alternative:
        return Refusal(VariantStatus.SAME_ALLELES, "the alternative allele is the reference allele.")
    return None
