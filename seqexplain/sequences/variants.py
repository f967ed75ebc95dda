"""Variants: what one is, and reading them from VCF or from a table with named columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from seqexplain.errors import FileFormatError, ParameterError
from seqexplain.sequences._text import check_file, display_name, open_lines

VCF_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_NEEDED = 5  # columns of a VCF line that say what the variant is
_MISSING = (".", "")
_SHOWN = 12  # letters of an allele in a name or a message

_WANTED = "variants as text: VCF, or a table with named columns (of BCF make VCF with 'bcftools view')"
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "chromosome": ("chromosome", "chrom", "chr"),
    "start": ("start",),
    "position": ("position", "pos"),
    "reference": ("ref", "reference"),
    "alternative": ("alt", "alternative", "alternate"),
    "id": ("id", "name"),
}
_TABLE_HINT = (
    "a table needs columns named chromosome, ref, alt and either start (the first base is 0) or pos (the first base "
    "is 1), between tabs or commas"
)


@dataclass(frozen=True)
class Variant:
    """One allele that is to stand in another's place.

    Attributes
    ----------
    chromosome
        As the file has it.
    start
        0-based position of the first base of `reference`; -1 where it could not be read.
    reference, alternative
        Alleles in upper case, as the file has them: also `<DEL>`, `*`, `.` and breakends.
    id
        The file's own name of the variant, or nothing.
    line
        Number of its line, or of its row in a DataFrame, from 1; 0 where it was made in memory.
    allele
        Which of its line's alternative alleles it is, from 1.
    problem
        Why its line could not be read, or nothing.
    """

    chromosome: str
    start: int
    reference: str
    alternative: str
    id: str = ""
    line: int = 0
    allele: int = 1
    problem: str = ""

    @property
    def name(self) -> str:
        """`chromosome:position:ref:alt`, 1-based as in VCF; alleles of more than a dozen bases are shortened."""
        return f"{self.chromosome}:{self.start + 1}:{shortened(self.reference)}:{shortened(self.alternative)}"


@dataclass(frozen=True)
class VariantLine:
    """A line of a file.

    Attributes
    ----------
    number
        From 1.
    text
        The line with its end. In VCF bytes that are no UTF-8 are kept as surrogates.
    variants
        One for each alternative allele, at least one; none for headers, comments and blank lines.
    vcf
        Whether the file was seen to be VCF by then.
    """

    number: int
    text: str
    variants: tuple[Variant, ...] = ()
    vcf: bool = False


def shortened(allele: str) -> str:
    """Return an allele as messages show it.

    Examples
    --------
    >>> shortened("ACG"), shortened("A" * 500)
    ('ACG', 'AAAAAAAAAAAA…(500 bp)')
    """
    return allele if len(allele) <= _SHOWN else f"{allele[:_SHOWN]}…({len(allele)} bp)"


def read_variants(path: str | PathLike[str]) -> Iterator[Variant]:
    """Read variants from a file, one allele at a time.

    Parameters
    ----------
    path
        VCF, with or without its header, or a table whose first line names its columns; plain or compressed (gzip,
        bgzip, bzip2, xz), which is told by the content. In VCF and in a table's column `pos` (or `position`) the first
        base of a chromosome is 1; in a table's column `start` it is 0, as in BED and in all tables that this package
        writes. A table also has `chromosome` (`chrom`, `chr`), `ref` (`reference`), `alt` (`alternative`), and maybe
        `id` (`name`). Blank lines are passed over.

    Yields
    ------
    Variant
        In the order of the file; a line with several alternative alleles gives several. A line that cannot be read
        gives one whose `problem` says why.

    Raises
    ------
    MissingFileError
        Where there is no such file.
    FileFormatError
        Where it is neither VCF nor such a table, holds nothing, or is damaged.
    """
    check_file(path, _WANTED)
    return (variant for line in read_lines(path) for variant in line.variants)


def read_lines(path: str | PathLike[str]) -> Iterator[VariantLine]:
    """Read all lines of a file with the variants that each holds; see `read_variants`."""
    name = display_name(path)
    seen = False
    table: _Table | None = None
    vcf = False
    with open_lines(path, _WANTED, verbatim=True) as numbered:
        for number, text in numbered:
            line = text.rstrip("\r\n")
            if not line.strip():
                yield VariantLine(number, text, (), vcf)
                continue
            seen = True
            if not vcf and table is None:
                vcf = line.startswith(("##fileformat=VCF", "#CHROM\tPOS\tID\tREF\tALT"))
                if not vcf and not line.startswith("##"):
                    vcf = _headerless(line)
                    table = None if vcf else _Table.of_header(line, name, number)
            if vcf and not line.startswith("#"):
                yield VariantLine(number, text, _of_vcf(line, number), vcf)
            elif table is not None and number != table.header:
                yield VariantLine(number, text, table.variants(line, number))
            else:
                yield VariantLine(number, text, (), vcf)
    if not seen:
        raise FileFormatError(f"{name} is empty; expected {_WANTED}.")


def is_vcf(path: str | PathLike[str]) -> bool:
    """Return whether a file is VCF; otherwise it is a table. Raises as `read_variants` does."""
    for line in read_lines(path):
        # remarks may stand before either
        if line.vcf or (line.text.strip() and not line.text.startswith("##")):
            return line.vcf
    return False


def variants_of(given: Any) -> Iterable[Variant]:
    """Return variants, whatever way they are given: a path, a pandas DataFrame, or variants.

    Raises
    ------
    ParameterError
        When it is something else.
    """
    if isinstance(given, str | PathLike):
        return read_variants(given)
    if hasattr(given, "itertuples") and hasattr(given, "columns"):
        table = _Table.of_names([str(c) for c in given.columns], "The table", 0)
        rows = given.itertuples(index=False, name=None)
        cells = ([_cell(value) for value in row] for row in rows)
        return (v for number, row in enumerate(cells, 1) for v in table.of_cells(row, number))
    if isinstance(given, Iterable):
        return map(_checked, given)
    raise ParameterError(
        f"variants is {type(given).__name__}; expected the path of a VCF or a table, a pandas DataFrame, or a list of "
        "Variant."
    )


def _checked(given: Any) -> Variant:
    if not isinstance(given, Variant):
        raise ParameterError(
            f"variants holds {type(given).__name__}; expected Variant(chromosome, start, reference, alternative)."
        )
    return replace(given, reference=given.reference.upper(), alternative=_upper(given.alternative))


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _headerless(line: str) -> bool:
    columns = line.split("\t", _NEEDED)
    return len(columns) >= _NEEDED and columns[1].strip().isdecimal()


def _of_vcf(line: str, number: int) -> tuple[Variant, ...]:
    columns = line.split("\t", _NEEDED)
    if len(columns) < _NEEDED:
        blanks = " Its columns stand between blanks." if len(line.split()) >= _NEEDED else ""
        return (_broken(number, f"the line has {len(columns)} columns; VCF has 8 or more between tabs.{blanks}"),)
    chromosome, position, name, reference, alternatives = (clean(c.strip()) for c in columns[:_NEEDED])
    return _of_columns(chromosome, position, 1, reference, alternatives, name, number)


def _of_columns(
    chromosome: str, position: str, first: int, reference: str, alternatives: str, name: str, number: int
) -> tuple[Variant, ...]:
    """Return the variants of a line, whose positions count from `first`."""
    name = "" if name in _MISSING else name
    if not chromosome:
        return (_broken(number, "the chromosome is empty.", name),)
    # isdecimal() alone lets digits of other scripts pass, which int() reads as well
    if not (position.isascii() and position.isdecimal()):
        return (
            _broken(number, f"the position is {shortened(position)!r}; expected a whole number.", name, chromosome),
        )
    made = Variant(chromosome, int(position) - first, reference.upper(), "", name, number)
    parts = alternatives.split(",") if alternatives else ["."]
    return tuple(replace(made, alternative=_upper(part.strip()), allele=i + 1) for i, part in enumerate(parts))


def _upper(allele: str) -> str:
    # names of symbolic alleles and of other chromosomes keep their case
    return allele if any(c in allele for c in "<>[]:") else allele.upper()


def _broken(number: int, why: str, name: str = "", chromosome: str = "") -> Variant:
    return Variant(chromosome, -1, "", "", name, number, problem=why)


def clean(text: str) -> str:
    """Return text that any file can hold: what was no UTF-8 is replaced."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True)
