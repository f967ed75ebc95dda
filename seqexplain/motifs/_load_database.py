"""The motifs that others are compared with: those that ship, or a file's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from seqexplain.data import JASPAR_VERTEBRATES, bundled
from seqexplain.errors import MissingFileError
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._read_motifs import read_motifs

SHIPPED = {"jaspar": JASPAR_VERTEBRATES}


def load_database(database: str | Path = "jaspar") -> list[Motif]:
    """Load a motif database.

    Parameters
    ----------
    database
        `"jaspar"`: JASPAR 2026, CORE collection, vertebrates, the newest version of each of its 1,019 matrices of
        counts, with family, class, species, proteins and source publication as annotations. Or the path of a file, of
        HOCOMOCO for instance, in any format that `read_motifs` knows.

    Returns
    -------
    list of Motif
        JASPAR's by accession, a file's in its own order.

    Raises
    ------
    MissingFileError
        When there is neither a shipped database nor a file of that name.
    FileFormatError
        As for `read_motifs`.

    Notes
    -----
    JASPAR is licensed under CC BY 4.0; please cite it.

    References
    ----------
    Ovek Baydar D, Rauluseviciute I, Aronsen DR et al. (2026). JASPAR 2026: expansion of transcription factor binding
    profiles and integration of deep learning models. Nucleic Acids Res. 54:D184. doi:10.1093/nar/gkaf1209.

    Examples
    --------
    >>> ctcf = next(motif for motif in load_database() if motif.name == "CTCF")
    >>> ctcf.id, ctcf.annotations["class"]
    ('MA0139.2', 'C2H2 zinc finger factors')
    """
    if str(database).lower() in SHIPPED:
        return list(_shipped(SHIPPED[str(database).lower()]))
    path = Path(database).expanduser()
    if not path.is_file():
        raise MissingFileError(
            f"There is no motif database {str(database)!r}; expected {', '.join(map(repr, SHIPPED))} or the path of a "
            f"MEME, JASPAR, TRANSFAC or PFM file."
        )
    return read_motifs(path)


@lru_cache(maxsize=len(SHIPPED))
def _shipped(name: str) -> tuple[Motif, ...]:
    """Read a shipped database once; motifs cannot be changed, so all may share them."""
    return tuple(read_motifs(bundled(name)))
