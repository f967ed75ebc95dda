"""Read motif matrices from files in the formats of MEME, JASPAR, TRANSFAC, HOMER, HOCOMOCO, ENCODE and CIS-BP."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from seqexplain.errors import FileFormatError, MissingFileError
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._motif_blocks import Block
from seqexplain.motifs._read_meme import meme_blocks
from seqexplain.motifs._read_transfac import TRANSFAC_LINE, transfac_blocks

EXPECTED = "expected a MEME, JASPAR, TRANSFAC or PFM file"

_MEME = re.compile(r"MEME version", re.IGNORECASE)
_LOOKED_AT = 40  # lines: the output of MEME itself begins with a banner of some ten
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$", re.IGNORECASE)
_COLUMNS = re.compile(r"^(?:pos\w*|p[0o]|#)?\s*([acgtu])\s+([acgtu])\s+([acgtu])\s+([acgtu])$", re.IGNORECASE)


def read_motifs(path: str | Path, *, normalise: bool = False) -> list[Motif]:
    """Read all motifs of a file.

    Parameters
    ----------
    path
        A text file, also compressed with gzip. Its format shows in the content, not in its name:

        - MEME: minimal files and what MEME itself writes.
        - JASPAR: `>id name`, then four rows, labelled A C G T or bare.
        - TRANSFAC, also JASPAR's own: family, class, species and other `CC` or `BF` lines are kept as annotations.
        - Position matrices: one row of four numbers a position, bare, with the consensus letter in front (ENCODE), or
          below a line that names the columns (CIS-BP); after `>id name`, after HOMER's header, or without any header:
          the file's name is the id then. HOCOMOCO's files of counts or probabilities are such.
    normalise
        Whether probabilities that do not sum to 1 are divided by their sum; otherwise they are refused.

    Returns
    -------
    list of Motif
        In the file's order. Probabilities become counts: times `nsites`, or 20 where that is not told, which
        `Motif.kind` then says.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FileFormatError
        When the file is none of these, is empty, or a matrix cannot be read: names file, line, motif and position.
        Also where probabilities of a position do not sum to 1 within four units of the last decimal they are written
        with (at least 1e-5, at most 0.05), which is what rounding explains.

    Notes
    -----
    In formats that hold either, numbers are probabilities where none is above 1 and some lie between 0 and 1. Counts
    may differ in sum from position to position, and stay as they are.

    References
    ----------
    Ovek Baydar D et al. (2026). JASPAR 2026. Nucleic Acids Res. 54:D184.
    Bailey TL, Johnson J, Grant CE, Noble WS (2015). The MEME Suite. Nucleic Acids Res. 43:W39.
    Matys V et al. (2006). TRANSFAC and its module TRANSCompel. Nucleic Acids Res. 34:D108.
    """
    path = Path(path)
    lines = _lines(path)
    head = [line for line in lines if line.strip() and not line.startswith("#")][:_LOOKED_AT]
    if any(_MEME.match(line) for line in head):
        blocks = meme_blocks(lines, path)
    elif head and TRANSFAC_LINE.match(head[0]):
        blocks = transfac_blocks(lines, path)
    else:
        blocks = _matrix_blocks(lines, path)
    motifs = [block.motif(normalise=normalise) for block in blocks]
    if not motifs:
        raise FileFormatError(f"{path} holds no motif; expected one at least.")
    return motifs


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise MissingFileError(f"There is no motif file {str(path)!r}; {EXPECTED}.")
    content = path.read_bytes()
    try:
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        return content.decode("utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise FileFormatError(f"{path} is not a text file, nor one compressed with gzip; {EXPECTED}.") from error


def _matrix_blocks(lines: list[str], path: Path) -> Iterator[Block]:
    """Yield the blocks of files whose motifs begin with `>`, or of a file with one matrix and no header."""
    block: Block | None = None
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        columns = _COLUMNS.match(text)
        if not text or (text.startswith("#") and not columns):
            continue
        if text.startswith(">"):
            if block is not None:
                yield block
            block = _titled(path, number, text[1:].strip())
        elif columns:
            block = block or Block(path, number, path.name.split(".")[0], path.name.split(".")[0])
            block.order = "".join(columns.groups()).upper().replace("U", "T")
            if sorted(block.order) != list("ACGT"):
                raise block.fault(f"{text!r} names the columns; expected A, C, G and T once each.", number)
        else:
            if block is None:
                if text.startswith("MOTIF ") or text.lower().startswith("alphabet="):
                    raise FileFormatError(
                        f"{path} looks like a MEME file without its first line; write 'MEME version 4' above the rest."
                    )
                if not _NUMBER.match(text.split()[-1].strip("]")):
                    raise FileFormatError(f"{path} begins with {text[:40]!r}; {EXPECTED}.")
                block = Block(path, number, path.name.split(".")[0], path.name.split(".")[0])
            block.add(number, text)
            row = block.rows[-1]
            if block.order is not None and len(row.words) == 5:
                del row.words[0]  # the position's number
    if block is not None:
        yield block
    elif not lines:
        raise FileFormatError(f"{path} is empty; {EXPECTED}.")


def _titled(path: Path, number: int, title: str) -> Block:
    """Begin a block at its header: id and name, or HOMER's consensus, name and threshold."""
    fields = [part.strip() for part in title.split("\t") if part.strip()]
    if len(fields) >= 3 and _NUMBER.match(fields[2]):
        name = re.match(r"([^(/]+)(?:\(([^)]*)\))?", fields[1])
        annotations = {"consensus": fields[0], "log_odds_threshold": fields[2]}
        if name is not None and name[2]:
            annotations["family"] = name[2]
        return Block(path, number, fields[1], name[1].strip() if name else fields[1], annotations=annotations)
    words = fields if len(fields) > 1 else title.split()
    id = words[0] if words else f"motif_{number}"
    return Block(path, number, id, words[1] if len(words) > 1 else id)
