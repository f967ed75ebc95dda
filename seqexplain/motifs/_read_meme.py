"""The motifs of a file in MEME format, minimal or as MEME itself writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from pathlib import Path

from seqexplain.errors import FileFormatError
from seqexplain.motifs._motif_blocks import Block

_FIELD = re.compile(r"(alength|w|nsites)\s*=\s*(\S+)", re.IGNORECASE)
_ALPHABET = re.compile(r"^alphabet\s*=\s*(\S+)", re.IGNORECASE)
_CUSTOM_ALPHABET = re.compile(r'^alphabet\s+"([^"]*)"(.*)$', re.IGNORECASE)


def meme_blocks(lines: list[str], path: Path) -> Iterator[Block]:
    """Yield the blocks of a MEME file."""
    block: Block | None = None
    reading = False  # inside a probability matrix
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        lowered = text.lower()
        if lowered.startswith("alphabet"):
            _refuse_other_alphabet(text, path, number)
        elif text.startswith("MOTIF"):
            if block is not None:
                yield block
            words = text.split()[1:] or [f"motif_{number}"]
            named = len(words) > 1 and words[1] != "width"  # MEME's own output goes on with "width = 8 sites = …"
            block = Block(path, number, words[0], words[1] if named else words[0], n_sites=0.0)
            reading = False
        elif lowered.startswith("letter-probability matrix") and block is not None:
            _read_matrix_line(block, text, number)
            reading = True
        elif lowered.startswith("url ") and block is not None:
            block.annotations["url"] = text[4:].strip()
            reading = False
        elif reading and block is not None:
            if text and (text[0].isdigit() or text[0] in ".-+") and not text.startswith("--"):
                block.add(number, text)
            elif block.rows:  # a blank line or a rule ends the matrix
                reading = False
    if block is not None:
        yield block


def _refuse_other_alphabet(text: str, path: Path, number: int) -> None:
    plain, custom = _ALPHABET.match(text), _CUSTOM_ALPHABET.match(text)
    letters = plain[1].upper() if plain else ""
    named = custom[1] + custom[2] if custom is not None else ""
    known = letters in {"ACGT", "ACGU"} or "DNA" in named or "RNA" in named
    if (plain or custom) and not known:
        raise FileFormatError(f"{path}, line {number}: {text!r}; expected ALPHABET= ACGT (or ACGU).")


def _read_matrix_line(block: Block, text: str, number: int) -> None:
    fields = {key.lower(): value for key, value in _FIELD.findall(text)}
    try:
        alphabet = int(fields.get("alength", 4))
        block.width = int(fields["w"]) if "w" in fields else None
        block.n_sites = max(float(fields.get("nsites", 0)), 0.0)
        if not isfinite(block.n_sites):
            raise ValueError
    except ValueError as error:
        raise block.fault(f"{text!r} has a field that is no number.", number) from error
    if alphabet != 4:
        raise block.fault(f"alength= {alphabet}; expected 4, for DNA.", number)
