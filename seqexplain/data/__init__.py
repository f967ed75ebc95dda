"""The small part of the data that ships: a trained model, held-out peaks, motif matrices.

See `MODEL_CARD.md` beside this file for the model, and `data/README.md` of the source tree for where all of
it comes from.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from seqexplain.errors import MissingFileError

MODEL = "ctcf_pu1.keras"
MODEL_METRICS = "ctcf_pu1.metrics.json"
MODEL_CARD = "MODEL_CARD.md"
DEMO_PEAKS = "demo_peaks.fa"
MOTIFS = "jaspar_ctcf_spi1.jaspar"
JASPAR_VERTEBRATES = "jaspar2026_vertebrates.transfac.gz"

__all__ = ["DEMO_PEAKS", "JASPAR_VERTEBRATES", "MODEL", "MODEL_CARD", "MODEL_METRICS", "MOTIFS", "bundled"]


def bundled(name: str) -> Path:
    """Return the path of a file that ships with seqexplain.

    Parameters
    ----------
    name
        `"ctcf_pu1.keras"`, `"ctcf_pu1.metrics.json"`, `"MODEL_CARD.md"`, `"demo_peaks.fa"`,
        `"jaspar_ctcf_spi1.jaspar"` or `"jaspar2026_vertebrates.transfac.gz"`.

    Raises
    ------
    MissingFileError
        When nothing of that name ships.

    Examples
    --------
    >>> bundled("ctcf_pu1.keras").suffix
    '.keras'
    """
    known = (MODEL, MODEL_METRICS, MODEL_CARD, DEMO_PEAKS, MOTIFS, JASPAR_VERTEBRATES)
    if name not in known:
        raise MissingFileError(f"No file {name!r} ships with seqexplain; there are: {', '.join(known)}.")
    with as_file(files(__name__) / name) as path:
        if not path.is_file():
            raise MissingFileError(f"{path} is missing from this installation. Install seqexplain anew.")
        return path
