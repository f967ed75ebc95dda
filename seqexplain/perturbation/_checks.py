"""Checks of parameters that several methods of this room take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError


def check_count(name: str, value: Any, smallest: int = 1) -> int:
    """Return a whole number that is large enough, or raise `ParameterError`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < smallest:
        raise ParameterError(f"{name}={value!r} must be a whole number from {smallest}.")
    return int(value)


def check_number(name: str, value: Any, *, zero: bool = False) -> float:
    """Return a finite number above 0 (`zero`: or 0 itself), or raise `ParameterError`."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise ParameterError(f"{name}={value!r} must be a number {'from 0' if zero else 'above 0'}.")
    return float(value)


def check_choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """Return a text that is one of the choices, or raise `ParameterError`."""
    if not isinstance(value, str) or value not in choices:
        known = ", ".join(f'"{c}"' for c in choices)
        raise ParameterError(f"{name}={value!r} is not known; use one of {known}.")
    return value
