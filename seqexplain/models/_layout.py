"""How a model wants one-hot DNA laid out, and how to bring `(n, L, 4)` there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seqexplain.errors import ModelLoadError, ParameterError
from seqexplain.models.operations import Shape


def check_layout(layout: str) -> None:
    """Raise ParameterError unless a layout is made of one L, one C and any number of 1."""
    if sorted(layout.replace("1", "")) != ["C", "L"]:
        raise ParameterError(
            f'layout={layout!r} is not understood; write the axes of one example with L, C and 1, as in "LC" for '
            '(L, 4), "CL" for (4, L) or "LC1" for (L, 4, 1).'
        )


def could_be_dna(shape: Shape, layout: str | None) -> bool:
    """Whether an input of this shape, of one example, could read one-hot DNA."""
    if layout is not None:
        check_layout(layout)
        return len(shape) == len(layout) and shape[layout.index("C")] in (4, None)
    return len([n for n in shape if n != 1]) == 2 and 4 in shape


def read_layout(shape: Shape, layout: str | None, name: str) -> str:
    """Return the layout of an input shape, as letters L, C and 1."""
    if layout is not None:
        check_layout(layout)
        if len(layout) != len(shape) or shape[layout.index("C")] not in (4, None):
            raise ParameterError(f"layout={layout!r} does not fit the input of {name!r}, which has shape {shape}.")
        return layout
    letters = ["1" if n == 1 else "L" for n in shape]
    fours = [i for i, n in enumerate(shape) if n == 4]
    letters[fours[-1]] = "C"  # where the sequence itself has 4 bp the last axis is taken
    if letters.count("L") != 1:
        raise ModelLoadError(
            f"The input of the model {name!r} has shape {shape}, which is not understood as DNA. "
            'Say how it is laid out: layout="LC" for (L, 4), "CL" for (4, L), "LC1" for (L, 4, 1).'
        )
    return "".join(letters)


def arrange(x: Any, layout: str, transpose: Callable[..., Any], reshape: Callable[..., Any]) -> Any:
    """Bring `(n, L, 4)` into a layout."""
    if layout.replace("1", "") == "CL":
        x = transpose(x, (0, 2, 1))
    if "1" not in layout:
        return x
    sizes = iter(x.shape[1:])
    return reshape(x, (x.shape[0], *(1 if letter == "1" else next(sizes) for letter in layout)))
