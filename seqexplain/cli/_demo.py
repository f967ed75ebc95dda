"""`seqexplain demo`: the main job on data that ships, from peaks to logos, and what was found."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seqexplain.cli._failures import be_quiet
from seqexplain.cli._options import check_range
from seqexplain.errors import StorageError

if TYPE_CHECKING:
    from seqexplain.cli._demo_tasks import Finding

DEFAULT_FOLDER = Path("seqexplain-demo")
MARK = "seqexplain-demo.json"  # says that a folder is ours
LOGOS = 3  # pictures a factor
MOST = 200  # peaks a factor that ship


def demo(
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="FOLDER", help="Where to write; made when it does not exist.")
    ] = DEFAULT_FOLDER,
    n: Annotated[int, typer.Option("-n", help=f"Peaks of each factor to explain, {LOGOS} to {MOST}.")] = MOST,
    backend: Annotated[str | None, typer.Option(help="Keras backend: tensorflow, jax or torch.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Explain anew, where the folder holds another run of the demo.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.")] = False,
) -> None:
    """Score and explain real CTCF and PU.1 peaks with a small trained network, draw logos, and say what was found.

    All data are in the package: ChIP-seq peaks of chromosomes 8 and 9, which the network has not seen. Interrupted, the
    same command goes on where it stopped.
    """
    check_range("-n", n, LOGOS, MOST)
    be_quiet()  # what the jobs would note is said below
    began = time.monotonic()
    again = _prepare(out)
    try:
        _demo(out, n, backend, overwrite=overwrite, quiet=quiet, again=again, began=began)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"run the same command again to go on in {out}.") from None


def _demo(out: Path, n: int, backend: str | None, *, overwrite: bool, quiet: bool, again: bool, began: float) -> None:
    from seqexplain.cli._demo_tasks import draw_logos, explain_task, read_motif, read_peaks, tasks, write_scores
    from seqexplain.data import MODEL, bundled
    from seqexplain.models import load_model

    peaks = read_peaks()
    _say(f"{'Going on' if again else 'Demo'} in {out}/ · {len(peaks)} held-out ChIP-seq peaks, 100 bp each")
    model = load_model(bundled(MODEL), backend=backend)
    table = write_scores(model, peaks, out / "scores.tsv")
    _say("\n1. What the model says (scores.tsv). Area under the ROC curve, .5 is chance, 1 is perfect:")
    for line in table:
        _say(f"   {line}")
    _say("\n2. Why it says so: DeepLIFT contributions of each base, 20 dinucleotide shuffles a peak")
    findings = []
    for task in tasks():
        mine = [peak for peak in peaks if peak.description == task.factor][:n]
        findings.append(explain_task(model, task, mine, out / task.store, overwrite=overwrite, progress=not quiet))
        _say(f"   {_completeness(findings[-1])}")
    _say("\n3. Is it the motif? The strongest 12 bp window of each peak against the matrix of JASPAR:")
    for finding in findings:
        for line in _agreement(finding):
            _say(f"   {line}")
    _say("\n4. Logos of the peaks with the highest scores (the best match of the matrix is shaded):")
    for finding in findings:
        for logo in draw_logos(finding, read_motif(finding.task), out, LOGOS):
            _say(f"   {logo}")
    _say("\n5. All of it as pages to open in a browser, with the motifs that the network learned:")
    for finding in findings:
        _say(f"   {_page(finding, out)}")
    for line in _look_next(out, findings, time.monotonic() - began):
        _say(line)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # a demo is watched


def _prepare(out: Path) -> bool:
    """Make the folder, or recognise it as ours; return whether a demo was here before.

    Raises
    ------
    StorageError
        When there is something else at the path, or it cannot be written.
    """
    from seqexplain import __version__
    from seqexplain.storage import atomic_file

    mark = out / MARK
    if mark.is_file():
        return True
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        kind = "folder that is not empty" if out.is_dir() else "file"
        raise StorageError(f"{out} is a {kind} and no demo's; choose another folder with -o FOLDER.")
    out.mkdir(exist_ok=True)
    with atomic_file(mark) as temporary:
        temporary.write_text(json.dumps({"made_by": "seqexplain demo", "version": __version__}) + "\n", "utf-8")
    return False


def _completeness(finding: Finding) -> str:
    summary = finding.summary
    was = " (was complete already)" if finding.report.already_complete else ""
    share = f"{100 * summary.held / max(summary.pairs, 1):.4g} %"
    return (
        f"{finding.task.store}: {summary.sequences} {finding.task.factor} peaks{was}; contributions add up to the "
        f"difference in logit in {share} of {summary.pairs:,} pairs, largest error {summary.worst:.1g}"
    )


def _agreement(finding: Finding) -> list[str]:
    found, task = finding.agreement, finding.task
    return [
        f"{task.factor} peaks and {task.motif_id}: {100 * found.share:.0f} % match; by chance "
        f"{100 * found.chance:.0f} % (a window anywhere), {100 * found.chance_exchanged:.0f} % (another peak's window)",
        f"   of the {int(found.has_hit.sum())} of {len(found)} peaks that have a match of the matrix at all "
        f"(p < 1e-4): {100 * found.share_of_hits:.0f} %",
    ]


def _page(finding: Finding, out: Path) -> str:
    from seqexplain.cli._demo_report import write_demo_report

    page = out / f"{Path(finding.task.store).stem}.html"
    done = write_demo_report(out / finding.task.store, page, title=f"{finding.task.factor} peaks")
    count = f"{done.motifs} motif{'' if done.motifs == 1 else 's'}"
    return f"{page.name}: {done.sequences} peaks, {count}, {done.hits} hits"


def _look_next(out: Path, findings: Sequence[Finding], seconds: float) -> list[str]:
    first = findings[0]
    store = out / first.task.store
    files = sorted(path.name for path in out.iterdir() if path.name != MARK and not path.name.startswith("."))
    return [
        f"\nDone in {seconds:.0f} s. Files in {out}/: {', '.join(files)}",
        "\nLook next:",
        f"   open {out / (store.stem + '.html')}",
        f"   seqexplain logo {store} --sequence {first.summary.strongest} --hypothetical -o {out / 'hypothetical.svg'}",
        f"   seqexplain motifs {store} -o {out / 'motifs'}    # matrices, logos and names as files",
        f"   seqexplain hits {store} {out / 'motifs'} -o {out / 'hits.bed'}",
        "   seqexplain explain YOUR_MODEL.keras YOUR_PEAKS.fa -o results.zarr",
    ]
