"""Read motif matrices from JASPAR and MEME files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seqexplain.errors import FileFormatError, MissingFileError, ShapeError
from seqexplain.motifs._matrices import Motif

MEME_SITES = 20.0  # what a MEME file means when it does not say how many sites a matrix comes from

_LABELLED = re.compile(r"^([ACGTU])\s*[:|]?\s*\[?(.*?)\]?$", re.IGNORECASE)
_MEME_FIELD = re.compile(r"(alength|w|nsites)\s*=\s*(\S+)", re.IGNORECASE)


def read_motifs(path: str | Path) -> list[Motif]:
    """Read all motifs of a file.

    Parameters
    ----------
    path
        A file in JASPAR format (`>id name`, then four rows, labelled A C G T or bare, or one row of four
        numbers a position) or in minimal MEME format. Which of them it is shows in the file, not in its name.

    Returns
    -------
    list of Motif
        In the file's order. The probabilities of a MEME file become counts: times `nsites`, or 20 without it.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FileFormatError
        When the file is neither, is empty, or a matrix cannot be read; names file and line.

    References
    ----------
    Castro-Mondragon JA et al. (2022). JASPAR 2022. Nucleic Acids Res. 50:D165.
    Bailey TL, Johnson J, Grant CE, Noble WS (2015). The MEME Suite. Nucleic Acids Res. 43:W39.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"There is no motif file {str(path)!r}; expected a JASPAR or MEME file.")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{path} is not a text file; expected a JASPAR or MEME file. Unpack it first if it is compressed."
        ) from error
    first = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), "")
    if first.startswith(">"):
        blocks = _jaspar_blocks(lines)
    elif first.upper().startswith("MEME"):
        blocks = _meme_blocks(lines, path)
    else:
        raise FileFormatError(f"{path} begins with {first[:40]!r}; expected '>' (JASPAR) or 'MEME version' (MEME).")
    motifs = [block.motif(path) for block in blocks]
    if not motifs:
        raise FileFormatError(f"{path} holds no motif; expected one at least.")
    return motifs


@dataclass
class _Block:
    """One motif as it stands in a file: a header and rows of numbers, with where they stand (1-based)."""

    line: int
    id: str
    name: str
    rows: list[tuple[int, str]] = field(default_factory=list)
    n_sites: float | None = None  # set for probabilities
    width: int | None = None

    def motif(self, path: Path) -> Motif:
        if not self.rows:
            raise FileFormatError(f"{path}, line {self.line}: motif {self.id!r} has no matrix.")
        if self.n_sites is not None:
            counts = self._positions(path, scale=self.n_sites)
        elif self.rows[0][1][0].isalpha():
            counts = self._labelled(path)
        else:
            counts = self._bare(path)
        try:
            return Motif(self.id, self.name, counts)  # type: ignore[arg-type]  # it makes the array
        except ShapeError as error:
            raise FileFormatError(f"{path}, line {self.line}: {error}") from error

    def _positions(self, path: Path, scale: float = 1.0) -> list[list[float]]:
        rows = [_numbers(path, line, text) for line, text in self.rows]
        for (line, text), row in zip(self.rows, rows, strict=True):
            if len(row) != 4:
                raise FileFormatError(
                    f"{path}, line {line}: {text!r} has {len(row)} numbers; expected 4 a position, order A C G T."
                )
        if self.width is not None and self.width != len(rows):
            raise FileFormatError(
                f"{path}, line {self.line}: motif {self.id!r} says w= {self.width} but has {len(rows)} rows."
            )
        return [[value * scale for value in row] for row in rows]

    def _labelled(self, path: Path) -> list[list[float]]:
        bases: dict[str, list[float]] = {}
        for line, text in self.rows:
            match = _LABELLED.match(text)
            if match is None:
                raise FileFormatError(f"{path}, line {line}: {text[:40]!r}; expected a row such as 'A [ 1 0 3 ]'.")
            base = match[1].upper().replace("U", "T")
            if base in bases:
                raise FileFormatError(f"{path}, line {line}: a second row for {base} in motif {self.id!r}.")
            bases[base] = _numbers(path, line, match[2])
        if set(bases) != set("ACGT"):
            missing = ", ".join(sorted(set("ACGT") - set(bases)))
            raise FileFormatError(f"{path}, line {self.line}: motif {self.id!r} has no row for {missing}.")
        return self._transposed(path, [bases[base] for base in "ACGT"])

    def _bare(self, path: Path) -> list[list[float]]:
        rows = [_numbers(path, line, text) for line, text in self.rows]
        square = len(rows) == 4 and all(len(row) == 4 for row in rows)
        if square:
            raise FileFormatError(
                f"{path}, line {self.line}: motif {self.id!r} is 4 rows of 4 bare numbers: bases or "
                f"positions. Label the rows: 'A [ … ]', 'C [ … ]', 'G [ … ]', 'T [ … ]'."
            )
        if len(rows) == 4:
            return self._transposed(path, rows)
        return self._positions(path)

    def _transposed(self, path: Path, rows: list[list[float]]) -> list[list[float]]:
        lengths = [len(row) for row in rows]
        if len(set(lengths)) != 1:
            raise FileFormatError(
                f"{path}, line {self.line}: the rows of motif {self.id!r} have {lengths} numbers; expected "
                f"as many each."
            )
        return [list(position) for position in zip(*rows, strict=True)]


