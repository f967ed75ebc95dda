"""What a result store says as a whole: how many sequences, whether contributions add up, where to look next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seqexplain.results import Attributions


@dataclass(frozen=True)
class Summary:
    """A store in a few numbers.

    Attributes
    ----------
    sequences
        How many there are.
    targets
        What was explained.
    pairs, held
        Sequence–reference pairs (times targets), and those whose contributions add up to the difference in score
        within tolerance.
    worst, worst_name
        The largest error, and the sequence it belongs to.
    strongest
        The sequence with the highest prediction of the first target.
    largest
        The substitution with the largest effect on the first target, in words; empty where there are no effects.
    subsets
        What was found of sufficient input subsets, in words; empty where they were not looked for.
    several_targets
        Whether files of scores hold one target out of several.
    """

    sequences: int
    targets: tuple[str, ...]
    pairs: int
    held: int
    worst: float
    worst_name: str
    strongest: str
    several_targets: bool = False
    largest: str = ""
    subsets: str = ""


class _SubsetTally:
    """Counts sufficient input subsets, a block at a time; all targets together."""

    def __init__(self) -> None:
        self.sequences = self.above = self.sufficient = 0
        self.sizes: list[int] = []

    def add(self, block: Attributions) -> None:
        """Count those of a block, where it has any."""
        from seqexplain.results import SufficientInputSubsets

        if not isinstance(block, SufficientInputSubsets):
            return
        for target in range(len(block.targets)):
            one = block.for_target(target)
            if isinstance(one, SufficientInputSubsets):
                found = one.subsets()
                self.sequences += len(one)
                self.above += int((one.n_subsets > 0).sum())
                self.sizes += [len(subset) for subset in found]
                self.sufficient += sum(subset.sufficient for subset in found)

    def in_words(self) -> str:
        """Return a line for people; nothing where nothing was counted."""
        import numpy as np

        if not self.sequences:
            return ""
        if not self.sizes:
            return f"subsets: none; no sequence of {self.sequences} reaches its threshold by what it has"
        return (
            f"subsets: {len(self.sizes)} in {self.above} of {self.sequences} sequences (times targets), of "
            f"{np.median(self.sizes):g} bases in the median ({min(self.sizes)} to {max(self.sizes)}); "
            f"{self.sufficient} of {len(self.sizes)} suffice on the full model"
        )


def summarise(path: Path) -> Summary:
    """Read a store, a chunk in memory at a time.

    The magnitude against which an error is small, Σ|m·(x − ref)| of each pair, is not stored; Σ|c| of the mean over
    references is never larger than its mean and stands in for it.

    Parameters
    ----------
    path
        A finished store.
    """
    import numpy as np

    from seqexplain.attribution._completeness import holds
    from seqexplain.sequences.encoding import BASES
    from seqexplain.storage import ResultStore

    store = ResultStore(path.expanduser())
    pairs = held = sequences = 0
    worst, worst_name = 0.0, ""
    best, strongest = -np.inf, ""
    size_of_largest, largest = 0.0, ""
    tally = _SubsetTally()
    for block in store:
        sequences += len(block)
        first = block.predictions[:, 0] if block.several_targets else block.predictions
        first = np.where(np.isfinite(first), first, -np.inf)
        top = int(np.argmax(first))
        if first[top] > best or not strongest:
            best, strongest = float(first[top]), block.names[top]
        tally.add(block)
        if block.effects is not None:
            effects = block.effects[:, 0] if block.several_targets else block.effects
            row, place, base = np.unravel_index(int(np.argmax(np.abs(effects))), effects.shape)
            if abs(effects[row, place, base]) > size_of_largest:
                size_of_largest = float(abs(effects[row, place, base]))
                before = BASES[block.X[row, place].argmax()] if block.X[row, place].any() else "N"
                largest = f"{before}{place}{BASES[base]} in {block.names[row]}: {effects[row, place, base]:+.3g}"
        if block.completeness_error is None or block.reference_predictions is None:
            continue
        delta = block.predictions[..., None] - block.reference_predictions
        magnitude = np.abs(block.contributions).sum(axis=(-2, -1))[..., None]
        ok = holds(block.completeness_error, delta, magnitude)
        pairs, held = pairs + ok.size, held + int(ok.sum())
        size = np.abs(block.completeness_error)
        if size.max() >= worst:
            worst = float(size.max())
            worst_name = block.names[int(np.unravel_index(np.argmax(size), size.shape)[0])]
    return Summary(
        sequences, store.targets, pairs, held, worst, worst_name, strongest, store.layout.several_targets, largest,
        tally.in_words(),
    )  # fmt: skip


def summary_lines(summary: Summary, path: Path) -> list[str]:
    """Return the summary as lines for people, with the commands to go on with."""
    lines = [f"{path}: {summary.sequences} sequences, explained: {', '.join(summary.targets)}"]
    if summary.pairs:
        share = f"{100 * summary.held / summary.pairs:.4g} %"
        lines.append(
            f"completeness: contributions add up to the difference in score in {share} of {summary.pairs} "
            f"sequence–reference pairs; largest error {summary.worst:.2g} ({summary.worst_name})"
        )
    if summary.largest:
        lines.append(f"largest effect of a substitution (positions from 0): {summary.largest}")
    if summary.subsets:
        lines.append(summary.subsets)
    store = shlex.quote(str(path))
    # per-base files hold one target; the first stands for the one that is wanted
    one = " --target 0" if summary.several_targets else ""
    lines += [
        "look next:",
        f"  seqexplain logo {store} --sequence {shlex.quote(summary.strongest)} -o logo.svg",
        *(
            [f"  seqexplain export {store} --format subsets -o subsets.tsv     # a line a subset"]
            * bool(summary.subsets)
        ),
        f"  seqexplain export {store} -o for_modisco{one}     # ohe.npz and shap.npz, as `modisco motifs` reads them",
        f"  seqexplain export {store} -o summary.tsv     # a line a sequence",
    ]
    return lines
