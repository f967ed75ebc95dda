"""One run of TF-MoDISco: what goes in, what comes out, and what is to be said about it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import LibraryError, ParameterError
from seqexplain.motifs._call_seqlets import call_seqlets
from seqexplain.motifs._contribution_source import ContributionSource
from seqexplain.motifs._host_memory import free_host_memory, in_words
from seqexplain.motifs._modisco_input import (
    Context,
    View,
    Windows,
    around,
    context_of,
    drawn,
    fill_context,
    look_at,
    windows_of,
)
from seqexplain.motifs._modisco_memory import calling_bytes, clustering_bytes
from seqexplain.motifs._modisco_process import ModiscoProcess
from seqexplain.motifs._pattern import Pattern, Stack, stack_patterns
from seqexplain.motifs._seqlets import Seqlets

Array = NDArray[Any]
Progress = Callable[[str, float], None]

_log = logging.getLogger("seqexplain.motifs")

# of the library's own way to call seqlets: shares of windows that may pass, and how weak one may be and have a sign
CALLING = {"min_passing_windows_frac": 0.03, "max_passing_windows_frac": 0.2, "weak_threshold_for_counting_sign": 0.8}
EMPTY = 0.02  # of the windows; the null is fitted to percentiles from the 5th of each side, which must not be 0
FEW = 200  # seqlets: the library may fail on fewer, and that is a note; on more it is an error
PHASES_OF_A_SIGN = 12  # what the library does to the seqlets of one sign, in steps that it is heard to finish
SIGNS = {1: "positive", -1: "negative"}


class ModiscoRun:
    """One run of the library, from contributions to patterns."""

    def __init__(
        self,
        source: ContributionSource,
        parameters: dict[str, Any],
        progress: Progress | None,
        max_memory: int | None,
    ) -> None:
        self.source, self.parameters = source, parameters
        self.notes: list[str] = []
        self._progress, self._max_memory = progress, max_memory
        self._steps, self._total = 0, 1 + 2 * PHASES_OF_A_SIGN

    def patterns(self, seqlets: Seqlets | None, background: ContributionSource | None = None) -> list[Pattern]:
        """Return the patterns; add to the notes what a reader should know."""
        source, given = self.source, self.parameters
        width = given["width"] + 2 * given["flank"]
        if source.n == 0:
            self.notes.append("there is no sequence")
            return []
        self._afford(calling_bytes(source.n, source.length), f"{source.n} sequences of {source.length} bp")
        view, observed = look_at(source, given["window"], given["random_state"])
        repeats = source.n - len(view.order)
        if repeats:
            self.notes.append(f"{repeats} of {source.n} sequences repeat others; they follow these into their patterns")
        if not observed.any():
            self.notes.append("all contributions are 0, so there is nothing to find")
            return []
        with ModiscoProcess(self._options()) as process:
            if seqlets is None:
                if background is not None:
                    row, start, score = self._our_seqlets(view, "a background is given", background)
                else:
                    row, start, score = self._own_seqlets(process, view, observed)
                start = start - given["flank"]
            else:
                row, start = around(seqlets, width, source)
                score = seqlets.score
            windows, notes = drawn(windows_of(row, start, score, view), given["max_seqlets"], given["random_state"])
            self.notes += notes
            self._done("seqlets found")
            windows = self._enough(windows)
            if len(windows) == 0:
                return []
            margin = given["trim"] + 2 * given["extend"] + given["flank"]
            context = context_of(windows, view, margin)
            del observed
            self._cluster(process, windows, context, width)
            process.finish()
            found = process.columns("patterns")
        return self._stacked(found, context, view)

    def _options(self) -> dict[str, Any]:
        given = self.parameters
        return {
            "trim_to_window_size": given["trim"], "initial_flank_to_add": given["extend"],
            "final_min_cluster_size": given["min_size"], "n_leiden_runs": given["leiden_runs"], **given["options"],
        }  # fmt: skip

    def _own_seqlets(self, process: ModiscoProcess, view: View, observed: Array) -> tuple[Array, Array, Array]:
        """Return row, begin and score of the seqlets that the library calls, or ours where it cannot."""
        width, size = self.parameters["width"], view.size
        why = None
        if size.min() < size.max():
            why = "the sequences differ in length"
        elif size.max() < width + 2:  # the library leaves out the first and the last window
            why = f"the sequences are no longer than a window of {width} bp"
        elif (empty := _empty_share(observed, width)) > EMPTY:
            why = f"{empty:.0%} of the windows contribute exactly 0, which the library's null does not allow for"
        else:
            process.put("observed", observed)
            flank, fdr = self.parameters["flank"], self.parameters["fdr"]
            process.start({"window_size": width, "suppress": width // 2 + flank, "target_fdr": fdr, **CALLING})
            for event in process.events("seqlets"):
                if event["event"] == "seqlets" and event["reason"]:
                    why = f"the library cannot fit its null to these contributions ({event['reason']})"
            found = {} if why else process.columns("seqlets")
        if why is None:
            row = view.order[found["row"]]
            return row, view.first[row] + found["start"], found["score"]
        return self._our_seqlets(view, why)

    def _our_seqlets(
        self, view: View, why: str, background: ContributionSource | None = None
    ) -> tuple[Array, Array, Array]:
        """Return row, begin and score of windows that `call_seqlets` finds in the stretches that are looked at."""
        width, fdr = self.parameters["width"], self.parameters["fdr"]
        found = call_seqlets(self.source, method="window", window=width, fdr=fdr, background=background)
        self.notes.append(f"seqlets were called by call_seqlets(method='window'), as {why}")
        self.notes += found.notes
        self.parameters["seqlets"] = "called by call_seqlets"
        first = view.first[found.sequence]
        kept = (found.start >= first) & (found.end <= first + view.size[found.sequence])
        return found.sequence[kept], found.start[kept], found.score[kept]

    def _enough(self, windows: Windows) -> Windows:
        """Leave out a sign with too few seqlets to make a pattern."""
        least = self.parameters["min_size"]
        kept = np.ones(len(windows), dtype=bool)
        for sign, name in SIGNS.items():
            count = int((windows.sign == sign).sum())
            if count < least:
                kept &= windows.sign != sign
                found = f"{count} {name} seqlet{'' if count == 1 else 's'}" if count else f"no {name} seqlets"
                self.notes.append(f"{found}: too few to cluster, as {least} make the smallest pattern (min_size)")
        return Windows(row=windows.row[kept], start=windows.start[kept], sign=windows.sign[kept])

    def _cluster(self, process: ModiscoProcess, windows: Windows, context: Context, width: int) -> None:
        """Have the library make patterns; its result lies in the process's folder."""
        most = max(int((windows.sign == sign).sum()) for sign in SIGNS)
        self._afford(
            clustering_bytes(most, width, len(context.rows), context.width),
            f"{most} seqlets of one sign in {len(context.rows)} sequences",
        )
        shape = (len(context.rows), context.width)
        codes, hypothetical = (
            process.create("codes", shape, np.uint8),
            process.create("hypothetical", (*shape, 4), np.float32),
        )
        fill_context(self.source, context, codes, hypothetical)
        del codes, hypothetical
        place = context.place(windows.row)
        start = windows.start - context.first[place]
        process.put_columns("chosen", row=place, start=start, end=start + width, sign=windows.sign)
        signs = {SIGNS[int(sign)] for sign in np.unique(windows.sign)}
        self._total = 1 + len(signs) * PHASES_OF_A_SIGN
        process.ask_for_patterns()
        failures = []
        for event in process.events("done"):
            kind = event["event"]
            if kind == "unknown":
                raise ParameterError(
                    f"options has {', '.join(event['names'])}; the library knows {', '.join(event['known'])}."
                )
            if kind == "phase":
                self._done(f"{event['sign']} seqlets: {event['phase']}")
            elif kind == "end":
                self._finished(event)
            elif kind == "failed":
                failures.append(event)
        self.parameters["library"] = f"modiscolite {event['library']}"
        for failure in failures:
            count, name = failure["seqlets"], failure["sign"]
            if count > FEW:
                raise LibraryError(
                    f"TF-MoDISco failed on {count} {name} seqlets: {failure['reason']}. The end of what it printed: "
                    f"{process.printed()}"
                )
            self.notes.append(
                f"TF-MoDISco made no pattern of {count} {name} seqlets, too few for it: {failure['reason']}"
            )
        _log.info("TF-MoDISco took at most %s of memory", in_words(process.peak_bytes))

    def _finished(self, event: dict[str, Any]) -> None:
        if event["patterns"] == 0:
            self.notes.append(f"TF-MoDISco found no pattern in {event['seqlets']} {event['sign']} seqlets")

    def _stacked(self, found: dict[str, Array], context: Context, view: View) -> list[Pattern]:
        """Return the patterns, made from where the library says their occurrences lie."""
        stacks: list[Stack] = []
        parts: list[int] = []
        for name, places in found.items():
            sign = 1 if name.startswith(SIGNS[1]) else -1
            members = [places]
            numbers, sizes = np.unique(places[:, 4], return_counts=True)
            if len(numbers) > 1:
                members += [places[places[:, 4] == part] for part in numbers[np.argsort(-sizes, kind="stable")]]
            parts.append(len(members) - 1)
            for table in members:
                row = context.rows[table[:, 0]]
                span, row, start = view.with_repeats(row, table[:, 1] + context.first[table[:, 0]])
                order = np.lexsort((start, row))
                strand = np.where(table[span[order], 3] == 1, "-", "+")
                width = int(table[0, 2] - table[0, 1])
                stacks.append(Stack(row[order], start[order], width, strand, name, sign))
        made = iter(stack_patterns(self.source, stacks))
        return [replace(next(made), subpatterns=tuple(next(made) for _ in range(count))) for count in parts]

    def _afford(self, needed: float, what: str) -> None:
        """Say how much memory is needed, and refuse where there is less."""
        free = free_host_memory() if self._max_memory is None else self._max_memory
        _log.info(
            "TF-MoDISco needs about %s of memory for %s%s",
            in_words(needed), what, "" if free is None else f"; {in_words(free)} may be used",
        )  # fmt: skip
        if free is not None and needed > free:
            raise ParameterError(
                f"TF-MoDISco needs about {in_words(needed)} of memory for {what}, but only {in_words(free)} are free. "
                'Lower max_seqlets or window, or use method "fast", which needs far less.'
            )

    def _done(self, what: str) -> None:
        self._steps += 1
        if self._progress is None:
            _log.info("TF-MoDISco: %s", what)
        else:
            self._progress(what, min(1.0, self._steps / self._total))


def _empty_share(observed: Array, width: int) -> float:
    """Return the share of windows in which nothing contributes."""
    filled = np.cumsum(np.pad(observed != 0, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    return float((filled[:, width:] == filled[:, :-width]).mean())
