"""One colour a base: logomaker's schemes, a single colour, or the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from logomaker.src.colors import COLOR_SCHEME_DICT
from matplotlib.colors import is_color_like, to_rgb

from seqexplain.errors import ParameterError
from seqexplain.plot._arrays import BASES

RGB = tuple[float, float, float]
Colors = str | Mapping[str, Any]

WHITE_SHARE = 0.72  # of a pale shade


def color_schemes() -> tuple[str, ...]:
    """Return the names that `colors` takes: logomaker's schemes.

    `"classic"` is the field's A green, C blue, G orange, T red. `"colorblind_safe"` keeps the four bases
    apart under the common colour deficiencies. The schemes made for amino acids colour A, C, G and T as
    residues.

    Examples
    --------
    >>> color_schemes()[:4]
    ('classic', 'grays', 'base_pairing', 'colorblind_safe')
    """
    return tuple(COLOR_SCHEME_DICT)


def base_colors(colors: Colors) -> dict[str, RGB]:
    """Return the RGB colour of each base.

    Parameters
    ----------
    colors
        A name out of `color_schemes()`, any Matplotlib colour for all four bases, or a mapping from bases to
        Matplotlib colours; a key may join bases (`{"GC": "navy", "AT": "darkorange"}`) and U stands for T.

    Raises
    ------
    ParameterError
        When a name, a colour or a base is unknown, or a base is without colour.
    """
    if isinstance(colors, Mapping):
        return _from_mapping(colors)
    if isinstance(colors, str) and colors in COLOR_SCHEME_DICT:
        return _from_mapping(COLOR_SCHEME_DICT[colors], others=True)
    if is_color_like(colors):
        return dict.fromkeys(BASES, to_rgb(colors))
    names = color_schemes()
    close = get_close_matches(colors, names, n=1) if isinstance(colors, str) else []
    hint = f" Did you mean {close[0]!r}?" if close else " Or give a colour a base: {'A': 'green', 'C': …}."
    raise ParameterError(
        f"colors is {colors!r}; expected a scheme ({', '.join(names)}), a Matplotlib colour or a mapping.{hint}"
    )


def pale(color: Any) -> RGB:
    """Return a shade of `color` on which letters of each scheme stay readable."""
    red, green, blue = (WHITE_SHARE + (1 - WHITE_SHARE) * part for part in to_rgb(color))
    return red, green, blue


def _from_mapping(mapping: Mapping[str, Any], *, others: bool = False) -> dict[str, RGB]:
    """Spread keys such as "GC" over their bases; letters of other alphabets only pass with `others`."""
    found: dict[str, RGB] = {}
    for key, color in mapping.items():
        if not is_color_like(color):
            raise ParameterError(
                f"The colour {color!r} of {key!r} is not one Matplotlib knows. Try 'navy' or '#0072b2'."
            )
        for letter in str(key).upper():
            base = "T" if letter == "U" else letter
            if base in BASES:
                found[base] = to_rgb(color)
            elif not others:
                raise ParameterError(f"colors has the key {key!r}; expected bases only, out of A, C, G and T (or U).")
    missing = [base for base in BASES if base not in found]
    if missing:
        raise ParameterError(f"colors lacks {', '.join(missing)}; give a colour for each of A, C, G and T.")
    return {base: found[base] for base in BASES}
