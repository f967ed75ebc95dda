"""TF-MoDISco by its library: motifs that were planted, and everything that it would otherwise stumble over."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted_words import Place, planted_words

from seqexplain.errors import LibraryError, MissingExtraError, ParameterError, StorageError
from seqexplain.motifs import (
    PatternSet,
    call_seqlets,
    genome_spans,
    modisco_patterns,
    open_contributions,
    read_motifs,
    read_patterns,
    stack_pattern,
    write_patterns,
)
from seqexplain.motifs import _modisco_process as process
from seqexplain.motifs import _modisco_run as run
from seqexplain.results import Attributions

pytestmark = pytest.mark.slow  # each runs the library anew, in a process of its own
installed = pytest.mark.skipif(importlib.util.find_spec("modiscolite") is None, reason="needs the extra modisco")

WORDS = {"CACGTGACCT": 1.0, "GATAAGGTCA": 1.2, "TTCCGGAAGT": -1.0}
SIZE = 240
TURN = str.maketrans("ACGT", "TGCA")


@pytest.fixture(scope="module")
def planted() -> tuple[Attributions, list[Place]]:
    return planted_words(SIZE, WORDS)


@pytest.fixture(scope="module")
def found(planted: tuple[Attributions, list[Place]]) -> tuple[PatternSet, list[tuple[str, float]]]:
    heard: list[tuple[str, float]] = []
    return modisco_patterns(planted[0], progress=lambda what, share: heard.append((what, share))), heard


def word_of(pattern_consensus: str) -> str | None:
    """The planted word that most of a consensus agrees with, on either strand."""
    turned = pattern_consensus.translate(TURN)[::-1]
    for word in WORDS:
        if any(word[k : k + 7] in text for k in range(4) for text in (pattern_consensus, turned)):
            return word
    return None


@installed
def test_planted_motifs_are_found_where_they_are(
    planted: tuple[Attributions, list[Place]], found: tuple[PatternSet, list[tuple[str, float]]]
) -> None:
    patterns, _ = found
    _, places = planted
    by_sequence = {place.sequence: place for place in places}
    words = {word_of(pattern.consensus) for pattern in patterns}
    assert words == set(WORDS)
    right = 0
    for pattern in patterns:
        word = word_of(pattern.consensus)
        assert pattern.sign == np.sign(WORDS[str(word)])
        turned = str(word) not in pattern.consensus and str(word).translate(TURN)[::-1] in pattern.consensus
        low, high = pattern.core
        for row, start, strand in zip(pattern.sequence, pattern.start, pattern.strand, strict=True):
            place = by_sequence[int(row)]
            at = start + low if strand == "+" else start + pattern.width - high
            same_strand = (strand == place.strand) != turned
            right += place.word == word and same_strand and abs(at - place.start) <= 6
    total = sum(pattern.size for pattern in patterns)
    assert total > 0.75 * SIZE
    assert right > 0.97 * total
    # most of these windows of 50 bp hang over an edge of 80: the library by itself would drop them
    hanging = [(p.start < 0) | (p.end > 80) for p in patterns]
    assert np.concatenate(hanging).mean() > 0.5
    first = patterns[0]
    spans = genome_spans(patterns.intervals, first.sequence, first.start, first.end, first.strand)
    assert spans is not None
    interval = patterns.intervals[int(first.sequence[0])]
    wanted = interval.start + first.start[0] if interval.strand == "+" else interval.end - first.end[0]
    assert spans.start[0] == wanted
    assert patterns.method == "modisco"
    assert "modiscolite" in patterns.parameters["library"]


@installed
def test_progress_is_told_to_the_end(found: tuple[PatternSet, list[tuple[str, float]]]) -> None:
    shares = [share for _, share in found[1]]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 20
    assert any("negative" in what for what, _ in found[1])


@installed
@pytest.mark.slow
def test_order_and_seed(
    planted: tuple[Attributions, list[Place]],
    found: tuple[PatternSet, list[tuple[str, float]]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The same patterns from the same sequences in another order; and nothing is left behind."""
    import numba

    numba.set_num_threads(1)
    before = np.random.get_state()[1].copy(), list(warnings.filters), dict(os.environ)  # noqa: NPY002
    order = np.random.default_rng(5).permutation(SIZE)
    other = modisco_patterns(planted[0].take(order))
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert warnings.filters == before[1]
    assert dict(os.environ) == before[2]
    assert numba.get_num_threads() == 1
    assert capfd.readouterr() == ("", "")
    assert len(other) == len(found[0])
    for one, two in zip(found[0], other, strict=True):
        assert one.size == two.size
        mine = set(zip(one.sequence.tolist(), one.start.tolist(), one.strand.tolist(), strict=True))
        theirs = set(zip(order[two.sequence].tolist(), two.start.tolist(), two.strand.tolist(), strict=True))
        assert mine == theirs
        np.testing.assert_array_equal(one.motif.counts, two.motif.counts)
        np.testing.assert_allclose(one.cwm, two.cwm, atol=1e-9)
        assert len(one.subpatterns) == len(two.subpatterns)


