"""Arrays as text in a page: rounded to whole steps, laid one after the other, gzip, base64.

A pack is a little-endian uint32 H, H bytes of JSON (padded with blanks, so that 4 + H is a multiple of 8) and the
arrays. The JSON has what was given as `header`, and in `arrays` each array's name, type, shape and offset from the end
of the JSON; each offset is a multiple of 8. The browser reads it with DecompressionStream and typed arrays, see
`page/data.js`.
"""

from __future__ import annotations

import base64
import gzip
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TYPES = ("i1", "i2", "i4", "u1", "u2", "u4", "f4", "f8")  # those that JavaScript has typed arrays for
ALIGNMENT = 8
COMPRESSION = 6  # of gzip; 9 takes three times as long for 1 % less


@dataclass(frozen=True, eq=False)
class Quantised:
    """Numbers as whole steps.

    Attributes
    ----------
    steps
        `(n, …)` int8 or int16.
    scale
        `(n,)` float32: the size of a step in each row; `steps · scale` is off by half a step at most.
    """

    steps: Array
    scale: NDArray[np.float32]

    @property
    def values(self) -> Array:
        """`(n, …)` float32: the numbers, as precisely as they are kept."""
        return np.asarray(self.steps * self.scale.reshape(-1, *(1,) * (self.steps.ndim - 1)), dtype=np.float32)


def quantise(values: Array, bits: int) -> Quantised:
    """Round each row to whole steps of its largest absolute value / (2^(bits − 1) − 1).

    Parameters
    ----------
    values
        `(n, …)`, finite.
    bits
        8 or 16.
    """
    most = 2 ** (bits - 1) - 1
    largest = np.abs(values).reshape(len(values), -1).max(axis=1, initial=0)
    scale = np.asarray(largest / most, dtype=np.float32)
    divisor = np.where(scale > 0, scale, 1).astype(np.float64).reshape(-1, *(1,) * (values.ndim - 1))
    steps = np.clip(np.rint(values / divisor), -most, most)
    return Quantised(steps.astype(np.int8 if bits == 8 else np.int16), scale)


def pack(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> str:
    """Return header and arrays as base64 text; the same input gives the same text.

    Parameters
    ----------
    header
        Anything JSON can hold, NaN and infinity excepted.
    arrays
        By name, of the types in `TYPES`.
    """
    described, parts, offset = {}, [], 0
    for name, array in arrays.items():
        kind = array.dtype.str[1:]
        if kind not in TYPES:
            raise TypeError(f"array {name!r} has type {array.dtype}; expected one of {', '.join(TYPES)}")
        data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        described[name] = {"dtype": kind, "shape": list(array.shape), "offset": offset}
        data += b"\0" * (-len(data) % ALIGNMENT)
        parts.append(data)
        offset += len(data)
    text = json.dumps({**header, "arrays": described}, allow_nan=False, separators=(",", ":")).encode("ascii")
    text += b" " * (-(4 + len(text)) % ALIGNMENT)
    whole = struct.pack("<I", len(text)) + text + b"".join(parts)
    return base64.b64encode(gzip.compress(whole, COMPRESSION, mtime=0)).decode("ascii")


def unpack(text: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return header and arrays of a pack."""
    whole = gzip.decompress(base64.b64decode(text))
    (size,) = struct.unpack_from("<I", whole)
    header = json.loads(whole[4 : 4 + size])
    arrays = {}
    for name, one in header.pop("arrays").items():
        count = int(np.prod(one["shape"], dtype=np.int64))
        flat = np.frombuffer(whole, dtype="<" + one["dtype"], count=count, offset=4 + size + one["offset"])
        arrays[name] = flat.reshape(one["shape"])
    return header, arrays
