"""What `logo` draws, and how it refuses."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.plot import Highlight, color_schemes, logo, save_figure
from seqexplain.plot._figure import MAX_WIDTH, MIN_WIDTH
from seqexplain.results import Interval


def texts(ax):
    return [text.get_text() for text in ax.texts]


def spans(ax):
    """Left and right edge of each shaded span."""
    boxes = [patch.get_bbox() for patch in ax.patches if patch.get_zorder() == -2]
    return [(box.x0, box.x1) for box in boxes]


def test_axis_counts_from_start_and_baseline_is_at_zero():
    ax = logo(np.eye(4), start=100, title="a title", ylabel="logit")
    assert ax.get_xlim() == (99.5, 103.5)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["100", "101", "102", "103"]
    assert ax.get_ylim()[0] == 0
    assert ax.get_title(loc="left") == "a title"
    assert ax.get_ylabel() == "logit"
    assert any(list(line.get_ydata()) == [0, 0] for line in ax.lines)


def test_real_contributions_show_the_gata_motif(testdata):
    stored = np.load(testdata / "reference" / "talgata_deeplift_task0_20seqs.npz")
    X = stored["X20"][0]
    contributions = stored["rescale_all_layers|bg3223|task0"][0] * X
    start = "".join("ACGT"[base] for base in X.argmax(axis=1)).index("GATAA")
    ax = logo(contributions[start - 5 : start + 10], start=start - 5, highlight=[(start, start + 5, "GATA")])
    drawn = [patch for patch in ax.patches if patch.get_zorder() == 0]
    assert len(drawn) == np.count_nonzero(contributions[start - 5 : start + 10])
    tallest = max(drawn, key=lambda patch: patch.get_path().get_extents().ymax)
    assert start <= tallest.get_path().get_extents().x0 + 0.5 <= start + 5


def test_saliency_that_others_published(testdata):
    rows = (testdata / "seqs" / "spliceai_saliency_U2SUR.txt").read_text().splitlines()
    pairs = [row.split() for row in rows if row and not row.startswith("#")][1:]
    matrix = np.zeros((len(pairs), 4))
    for position, (letter, value) in enumerate(pairs):
        matrix[position, "ACGT".index(letter)] = float(value)
    ax = logo(matrix)
    low, high = ax.get_ylim()
    assert low < matrix.min()
    assert high > matrix.max()
    assert (
        sum(int((patch.get_path().codes == 1).sum()) >= 1 for patch in ax.patches)
        == np.unique([f"{letter}{float(value) < 0}" for letter, value in pairs if float(value) != 0]).size
    )


def test_every_scheme_of_logomaker_and_ones_own():
    assert {"classic", "grays", "base_pairing", "colorblind_safe"} <= set(color_schemes())
    for name in color_schemes():
        logo(np.eye(4), colors=name, engine="paths")
    own = {"A": "navy", "CG": "#ff0000", "u": (0, 1, 0)}
    for engine in ("logomaker", "paths"):
        ax = logo(np.eye(4), colors=own, engine=engine)
        seen = [to_rgb(patch.get_facecolor()) for patch in ax.patches]
        assert seen == [to_rgb("navy"), (1, 0, 0), (1, 0, 0), (0, 1, 0)]
    assert {to_rgb(p.get_facecolor()) for p in logo(np.eye(4), colors="black").patches} == {(0, 0, 0)}


def test_highlights_shade_half_open_spans_and_stay_out_of_each_others_way():
    ax = logo(
        np.ones((60, 4)),
        start=10,
        highlight=[(12, 15), (20, 30, "first"), Highlight(25, 40, "second", "pink"), (60, 200, "cut")],
    )
    assert spans(ax) == [(11.5, 14.5), (19.5, 29.5), (24.5, 39.5), (59.5, 69.5)]
    assert texts(ax) == ["first", "second", "cut"]
    heights = [text.xyann[1] for text in ax.texts]
    assert heights[1] > heights[0] == heights[2]  # overlapping labels take another row
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert not boxes[0].overlaps(boxes[1])


def test_title_stays_above_labels():
    ax = logo(np.ones((60, 4)), title="title", highlight=[(0, 30, "one"), (2, 8, "two"), (3, 9, "three")])
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    for one in range(3):
        for other in range(one):
            assert not boxes[one].overlaps(boxes[other])
    assert ax._left_title.get_window_extent().y0 >= max(box.y1 for box in boxes) - 1


def test_no_pyplot_figure_is_left_behind_and_notebooks_get_a_picture():
    before = plt.get_fignums()
    figure = logo(np.eye(4)).figure
    assert plt.get_fignums() == before
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_draws_on_the_users_axes():
    figure = Figure()
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    assert logo(np.eye(4), ax=left) is left
    assert logo(-np.eye(4), ax=right, engine="paths") is right
    assert right.get_ylim()[1] == 0


def test_width_grows_with_length():
    widths = [logo(np.ones((n, 4)), engine="paths").figure.get_figwidth() for n in (1, 60, 5000)]
    assert widths[0] == MIN_WIDTH
    assert MIN_WIDTH < widths[1] < MAX_WIDTH == widths[2]


def test_limits_are_kept():
    assert logo(np.eye(4), ylim=(-2, 5)).get_ylim() == (-2, 5)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.ones((4, 9)), r"shape \(4, 9\); expected \(length, 4\).*matrix\.T"),
        (np.ones((2, 9, 4)), r"matrix\[0\]"),
        (np.ones(9), "tracks"),
        (np.ones((0, 4)), "no positions"),
        (np.array([[1, 2, np.nan, 4.0]]), "nan at position 0, base G"),
        (np.array([[1, np.inf, 3, 4.0]]), "not finite"),
        ([["A", "C", "G", "T"]], "dtype"),
        ([[1, 2, 3, 4], [1]], "rectangular"),
    ],
)
def test_refuses_matrices(matrix, words):
    with pytest.raises(ShapeError, match=words):
        logo(matrix)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"colors": "clasic"}, "Did you mean 'classic'"),
        ({"colors": {"A": "red"}}, "lacks C, G, T"),
        ({"colors": {"A": "red", "CGT": "blurple"}}, "blurple"),
        ({"colors": {"ACGT": "red", "X": "blue"}}, "key 'X'"),
        ({"colors": 7}, "expected a scheme"),
        ({"engine": "fast"}, "auto, logomaker, paths"),
        ({"start": 1.5}, "whole number"),
        ({"shade_below": 2}, "from 0"),
        ({"fade_below": "much"}, "from 0"),
        ({"ylim": (1, -1)}, "lower first"),
        ({"ylim": 3}, "lower first"),
        ({"ylim": (0, np.nan)}, "lower first"),
        ({"ax": "left"}, "ax is a str"),
        ({"figsize": (3, -1)}, "figsize"),
        ({"figsize": 3}, "figsize"),
        ({"highlight": (1, 2)}, "cannot be read"),
        ({"highlight": "abc"}, "expected a list"),
        ({"highlight": Highlight(0, 2)}, "expected a list"),
        ({"highlight": [(2, 2)]}, "empty"),
        ({"highlight": [(4, 6)]}, "outside the positions 0 to 4"),
        ({"highlight": [(-3, 0)]}, "outside"),
        ({"highlight": [(0, 2.5)]}, "whole number"),
        ({"highlight": [(0, 2, "x", "blurple")]}, "blurple"),
        ({"highlight": [Interval("chr1", 0, 2)]}, "no interval"),
    ],
)
def test_refuses_parameters(arguments, words):
    with pytest.raises(ParameterError, match=words):
        logo(np.ones((4, 4)), **arguments)


NAMES = {
    "long": "a name out of a FASTA header that goes on and on " * 8,
    "one word": "x" * 300,
    "markup": r"peak$1$ \frac{ $ _^ & <b>",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("length", [4, 80])
def test_no_name_harms_the_logo(name, length, tmp_path):
    """Matplotlib would read dollars as formulas, and squeeze the axes to nothing beside long texts."""
    labels = [(0, 2, name), (1, 3, name), (2, 4, name)]
    ax = logo(np.ones((length, 4)), title=name, ylabel=name, highlight=labels, engine="paths")
    save_figure(ax, tmp_path / "a.svg")
    inside, whole = ax.get_window_extent(), ax.figure.bbox
    assert inside.width > 0.6 * whole.width
    assert inside.height / ax.figure.dpi > 0.7
    for text in [*ax.texts, ax._left_title]:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0
        assert box.x1 <= whole.x1 + 1
    if len(name) < 40:
        assert ax._left_title.get_text().replace("\n", "").startswith(name[:6])


def test_many_labels_leave_room():
    ax = logo(np.ones((60, 4)), highlight=[(i, i + 12, f"site {i}") for i in range(40)], title="crowd")
    ax.figure.canvas.draw()
    assert ax.get_window_extent().height / ax.figure.dpi > 0.9