@installed
def test_seqlets_that_stand_out_against_a_background(planted: tuple[Attributions, list[Place]]) -> None:
    """They are those that `call_seqlets` finds with it; what is its own background has none."""
    result = planted[0]
    noise = np.random.default_rng(9).normal(0, 0.02, result.X.shape).astype(np.float32)
    background = replace(result, hypothetical=noise, contributions=noise * result.X)
    found = modisco_patterns(result, background=background, max_memory=1 << 40)
    assert {word_of(pattern.consensus) for pattern in found} == set(WORDS)
    assert "seqlets were called by call_seqlets(method='window'), as a background is given" in found.notes
    assert len(modisco_patterns(result, background=result, max_memory=1 << 40)) == 0
    with pytest.raises(ParameterError, match="leave out seqlets"):
        modisco_patterns(result, seqlets=call_seqlets(result), background=background)


@installed
@pytest.mark.slow
def test_seqlets_that_are_given(planted: tuple[Attributions, list[Place]]) -> None:
    """Those of a part of the sequences, of any width: windows around their middles are clustered; 60 at most."""
    result = planted[0]
    seqlets = call_seqlets(result, sign="positive")
    patterns = modisco_patterns(result, seqlets=seqlets, max_seqlets=60)
    assert patterns.parameters["seqlets"] == "given"
    assert f"60 of {len(seqlets)} positive seqlets" in " ".join(patterns.notes)
    assert "no negative seqlets" in " ".join(patterns.notes)
    assert 20 <= sum(pattern.size for pattern in patterns) <= 60
    with pytest.raises(ParameterError, match="rows 0 to 9"):
        modisco_patterns(result.take(slice(0, 10)), seqlets=seqlets)


@installed
@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        pytest.param("20 sequences", "too few to cluster", id="20 sequences"),
        pytest.param("1 sequence", "too few to cluster", id="1 sequence"),
        pytest.param("all zero", "all contributions are 0", id="all zero"),
        pytest.param("all N", "all contributions are 0", id="all N"),
        pytest.param("repeats", "239 of 240 sequences repeat others", id="repeats"),
        pytest.param("none", "there is no sequence", id="none"),
        pytest.param("12 bp", "shorter than 20 bp", id="12 bp"),
    ],
)
def test_too_little_is_a_note(planted: tuple[Attributions, list[Place]], change: str, wanted: str) -> None:
    result = planted[0]
    nothing = np.zeros_like(result.X)
    changed = {
        "20 sequences": result.take(slice(0, 20)),
        "1 sequence": result.take(slice(0, 1)),
        "all zero": replace(result, contributions=nothing, hypothetical=nothing),
        "all N": replace(result, X=nothing, contributions=nothing),
        "repeats": result.take(np.zeros(SIZE, dtype=int)),
        "none": result.take(slice(0, 0)),
        "12 bp": planted_words(SIZE, WORDS, length=12)[0],
    }[change]
    patterns = modisco_patterns(changed)
    assert len(patterns) == 0
    assert wanted in " ".join(patterns.notes)
    assert patterns.n_sequences == len(changed)


