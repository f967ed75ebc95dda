"""Seeds and whole numbers that cannot be are refused in plain words; NumPy's are as good as Python's."""

from __future__ import annotations

import numpy as np
import pytest
from contributions import QUICK, attributions, noise, word_pattern

from seqexplain.errors import ParameterError
from seqexplain.motifs import cluster_subsets, extract_patterns, find_hits, modisco_patterns

DATA = attributions(*noise(30, 60, 0))
CODES = np.zeros((5, 10), dtype=int)
SUBSETS = (np.eye(4, dtype=np.uint8)[CODES], np.ones((5, 10), dtype=np.int64))


def hypothetical():
    from dataclasses import replace

    return replace(DATA, hypothetical=np.repeat(DATA.contributions.sum(-1, keepdims=True), 4, axis=-1) * 1.0)


CALLS = {
    "hits": lambda seed: find_hits(DATA, word_pattern(), random_state=seed, **QUICK),
    "patterns": lambda seed: extract_patterns(DATA, random_state=seed),
    "clusters": lambda seed: cluster_subsets(SUBSETS, random_state=seed),
    "modisco": lambda seed: modisco_patterns(hypothetical(), random_state=seed, min_size=10_000),
}


@pytest.mark.parametrize("seed", [-1, 1.5, 2**64, True, "0"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_seed_that_is_none_is_refused(call, seed):
    with pytest.raises(ParameterError, match="random_state"):
        call(seed)


@pytest.mark.parametrize("name", ["hits", "patterns", "clusters"])
def test_a_seed_may_be_numpys(name):
    CALLS[name](np.int64(3))


@pytest.mark.slow
def test_a_seed_of_modisco_may_be_numpys():
    pytest.importorskip("modiscolite")
    CALLS["modisco"](np.int64(3))


@pytest.mark.parametrize("name", ["min_size", "n_neighbors", "n_candidates", "max_compared", "flank"])
def test_what_is_counted_is_a_whole_number(name):
    with pytest.raises(ParameterError, match=f"{name} is 20.5; expected a whole number"):
        extract_patterns(DATA, **{name: 20.5})
