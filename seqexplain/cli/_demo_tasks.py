"""The steps of the demo: read, score, explain, compare with known motifs, draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqexplain.cli._score import place_of
from seqexplain.cli._summary import Summary, summarise
from seqexplain.cli._table import open_table
from seqexplain.data import DEMO_PEAKS, MOTIFS, bundled

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.motifs import Motif, WindowAgreement
    from seqexplain.pipeline import JobReport
    from seqexplain.results import Array, Attributions
    from seqexplain.sequences import SequenceRecord

SEED = 0


@dataclass(frozen=True)
class Task:
    """What the model was trained to tell: the factor, its unit, its matrix, and the name of the store."""

    factor: str
    unit: int
    motif_id: str
    store: str


@dataclass
class Finding:
    """What came out for one factor."""

    task: Task
    report: JobReport
    summary: Summary
    result: Attributions
    agreement: WindowAgreement
    logos: list[str] = field(default_factory=list)


def tasks() -> tuple[Task, ...]:
    """Return the two tasks of the bundled model."""
    return Task("CTCF", 0, "MA0139.1", "ctcf.zarr"), Task("PU.1", 1, "MA0080.6", "pu1.zarr")


def read_peaks() -> list[SequenceRecord]:
    """Return the peaks that ship; their factor is the record's description."""
    from seqexplain.sequences import read_fasta

    return list(read_fasta(bundled(DEMO_PEAKS)))


def read_motif(task: Task) -> Motif:
    """Return the matrix of a task's factor."""
    from seqexplain.motifs import read_motifs

    return next(motif for motif in read_motifs(bundled(MOTIFS)) if motif.id == task.motif_id)


def write_scores(model: SequenceModel, peaks: Sequence[SequenceRecord], path: Path) -> list[str]:
    """Score all peaks and a shuffle of each, write the peaks' scores, and say how well they are told apart.

    Returns
    -------
    list of str
        One line a factor.
    """
    from seqexplain.sequences import dinucleotide_shuffle, one_hot

    X = one_hot([peak.sequence for peak in peaks])
    scores = model.predict(X)
    shuffled = model.predict(dinucleotide_shuffle(X, 1, random_state=SEED)[:, 0])
    factors = np.array([peak.description for peak in peaks])
    with open_table(str(path), overwrite=True) as write:
        write(["name", "chromosome", "start", "end", "strand", "peak_of", *(task.factor for task in tasks())])
        for peak, row in zip(peaks, scores, strict=True):
            write([peak.name, *place_of(peak), peak.description, *row])
    lines = []
    for task in tasks():
        mine = factors == task.factor
        own, others = scores[mine, task.unit], scores[~mine, task.unit]
        other = next(t.factor for t in tasks() if t != task)
        lines.append(
            f"{task.factor} output: {auroc(own, shuffled[mine, task.unit]):.3f} ({mine.sum()} {task.factor} peaks "
            f"against a dinucleotide shuffle of each), {auroc(own, others):.3f} (against {(~mine).sum()} {other} peaks)"
        )
    return lines


def auroc(positives: Array, negatives: Array) -> float:
    """Return the probability that a positive scores higher than a negative, ties counted half.

    Examples
    --------
    >>> auroc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    up_to = np.searchsorted(ordered, positives, side="right")
    return float((below + up_to).mean() / (2 * len(negatives)))


def explain_task(
    model: SequenceModel,
    task: Task,
    peaks: Sequence[SequenceRecord],
    path: Path,
    *,
    overwrite: bool,
    progress: bool,
) -> Finding:
    """Explain the peaks of a factor into a store, or go on with it, and hold the result against the factor's matrix.

    Parameters
    ----------
    model
        The bundled model.
    task
        The factor.
    peaks
        Its peaks.
    path
        The store.
    overwrite
        Whether a store of another run is replaced.
    progress
        Whether to show it.
    """
    from seqexplain.attribution import DeepLift, DeepLiftOptions
    from seqexplain.motifs import window_agreement
    from seqexplain.pipeline import SequenceSource, run
    from seqexplain.storage import load

    options = DeepLiftOptions(target=task.unit, references="dinucleotide", random_state=SEED)
    explainer = DeepLift(model, len(peaks[0].sequence), len(peaks), options)
    source = SequenceSource(lambda: iter(peaks), f"{len(peaks)} {task.factor} peaks")
    report = run(
        explainer, source, path, length=model.length, progress=progress, overwrite=overwrite, command="seqexplain demo"
    )
    result = load(path)
    agreement = window_agreement(result.contributions, result.X, read_motif(task))
    return Finding(task, report, summarise(path), result, agreement)


def draw_logos(finding: Finding, motif: Motif, folder: Path, count: int) -> list[str]:
    """Draw the peaks with the highest scores among those that match the matrix, as PNG and SVG.

    Returns
    -------
    list of str
        A line a picture.
    """
    from seqexplain.motifs import best_hits
    from seqexplain.plot import attribution_logo, save_figure

    result, task = finding.result, finding.task
    hits = best_hits(result.X, motif)
    usable = np.flatnonzero(finding.agreement.has_hit)
    usable = usable if len(usable) else np.arange(len(result))
    chosen = usable[np.argsort(-result.predictions[usable], kind="stable")][:count]
    lines = []
    for rank, row in enumerate(chosen, start=1):
        start, end, strand = int(hits.start[row]), int(hits.end[row]), str(hits.strand[row])
        label = f"{motif.name} {motif.id} ({strand})"
        axes = attribution_logo(
            result, int(row), highlight=[(start, end, label)], title=f"{task.factor} peak {result.names[row]}"
        )
        stem = f"{Path(task.store).stem}_{rank}"
        for suffix in (".png", ".svg"):
            save_figure(axes, folder / f"{stem}{suffix}")
        finding.logos.append(f"{stem}.png")
        lines.append(
            f"{stem}.png, .svg: {result.names[row]}, logit {result.predictions[row]:.1f}, {motif.name} at "
            f"{start}–{end} on the {strand} strand"
        )
    return lines