@installed
@pytest.mark.slow
def test_short_sequences_of_different_lengths_with_repeats() -> None:
    """The library can neither call seqlets in these, nor keep what hangs over an edge."""
    lengths = np.random.default_rng(1).integers(30, 81, 240)
    result, _ = planted_words(240, WORDS, lengths=lengths)
    negative = np.arange(2, 240, 3)  # those with the word that speaks against the target
    patterns = modisco_patterns(result.take(np.r_[np.arange(240), negative[:50]]), max_seqlets=100)
    assert "call_seqlets" in patterns.parameters["seqlets"]
    assert "the sequences differ in length" in " ".join(patterns.notes)
    against = [pattern for pattern in patterns if pattern.sign < 0]
    assert {word_of(pattern.trimmed().consensus) for pattern in against} == {"TTCCGGAAGT"}
    for pattern in against:
        original = set(pattern.sequence[pattern.sequence < 240].tolist())
        repeats = {int(negative[k]) for k in pattern.sequence[pattern.sequence >= 240] - 240}
        assert repeats == original & set(negative[:50].tolist())
        assert len(original) >= 20
        assert len(repeats) > 3
        assert pattern.start.max() + pattern.width > 80 or pattern.start.min() < 0


@installed
def test_refusals(planted: tuple[Attributions, list[Place]], monkeypatch: pytest.MonkeyPatch) -> None:
    result = planted[0]
    with pytest.raises(ParameterError, match="needs hypothetical contributions"):
        modisco_patterns(replace(result, hypothetical=None))
    with pytest.raises(ParameterError, match=r"needs about .* of memory for 240 sequences of 80 bp, but only 1 MB"):
        modisco_patterns(result, max_memory=1_000_000)
    for options in ({"max_seqlets": 0}, {"width": 2.5}, {"fdr": 1.5}, {"window": 10}):
        with pytest.raises(ParameterError, match=next(iter(options))):
            modisco_patterns(result, **options)
    with pytest.raises(ParameterError, match="options has colour"):
        modisco_patterns(result, options={"colour": 3})
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "seqexplain\[modisco\]"'):
        modisco_patterns(result)


