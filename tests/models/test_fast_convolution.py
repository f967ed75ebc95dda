"""Fewer multiplications, the same convolution: against a float64 sum over taps."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqexplain.models import _fast_convolution
from seqexplain.models._fast_convolution import correlate, is_fast
from seqexplain.models.backend import to_numpy, to_tensor
from seqexplain.models.operations import Convolution


def _sum_over_taps(x: np.ndarray, kernel: np.ndarray, dilation: int) -> np.ndarray:
    out = x.shape[1] - (len(kernel) - 1) * dilation
    return sum(
        np.einsum(
            "nlc,co->nlo", x[:, j * dilation : j * dilation + out].astype(np.float64), kernel[j].astype(np.float64)
        )
        for j in range(len(kernel))
    )


@pytest.mark.parametrize(
    ("taps", "dilation"), [(3, 1), (3, 2), (3, 5), (6, 1), (7, 1), (8, 1), (11, 1), (12, 1), (19, 1)]
)
@pytest.mark.parametrize("extra", [0, 1, 2, 3, 10, 17])
def test_equals_the_sum_over_taps(taps, dilation, extra):
    generator = np.random.default_rng(taps * 100 + extra)
    length = (taps - 1) * dilation + 1 + extra
    x = generator.normal(size=(2, length, 5)).astype(np.float32)
    kernel = generator.normal(size=(taps, 5, 6)).astype(np.float32)
    found = to_numpy(correlate(to_tensor(x), to_tensor(kernel), dilation))
    wanted = _sum_over_taps(x, kernel, dilation)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize(("taps", "dilation"), [(3, 1), (3, 4), (9, 1)])
def test_operation_and_its_transpose_take_the_fast_way(padding, taps, dilation, monkeypatch):
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩, and A is what Keras computes."""
    monkeypatch.setattr(_fast_convolution, "MIN_CHANNELS", 2)
    monkeypatch.setattr(_fast_convolution, "MIN_FAST_FIR_CHANNELS", 2)
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no XLA: its own convolution is used")
    generator = np.random.default_rng(taps)
    kernel = generator.normal(size=(taps, 20, 18)).astype(np.float32)
    assert is_fast(kernel.shape, (1,), (dilation,), 1)
    operation = Convolution("c", "c", "Conv1D", (0,), (1,), dilation=(dilation,), padding=padding)
    weights = {"kernel": to_tensor(kernel)}
    x = generator.normal(size=(3, 31, 20)).astype(np.float32)
    y = to_numpy(operation.apply(weights, [to_tensor(x)]))
    wanted = keras.ops.conv(
        keras.ops.pad(x, [(0, 0), ((taps - 1) * dilation, 0), (0, 0)]) if padding == "causal" else x,
        kernel,
        padding="valid" if padding == "causal" else padding,
        dilation_rate=dilation,
        data_format="channels_last",
    )
    np.testing.assert_allclose(y, to_numpy(wanted), rtol=0, atol=1e-5 * np.abs(y).max())
    cotangent = generator.normal(size=y.shape).astype(np.float32)
    (back,) = operation.transpose(weights, to_tensor(cotangent), [(31, 20)])
    assert back.shape == x.shape
    left = float((y.astype(np.float64) * cotangent).sum())
    right = float((x.astype(np.float64) * to_numpy(back)).sum())
    assert left == pytest.approx(right, abs=1e-4 * np.abs(y).max() * np.sqrt(y.size))


def test_narrow_strided_and_grouped_layers_keep_the_ordinary_way():
    assert not is_fast((3, 4, 64), (1,), (1,), 1)
    assert not is_fast((3, 64, 64), (2,), (1,), 1)
    assert not is_fast((3, 64, 64), (1,), (1,), 2)
    assert not is_fast((11, 256, 256), (1,), (2,), 1)
