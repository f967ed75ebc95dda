"""Random small networks, with and without exact ties, against the NumPy oracle."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers as kl
from oracle.twins import Twin, oracle_scores, random_dna, random_references

from seqexplain.attribution import deeplift
from seqexplain.models import sequence_model
from seqexplain.models.sequence_model import SequenceModel

L = 9
TOLERANCE = 1e-5  # of the largest score
SMOOTH = ("tanh", "softplus", "gelu", "elu", "silu")


@pytest.fixture(autouse=True, scope="module")
def uncompiled() -> Iterator[None]:
    """Compute without XLA: hundreds of networks of two sequences each would be compiled and thrown away."""
    patch = pytest.MonkeyPatch()
    patch.setattr(sequence_model, "jit", lambda function, _: function)
    yield
    patch.undo()


@st.composite
def architectures(draw: Any, activations: tuple[str, ...]) -> list[Any]:
    """Draw makers of convolution – pooling – convolution, with all their options; only chains that fit `L` come out."""
    steps: list[Any] = []
    length = L

    def convolve() -> None:
        nonlocal length
        dilation = draw(st.integers(1, 2))
        stride = draw(st.integers(1, 3)) if dilation == 1 else 1
        padding = draw(st.sampled_from(["valid", "same", "causal"]))
        window = draw(st.integers(1, 4))
        if padding == "valid" and (window - 1) * dilation + 1 > length:
            padding = "same"
        span = (window - 1) * dilation + 1
        length = (length - span) // stride + 1 if padding == "valid" else -(-length // stride)
        steps.append(
            partial(kl.Conv1D, 2, window, strides=stride, padding=padding, dilation_rate=dilation,
                      activation=draw(st.sampled_from(activations)), use_bias=draw(st.booleans()))
        )  # fmt: skip

    def pool() -> None:
        nonlocal length
        kind = draw(st.sampled_from([kl.MaxPooling1D, kl.MaxPooling1D, kl.AveragePooling1D]))
        window, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        padding = draw(st.sampled_from(["valid", "same"])) if window <= length else "same"
        length = (length - window) // stride + 1 if padding == "valid" else -(-length // stride)
        steps.append(partial(kind, window, strides=stride, padding=padding))

    convolve()
    pool()
    if draw(st.booleans()):
        convolve()
    steps.append(draw(st.sampled_from([kl.Flatten, kl.GlobalMaxPooling1D, kl.GlobalAveragePooling1D])))
    return steps


def compare(steps: list[Any], seed: int, *, integers: bool, pooling: str = "complete") -> None:
    t = Twin(seed, integers=integers, winner_takes_all=pooling == "winner")
    x = t.input((L, 4))
    head = t(kl.Dense(1), t.chain(x, *(make() for make in steps)))
    X, references = random_dna(2, L, seed), random_references(2, 2, L, seed + 1)
    if not integers:  # soft rows: two equal bases would tie, and float32 breaks such ties as it likes
        X = np.random.default_rng(seed).dirichlet(np.ones(4), (2, L)).astype(np.float32)
    else:
        references = np.stack([random_dna(2, L, seed + 2), random_dna(2, L, seed + 3)])
        references[0, 0] = X[0]
        references[1, 0, 3:] = X[1, 3:]
    model = SequenceModel(keras.Model(t.inputs[0], head.tensor))
    result = deeplift(model, X, references=references, max_pool=pooling)
    wanted = oracle_scores(t, [(head.number, 0)], X, references)[:, 0]
    # the size of what is summed, which the scores may cancel to nothing
    scale = max(np.abs(wanted).max(), 1e-2)
    np.testing.assert_allclose(result.hypothetical, wanted, rtol=0, atol=TOLERANCE * scale)
    np.testing.assert_allclose(result.contributions, wanted * X, rtol=0, atol=TOLERANCE * scale)
    values = [t.net.forward(head.number, x)[0] for x in X]
    np.testing.assert_allclose(result.predictions, values, rtol=1e-5, atol=1e-5)
    if pooling == "complete":
        delta = np.array(
            [[values[i] - t.net.forward(head.number, r)[0] for r in refs] for i, refs in enumerate(references)]
        )
        allowed = np.maximum(1e-4 * np.abs(delta), 1e-5 * np.abs(wanted * X).sum(axis=(1, 2))[:, None])
        assert (np.abs(result.completeness_error) <= np.maximum(allowed, 1e-6 * np.abs(values).max())).all()


relaxed = settings(
    max_examples=15, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@relaxed
@given(steps=architectures(("relu", *SMOOTH)), seed=st.integers(0, 10_000))
def test_random_networks(steps: list[Any], seed: int) -> None:
    compare(steps, seed, integers=False)


@relaxed
@given(steps=architectures(("linear", "relu")), seed=st.integers(0, 10_000))
def test_exact_ties(steps: list[Any], seed: int) -> None:
    """Whole numbers everywhere: maxima tie, units stand at the kink, references equal the sequence."""
    compare(steps, seed, integers=True)


@relaxed
@given(steps=architectures(("relu", "tanh")), seed=st.integers(0, 10_000))
def test_original_pooling(steps: list[Any], seed: int) -> None:
    compare(steps, seed, integers=False, pooling="winner")


@relaxed
@given(steps=architectures(("linear", "relu")), seed=st.integers(0, 10_000))
def test_original_pooling_with_ties(steps: list[Any], seed: int) -> None:
    compare(steps, seed, integers=True, pooling="winner")
