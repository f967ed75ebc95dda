"""Time three tracks of a long logo: our engine against logomaker alone, saved as PNG, SVG and PDF.

    python benchmarks/logo.py [--length 1000] [--tracks 3] [--observed] [--skip-logomaker]

By default every base of every position has a letter (hypothetical contributions, the hardest case);
`--observed` keeps one letter a position. Each time is that of drawing plus saving; both sides use the same
figure size and resolution, and everything is imported and warm before the clock runs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import logomaker
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seqexplain.plot import save_figure, tracks

Tracks = dict[str, np.ndarray]
Draw = Callable[[Tracks, Path], None]
FORMATS = ("png", "svg", "pdf")
SIZE = (16.0, 4.4)  # inches, what `tracks` chooses for three long logos
DPI = 200


def heights(length: int, count: int, *, observed: bool) -> Tracks:
    """Random heights in which a few positions stand out, as in real contributions."""
    rng = np.random.default_rng(0)
    bases = np.eye(4)[rng.integers(0, 4, length)]
    made = {}
    for track in range(count):
        values = rng.normal(size=(length, 4)) * rng.gamma(0.5, 1.0, size=(length, 1))
        made[f"track {track + 1}"] = values * bases if observed else values
    return made


def ours(values: Tracks, path: Path) -> None:
    """Draw and save with the engine that `auto` takes."""
    save_figure(tracks(values, figsize=SIZE), path, dpi=DPI)


def alone(values: Tracks, path: Path) -> None:
    """Draw and save with logomaker and Matplotlib only, as its users do."""
    figure = Figure(figsize=SIZE)
    FigureCanvasAgg(figure)
    for ax, track in zip(figure.subplots(len(values), 1, squeeze=False)[:, 0], values.values(), strict=True):
        logomaker.Logo(pd.DataFrame(track, columns=list("ACGT")), ax=ax, color_scheme="classic")
    figure.savefig(path, dpi=DPI)


def seconds(draw: Callable[[Tracks, Path], None], values: Tracks, path: Path) -> float:
    """Wall-clock time of one drawing."""
    begin = time.perf_counter()
    draw(values, path)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=1000, help="positions a track")
    parser.add_argument("--tracks", type=int, default=3, help="number of tracks")
    parser.add_argument("--observed", action="store_true", help="one letter a position in place of four")
    parser.add_argument("--skip-logomaker", action="store_true", help="time our engine only")
    options = parser.parse_args()
    values = heights(options.length, options.tracks, observed=options.observed)
    small = {name: track[:5] for name, track in values.items()}
    letters = sum(int(np.count_nonzero(track)) for track in values.values())
    size = f"{SIZE[0]:g} x {SIZE[1]:g} inches"
    print(f"{options.length:,} bp x {options.tracks} tracks, {letters:,} letters, {size}")
    print(f"{'format':8}{'seqexplain':>12}{'logomaker':>12}{'ratio':>8}{'ours, kB':>10}{'theirs, kB':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for kind in FORMATS:
            first, second = Path(folder) / f"ours.{kind}", Path(folder) / f"theirs.{kind}"
            ours(small, first)  # fonts are found and renderers loaded before the clock runs
            mine = seconds(ours, values, first)
            line = f"{kind:8}{mine:>10.2f} s"
            written = first.stat().st_size / 1000
            if options.skip_logomaker:
                print(f"{line}{'-':>12}{'-':>8}{written:>10.0f}{'-':>12}", flush=True)
                continue
            alone(small, second)
            other = seconds(alone, values, second)
            theirs = second.stat().st_size / 1000
            print(f"{line}{other:>10.2f} s{other / mine:>7.0f}x{written:>10.0f}{theirs:>12.0f}", flush=True)


if __name__ == "__main__":
    main()
