"""Arrays as text: what comes back, how precise it is, and whether others can read it."""

from __future__ import annotations

import base64
import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from seqexplain.report._packing import ALIGNMENT, pack, quantise, unpack


@pytest.mark.parametrize("bits", [8, 16])
@given(values=arrays(np.float32, (3, 7), elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False)))
def test_no_value_is_off_by_more_than_half_a_step(bits, values):
    small = quantise(values, bits)
    largest = np.abs(values).max(axis=1, keepdims=True)
    half_a_step = 0.5 * largest / (2 ** (bits - 1) - 1)
    assert (np.abs(small.values - values) <= half_a_step * 1.001 + 1e-30).all()


def test_a_row_of_zeros_stays_zero_and_the_largest_value_is_kept():
    small = quantise(np.array([[0.0, 0.0], [-3.0, 1.0]], dtype=np.float32), 8)
    assert small.values[0].tolist() == [0, 0]
    assert small.steps[1].tolist() == [-127, 42]
    assert small.values[1, 0] == pytest.approx(-3.0, rel=1e-6)


def test_what_was_packed_comes_back():
    given = {
        "a": np.arange(5, dtype=np.int8),
        "b": np.array([[1.5, np.nan]], dtype=np.float32),
        "c": np.empty((0, 4), dtype=np.uint16),
        "d": np.array([2**40], dtype=np.float64),
    }
    header, found = unpack(pack({"names": ["é</script>", "\u2028"]}, given))
    assert header == {"names": ["é</script>", "\u2028"]}
    for name, array in given.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


def test_offsets_suit_typed_arrays_and_bytes_are_the_same_each_time():
    arrays_given = {"a": np.arange(3, dtype=np.int8), "b": np.arange(3, dtype=np.float64)}
    text = pack({}, arrays_given)
    assert text == pack({}, arrays_given)
    whole = gzip.decompress(base64.b64decode(text))
    size = int.from_bytes(whole[:4], "little")
    assert (4 + size) % ALIGNMENT == 0
    np.testing.assert_array_equal(np.frombuffer(whole, "<f8", 3, 4 + size + 8), [0, 1, 2])
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def test_types_that_the_browser_has_not_are_refused():
    with pytest.raises(TypeError, match="int64"):
        pack({}, {"a": np.arange(3)})
