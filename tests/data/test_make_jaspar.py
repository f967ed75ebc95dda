"""The script that writes the shipped database, on a small database of its own making."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pytest

from seqexplain.motifs import read_motifs

SCRIPT = Path(__file__).resolve().parents[2] / "data" / "make_jaspar.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("make_jaspar", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def wheel(tmp_path):
    """Five matrices: two versions of one, one of another taxon, one unvalidated, one of an older release only."""
    path = tmp_path / "small.sqlite"
    database = sqlite3.connect(path)
    database.executescript("""
        create table MATRIX (ID, COLLECTION, BASE_ID, VERSION, NAME);
        create table MATRIX_ANNOTATION (LOCAL_ID, ID, TAG, VAL);
        create table MATRIX_DATA (ID, row, col, val);
        create table MATRIX_PROTEIN (ID, ACC);
        create table MATRIX_SPECIES (ID, TAX_ID varchar);
        create table MATRIX_VERSION (ID, RELEASE);
        create table TAX (TAX_ID integer, SPECIES);
        insert into TAX values (9606, 'Homo sapiens');
    """)
    rows = [
        (1, "CORE", "MA0002", 1, "OLD", "vertebrates", "2026"),
        (2, "CORE", "MA0002", 10, "NEW::ER", "vertebrates", "2026"),
        (3, "CORE", "MA0001", 2, "FIRST", "vertebrates", "2026"),
        (4, "CORE", "MA0003", 1, "plant", "plants", "2026"),
        (5, "UNVALIDATED", "UN0001", 1, "unsure", "vertebrates", "2026"),
        (6, "CORE", "MA0004", 1, "withdrawn", "vertebrates", "2024"),
    ]
    for id, collection, base, version, name, taxon, release in rows:
        database.execute("insert into MATRIX values (?, ?, ?, ?, ?)", (id, collection, base, version, name))
        database.execute("insert into MATRIX_VERSION values (?, ?)", (id, release))
        for k, (tag, value) in enumerate([("tax_group", taxon), ("family", "B"), ("family", "A"), ("type", "-")]):
            database.execute("insert into MATRIX_ANNOTATION values (?, ?, ?, ?)", (10 * id + k, id, tag, value))
        for k, base_letter in enumerate("TGCA"):
            for column in (2, 1):
                value = 10 * id + k + 0.125 * column
                database.execute("insert into MATRIX_DATA values (?, ?, ?, ?)", (id, base_letter, column, value))
    database.execute("insert into MATRIX_SPECIES values (2, '9606')")
    database.commit()
    database.close()
    packed = tmp_path / "small.whl"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, "pyjaspar/data/JASPAR2026.sqlite")
    return packed


def test_newest_core_matrices_of_vertebrates_by_accession(script, wheel, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="expected 01b393f6"):
        script.extract(wheel)
    monkeypatch.setattr(script, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    n, content = script.extract(wheel)
    assert (n, content) == script.extract(wheel), "the same bytes each time"
    path = tmp_path / "out.transfac.gz"
    path.write_bytes(content)
    first, second = read_motifs(path)
    assert [(m.id, m.name) for m in (first, second)] == [("MA0001.2", "FIRST"), ("MA0002.10", "NEW::ER")]
    np.testing.assert_array_equal(first.counts[0], [33.125, 32.125, 31.125, 30.125])
    np.testing.assert_array_equal(second.counts[1], [23.25, 22.25, 21.25, 20.25])
    assert second.annotations == {"tax_group": "vertebrates", "family": "B; A", "species": "Homo sapiens"}
    assert "2 matrices of counts" in gzip.decompress(content).decode()
