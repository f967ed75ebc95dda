"""TF-MoDISco, by its maintained library, with what its users miss around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError
from seqexplain.motifs._contribution_source import open_contributions
from seqexplain.motifs._modisco_process import check_installed
from seqexplain.motifs._modisco_run import ModiscoRun, Progress
from seqexplain.motifs._open_background import check_length, open_background
from seqexplain.motifs._pattern_set import PatternSet
from seqexplain.motifs._seqlets import Seqlets
from seqexplain.sequences.shuffle import check_seed


def modisco_patterns(
    source: Any,
    *,
    target: int | str | None = None,
    seqlets: Seqlets | None = None,
    background: Any = None,
    window: int | None = None,
    max_seqlets: int = 20_000,
    width: int = 20,
    flank: int = 5,
    fdr: float = 0.05,
    trim: int = 30,
    extend: int = 10,
    min_size: int = 20,
    leiden_runs: int = 2,
    options: Mapping[str, Any] | None = None,
    max_memory: int | None = None,
    progress: Progress | None = None,
    random_state: int = 0,
) -> PatternSet:
    """Find motifs with TF-MoDISco (`pip install "seqexplain[modisco]"`).

    Parameters
    ----------
    source
        Contributions with hypothetical scores, or anything that `open_contributions` takes.
    target
        Which of several targets, by position or label.
    seqlets
        Seqlets to cluster, such as `call_seqlets` returns: windows of `width + 2·flank` bp around their middles. By
        default TF-MoDISco calls its own.
    background
        Contributions of shuffled sequences: then `call_seqlets` calls the seqlets, which are to stand out against them.
        The same method and target, sequences of the same length.
    window
        Look at so many bp in the middle of each sequence only; a pattern may reach beyond. By default at all.
    max_seqlets
        Positive, and negative, seqlets that are clustered at most. Of more, so many are drawn at random, each with the
        same chance; the library itself would take the first ones. Time and memory grow with it.
    width, flank
        Windows of `width` bp are summed to find seqlets, which then get `flank` bp on both sides.
    fdr
        False discovery rate of the library's own seqlets, against a Laplace null fitted to the windows.
    trim, extend
        A pattern is cut to the `trim` bp with the most information, and given `extend` bp on both sides.
    min_size
        Occurrences that make a pattern.
    leiden_runs
        Clusterings from different starts, of which the best is kept.
    options
        More options of the library's `seqlets_to_patterns`, by its own names.
    max_memory
        Refuse to start where more bytes are needed; by default more than are free.
    progress
        Called with what was just done, and the share of all steps that are done.
    random_state
        Seed of the draw, and of the order in which the library gets the sequences.

    Returns
    -------
    PatternSet
        With `method` "modisco". May be empty; then `notes` say why.

    Raises
    ------
    MissingExtraError
        When the library is not installed.
    ParameterError
        Without hypothetical contributions, for options that make no sense, a background that was made in another way,
        and where memory does not suffice.
    StorageError
        When the folder for temporary files (TMPDIR) has no room for a copy of the stretches that hold seqlets.
    LibraryError
        When the library fails.

    Notes
    -----
    The library runs in a process of its own, so nothing it prints, forks or sets is left behind. It gets the sequences
    in an order that follows from what they hold and from `random_state`: neither the order of the input nor the
    number of threads changes the result, and the same seed gives the same patterns.

    Sequences are extended by unknown bases, which contribute nothing: the library drops occurrences whose window hangs
    over an edge, which in sequences of 100 bp are most. Places are those in the sequences as given, whatever the
    window. Matrices are made from the occurrences anew, as of any other method (`Pattern`).

    References
    ----------
    Shrikumar, Tian, Avsec et al. (2018) Technical note on Transcription Factor Motif Discovery from Importance Scores
    (TF-MoDISco). arXiv:1811.00416.

    The library: https://github.com/kundajelab/tfmodisco and https://github.com/jmschrei/tfmodisco-lite (MIT). It uses
    igraph and leidenalg (GPL).
    """
    random_state = check_seed(random_state)
    whole_numbers = {
        "max_seqlets": (max_seqlets, 1), "width": (width, 4), "flank": (flank, 0), "trim": (trim, 6),
        "extend": (extend, 0), "min_size": (min_size, 2), "leiden_runs": (leiden_runs, 1),
        "window": (width if window is None else window, width),
    }  # fmt: skip
    _check(whole_numbers, fdr)
    check_installed()
    opened = open_contributions(source, target=target)
    behind = None
    if background is not None:
        if seqlets is not None:
            raise ParameterError("background is for seqlets that are called here; leave it out, or leave out seqlets.")
        behind = open_background(opened, background, target=target)
        check_length(opened, behind)
    if not opened.has_hypothetical:
        raise ParameterError(
            f"TF-MoDISco needs hypothetical contributions (of every base, not only the observed one), which "
            f"{opened.description} has not. Explain with deeplift, integrated_gradients or in_silico_mutagenesis, or "
            'use method "fast", which does without.'
        )
    parameters = {
        "window": window, "max_seqlets": max_seqlets, "width": width, "flank": flank, "fdr": fdr, "trim": trim,
        "extend": extend, "min_size": min_size, "leiden_runs": leiden_runs, "options": dict(options or {}),
        "random_state": random_state, "seqlets": "given" if seqlets is not None else "called by the library",
    }  # fmt: skip
    run = ModiscoRun(opened, parameters, progress, max_memory)
    patterns = run.patterns(seqlets, behind)
    return PatternSet.of(opened, patterns, method="modisco", parameters=run.parameters, notes=run.notes)


def _check(whole_numbers: Mapping[str, tuple[Any, int]], fdr: float) -> None:
    for name, (value, least) in whole_numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ParameterError(f"{name} is {value!r}; expected a whole number from {least}.")
    if not 0 < fdr < 1:
        raise ParameterError(f"fdr is {fdr!r}; expected a number between 0 and 1.")
