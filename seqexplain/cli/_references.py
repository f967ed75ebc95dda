"""`--references`: what each sequence is compared with, as text: a name, a background, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seqexplain.errors import FileFormatError, ParameterError, ShapeError

HELP = (
    "What sequences are compared with: dinucleotide or mononucleotide shuffles (-n of each), zeros, uniform, "
    "frequencies of A,C,G,T (0.3,0.2,0.2,0.3), a FASTA file of references for all, or a .npy or .npz array. "
    "Default: dinucleotide for DeepLIFT, else the method's (seqexplain methods)."
)
_NAMES = ("dinucleotide", "mononucleotide", "zeros", "uniform")
_KEY = "references"  # of an .npz archive with several arrays


def read_references(text: str, n: int, seed: int) -> Any:
    """Read `--references` into `seqexplain.sequences.References`.

    Parameters
    ----------
    text
        See the module.
    n, seed
        Shuffles a sequence, and their seed.

    Raises
    ------
    SeqExplainError
        When it is neither a name, nor four frequencies, nor a file that holds references.
    """
    from seqexplain.sequences import resolve_references

    path = Path(text).expanduser()
    if text in _NAMES or _is_numbers(text):
        return resolve_references(text, n, random_state=seed)
    if not path.is_file():
        raise ParameterError(
            f"--references {text!r} is neither a file nor one of {', '.join(_NAMES)}, nor four frequencies such as "
            "0.3,0.2,0.2,0.3 (A,C,G,T)."
        )
    array = _from_array_file(path) if path.suffix in (".npy", ".npz") else _from_fasta(path)
    try:
        return resolve_references(array, n, random_state=seed)
    except ShapeError as error:
        raise ShapeError(f"{path}: {error}") from error


def _is_numbers(text: str) -> bool:
    try:
        return bool([float(part) for part in text.replace(",", " ").split()])
    except ValueError:
        return False


def _from_array_file(path: Path) -> Any:
    import numpy as np

    try:
        loaded = np.load(path, allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            return loaded
        with loaded:
            names = list(loaded)
            if _KEY not in names and len(names) != 1:
                raise FileFormatError(
                    f"{path} holds the arrays {', '.join(names) or 'none'}; name the one that is meant {_KEY!r}."
                )
            return loaded[_KEY if _KEY in names else names[0]]
    except FileFormatError:
        raise
    except (ValueError, EOFError, OSError, KeyError) as error:  # NumPy's words here tell how to load it unsafely
        raise FileFormatError(
            f"{path} is not an array file of NumPy, or is damaged; save it with numpy.save."
        ) from error


def _from_fasta(path: Path) -> Any:
    from seqexplain.sequences import one_hot, read_fasta

    sequences: list[str] = []
    for record in read_fasta(path):
        if sequences and len(record.sequence) != len(sequences[0]):
            raise FileFormatError(
                f"{record.source}: {record.name!r} has {len(record.sequence)} bp, the references before "
                f"{len(sequences[0])}; bring all to one length."
            )
        sequences.append(record.sequence)
    return one_hot(sequences)
