"""One motif as it stands in a file, and how its rows become a matrix: orientation, counts or probabilities, sums."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import FileFormatError, ShapeError
from seqexplain.motifs._matrices import Kind, Motif

_SEQUENCE = set("ACGTUN ")  # letters of what is no matrix but a sequence

ASSUMED_SITES = 20.0  # what a MEME file means when it does not say how many sites a matrix comes from

LAST_PLACES = 4  # four numbers, each off by one in its last decimal at most: so much a sum of probabilities may be off
LEAST_TOLERANCE = 1e-5  # sums of numbers in single precision
MOST_TOLERANCE = 0.05  # with one decimal or none the last place says too little

Matrix = NDArray[np.float64]

_LABELLED = re.compile(r"^([A-Z])\s*[:|]?\s*\[?\s*(.*?)\s*\]?$", re.IGNORECASE)


@dataclass
class Row:
    """A line of a matrix: where it stands (1-based), its letter if it has one, and its numbers as written."""

    line: int
    letter: str
    words: list[str]


@dataclass
class Block:
    """A motif in a file: header and rows.

    Attributes
    ----------
    path, line
        File, and the header's line (1-based).
    rows
        As they stand.
    order
        Set where the file names its columns: each row is a position, with the bases in this order.
    n_sites
        Set where the numbers are probabilities (0 where their number of sites is not told); None: they may be either.
    width
        What the file says it is.
    """

    path: Path
    line: int
    id: str
    name: str
    rows: list[Row] = field(default_factory=list)
    order: str | None = None
    n_sites: float | None = None
    width: int | None = None
    annotations: dict[str, str] = field(default_factory=dict)

    def add(self, line: int, text: str) -> None:
        """Take a row as it stands, with or without a letter."""
        match = _LABELLED.match(text)
        letter, numbers = (match[1].upper().replace("U", "T"), match[2]) if match else ("", text.strip("[] \t"))
        self.rows.append(Row(line, letter, numbers.replace(",", " ").split()))

    def fault(self, message: str, line: int | None = None) -> FileFormatError:
        """Return an error that names file and line."""
        return FileFormatError(f"{self.path}, line {line or self.line}: {message}")

    def motif(self, *, normalise: bool) -> Motif:
        """Return the motif, or raise FileFormatError naming file, line, motif and position."""
        if not self.rows:
            raise self.fault(f"motif {self.id!r} has no matrix.")
        values = self._matrix([self._numbers(row) for row in self.rows])
        if self.width is not None and self.width != len(values):
            raise self.fault(f"motif {self.id!r} says w= {self.width} but has {len(values)} rows.")
        kind: Kind = "counts"
        try:
            if self.n_sites is not None or self._probabilities(values):
                values = self._checked(values, normalise) * (self.n_sites or ASSUMED_SITES)
                kind = "counts" if self.n_sites else "probabilities"
            return Motif(self.id, self.name, values, kind=kind, annotations=self.annotations)
        except ShapeError as error:
            raise self.fault(str(error)) from error

    def _matrix(self, numbers: list[list[float]]) -> Matrix:
        """Return the numbers as (position, base), A C G T."""
        if self._by_position(numbers):
            values = np.array(numbers, dtype=np.float64)
            order = list(self.order or "ACGT")
        else:
            values = np.array(numbers, dtype=np.float64).T
            order = [row.letter for row in self.rows] if self.rows[0].letter else list("ACGT")
        return values[:, [order.index(base) for base in "ACGT"]]

    def _probabilities(self, values: Matrix) -> bool:
        """Tell probabilities from counts: none above 1, and some between 0 and 1, or all positions sum to 1.

        Whole numbers without a decimal point are counts, also those of a single site.
        """
        if not np.all(values <= 1 + MOST_TOLERANCE):
            return False
        written = any("." in word or "e" in word.lower() for row in self.rows for word in row.words)
        return bool(np.any(values % 1 != 0)) or (written and bool(np.all(values.sum(axis=1) == 1)))

    def _numbers(self, row: Row) -> list[float]:
        try:
            return [float(word) for word in row.words]
        except ValueError as error:
            text = " ".join(row.words)
            if len(text) > 1 and not set(text.upper()) - _SEQUENCE:
                raise self.fault(
                    f"{text[:40]!r} is a sequence, not a row of numbers; expected a file of motifs (MEME, JASPAR, "
                    "TRANSFAC, HOMER or plain matrices). Is it FASTA?",
                    row.line,
                ) from error
            raise self.fault(f"{text[:40]!r} is not a row of numbers ({error}).", row.line) from error

    def _by_position(self, numbers: list[list[float]]) -> bool:
        """Tell whether a row is a position (four numbers) or a base (as many as there are positions)."""
        letters = [row.letter for row in self.rows]
        fours = all(len(row) == 4 for row in numbers)
        if self.order is not None or self.n_sites is not None:
            self._refuse_other_than_four(numbers)
            return True
        if any(letters) and not fours:
            self._refuse_wrong_labels(letters)
            self._refuse_uneven(numbers)
            return False
        if len(numbers) != 4:
            self._refuse_other_than_four(numbers)
            return True
        if not fours:
            self._refuse_uneven(numbers)
            return False
        if sorted(letters) == list("ACGT"):
            # rows of bases, unless each row sums to 1: then they are positions with the consensus in front
            return _ones(np.sum(numbers, axis=1)) and not _ones(np.sum(numbers, axis=0))
        if any(letters):
            return True
        rows, columns = _ones(np.sum(numbers, axis=1)), _ones(np.sum(numbers, axis=0))
        if rows == columns:
            raise self.fault(
                f"motif {self.id!r} is 4 rows of 4 bare numbers: bases or positions. Label the rows: "
                f"'A [ … ]', 'C [ … ]', 'G [ … ]', 'T [ … ]'."
            )
        return rows

    def _refuse_other_than_four(self, numbers: list[list[float]]) -> None:
        for row, values in zip(self.rows, numbers, strict=True):
            if len(values) != 4:
                raise self.fault(
                    f"{' '.join(row.words)!r} has {len(values)} numbers; expected 4 a position, order A C G T.",
                    row.line,
                )

    def _refuse_wrong_labels(self, letters: list[str]) -> None:
        seen: set[str] = set()
        for row in self.rows:
            if row.letter not in set("ACGT"):
                text = " ".join([row.letter, *row.words])
                raise self.fault(f"{text[:40]!r}; expected a row such as 'A [ 1 0 3 ]'.", row.line)
            if row.letter in seen:
                raise self.fault(f"a second row for {row.letter} in motif {self.id!r}.", row.line)
            seen.add(row.letter)
        if len(seen) != 4:
            missing = ", ".join(sorted(set("ACGT") - seen))
            raise self.fault(f"motif {self.id!r} has no row for {missing}.")

    def _refuse_uneven(self, numbers: list[list[float]]) -> None:
        lengths = [len(row) for row in numbers]
        if len(set(lengths)) != 1:
            raise self.fault(f"the rows of motif {self.id!r} have {lengths} numbers; expected as many each.")

    def _checked(self, values: Matrix, normalise: bool) -> Matrix:
        """Return probabilities as they are, where each position sums to 1 within what rounding explains."""
        decimals = max(_decimals(word) for row in self.rows for word in row.words)
        tolerance = min(max(LAST_PLACES * 10.0**-decimals, LEAST_TOLERANCE), MOST_TOLERANCE)
        sums = values.sum(axis=1)
        off = np.flatnonzero(~(np.abs(sums - 1) <= tolerance + 1e-12))  # 1 - 0.996 is a little more than 0.004
        below = np.argwhere(~(values >= 0))  # NaN, too
        position = int(below[0, 0] if len(below) else off[0] if off.size else 0)
        line = self.rows[position].line if len(self.rows) == len(values) else self.line
        if len(below):
            base = "ACGT"[int(below[0, 1])]
            raise self.fault(
                f"motif {self.id!r} has {values[position, below[0, 1]]:g} for {base} at position {position}; expected "
                "probabilities of at least 0. Turn log-odds back into them first.",
                line,
            )
        if off.size == 0:
            return values
        if normalise and np.all(sums > 0):
            return np.asarray(values / sums[:, None])
        if (empty := np.flatnonzero(sums == 0)).size:
            position = int(empty[0])
            raise self.fault(
                f"motif {self.id!r}, position {position}: all probabilities are 0; expected a sum of 1. Take the "
                "position out, or write 0.25 for each base where nothing is known.",
                self.rows[position].line if len(self.rows) == len(values) else self.line,
            )
        raise self.fault(
            f"motif {self.id!r}, position {position}: the probabilities sum to {sums[position]:.6g}; expected 1 within "
            f"{tolerance:g}, as far as rounding to {decimals} decimals explains. Mend the file, or divide each "
            f"position by its sum: read_motifs(path, normalise=True).",
            line,
        )


def _ones(sums: Matrix) -> bool:
    return bool(np.all(np.abs(sums - 1) <= MOST_TOLERANCE))


def _decimals(word: str) -> int:
    """Return how many decimals a number is written with: 2 for 0.25, 3 for 2.5e-2."""
    mantissa, _, exponent = word.lower().partition("e")
    return max(len(mantissa.partition(".")[2]) - int(exponent or 0), 0)
