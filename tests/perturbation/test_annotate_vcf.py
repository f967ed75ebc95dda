"""An annotated VCF is its source with something appended, and other people's library reads it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seqexplain import Variant, VariantEffects, annotate_vcf
from seqexplain.errors import FileFormatError, ParameterError, StorageError
from seqexplain.sequences import VariantStatus, read_variants

pysam = pytest.importorskip("pysam")

HEAD = (
    "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=500>\n"
    '##INFO=<ID=AF,Number=A,Type=Float,Description="a;b=c">\n##INFO=<ID=DB,Number=0,Type=Flag,Description="f">\n'
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n##a line of no known kind\n'
)
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n"
BODY = (
    "chr1\t10\trs1\tA\tG\t30.50\tPASS\tAF=0.10;DB\tGT\t0/1\t1|1\n"
    "chr1\t12\t.\tAC\tA,<DEL>,*\t.\tq10\t.\tGT\t0/1\t./.\n"
    "chr1\t13\trs2\tC\t.\t.\tPASS\tDB;\tGT\t0/0\t0/0\n"
)


def effects_of(path: Path, targets: tuple[str, ...] = ("one", 'two "2"')) -> VariantEffects:
    """Effects that no model made: each number says which it is."""
    variants = tuple(read_variants(path))
    n = len(variants)
    numbers = np.arange(5 * n * len(targets), dtype=np.float32).reshape(5, n, len(targets)) / 8
    status = tuple(
        VariantStatus.SCORED if set(v.alternative) <= set("ACGT") else VariantStatus.SYMBOLIC for v in variants
    )
    numbers[:, [s is not VariantStatus.SCORED for s in status]] = np.nan
    numbers[3, :1] = np.nan  # a fold change that does not exist
    return VariantEffects(variants, status, ("",) * n, *numbers, np.zeros(n, np.int64), targets)


def test_only_info_differs_and_a_library_reads_it(tmp_path: Path) -> None:
    source, out = tmp_path / "x.vcf", tmp_path / "y.vcf.gz"
    source.write_text(HEAD + COLUMNS + BODY)
    effects = effects_of(source)
    annotate_vcf(effects, source, out, command="seqexplain variants a\nb")
    lines = gzip.decompress(out.read_bytes()).decode().splitlines(keepends=True)
    added = [line for line in lines if line.startswith(("##SEQX_command", "##INFO=<ID=SEQX_"))]
    assert len(added) == 2 + 5 * 2
    kept = [line for line in lines if line not in added]
    assert "".join(kept[:7]) == HEAD + COLUMNS
    for line, original in zip(kept[7:], BODY.splitlines(keepends=True), strict=True):
        columns, before = line.split("\t"), original.split("\t")
        info = columns.pop(7)
        assert columns == before[:7] + before[8:]
        original_info = before[7].rstrip(";\n")
        assert info.startswith("SEQX_" if original_info == "." else f"{original_info};SEQX_STATUS=")
    pysam.tabix_index(str(out), preset="vcf")
    with pysam.VariantFile(str(out)) as read:
        assert read.header.info["SEQX_REF_1"].description == 'Target two \\"2\\": output with the reference allele'
        assert read.header.info["SEQX_DIFF_0"].number == "A"
        records = list(read.fetch("chr1"))
    keys = {"REF": "reference", "ALT": "alternative", "DIFF": "difference", "LFC": "log2_fold_change"}
    keys["LOGIT"] = "logit_difference"
    row = 0
    for record in records:
        alleles = len(record.alts or (".",))
        here = slice(row, row + alleles)
        row += alleles
        assert record.info["SEQX_STATUS"] == tuple(s.value for s in effects.status[here])
        for t in range(2):
            for key, name in keys.items():
                wanted = getattr(effects, name)[here, t]
                found = record.info.get(f"SEQX_{key}_{t}", [None] * alleles)  # no key that has only dots
                np.testing.assert_allclose(np.array(found, dtype=float), wanted, rtol=1e-5)
    assert row == len(effects)
    assert records[0].info["AF"] == (pytest.approx(0.1),)
    assert records[0].samples["S2"]["GT"] == (1, 1)


@pytest.mark.parametrize("columns", [5, 8, 11])
def test_a_header_is_made_where_there_is_none(tmp_path: Path, columns: int) -> None:
    source, out = tmp_path / "x.vcf", tmp_path / "y.vcf"
    body = "".join("\t".join(line.split("\t")[:columns]).rstrip("\n") + "\n" for line in BODY.splitlines())
    source.write_text(body)
    annotate_vcf(effects_of(source), source, out)
    with pysam.VariantFile(str(out)) as read:
        assert list(read.header.samples) == ["sample1", "sample2"] * (columns == 11)
        assert [(r.pos, r.ref) for r in read] == [(10, "A"), (12, "AC"), (13, "C")]


def test_a_short_header_is_filled_up_and_an_empty_file_has_one(tmp_path: Path) -> None:
    source, out = tmp_path / "x.vcf", tmp_path / "y.vcf"
    source.write_text("#CHROM\tPOS\tID\tREF\tALT\nchr1\t10\t.\tA\tG\n")
    annotate_vcf(effects_of(source), source, out)
    lines = out.read_text().splitlines()
    assert lines[0] == "##fileformat=VCFv4.2"
    assert lines[-2] == "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
    assert lines[-1].startswith("chr1\t10\t.\tA\tG\t.\t.\tSEQX_STATUS=scored;")
    for text in (HEAD + COLUMNS, HEAD):
        source.write_text(text)
        annotate_vcf(effects_of(source), source, out, overwrite=True)
        with pysam.VariantFile(str(out)) as read:
            assert "SEQX_LOGIT_1" in read.header.info
            assert list(read) == []


def test_ends_of_lines_odd_bytes_and_broken_lines_stay(tmp_path: Path) -> None:
    source, out = tmp_path / "x.vcf", tmp_path / "y.vcf"
    odd = b"chr1\t20\t\xe9\tA\tG\t.\t.\tN=\xe9\r\n\r\nno variant\r\nchr1\tten\t.\tA\tG\t.\t.\tX=1\r\n"
    odd += b"# a remark\nchr1\t30\t.\tA\tT"
    source.write_bytes((HEAD + COLUMNS).replace("\n", "\r\n").encode() + odd)
    effects = effects_of(source)
    annotate_vcf(effects, source, out)
    first, blank, broken, position, remark, last = out.read_bytes().split(b"\n")[-6:]
    assert first.startswith(b"chr1\t20\t\xe9\tA\tG\t.\t.\tN=\xe9;SEQX_STATUS=scored")
    assert first.endswith(b"\r")
    assert (blank, broken, remark) == (b"\r", b"no variant\r", b"# a remark")
    assert position.startswith(b"chr1\tten\t.\tA\tG\t.\t.\tX=1;SEQX_STATUS=")
    assert last.startswith(b"chr1\t30\t.\tA\tT\t.\t.\tSEQX_STATUS=scored")
    inserted = [line for line in out.read_bytes().split(b"\n") if line.startswith(b"##INFO=<ID=SEQX")]
    assert all(line.endswith(b"\r") for line in inserted)


def test_parts_may_divide_a_line(tmp_path: Path) -> None:
    source = tmp_path / "x.vcf"
    source.write_text(HEAD + COLUMNS + BODY)
    whole = effects_of(source)
    names = ("reference", "alternative", "difference", "log2_fold_change", "logit_difference", "unknown_bases")
    parts = [
        VariantEffects(whole.variants[a:b], whole.status[a:b], whole.reasons[a:b], targets=whole.targets, **arrays)
        for a, b in ((0, 2), (2, 3), (3, 3), (3, 5))
        for arrays in [{name: getattr(whole, name)[a:b] for name in names}]
    ]  # fmt: skip
    annotate_vcf(whole, source, tmp_path / "a.vcf")
    annotate_vcf(iter(parts), source, tmp_path / "b.vcf")
    assert (tmp_path / "a.vcf").read_text() == (tmp_path / "b.vcf").read_text()


def test_two_models_in_one_file(tmp_path: Path) -> None:
    source, once, twice = (tmp_path / name for name in ("x.vcf", "y.vcf.gz", "z.vcf"))
    source.write_text(HEAD + COLUMNS + BODY)
    annotate_vcf(effects_of(source), source, once)
    again = effects_of(once)
    with pytest.raises(ParameterError, match="begin with SEQX_ already"):
        annotate_vcf(again, once, twice)
    annotate_vcf(again, once, twice, prefix="OTHER")
    with pysam.VariantFile(str(twice)) as read:
        record = next(read)
        assert record.info["SEQX_REF_0"] == record.info["OTHER_REF_0"]


def replaced(effects: VariantEffects, **fields: Any) -> VariantEffects:
    from dataclasses import replace

    return replace(effects, **fields)


def test_what_cannot_be_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    source, out = tmp_path / "x.vcf", tmp_path / "y.vcf.gz"
    source.write_text(HEAD + COLUMNS + BODY)
    effects = effects_of(source)
    other = replaced(effects, variants=(Variant("chr1", 3, "A", "T"), *effects.variants[1:]))
    table = tmp_path / "t.tsv"
    table.write_text("chrom\tpos\tref\talt\nchr1\t5\tA\tC\n")
    for given, path, options, error, why in [
        (other, source, {}, ParameterError, "other variants: chr1:4:A:T"),
        ([effects, effects], source, {}, ParameterError, "more effects than variants"),
        ([], source, {}, ParameterError, "end before line 8"),
        (effects, source, {"prefix": "a b"}, ParameterError, "prefix is 'a b'"),
        (effects_of(table), table, {}, FileFormatError, "is a table"),
    ]:
        with pytest.raises(error, match=why):
            annotate_vcf(given, path, out, **options)  # type: ignore[arg-type]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.tsv", "x.vcf"]
    out.write_text("")
    with pytest.raises(StorageError, match="exists already"):
        annotate_vcf(effects, source, out)
