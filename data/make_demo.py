"""Write the demo's files: held-out peaks drawn at random, and the two JASPAR matrices.

Run from anywhere, with a JASPAR file that holds MA0139.1 and MA0080.6::

    python data/make_demo.py --jaspar JASPAR2022_vertebrates.pfm --out seqexplain/data

The draw looks at nothing but the chromosome: peaks are taken as they come, also those the model gets wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from train import PEAK_FILES, TASKS, TEST_CHROMOSOMES, read_peaks

from seqexplain.motifs import Motif, read_motifs
from seqexplain.sequences import codes_to_one_hot, decode

MATRICES = (("MA0139.1", "CTCF"), ("MA0080.6", "Spi1"))  # accessions and the names JASPAR gives them


def demo_peaks(n: int, seed: int) -> list[tuple[str, str, str]]:
    """Draw `n` held-out peaks of each factor: name (its interval), factor, bases; no interval twice."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, tuple[str, str, str]] = {}
    for factor in TASKS:
        peaks = read_peaks(PEAK_FILES[factor])
        rows = np.flatnonzero(peaks.on(TEST_CHROMOSOMES))
        before = len(drawn)
        for row in rng.permutation(rows):
            name = f"{peaks.chromosomes[row]}:{peaks.starts[row]}-{peaks.ends[row]}"
            if name not in drawn and len(drawn) - before < n:
                (bases,) = decode(codes_to_one_hot(peaks.codes[row])[None])
                drawn[name] = (name, factor, bases)
    return list(drawn.values())


def jaspar_text(motif: Motif, accession: str, name: str) -> str:
    """Write a matrix in JASPAR format."""
    rows = [f"{base} [ {' '.join(f'{count:6.0f}' for count in motif.counts[:, k])} ]" for k, base in enumerate("ACGT")]
    return "\n".join([f">{accession}\t{name}", *rows, ""])


def main() -> None:
    """Write `demo_peaks.fa` and `jaspar_ctcf_spi1.jaspar`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jaspar", type=Path, required=True, help="JASPAR 2022 vertebrates")
    parser.add_argument("--out", type=Path, default=Path(), help="folder")
    parser.add_argument("-n", type=int, default=200, help="peaks of each factor")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    peaks = demo_peaks(arguments.n, arguments.seed)
    text = "".join(f">{name} {factor}\n{bases}\n" for name, factor, bases in peaks)
    (arguments.out / "demo_peaks.fa").write_text(text, encoding="ascii")

    # some copies of JASPAR repeat the accession in the header, joined with "_"
    matrices = {motif.id.split("_")[0]: motif for motif in read_motifs(arguments.jaspar)}
    header = (
        "# JASPAR 2022, https://jaspar.elixir.no, CC BY 4.0.\n"
        "# Castro-Mondragon JA et al. (2022). JASPAR 2022: the 9th release of the open-access database of\n"
        "# transcription factor binding profiles. Nucleic Acids Res. 50:D165.\n"
    )
    motifs = "".join(jaspar_text(matrices[accession], accession, name) for accession, name in MATRICES)
    (arguments.out / "jaspar_ctcf_spi1.jaspar").write_text(header + motifs, encoding="ascii")
    print(f"{len(peaks)} peaks and {len(MATRICES)} matrices in {arguments.out}")


if __name__ == "__main__":
    main()
