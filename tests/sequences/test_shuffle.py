"""Shuffles: uniform over all sequences with the same counts, and independent of batches."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from itertools import pairwise, permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

import seqexplain.sequences
from seqexplain.errors import ParameterError, SequenceError, ShapeError, ShuffleWarning
from seqexplain.sequences import (
    decode,
    dinucleotide_shuffle,
    encode_codes,
    log_distinct_shuffles,
    mononucleotide_shuffle,
    one_hot,
)
from seqexplain.sequences.shuffle import draw_shuffles

FAMOUS = "ACCCACGATGATG"  # 27 distinct shuffles; keeping each base's last edge reaches only 9 of them


def dinucleotides(text: str) -> Counter[str]:
    return Counter(a + b for a, b in pairwise(text))


def all_shuffles(text: str) -> set[str]:
    """Every string with the same first base and dinucleotide counts, by depth-first search."""
    found = set()

    def extend(prefix: str, left: Counter[str]) -> None:
        if len(prefix) == len(text):
            found.add(prefix)
            return
        for base in "ACGT":
            step = prefix[-1] + base
            if left[step]:
                left[step] -= 1
                extend(prefix + base, left)
                left[step] += 1

    extend(text[0], dinucleotides(text))
    return found


def drawn(text: str, n: int, kind: str = "dinucleotide", seed: int = 0) -> list[str]:
    return decode(draw_shuffles(encode_codes(text)[None], n, seed, kind)[0])


def test_enumeration_knows_the_famous_example() -> None:
    assert len(all_shuffles(FAMOUS)) == 27


def test_all_27_shuffles_with_equal_chance() -> None:
    counts = Counter(drawn(FAMOUS, 27_000))
    assert set(counts) == all_shuffles(FAMOUS)
    assert chisquare(list(counts.values())).pvalue > 0.001


@pytest.mark.parametrize("seed", range(12))
def test_uniform_over_the_enumeration_of_random_strings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # skewed compositions give self loops, multiple edges and bases that are absent
    weights = rng.dirichlet(np.full(4, 0.8))
    text = "".join(rng.choice(list("ACGT"), size=int(rng.integers(9, 14)), p=weights))
    everything = all_shuffles(text)
    counts = Counter(drawn(text, 300 * len(everything), seed=seed))
    assert set(counts) == everything
    if len(everything) > 1:
        assert chisquare([counts[other] for other in everything]).pvalue > 0.001
    assert np.exp(log_distinct_shuffles([text]))[0] == pytest.approx(len(everything), rel=1e-9)


@pytest.mark.parametrize("text", ["ACGTACGGTCA", "CCAGATTACA", "TGCATTGCAT"])
def test_uniform_also_where_walk_returns_to_its_start(text: str) -> None:
    circuit = text + text[0]
    everything = all_shuffles(circuit)
    counts = Counter(drawn(circuit, 200 * len(everything), seed=3))
    assert set(counts) == everything
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_mononucleotide_is_uniform_over_all_arrangements() -> None:
    everything = {"".join(p) for p in permutations("AACGT")}
    counts = Counter(drawn("AACGT", 300 * len(everything), kind="mononucleotide"))
    assert set(counts) == everything
    assert chisquare(list(counts.values())).pvalue > 0.001
    assert np.exp(log_distinct_shuffles(["AACGT"], kind="mononucleotide"))[0] == pytest.approx(len(everything))


@given(st.text("ACGTN", min_size=1, max_size=80), st.integers(0, 2**64 - 1))
def test_counts_ends_and_unknown_bases_are_kept(text: str, seed: int) -> None:
    for other in drawn(text, 3, seed=seed):
        # with N among the letters, runs are compared one by one
        assert [len(run) for run in other.split("N")] == [len(run) for run in text.split("N")]
        for mine, original in zip(other.split("N"), text.split("N"), strict=True):
            assert dinucleotides(mine) == dinucleotides(original)
            assert mine[:1] == original[:1]
            assert mine[-1:] == original[-1:]
    for other in drawn(text, 3, kind="mononucleotide", seed=seed):
        assert Counter(other) == Counter(text)
        assert [i for i, c in enumerate(other) if c == "N"] == [i for i, c in enumerate(text) if c == "N"]


@given(st.text("ACGTN", min_size=1, max_size=12))
def test_number_of_distinct_shuffles_is_exact(text: str) -> None:
    wanted = 1
    for run in text.split("N"):
        wanted *= len(all_shuffles(run)) if run else 1
    assert np.exp(log_distinct_shuffles([text]))[0] == pytest.approx(wanted, rel=1e-9)


def test_number_of_distinct_shuffles_of_each_row_is_its_own() -> None:
    rows = ["".join(p) for p in product("ACN", repeat=5)]
    together = log_distinct_shuffles(rows)
    alone = [log_distinct_shuffles([row])[0] for row in rows]
    np.testing.assert_allclose(together, alone, atol=1e-12)


def random_texts(n: int, length: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return ["".join(row) for row in rng.choice(list("ACGTN"), size=(n, length), p=[0.3, 0.19, 0.2, 0.3, 0.01])]


@pytest.mark.parametrize("shuffle", [dinucleotide_shuffle, mononucleotide_shuffle])
def test_streams_do_not_depend_on_batch_order_or_number(shuffle) -> None:
    texts = random_texts(7, 150)
    all_at_once = shuffle(texts, n=5, random_state=9)
    assert all_at_once.shape == (7, 5, 150, 4)
    assert all_at_once.dtype == np.float32
    np.testing.assert_array_equal(shuffle(texts[::-1], n=5, random_state=9)[::-1], all_at_once)
    np.testing.assert_array_equal(shuffle(texts[3:4], n=5, random_state=9)[0], all_at_once[3])
    np.testing.assert_array_equal(shuffle(texts, n=2, random_state=9), all_at_once[:, :2])
    np.testing.assert_array_equal(shuffle(one_hot(texts), n=5, random_state=9), all_at_once)
    np.testing.assert_array_equal(shuffle([t.lower() for t in texts], n=5, random_state=9), all_at_once)
    assert not np.array_equal(shuffle(texts, n=5, random_state=10), all_at_once)


def test_many_sequences_in_threads_equal_one_by_one() -> None:
    texts = random_texts(40, 1000, seed=1)  # enough bases for several chunks of work
    together = dinucleotide_shuffle(texts, n=20)
    for i in (0, 17, 39):
        np.testing.assert_array_equal(dinucleotide_shuffle([texts[i]], n=20)[0], together[i])


def test_shuffles_of_one_sequence_differ_from_each_other() -> None:
    shuffles = decode(dinucleotide_shuffle(random_texts(1, 200), n=50)[0])
    assert len(set(shuffles)) == 50


def test_generator_gives_the_published_splitmix64_numbers() -> None:
    """The numbers other implementations list for seed 1234567; another generator would change all results."""
    from seqexplain.sequences import _kernels

    with np.errstate(over="ignore"):
        states = np.uint64(1234567) + np.arange(1, 6, dtype=np.uint64) * _kernels._GOLDEN
        assert _kernels._mixed.py_func(states).tolist() == [
            6457827717110365317,
            3203168211198807973,
            9817491932198370423,
            4593380528125082431,
            16408922859458223821,
        ]


def test_warns_where_there_are_too_few() -> None:
    with pytest.warns(ShuffleWarning, match=r"1 of 2 .* fewer than 28 .*sequence 1 has 27"):
        dinucleotide_shuffle([FAMOUS[:6] + "TGACGAC", FAMOUS], n=28)
    with pytest.warns(ShuffleWarning, match="has 1"):
        dinucleotide_shuffle(["AAAA"], n=2)
    with pytest.warns(ShuffleWarning, match="mononucleotide"):
        mononucleotide_shuffle(["AAAT"], n=5)
    dinucleotide_shuffle([FAMOUS], n=27)  # exactly enough: no warning


@pytest.mark.parametrize("text", ["N", "NNNN", "A", "AC", "NAN", "ANNC"])
def test_nothing_to_shuffle_comes_back_unchanged(text: str) -> None:
    assert decode(dinucleotide_shuffle([text], n=1)[0]) == [text]


def test_no_sequences_and_no_bases() -> None:
    assert dinucleotide_shuffle(np.zeros((0, 10, 4)), n=2).shape == (0, 2, 10, 4)
    assert dinucleotide_shuffle(np.zeros((3, 0, 4)), n=1).shape == (3, 1, 0, 4)


def test_input_is_left_alone() -> None:
    X = one_hot(random_texts(3, 50))
    before = X.copy()
    X.flags.writeable = False
    dinucleotide_shuffle(X, n=2)
    np.testing.assert_array_equal(X, before)


def test_strided_and_integer_arrays_are_taken() -> None:
    X = one_hot(random_texts(6, 60))
    wanted = dinucleotide_shuffle(X[::2, ::-1], n=2)
    np.testing.assert_array_equal(dinucleotide_shuffle(X[::2, ::-1].astype(np.int8), n=2), wanted)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((2, 4, 10)), ShapeError, r"transpose\(0, 2, 1\)"),
        (np.zeros((10, 4)), ShapeError, r"X\[None\]"),
        (np.full((1, 3, 4), 0.25), ShapeError, r"X\[0, 0\] is \[0.25"),
        (np.full((1, 3, 4), np.nan), ShapeError, "one-hot"),
        (np.ones((1, 3, 4)), ShapeError, "one-hot"),
        (None, ShapeError, "expected a list of strings"),
        (5, ShapeError, "Received int"),
        ("ACGT", ShapeError, r"\[sequence\]"),
        (["ACGT", "ACG"], ShapeError, "Sequence 1 has 3 bases; expected 4"),
        (["ACGT", "AC-T"], SequenceError, "Sequence 1 has '-'"),
    ],
)
def test_bad_input_is_explained(X, error, message) -> None:
    with pytest.raises(error, match=message):
        dinucleotide_shuffle(X, n=1)


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "3"])
def test_bad_number(n) -> None:
    with pytest.raises(ParameterError, match="n is"):
        dinucleotide_shuffle([FAMOUS], n=n)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, None, np.random.default_rng(0)])
def test_bad_seed(seed) -> None:
    with pytest.raises(ParameterError, match="random_state"):
        dinucleotide_shuffle([FAMOUS], n=1, random_state=seed)


def test_bad_kind() -> None:
    with pytest.raises(ParameterError, match="'trinucleotide'"):
        log_distinct_shuffles([FAMOUS], kind="trinucleotide")


def test_importing_the_room_loads_no_compiler() -> None:
    code = (
        "import sys, seqexplain.sequences, seqexplain.sequences.shuffle as s;"
        "sys.exit(any(m in sys.modules for m in ('numba', 'keras', 'tensorflow', 'pandas', 'pyfaidx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_installation_that_cannot_be_written(tmp_path: Path) -> None:
    """Without any folder for numba's cache the kernel is compiled in memory, with the same result."""
    package = Path(seqexplain.sequences.__file__).parents[1]
    copy = tmp_path / "seqexplain"
    (copy / "sequences").mkdir(parents=True)
    for file in [*package.glob("*.py"), *(package / "sequences").glob("*.py")]:
        shutil.copy(file, copy / file.relative_to(package))
    (copy / "sequences" / "__pycache__").touch()  # a file where numba wants a folder
    code = (
        "import seqexplain.sequences as s;"
        f"print(s.decode(s.dinucleotide_shuffle(['{FAMOUS}'], 3)[0]) if '{tmp_path}' in s.__file__ else '')"
    )
    nowhere = {"PYTHONPATH": str(tmp_path), "HOME": os.devnull, "XDG_CACHE_HOME": os.devnull}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=nowhere,
        cwd=tmp_path,
        check=False,
    )
    assert done.stdout.strip() == str(decode(dinucleotide_shuffle([FAMOUS], 3)[0])), done.stderr
