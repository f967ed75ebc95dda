"""How much memory the machine, or the container, has left."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def free_host_memory() -> int | None:
    """Return how many bytes can still be had, None where the system does not tell."""
    rooms = [room for room in (_machine(), _container()) if room is not None]
    return min(rooms, default=None)


def _machine() -> int | None:
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return None


def _container() -> int | None:
    with suppress(OSError, StopIteration, ValueError):
        limit = (_CGROUP / "memory.max").read_text(encoding="ascii").strip()
        if limit == "max":
            return None
        used = int((_CGROUP / "memory.current").read_text(encoding="ascii"))
        lines = (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
        # files that were read and can be read again count as used, but give way
        cached = next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        return max(0, int(limit) - used + cached)
    return None


def in_words(n_bytes: float) -> str:
    """Return an amount of memory for people.

    Examples
    --------
    >>> in_words(3.2e9), in_words(81e6)
    ('3.2 GB', '81 MB')
    """
    return f"{n_bytes / 1e9:.2g} GB" if n_bytes >= 1e9 else f"{max(1, round(n_bytes / 1e6))} MB"