class _Table:
    """Where the columns of a table are."""

    separator: str
    header: int
    width: int
    places: Mapping[str, int]

    @classmethod
    def of_header(cls, line: str, name: str, number: int) -> _Table:
        separator = next((s for s in ("\t", ",", ";") if s in line), "\t")
        return cls.of_names(next(csv.reader([line], delimiter=separator)), name, number, separator)

    @classmethod
    def of_names(cls, names: Sequence[str], label: str, number: int, separator: str = "\t") -> _Table:
        found = [name.strip().lstrip("#").lower() for name in names]
        places: dict[str, int] = {}
        for key, aliases in _COLUMNS.items():
            fitting = [i for i, name in enumerate(found) if name in aliases]
            if len(fitting) > 1 and key != "id":
                raise FileFormatError(
                    f"{label}: the columns {names[fitting[0]]!r} and {names[fitting[1]]!r} both say the {key}; "
                    "keep one of them."
                )
            if fitting:
                places[key] = fitting[0]
        lacking = [key for key in ("chromosome", "reference", "alternative") if key not in places]
        if lacking or not ("start" in places or "position" in places):
            shown = ", ".join(repr(name) for name in names[:8])
            where = f"{label}, line {number}" if number else label
            raise FileFormatError(
                f"{where}: neither VCF nor a table of variants (it begins with {shown}); {_TABLE_HINT}."
            )
        return cls(separator, number, len(names), places)

    def variants(self, line: str, number: int) -> tuple[Variant, ...]:
        """Return the variants of a line."""
        try:
            cells = next(csv.reader([clean(line)], delimiter=self.separator))
        except csv.Error as error:
            return (_broken(number, f"the line cannot be read ({error})."),)
        if len(cells) != self.width:
            return (_broken(number, f"the line has {len(cells)} columns, the header {self.width}."),)
        return self.of_cells(cells, number)

    def of_cells(self, cells: Sequence[str], number: int) -> tuple[Variant, ...]:
        """Return the variants of a row."""
        cell = {key: cells[place].strip() for key, place in self.places.items()}
        # a table that has both is one of ours, where `start` is what counts
        zero_based = "start" in cell
        position = cell["start"] if zero_based else cell["position"]
        alleles = (cell["reference"], cell["alternative"])
        return _of_columns(cell["chromosome"], position, 0 if zero_based else 1, *alleles, cell.get("id", ""), number)
