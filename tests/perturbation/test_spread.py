"""What a few positions contribute to a convolution, with all products and with fewer: against NumPy's polynomials."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqexplain.models import _fast_convolution
from seqexplain.models.backend import to_numpy, to_tensor
from seqexplain.perturbation import _spread
from seqexplain.perturbation._spread import spread


def _contributions(x: np.ndarray, kernel: np.ndarray, dilation: int) -> np.ndarray:
    """Add up in float64, channel by channel: position i meets the last tap first, at output i."""
    found = np.zeros((len(x), x.shape[1] + (len(kernel) - 1) * dilation, kernel.shape[2]))
    taps = np.zeros((1 + (len(kernel) - 1) * dilation, *kernel.shape[1:]))
    taps[::dilation] = kernel[::-1]
    for n, c, o in np.ndindex(len(x), x.shape[2], kernel.shape[2]):
        found[n, :, o] += np.convolve(x[n, :, c].astype(np.float64), taps[:, c, o])
    return found


def _check(width: int, taps: int, dilation: int = 1) -> None:
    generator = np.random.default_rng(100 * width + taps)
    x = generator.normal(size=(2, width, 3)).astype(np.float32)
    kernel = generator.normal(size=(taps, 3, 4)).astype(np.float32)
    found, wanted = to_numpy(spread(to_tensor(x), to_tensor(kernel), dilation)), _contributions(x, kernel, dilation)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=5e-6 * np.abs(wanted).max())


@pytest.mark.parametrize("width", [1, 2, 7, 12])
@pytest.mark.parametrize(("taps", "dilation"), [(1, 1), (3, 1), (3, 4), (8, 1), (8, 3)])
def test_equals_the_sum_of_products(width, taps, dilation):
    _check(width, taps, dilation)


@pytest.mark.parametrize("width", [3, 4, 5, 6, 7, 8, 13])
@pytest.mark.parametrize("taps", [6, 7, 8, 9, 11, 12])
def test_wide_layers_need_fewer_products(width, taps, monkeypatch):
    if keras.backend.backend() == "torch":
        pytest.skip("PyTorch has no XLA: all products are taken")
    monkeypatch.setattr(_fast_convolution, "MIN_FAST_FIR_CHANNELS", 3)
    products = []
    by_taps = _spread._by_taps
    monkeypatch.setattr(
        _spread,
        "_by_taps",
        lambda x, kernel, dilation: products.append(x.shape[1] * kernel.shape[0]) or by_taps(x, kernel, dilation),
    )
    _check(width, taps)
    assert len(products) in (7, 9)  # at two levels; an odd phase of one position is not parted again
    assert sum(products) < 0.9 * width * taps
