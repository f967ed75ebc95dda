"""p-values of `match_motifs` against those that Tomtom itself printed, and time against memelite's.

    pip download pyjaspar==4.0.0 --no-deps --dest wheels
    python benchmarks/tomtom.py wheels/pyjaspar-4.0.0-py3-none-any.whl

Tomtom's are from the output of version 5.5.7 that the repository of memelite (jmschrei/memesuite-lite,
tutorials/tomtom_out) has: query ACGTGT, one site, against the CORE collection of JASPAR 2024, which the wheel carries.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

from seqexplain.motifs import Motif, load_database, match_motifs

SITES = 0.1  # Tomtom adds so many imagined sites to every motif

# accession, offset of the query in the target, p-value, overlap, strand
PUBLISHED = """
MA1493.1 3 7.27055e-06 6 +
MA2105.1 0 8.50107e-06 6 -
MA0941.2 1 0.000127592 6 -
MA2075.1 1 0.000166235 6 -
MA0819.3 1 0.00019519 6 -
MA0310.2 0 0.000226288 6 -
MA2014.2 2 0.000232044 6 -
MA2152.1 2 0.000270617 6 -
MA0930.3 0 0.000331681 6 +
MA2172.1 1 0.000428002 5 +
MA2375.1 3 0.000498621 6 +
MA0259.2 0 0.000738986 5 +
MA2382.1 1 0.000782957 5 +
MA0058.4 1 0.0008864 5 +
MA1338.3 4 0.000937596 6 +
MA0128.1 2 0.000959457 6 -
MA0147.4 2 0.00107244 6 +
MA0004.1 1 0.00111959 5 +
MA1659.2 1 0.00113118 6 -
MA1207.2 1 0.0014917 6 +
MA0821.2 3 0.00189296 6 +
MA1361.2 1 0.00219309 6 -
MA2413.1 3 0.00227112 6 +
MA0059.2 3 0.00228056 6 -
MA1687.1 4 0.00268604 6 -
MA1686.1 0 0.00303836 6 -
MA0281.3 3 0.00329067 6 -
MA0863.1 3 0.00361409 6 -
MA2325.1 2 0.00411362 6 -
MA0743.3 1 0.00426313 6 -
MA1788.1 5 0.00843849 6 -
MA0525.2 1 0.00846115 6 -
MA0006.2 0 0.0155537 5 +
MA0328.2 -1 0.0176821 5 +
MA0318.1 -1 0.0297438 5 +
MA0286.2 2 0.0235922 4 +
MA2366.1 0 0.0383348 4 +
MA1809.2 -2 0.0423645 4 -
MA0122.4 2 0.0465747 6 -
MA2331.1 4 0.0575089 6 -
"""


def jaspar_2024(wheel: Path) -> list[Motif]:
    """Return the newest version of each CORE matrix, with Tomtom's imagined sites."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(archive.extract("pyjaspar/data/JASPAR2024.sqlite", folder))
        newest = "select max(VERSION), ID, BASE_ID, NAME from MATRIX where COLLECTION = 'CORE' group by BASE_ID"
        values = "select val from MATRIX_DATA where ID = ? and row = ? order by col"
        motifs = []
        for version, key, base, name in database.execute(newest).fetchall():
            counts = np.array([[v for (v,) in database.execute(values, (key, letter))] for letter in "ACGT"]).T
            sites = round(counts.sum(axis=1).max())  # as a MEME file states it
            shares = counts / counts.sum(axis=1, keepdims=True)
            motifs.append(Motif(f"{base}.{version}", name, shares * sites + SITES / 4))
        database.close()
    return motifs


def published(wheel: Path) -> None:
    """Compare with what Tomtom printed."""
    query = Motif("query", "ACGTGT", np.eye(4)[["ACGT".index(base) for base in "ACGTGT"]] + SITES / 4)
    found = {match.id: match for match in match_motifs([query], jaspar_2024(wheel), top=None)}
    rows = [line.split() for line in PUBLISHED.split("\n") if line]
    ratios = np.array([found[id].p_value / float(p) for id, _, p, _, _ in rows])
    places = sum((found[id].offset, found[id].overlap) == (-int(o), int(n)) for id, o, _, n, _ in rows)
    strands = [id for id, *_, strand in rows if found[id].strand != strand]
    print(f"{len(rows)} matches printed by Tomtom; motifs in the database: {len(found)}")
    print(f"p / theirs: median {np.median(ratios):.3f}, {ratios.min():.3f} to {ratios.max():.3f}")
    print(f"same offset and overlap: {places}; other strand: {', '.join(strands) or 'none'}")


def speed(n: int) -> None:
    """Time both engines on motifs of JASPAR 2026, and compare their p-values."""
    database = load_database()
    queries = [database[k] for k in np.random.default_rng(0).choice(len(database), n, replace=False)]
    found = {}
    for engine in ("numpy", "memelite", "memelite"):  # the first time memelite may have to compile
        start = time.perf_counter()
        found[engine] = match_motifs(queries, database, top=None, engine=engine)
        print(f"{engine}: {time.perf_counter() - start:.2f} s for {n} queries and {len(database)} motifs")
    order = {engine: np.lexsort((m.target, m.query)) for engine, m in found.items()}
    ours, theirs = (found[engine].p_value[order[engine]] for engine in ("numpy", "memelite"))
    print(f"largest relative difference: {np.max(np.abs(ours / np.maximum(theirs, 1e-300) - 1)):.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--queries", type=int, default=100)
    arguments = parser.parse_args()
    published(arguments.wheel)
    speed(arguments.queries)
