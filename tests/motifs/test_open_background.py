"""A background as null of seqlets: one that was made in another way is refused, one that fits keeps its promise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seqexplain.errors import ParameterError, ShapeError, TargetError
from seqexplain.motifs import Seqlets, call_seqlets, extract_patterns, find_motifs
from seqexplain.motifs._contribution_source import _origin, open_contributions
from seqexplain.motifs._open_background import open_background
from seqexplain.results import Attributions
from seqexplain.storage import save

WORD = np.array(["ACGT".index(base) for base in "TGACTCATCC"])


def contributions(n: int, *, length: int = 80, seed: int = 0, words: int = 0, **more: object) -> Attributions:
    """Noise, in which words that look like motifs stand here and there; `words` sequences have the motif itself."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, length))
    observed = rng.laplace(0, 0.02, (n, length))
    for i in rng.choice(n, n // 4, replace=False):  # what networks do in shuffled sequences too
        at = int(rng.integers(0, length - 8))
        observed[i, at : at + 8] += 0.25
    for i in range(words):
        at = int(rng.integers(0, length - len(WORD)))
        codes[i, at : at + len(WORD)], observed[i, at : at + len(WORD)] = WORD, 0.5
    X = np.eye(4, dtype=np.float32)[codes]
    given = {"targets": ("t",), "method": "deeplift", "parameters": {"level": "logit"}} | more
    return Attributions(contributions=X * observed[..., None], X=X, predictions=np.zeros(n, np.float32), **given)


def two_targets(result: Attributions, labels: tuple[str, str]) -> Attributions:
    both = np.stack([-result.contributions, result.contributions], axis=1)
    return replace(result, contributions=both, predictions=np.zeros((len(result), 2), np.float32), targets=labels)


@pytest.mark.parametrize(
    ("background", "error", "message"),
    [
        (contributions(20, targets=("u",)), TargetError, "explains 'u', but .* 't'"),
        (
            contributions(20, method="saliency"),
            ParameterError,
            "The method of the background .* 'saliency', .* 'deeplift'",
        ),
        (contributions(20, parameters={"level": "output"}), ParameterError, "The level of the background"),
        (contributions(20, length=70), ShapeError, "has sequences of 70 bp, .* of 80 bp; expected shuffles of these"),
        (two_targets(contributions(20), ("u", "v")), TargetError, "has 2 targets, u, v"),
    ],
)
def test_what_was_made_in_another_way_is_refused(background, error, message):
    with pytest.raises(error, match=message):
        extract_patterns(contributions(40), background=background)


def test_another_model_is_told_by_its_digest():
    def run(*digests):
        models = [{"path": f"{k}.keras", "sha256": digest} for k, digest in enumerate(digests)]
        return {"provenance": {"model": models if len(models) > 1 else models[0]}}

    source, behind = (open_contributions(contributions(8)) for _ in range(2))
    for mine, other, same in (
        (("a" * 64,), ("a" * 64,), True), (("a" * 64,), ("b" * 64,), False), (("a", "b"), ("a", "c"), False),
        ((None,), ("b",), True),  # not known
    ):  # fmt: skip
        source.origin, behind.origin = _origin("m", {}, run(*mine)), _origin("m", {}, run(*other))
        if same:
            assert open_background(source, behind) is behind
        else:
            with pytest.raises(ParameterError, match="The model of the background"):
                open_background(source, behind)


def test_the_same_target_is_taken_of_several(tmp_path):
    source = contributions(40, words=30)
    alone = call_seqlets(source, background=contributions(40, seed=1), method="window", window=10)
    both = two_targets(contributions(40, seed=1), ("u", "t"))
    save(both, tmp_path / "b.zarr")
    for background in (both, tmp_path / "b.zarr", str(tmp_path / "b.zarr")):
        found = call_seqlets(source, background=background, method="window", window=10)
        np.testing.assert_array_equal(found.start, alone.start)
        np.testing.assert_array_equal(found.p_value, alone.p_value)


def test_what_stands_in_shuffled_sequences_too_is_no_seqlet():
    """A null that is fitted takes chance words for seqlets; with a background they are counted as what they are."""
    source, background = contributions(400, words=200), contributions(400, seed=1)

    def wrong(found):
        return int((found.sequence >= 200).sum()) / max(len(found), 1)

    options = {"method": "window", "window": 10}
    fitted, measured = call_seqlets(source, **options), call_seqlets(source, background=background, **options)
    assert wrong(fitted) > 0.1
    assert wrong(measured) <= 0.05
    assert len(set(measured.sequence[measured.sequence < 200].tolist())) > 190


def test_one_word_is_enough():
    source, background = contributions(300, words=150), contributions(300, seed=1)
    found = find_motifs(source, background=background, database=None)
    assert len(found) == 1
    assert found.parameters["null"] == "background"
    assert found[0].trimmed().consensus in ("TGACTCATCC", "GGATGAGTCA")
    assert (found[0].sequence < 150).mean() > 0.95


def test_seqlets_and_a_background_exclude_each_other():
    seqlets = Seqlets(*(np.zeros(0, dtype=int) for _ in range(3)), *(np.zeros(0) for _ in range(3)))
    with pytest.raises(ParameterError, match="leave out seqlets"):
        extract_patterns(contributions(40), seqlets, background=contributions(40))
