"""The map of pairs: each cell where it belongs, the diagonal left out."""

from __future__ import annotations

import numpy as np
import pytest

from seqexplain.errors import ShapeError
from seqexplain.plot import epistasis_map

STRENGTH = np.array([[9.0, 2, 1], [2, 9, 0], [1, 0, np.nan]])


def test_cells_stand_at_their_positions() -> None:
    ax = epistasis_map(STRENGTH, start=40, title="pairs", label="logit")
    (image,) = ax.images
    shown = image.get_array()
    assert shown.mask.tolist() == np.eye(3, dtype=bool).tolist()
    assert (shown[0, 1], shown[2, 0], shown[1, 2]) == (2, 1, 0)
    assert (ax.get_xlim(), ax.get_ylim()) == ((40, 43), (43, 40))
    assert image.get_clim() == (0, 2)
    assert ax.get_title(loc="left") + ax.get_title() == "pairs"
    assert ax.figure.axes[1].get_ylabel() == "logit"


def test_signed_values_are_white_in_the_middle_and_axes_may_be_given() -> None:
    first = epistasis_map(STRENGTH, colorbar=False)
    again = epistasis_map(-STRENGTH, ax=first, limit=5, colorbar=False)
    assert again is first
    assert first.images[1].get_clim() == (-5, 5)
    assert first.images[1].get_cmap().name == "RdBu_r"


@pytest.mark.parametrize(
    ("bad", "message"),
    [(np.zeros((2, 3)), "expected"), (np.zeros((1, 3, 3)), "expected"), ([[0, np.inf], [1, 0]], "finite")],
)
def test_what_cannot_be_drawn_is_refused(bad: object, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        epistasis_map(bad)  # type: ignore[arg-type]
