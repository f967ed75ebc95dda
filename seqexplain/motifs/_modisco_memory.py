"""How much memory TF-MoDISco needs, before it is asked to start."""

from __future__ import annotations

LIBRARY = 400e6  # bytes: Python with the library and its compiled functions
NEIGHBOURS = 501  # that each seqlet is compared with


def calling_bytes(n: int, length: int) -> float:
    """Return what calling seqlets in `n` sequences takes: windows' sums as float64, sorted, and copies of them."""
    return LIBRARY + 40.0 * n * length


def clustering_bytes(seqlets: int, width: int, n: int, length: int) -> float:
    """Return what making patterns takes: tables of neighbours, and three tracks of `n` stretches of `length` bp."""
    tracks = 48.0 * n * length + 9.0 * n * length
    neighbours = min(NEIGHBOURS, seqlets)
    return LIBRARY + tracks + seqlets * (neighbours * 100.0 + 16e3)
