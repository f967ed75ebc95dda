"""Write motif matrices in the formats of MEME, JASPAR, TRANSFAC, HOMER, or as plain matrices."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

from seqexplain.errors import ParameterError
from seqexplain.motifs._matrices import UNIFORM, Motif, check_background
from seqexplain.motifs._read_transfac import FIELDS
from seqexplain.storage._files import atomic_file

HEADER = "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"

_SUFFIXES = {
    ".meme": "meme",
    ".jaspar": "jaspar",
    ".transfac": "transfac",
    ".tf": "transfac",
    ".pfm": "pfm",
    ".homer": "homer",
    ".motif": "homer",
}


def write_motifs(
    motifs: Sequence[Motif],
    path: str | Path,
    *,
    format: str | None = None,
    background: Sequence[float] = UNIFORM,
    overwrite: bool = False,
) -> Path:
    """Write motifs to a file; it appears whole or not at all.

    Parameters
    ----------
    motifs
        The motifs. Spaces in ids, and in MEME, PFM and HOMER files also in names, become underscores; ids in TRANSFAC
        files, and names in these and in JASPAR files, may hold single spaces, which tabs and ends of lines become.
    path
        The file; compressed with gzip where its name ends in `.gz`.
    format
        `"meme"` (minimal), `"jaspar"`, `"transfac"`, `"pfm"` (`>id name`, then four bare rows, A C G T) or `"homer"`;
        None: as the suffix says (`.meme`, `.jaspar`, `.transfac` or `.tf`, `.pfm`, `.homer` or `.motif`), and MEME
        after any other.
    background
        Probabilities of A, C, G and T that a MEME file states.
    overwrite
        Whether a file that exists may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ParameterError
        When there is no motif, no such format, or the background is none; for a motif of four positions in a format
        of bare rows, which could not be told from its transpose.
    StorageError
        When the file exists, or cannot be written.

    Notes
    -----
    JASPAR, TRANSFAC and PFM files hold the counts, with up to ten digits, or the probabilities of motifs that have no
    counts. MEME and HOMER files hold probabilities with seven and six decimals; `nsites` of a MEME file is the largest
    count of a position, rounded, at least 1, and left out where nobody knows it. Annotations are kept by TRANSFAC,
    a `url` also by MEME. HOMER's threshold is what `annotations["log_odds_threshold"]` says, or 0, with which HOMER
    calls every site that is likelier than background.
    """
    if not motifs:
        raise ParameterError("motifs is empty; expected one motif at least.")
    target = Path(path)
    shares = check_background(background)
    name = format if format is not None else _format_of(target)
    if name not in _WRITERS and name != "meme":
        known = ", ".join(repr(writer) for writer in ("meme", *_WRITERS))
        raise ParameterError(f"format is {name!r}; expected one of {known}.")
    if name == "meme":
        stated = " ".join(f"{base} {share:.5g}" for base, share in zip("ACGT", shares, strict=True))
        head = f"{HEADER}Background letter frequencies\n{stated}\n\n"
        text = head + "".join(_meme(motif) for motif in motifs)
    else:
        text = "".join(_WRITERS[name](motif) for motif in motifs)
    content = text.encode("utf-8")
    if target.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    with atomic_file(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(content)
    return target


def _format_of(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return _SUFFIXES.get(suffixes[-1], "meme") if suffixes else "meme"


def _word(text: str) -> str:
    return "_".join(text.split()) or "motif"


def _line(text: str) -> str:
    """Return text without what ends a line or parts fields."""
    return " ".join(text.split())


def _values(motif: Motif) -> list[list[str]]:
    """Return counts, or probabilities where there are none, as written: a row a position."""
    if motif.kind == "counts":
        return [[f"{value:.10g}" for value in row] for row in motif.counts]
    return [[f"{value:.7f}" for value in row] for row in motif.probabilities]


def _meme(motif: Motif) -> str:
    sites = f"nsites= {max(1, round(float(motif.counts.sum(axis=1).max())))} " if motif.kind == "counts" else ""
    lines = [f"MOTIF {_word(motif.id)} {_word(motif.name)}"]
    lines.append(f"letter-probability matrix: alength= 4 w= {motif.width} {sites}E= 0")
    lines += [" ".join(f"{p:.7f}" for p in row) for row in motif.probabilities]
    if "url" in motif.annotations:
        lines.append(f"URL {_line(motif.annotations['url'])}")
    return "\n".join([*lines, "", ""])


def _jaspar(motif: Motif) -> str:
    columns = _values(motif)
    widest = max(len(word) for row in columns for word in row)
    rows = [
        f"{base}  [ {' '.join(f'{row[k]:>{widest}}' for row in columns)} ]" for k, base in enumerate("ACGT")
    ]  # fmt: skip
    return "\n".join([f">{_word(motif.id)}\t{_line(motif.name)}", *rows, ""])


def _pfm(motif: Motif) -> str:
    if motif.width == 4:
        raise ParameterError(
            f'Motif {motif.id!r} has four positions: its bare rows could be positions as well. Use format="jaspar".'
        )
    columns = _values(motif)
    rows = [" ".join(row[k] for row in columns) for k in range(4)]
    return "\n".join([f">{_word(motif.id)} {_word(motif.name)}", *rows, ""])


def _transfac(motif: Motif) -> str:
    names = {ours: theirs for theirs, ours in FIELDS.items()}
    id, name = _line(motif.id), _line(motif.name)
    lines = [f"AC  {id}", "XX", f"ID  {name}", "XX", f"DE  {id} {name}"]
    lines.append("P0" + "".join(f"  {base:>6}" for base in "ACGT"))
    for position, row in enumerate(_values(motif), start=1):
        lines.append(f"{position:02d}" + "".join(f"  {value:>6}" for value in row))
    lines.append("XX")
    lines += [f"CC  {names.get(key, key)}:{_line(value)}" for key, value in motif.annotations.items()]
    return "\n".join([*lines, "XX", "//", ""])


def _homer(motif: Motif) -> str:
    threshold = _word(motif.annotations.get("log_odds_threshold", "0"))
    head = f">{motif.iupac}\t{_word(motif.id)}\t{threshold}"
    return "\n".join([head, *("\t".join(f"{p:.6f}" for p in row) for row in motif.probabilities), ""])


_WRITERS: dict[str, Callable[[Motif], str]] = {
    "jaspar": _jaspar,
    "transfac": _transfac,
    "pfm": _pfm,
    "homer": _homer,
}
