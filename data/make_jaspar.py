"""Write the motif database that ships: JASPAR 2026, CORE collection, vertebrates, the newest version of each matrix.

The whole of JASPAR is carried by the wheel of pyjaspar 4.0.0, as SQLite files; nothing of pyjaspar itself is used or
installed. Run from anywhere, without seqexplain::

    pip download pyjaspar==4.0.0 --no-deps --dest wheels
    python data/make_jaspar.py wheels/pyjaspar-4.0.0-py3-none-any.whl --out seqexplain/data

The wheel is refused unless it has the checksum below. The same wheel gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

WHEEL_SHA256 = "01b393f668c3cb552d3d58262a50005b1410e389e0a6bf5d570e976fbdaf01b3"
DATABASE = "pyjaspar/data/JASPAR2026.sqlite"
RELEASE, COLLECTION, TAXON = "2026", "CORE", "vertebrates"
OUTPUT = "jaspar2026_vertebrates.transfac.gz"

# what is kept of a matrix's annotations, and what the field is called in JASPAR's own TRANSFAC files
TAGS = (
    ("tax_group", "tax_group"),
    ("family", "tf_family"),
    ("class", "tf_class"),
    ("medline", "pubmed_ids"),
    ("type", "data_type"),
)

HEADER = """\
CC  JASPAR 2026, https://jaspar.elixir.no: CORE collection, vertebrates, non-redundant, {n} matrices of counts.
CC  Licence: Creative Commons Attribution 4.0 International, https://creativecommons.org/licenses/by/4.0/
CC  Please cite Ovek Baydar D et al. (2026), JASPAR 2026, Nucleic Acids Res. 54:D184-D193, doi:10.1093/nar/gkaf1209
CC  Extracted from pyjaspar 4.0.0 by data/make_jaspar.py of seqexplain; counts, names and annotations are unchanged.
XX
//
"""

NEWEST = """
    select max(VERSION), m.ID, m.BASE_ID, m.NAME from MATRIX m
    join MATRIX_ANNOTATION a on a.ID = m.ID and a.TAG = 'tax_group' and a.VAL = ?
    join MATRIX_VERSION v on v.ID = m.ID and v.RELEASE = ?
    where m.COLLECTION = ? group by m.BASE_ID order by m.BASE_ID
"""
COUNTS = "select row, val from MATRIX_DATA where ID = ? order by row, col"
ANNOTATIONS = "select VAL from MATRIX_ANNOTATION where ID = ? and TAG = ? order by LOCAL_ID"
SPECIES = "select t.SPECIES from MATRIX_SPECIES s join TAX t on t.TAX_ID = s.TAX_ID where s.ID = ? order by t.SPECIES"
PROTEINS = "select ACC from MATRIX_PROTEIN where ID = ? order by ACC"


def records(database: sqlite3.Connection) -> Iterator[str]:
    """Yield each matrix as a TRANSFAC record, by accession."""
    for version, key, base, name in database.execute(NEWEST, (TAXON, RELEASE, COLLECTION)).fetchall():
        accession = f"{base}.{version}"
        bases: dict[str, list[float]] = {base: [] for base in "ACGT"}
        for row, value in database.execute(COUNTS, (key,)):
            bases[row].append(value)
        columns = list(zip(*(bases[base] for base in "ACGT"), strict=True))
        lines = [f"AC  {accession}", "XX", f"ID  {name}", "XX", f"DE  {accession} {name}"]
        lines.append("P0" + "".join(f"  {base:>6}" for base in "ACGT"))
        for position, column in enumerate(columns, start=1):
            lines.append(f"{position:02d}" + "".join(f"  {value:>6.10g}" for value in column))
        lines.append("XX")
        fields = [(field, database.execute(ANNOTATIONS, (key, tag))) for tag, field in TAGS]
        fields += [("species", database.execute(SPECIES, (key,))), ("uniprot_ids", database.execute(PROTEINS, (key,)))]
        for field, rows in fields:
            values = [value for (value,) in rows if value and value != "-"]
            if values:
                lines.append(f"CC  {field}:{'; '.join(values)}")
        yield "\n".join([*lines, "XX", "//", ""])


def extract(wheel: Path) -> tuple[int, bytes]:
    """Return the number of matrices and the file's bytes."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise SystemExit(f"{wheel} has SHA-256 {digest}; expected {WHEEL_SHA256}, that of pyjaspar 4.0.0.")
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(archive.extract(DATABASE, folder))
        try:
            found = list(records(database))
        finally:
            database.close()
    text = HEADER.format(n=len(found)) + "".join(found)
    return len(found), gzip.compress(text.encode("ascii"), compresslevel=9, mtime=0)


def main() -> None:
    """Write the database."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="pyjaspar-4.0.0-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=Path(), help="folder")
    arguments = parser.parse_args()
    n, content = extract(arguments.wheel)
    (arguments.out / OUTPUT).write_bytes(content)
    print(f"{n} matrices, {len(content)} bytes in {arguments.out / OUTPUT}")


if __name__ == "__main__":
    main()