def _numbers(path: Path, line: int, text: str) -> list[float]:
    try:
        return [float(word) for word in text.split()]
    except ValueError as error:
        raise FileFormatError(f"{path}, line {line}: {text[:40]!r} is not a row of numbers ({error}).") from error


def _identity(words: list[str]) -> tuple[str, str]:
    """Id and name: without a name the id serves as both."""
    return words[0], words[1] if len(words) > 1 else words[0]


def _jaspar_blocks(lines: list[str]) -> Iterator[_Block]:
    block: _Block | None = None
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith(">"):
            if block is not None:
                yield block
            block = _Block(number, *_identity(text[1:].split() or [f"motif_{number}"]))
        elif block is not None:
            block.rows.append((number, text))
    if block is not None:
        yield block


def _meme_blocks(lines: list[str], path: Path) -> Iterator[_Block]:
    block: _Block | None = None
    reading = False  # inside a probability matrix
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        lowered = text.lower()
        if lowered.startswith("alphabet") and text.split("=")[-1].strip().upper() not in {"ACGT", "ACGU"}:
            raise FileFormatError(f"{path}, line {number}: {text!r}; expected ALPHABET= ACGT.")
        if text.startswith("MOTIF"):
            if block is not None:
                yield block
            block = _Block(number, *_identity(text.split()[1:] or [f"motif_{number}"]), n_sites=MEME_SITES)
            reading = False
        elif lowered.startswith("letter-probability matrix") and block is not None:
            _read_matrix_line(block, text, path, number)
            reading = True
        elif reading and block is not None:
            if text and (text[0].isdigit() or text[0] in ".-+"):
                block.rows.append((number, text))
            elif block.rows:  # a blank line, a URL or a rule ends the matrix
                reading = False
    if block is not None:
        yield block


def _read_matrix_line(block: _Block, text: str, path: Path, number: int) -> None:
    fields = {key.lower(): value for key, value in _MEME_FIELD.findall(text)}
    try:
        if int(fields.get("alength", 4)) != 4:
            raise FileFormatError(f"{path}, line {number}: alength= {fields['alength']}; expected 4, for DNA.")
        block.width = int(fields["w"]) if "w" in fields else None
        sites = float(fields.get("nsites", MEME_SITES))
    except ValueError as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{path}, line {number}: {text!r} has a field that is no number.") from error
    block.n_sites = sites if sites > 0 else MEME_SITES
