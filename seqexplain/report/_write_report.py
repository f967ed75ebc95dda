"""Write a report: one HTML file that holds everything it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.motifs import load_motifs
from seqexplain.report._body import Body, gather
from seqexplain.report._companions import Companion, companion
from seqexplain.report._explained import Explained, open_results
from seqexplain.report._hit_table import HitTable, hit_table
from seqexplain.report._motif_cards import motif_cards, open_motifs
from seqexplain.report._overview import histogram, profile, unit_of
from seqexplain.report._packing import pack
from seqexplain.results import Attributions
from seqexplain.storage import ResultStore, atomic_file, peek, refuse_taken

if TYPE_CHECKING:
    from seqexplain.motifs import MotifMatches, PatternSet

Array = NDArray[Any]

EFFECT_BASES = 2_000_000  # effects of substitutions of so many bases are in the page
SUBSET_BASES = 20_000_000  # and so many of subsets, which are small

METHODS = {
    "deeplift": "DeepLIFT", "integrated_gradients": "integrated gradients", "expected_gradients": "expected gradients",
    "input_x_gradient": "input × gradient", "lrp": "layer-wise relevance propagation", "saliency": "saliency",
    "in_silico_mutagenesis": "in-silico mutagenesis", "sufficient_input_subsets": "sufficient input subsets",
    "smooth_grad": "SmoothGrad", "guided_backprop": "guided backpropagation", "grad_cam": "Grad-CAM", "lime": "LIME",
    "kernel_shap": "Kernel SHAP",
}  # fmt: skip

FOUND_BY = {
    "fast": "from similar seqlets", "modisco": "by TF-MoDISco", "sis": "from sufficient subsets",
    "filters": "from the model's filters",
}  # fmt: skip


@dataclass(frozen=True)
class ReportSummary:
    """What a report holds.

    Attributes
    ----------
    path, size
        The file, and its size in bytes.
    sequences, motifs, hits
        How many there are.
    bits
        Contributions are kept to half of 1 / (2^(bits − 1) − 1) of each sequence's largest.
    hypothetical
        Whether hypothetical scores are in it.
    notes
        Plain statements of what is not, and why.
    """

    path: Path
    size: int
    sequences: int
    motifs: int
    hits: int
    bits: int
    hypothetical: bool
    notes: tuple[str, ...]


def write_report(
    results: Any,
    path: str | Path,
    *,
    motifs: PatternSet | str | Path | None = None,
    hits: Any = None,
    matches: MotifMatches | None = None,
    sis: Any = None,
    ism: Any = None,
    target: int | str | None = None,
    title: str | None = None,
    overwrite: bool = False,
) -> ReportSummary:
    """Write results as one HTML page that opens in any browser, without a network.

    The page has an overview, a table of motifs, a browser of sequences that zooms from whole sequences to single bases,
    and all settings. Nothing is loaded from elsewhere, and nothing that names or files hold is ever run.

    Parameters
    ----------
    results
        `Attributions`, a `ResultStore` or the path of one, or contributions of other tools, as `open_contributions`
        takes them.
    path
        The file to write; it appears whole or not at all.
    motifs
        A `PatternSet`, or the path of a folder that `seqexplain motifs` wrote, or of a TF-MoDISco file.
    hits
        `MotifHits`, the path of a table that `seqexplain hits` wrote (`.tsv`), or `"computed"`: found now.
    matches
        Of the motifs with those of a database; by default those in the folder.
    sis
        Sufficient input subsets of the same sequences: `SufficientInputSubsets`, a store or its path.
    ism
        Effects of substitutions in the same sequences: what `in_silico_mutagenesis` returns, a store or its path.
    target
        Which of several targets, by position or label; by default the one that the motifs are of.
    title
        Of the page; by default the name of the results.
    overwrite
        Whether a file that exists may be replaced.

    Returns
    -------
    ReportSummary
        What is in it, and what is not.

    Raises
    ------
    ParameterError
        When parts are not of the same sequences.
    TargetError
        When there are several targets and none is chosen, or no such target.
    StorageError
        When the file exists, or cannot be written.
    SeqExplainError
        When the results or a part cannot be read.

    Notes
    -----
    Contributions are kept as whole steps of each sequence's largest: 1/32,767 of it, or 1/127 where all sequences
    together have more than two million bases; the page says which. Hypothetical scores and effects of substitutions are
    kept in steps of 1/127, of two million bases at most: of the sequences with the highest predictions, and of the
    first ones; the page says so. Sequences are unfolded in the browser when they are looked at.

    Work: one pass over the results, and one over the hypothetical scores that are kept; memory: a block of them, and
    the page.
    """
    place = Path(path).expanduser()
    refuse_taken(place, overwrite=overwrite)
    explained, patterns, found = _open(results, motifs, matches, target)
    table = hit_table(hits, explained, patterns)
    body = gather(explained)
    notes = [] if table is None else list(table.notes)
    given = {"sis": sis, "ism": ism}
    if isinstance(explained.source, Attributions | ResultStore):
        for kind in body.own:
            given[kind] = explained.source if given[kind] is None else given[kind]
    companions = {
        kind: companion(kind, one, explained, body.codes, most_bases=SUBSET_BASES if kind == "sis" else EFFECT_BASES)
        for kind, one in given.items()
        if one is not None
    }
    for one in companions.values():
        notes += one.notes
    kept = int((body.hypothetical_rows >= 0).sum())
    if explained.has_hypothetical and kept < explained.n:
        notes.append(
            f"Hypothetical contributions are in this page for the {kept:,} sequences with the highest predictions; "
            f"those of all {explained.n:,} would add some {_megabytes(4 * (explained.n - kept) * explained.length)}. "
            "`seqexplain logo STORE --sequence NAME --hypothetical -o logo.svg` draws those of any."
        )
    cards = motif_cards(patterns, found, table, explained)
    context = _context(explained, body, patterns, cards, table, companions, notes, title)
    from seqexplain.report._page import render

    with atomic_file(place, overwrite=overwrite) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for piece in render(context):
            stream.write(piece)
    return ReportSummary(
        path=place,
        size=place.stat().st_size,
        sequences=explained.n,
        motifs=len(cards),
        hits=0 if table is None else len(table),
        bits=body.bits,
        hypothetical=bool(body.hypothetical),
        notes=tuple(notes),
    )


def _open(
    results: Any, motifs: Any, matches: MotifMatches | None, target: int | str | None
) -> tuple[Explained, PatternSet | None, Mapping[str, list[dict[str, Any]]]]:
    if isinstance(results, str | Path) and peek(results) is not None:
        results = ResultStore(results)
    several = isinstance(results, Attributions | ResultStore) and len(results.targets) > 1
    if target is None and motifs is not None and several:
        # a set of motifs knows its target; of files of other tools the label is empty
        known = load_motifs(motifs) if isinstance(motifs, str | Path) else motifs
        target = known.label or None
    explained = open_results(results, target)
    patterns, found = open_motifs(motifs, explained, matches)
    return explained, patterns, found


def _context(
    explained: Explained,
    body: Body,
    patterns: PatternSet | None,
    cards: list[dict[str, Any]],
    hits: HitTable | None,
    companions: Mapping[str, Companion],
    notes: list[str],
    title: str | None,
) -> dict[str, Any]:
    from seqexplain.report._glyphs import glyphs

    tally = body.tally
    packs = {"c": body.packs, "h": body.hypothetical}
    first = {"c": body.first, "h": body.hypothetical_first}
    for kind, one in companions.items():
        packs[kind], first[kind] = list(one.packs), list(one.first)
    unit = unit_of(explained)
    head = {
        "n": explained.n,
        "length": explained.length,
        "unit": unit,
        "intervals": explained.intervals is not None,
        "predictions": bool(np.isfinite(tally.predictions).any()),
        "completeness": bool(tally.pairs.any()),
        "hits": hits is not None,
        "first": first,
        "motifs": cards,
        "glyphs": glyphs(),
    }
    references = np.concatenate(tally.references) if tally.references else None
    pairs, held = int(tally.pairs.sum()), int(tally.held.sum())
    worst = int(np.nanargmax(tally.error)) if pairs else -1
    provenance = explained.run.get("provenance") or {}
    return {
        "title": title if title is not None else _title(explained),
        "version": version("seqexplain"),
        "explained": explained,
        "method": METHODS.get(explained.method, explained.method.replace("_", " ")),
        "unit": unit,
        "model": provenance.get("model") or {},
        "provenance": {name: value for name, value in provenance.items() if name != "model"},
        "input": explained.run.get("input") or {},
        "command": explained.run.get("command"),
        "pairs": pairs,
        "held": held,
        "worst": None if worst < 0 else {"error": float(tally.error[worst]), "name": explained.names[worst]},
        "predictions": histogram(tally.predictions, references),
        "profile": profile(tally) if explained.n else [],
        "patterns": patterns,
        "motif_count": len(cards),
        "found_by": FOUND_BY.get(patterns.method, patterns.method) if patterns is not None else "",
        "hits": hits,
        "hit_sequences": 0 if hits is None else len(np.unique(hits.row)),
        "companions": companions,
        "notes": notes,
        "bits": body.bits,
        "precision": 50 / (2 ** (body.bits - 1) - 1),
        "head": head,
        "rows": _rows(explained, body, hits, companions),
        "packs": packs,
    }


def _rows(explained: Explained, body: Body, hits: HitTable | None, companions: Mapping[str, Companion]) -> str:
    """Pack what is known of each sequence, and all hits."""
    tally = body.tally
    header: dict[str, Any] = {"names": list(explained.names)}
    arrays: dict[str, Array] = {
        "prediction": tally.predictions.astype(np.float32),
        "total": tally.total.astype(np.float32),
        "error": tally.error.astype(np.float32),
        "length": explained.lengths.astype(np.int32),
    }
    if explained.intervals is not None:
        places = explained.intervals
        chromosomes = list(dict.fromkeys(place.chromosome for place in places if place))
        number = {name: k for k, name in enumerate(chromosomes)}
        header["chromosomes"] = chromosomes
        arrays["chromosome"] = np.array([number[p.chromosome] if p else -1 for p in places], dtype=np.int32)
        arrays["start"] = np.array([p.start if p else -1 for p in places], dtype=np.float64)
        arrays["end"] = np.array([p.end if p else -1 for p in places], dtype=np.float64)
        arrays["minus"] = np.array([p is not None and p.strand == "-" for p in places], dtype=np.uint8)
    if hits is not None:
        header["hit_motifs"] = list(hits.ids)
        arrays["hit_from"] = np.searchsorted(hits.row, np.arange(explained.n + 1)).astype(np.int32)
        arrays["hit_start"], arrays["hit_end"] = hits.start.astype(np.int32), hits.end.astype(np.int32)
        arrays["hit_minus"] = hits.minus.astype(np.uint8)
        arrays["hit_motif"] = hits.motif.astype(np.uint16)
        arrays["hit_contribution"] = hits.contribution.astype(np.float32)
        arrays["hit_q"] = hits.q_value.astype(np.float32)
    if body.hypothetical:
        arrays["hypothetical_row"] = body.hypothetical_rows
    for kind, one in companions.items():
        arrays[f"{kind}_row"] = one.rows
    return pack(header, arrays)


def _title(explained: Explained) -> str:
    if isinstance(explained.source, Attributions):
        return METHODS.get(explained.method, explained.method.replace("_", " ")) or "Contributions"
    return Path(explained.description).name


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.3g} MB"
