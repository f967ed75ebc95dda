"""The motifs of a file in TRANSFAC format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from seqexplain.errors import FileFormatError
from seqexplain.motifs._motif_blocks import Block, Row

TRANSFAC_LINE = re.compile(r"^(?:(?:VV|AC|ID|NA|DE|CC|BF|DT|CO|TY|P0|PO|XX)(?:\s|$)|//)")

# what JASPAR calls its annotations in TRANSFAC files, and what they are called here
FIELDS = {
    "tf_family": "family",
    "tf_class": "class",
    "tax_group": "tax_group",
    "data_type": "data_type",
    "species": "species",
    "pubmed_ids": "pubmed",
    "uniprot_ids": "uniprot",
}

_ROW = re.compile(r"^\d+$")
_COMMENT = re.compile(r"^(\w+)\s*:\s*(.+)$")


def transfac_blocks(lines: list[str], path: Path) -> Iterator[Block]:
    """Yield the blocks of a TRANSFAC file; records without a matrix are passed over."""
    record: _Record | None = None
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        if text == "//":
            if record is not None and record.block.order is not None:
                yield record.finished()
            record = None
            continue
        if not text or text.startswith("#"):
            continue
        record = record or _Record(path, number)
        record.take(number, text)
    if record is not None and record.block.order is not None:
        yield record.finished()


class _Record:
    """A record as its lines go by."""

    def __init__(self, path: Path, number: int) -> None:
        self.block = Block(path, number, "", "")
        self.fields: dict[str, str] = {}

    def take(self, number: int, text: str) -> None:
        key, _, value = text.partition("\t") if "\t" in text[:4] else text.partition(" ")
        key, value = key.strip(), value.strip()
        if key in {"P0", "PO"}:
            order = "".join(value.split()).upper().replace("U", "T")
            if sorted(order) != list("ACGT"):
                raise FileFormatError(
                    f"{self.block.path}, line {number}: {text!r}; expected the columns A, C, G and T."
                )
            self.block.order, self.block.line = order, number
        elif _ROW.match(key) and self.block.order is not None:
            # a row may end in the consensus letter
            self.block.rows.append(Row(number, "", value.split()[:4]))
        elif key in {"AC", "ID", "NA", "DE"} and key not in self.fields:
            self.fields[key] = value
        elif key == "CC" and (comment := _COMMENT.match(value)):
            self.block.annotations[FIELDS.get(comment[1], comment[1])] = comment[2]
        elif key == "BF" and "Species:" in value:
            self.block.annotations.setdefault("species", value.split("Species:")[1].strip(" ."))

    def finished(self) -> Block:
        """Return the block: AC, or else ID, is the id; NA, or else ID, the name."""
        fields = self.fields
        id = fields.get("AC") or fields.get("ID") or fields.get("NA") or f"motif_{self.block.line}"
        self.block.id = id
        self.block.name = fields.get("NA") or fields.get("ID") or id
        return self.block
