"""Tomtom's p-values from memelite, an implementation that uses all cores."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import MissingExtraError
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._tomtom import MEDIAN_BINS, SCORE_BINS

WIDEST = 40  # columns; memelite's workspace grows with their cube, 0.2 GB a thread for 40 and 3 GB for 100
_AT_A_TIME = 1000  # queries: five numbers for each of a thousand targets make 40 MB


def memelite_p_values(queries: Sequence[Motif], targets: Sequence[Motif]) -> Iterator[NDArray[np.float64]]:
    """Yield each query's p-values `(targets,)`; queries are at most 40 columns wide.

    Target columns are not merged with similar ones, as memelite does unless told otherwise: that shifts strong
    p-values by powers of ten.

    Raises
    ------
    MissingExtraError
        When memelite is not installed.
    """
    try:
        from memelite import tomtom
    except ImportError as error:
        raise MissingExtraError(
            'engine="memelite" needs the package memelite. Use: pip install "seqexplain[tomtom]", or engine="numpy", '
            "which gives the same numbers."
        ) from error
    matrices = [np.ascontiguousarray(motif.probabilities.T) for motif in targets]
    for first in range(0, len(queries), _AT_A_TIME):
        part = [np.ascontiguousarray(motif.probabilities.T) for motif in queries[first : first + _AT_A_TIME]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few targets; match_motifs has said so
            found = tomtom(part, matrices, n_score_bins=SCORE_BINS, n_median_bins=MEDIAN_BINS, n_target_bins=None)
        yield from np.array(found[0])