@installed
def test_what_goes_wrong_in_the_process_is_told(
    planted: tuple[Attributions, list[Place]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option of a wrong kind: an error where seqlets are many, a note where they are few; no process stays."""
    monkeypatch.setattr(run, "FEW", 10)
    with pytest.raises(LibraryError, match=r"failed on 1\d\d positive seqlets"):
        modisco_patterns(planted[0], options={"nearest_neighbors_to_compute": "x"})
    monkeypatch.setattr(run, "FEW", 1000)
    patterns = modisco_patterns(planted[0], options={"nearest_neighbors_to_compute": "x"})
    assert len(patterns) == 0
    assert "too few for it" in " ".join(patterns.notes)


@installed
def test_a_process_that_dies_is_an_error(planted: tuple[Attributions, list[Place]], tmp_path: Path) -> None:
    with process.ModiscoProcess({}) as one:
        one.put("observed", planted[0].contributions.sum(axis=-1))
        one.start({"window_size": 20})
        assert one._process is not None
        one._process.kill()
        with pytest.raises(LibraryError, match="killed by the system"):
            list(one.events("seqlets"))
        folder = one._folder
        assert folder.is_dir()
        with pytest.raises(StorageError, match="set TMPDIR"):
            one.create("huge", (10**9, 10**6), np.float32)
    assert not folder.exists()


@installed
@pytest.mark.slow
def test_it_is_what_the_library_finds_where_nothing_is_near_an_edge(tmp_path: Path) -> None:
    """Words in the middle third of 240 bp: the library by itself, in the order given, and our files read by it."""
    inner, places = planted_words(150, {"CACGTGACCT": 1.0, "GATAAGGTCA": 1.2}, length=80, seed=3)
    outer, _ = planted_words(150, {"CACGTGACCT": 0.0}, length=240, seed=4)
    X, hypothetical = outer.X.copy(), np.asarray(outer.hypothetical).copy()
    X[:, 80:160], hypothetical[:, 80:160] = inner.X, inner.hypothetical
    result = replace(outer, X=X, hypothetical=hypothetical, contributions=X * hypothetical)
    script = """
import sys, numpy, modiscolite
held = numpy.load(sys.argv[1])
positive, negative = modiscolite.tfmodisco.TFMoDISco(
    one_hot=held["X"], hypothetical_contribs=held["H"], sliding_window_size=20, flank_size=5, target_seqlet_fdr=0.05,
    n_leiden_runs=2, trim_to_window_size=30, initial_flank_to_add=10)
modiscolite.io.save_hdf5(sys.argv[2], positive, negative, 240)
"""
    np.savez(tmp_path / "data.npz", X=X, H=hypothetical)
    subprocess.run(
        [sys.executable, "-c", script, tmp_path / "data.npz", tmp_path / "theirs.h5"], check=True, capture_output=True
    )
    theirs, ours = read_patterns(tmp_path / "theirs.h5", result), modisco_patterns(result)
    assert len(theirs) > 0
    at = {place.sequence: 80 + place.start for place in places}
    for patterns in (theirs, ours):
        assert {word_of(pattern.trimmed().consensus) for pattern in patterns} == {"CACGTGACCT", "GATAAGGTCA"}
        for pattern in patterns:
            low = np.where(pattern.strand == "+", pattern.start + pattern.core[0], pattern.end - pattern.core[1])
            assert np.mean([abs(a - at[int(i)]) <= 4 for i, a in zip(pattern.sequence, low, strict=True)]) > 0.95
    overlap = {
        (word_of(one.trimmed().consensus), word_of(two.trimmed().consensus)): len(
            set(one.sequence.tolist()) & set(two.sequence.tolist())
        )
        for one in theirs
        for two in ours
    }
    same = sum(count for (one, two), count in overlap.items() if one == two)
    assert same > 0.9 * sum(pattern.size for pattern in theirs)
    # their matrices are those of their places in our contributions
    source = open_contributions(result)
    for pattern in theirs:
        again = stack_pattern(source, pattern.sequence, pattern.start, pattern.width, pattern.strand)
        np.testing.assert_allclose(pattern.motif.counts, again.motif.counts, atol=1e-6)
        np.testing.assert_allclose(pattern.cwm, again.cwm, atol=1e-6)
        np.testing.assert_allclose(pattern.hypothetical_cwm, again.hypothetical_cwm, atol=1e-6)


@installed
def test_the_library_reads_what_is_written(
    planted: tuple[Attributions, list[Place]], found: tuple[PatternSet, list[tuple[str, float]]], tmp_path: Path
) -> None:
    """Its report's own reader, and its MEME writer."""
    patterns = found[0]
    write_patterns(patterns, tmp_path / "patterns.h5", planted[0])
    script = """
import sys, json, modiscolite
from modiscolite.descriptive_report import extract_seqlet_data
data = extract_seqlet_data(sys.argv[1], ["pos_patterns", "neg_patterns"])
modiscolite.io.write_meme_from_h5(sys.argv[1], modiscolite.util.MemeDataType.PFM, sys.argv[2], True)
print(json.dumps({k: [int(v["n_seqlets"]), v["cwm"].tolist(), len(v["seqlet_contribs"])] for k, v in data.items()}))
"""
    told = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "patterns.h5", tmp_path / "patterns.meme"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    read = json.loads(told.stdout.splitlines()[-1])
    assert len(read) == len(patterns)
    groups = {1: "pos_patterns", -1: "neg_patterns"}
    for pattern in patterns:
        size, cwm, windows = read[f"{groups[pattern.sign]}.pattern_{pattern.id.split('_')[1]}"]
        assert size == windows == pattern.size
        np.testing.assert_allclose(cwm, pattern.cwm)
    motifs = read_motifs(tmp_path / "patterns.meme")
    assert len(motifs) == len(patterns)
    again = read_patterns(tmp_path / "patterns.h5")
    assert again.notes == patterns.notes
    for one, two in zip(patterns, again, strict=True):
        np.testing.assert_array_equal(one.cwm, two.cwm)
        np.testing.assert_array_equal(one.start, two.start)
