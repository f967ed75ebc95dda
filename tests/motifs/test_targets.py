"""Several targets: whichever function is asked, the target that was named is the one it works on, or it says so."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from contributions import QUICK

from seqexplain.errors import ParameterError, TargetError
from seqexplain.motifs import (
    PatternSet,
    call_seqlets,
    find_hits,
    open_contributions,
    stack_pattern,
    write_patterns,
)
from seqexplain.results import Attributions
from seqexplain.storage import save

WORD = "AGATAAGC"


@pytest.fixture(scope="module")
def result() -> Attributions:
    """A word that contributes to `yes` and speaks against `no`, at the same place of each sequence."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (60, 50))
    codes[:, 20:28] = ["ACGT".index(base) for base in WORD]
    observed = rng.laplace(0, 0.05, (60, 50))
    observed[:, 20:28] += 1
    X = np.eye(4, dtype=np.float32)[codes]
    both = np.stack([observed, -2 * observed], axis=1)[..., None] * X[:, None]
    return Attributions(
        contributions=both.astype(np.float32), X=X, predictions=np.zeros((60, 2), np.float32), targets=("yes", "no"),
        method="made up",
    )  # fmt: skip


def of_target(result: Attributions, target: str) -> PatternSet:
    source = open_contributions(result, target=target)
    sign = 1 if target == "yes" else -1
    one = stack_pattern(source, np.arange(60), np.full(60, 20), 8, np.full(60, "+"), sign=sign)
    return PatternSet.of(source, [one], method="fast", parameters={})


def test_an_open_source_is_not_taken_for_another_target(result):
    source = open_contributions(result, target="yes")
    for same in (None, 0, "yes"):
        assert open_contributions(source, target=same) is source
    for other in (1, "no"):
        with pytest.raises(TargetError, match="opened for 'yes'"):
            open_contributions(source, target=other)
    with pytest.raises(TargetError, match="'maybe'"):
        open_contributions(source, target="maybe")
    with pytest.raises(TargetError, match="opened for 'yes'"):
        find_hits(source, of_target(result, "yes"), target="no", **QUICK)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(("target", "factor"), [("yes", 1), ("no", -2), (0, 1), (1, -2)])
def test_what_is_read_is_the_targets(result, target, factor, stored, tmp_path):
    source = result
    if stored:
        source = tmp_path / "two.zarr"
        save(result, source)
    opened = open_contributions(source, target=target)
    assert opened.label == ("yes" if factor == 1 else "no")
    assert opened.targets == ("yes", "no")
    read = np.concatenate([block.observed for block in opened.blocks()])
    np.testing.assert_array_equal(read, result.contributions[:, 0 if factor == 1 else 1].sum(axis=-1))
    seqlets = call_seqlets(source, target=target)
    assert len(seqlets) >= 60
    assert (np.sign(seqlets.score) == np.sign(factor)).mean() > 0.9


def test_patterns_are_not_written_with_contributions_to_another_target(result, tmp_path):
    patterns = of_target(result, "yes")
    for given, target in ((open_contributions(result, target="no"), None), (result, "no")):
        with pytest.raises(ParameterError, match=r"contributions to 'yes'.*are to 'no'"):
            write_patterns(patterns, tmp_path / "patterns.h5", given, target=target)
    assert not list(tmp_path.iterdir())
    write_patterns(patterns, tmp_path / "patterns.h5", result)  # the patterns say which
    with h5py.File(tmp_path / "patterns.h5") as file:
        written = file["pos_patterns/pattern_0/seqlets/contrib_scores"][:]
    np.testing.assert_array_equal(written, result.contributions[:, 0, 20:28])


def test_hits_of_patterns_of_another_target_say_so(result):
    patterns = of_target(result, "yes")
    assert find_hits(result, patterns, target="yes", **QUICK).notes == ()
    notes = find_hits(result, patterns, target="no", **QUICK).notes
    assert any("found in contributions to 'yes'" in note and "those to 'no'" in note for note in notes)
