"""Write motif matrices as a MEME file, which Tomtom, FIMO and most other tools read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqexplain.errors import ParameterError
from seqexplain.motifs._matrices import UNIFORM, Motif, check_background
from seqexplain.storage._files import atomic_file

HEADER = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"


def write_motifs(
    motifs: Sequence[Motif], path: str | Path, *, background: Sequence[float] = UNIFORM, overwrite: bool = False
) -> Path:
    """Write motifs in minimal MEME format; the file appears whole or not at all.

    Parameters
    ----------
    motifs
        The motifs. Spaces in ids and names become underscores: a MEME file parts fields by them.
    path
        The file.
    background
        Probabilities of A, C, G and T that the file states.
    overwrite
        Whether a file that exists may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ParameterError
        When there is no motif, or the background is none.
    StorageError
        When the file exists, or cannot be written.

    Notes
    -----
    Probabilities have seven digits; `nsites` is the largest count of a position, rounded, and at least 1.
    """
    if not motifs:
        raise ParameterError("motifs is empty; expected one motif at least.")
    shares = check_background(background)
    text = [HEADER, "Background letter frequencies\n"]
    text.append(" ".join(f"{base} {share:.5g}" for base, share in zip("ACGT", shares, strict=True)) + "\n\n")
    for motif in motifs:
        sites = max(1, round(float(motif.counts.sum(axis=1).max())))
        text.append(f"MOTIF {_word(motif.id)} {_word(motif.name)}\n")
        text.append(f"letter-probability matrix: alength= 4 w= {motif.width} nsites= {sites} E= 0\n")
        text += [" ".join(f"{p:.7f}" for p in row) + "\n" for row in motif.probabilities]
        text.append("\n")
    target = Path(path)
    with atomic_file(target, overwrite=overwrite) as temporary:
        temporary.write_text("".join(text), encoding="utf-8")
    return target


def _word(text: str) -> str:
    return "_".join(text.split()) or "motif"
