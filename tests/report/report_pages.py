"""Made-up results, and a page read as a browser reads it: by Python's own HTML parser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cached_property
from html.parser import HTMLParser
from typing import Any

import numpy as np

from seqexplain.motifs import MotifHits, PatternSet, open_contributions, stack_pattern
from seqexplain.report._packing import unpack
from seqexplain.results import Attributions, Interval, SufficientInputSubsets

HOSTILE = (
    "<script>document.title='pwned'</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(2)> & 'quoted' <!-- --> ]]>",
    "{{ 7 * 7 }} {% raw %} \u2028 \u202e",
)
WORD = "CCGGAAGT"


def made_up(n: int = 12, length: int = 80, *, seed: int = 0, names: tuple[str, ...] = (), **more: Any) -> Attributions:
    """Sequences with a word in their middle that contributes, and noise elsewhere."""
    g = np.random.default_rng(seed)
    codes = g.integers(0, 4, (n, length))
    at = length // 2 - 4
    codes[:, at : at + len(WORD)] = ["ACGT".index(base) for base in WORD]
    X = np.eye(4, dtype=np.float32)[codes]
    hypothetical = g.normal(0, 0.05, (n, length, 4)).astype(np.float32)
    hypothetical[:, at : at + len(WORD)] += X[:, at : at + len(WORD)] * g.uniform(0.5, 1.5, (n, 1, 1)).astype(
        np.float32
    )
    contributions = hypothetical * X
    known = {"parameters": {"level": "logit", "references": {"kind": "dinucleotide", "n": 2}}, **more}
    return Attributions(
        contributions=contributions,
        X=X,
        predictions=contributions.sum(axis=(1, 2)) - 1,
        hypothetical=hypothetical,
        reference_predictions=np.full((n, 2), -1, dtype=np.float32),
        completeness_error=np.zeros((n, 2), dtype=np.float32),
        names=names or tuple(f"chr{1 + i % 3}:{1000 * i}-{1000 * i + length}" for i in range(n)),
        intervals=tuple(Interval(f"chr{1 + i % 3}", 1000 * i, 1000 * i + length, "+-"[i % 2]) for i in range(n)),
        targets=("0",),
        method="deeplift",
        **known,
    )


def made_up_motifs(results: Attributions) -> PatternSet:
    """The word, as a pattern."""
    source = open_contributions(results)
    at = source.length // 2 - 6
    rows = np.arange(source.n)
    pattern = stack_pattern(source, rows, np.full(source.n, at), 12, np.full(source.n, "+"))
    return PatternSet.of(source, [pattern], method="fast", parameters={"min_size": 2}, notes=["a plain note"])


def divided(motifs: PatternSet) -> PatternSet:
    """The same motifs; the first is made of two parts, a quarter of its occurrences and the rest."""
    whole = motifs.patterns[0]
    quarter = len(whole.sequence) // 4
    parts = tuple(
        replace(
            whole, sequence=whole.sequence[rows], start=whole.start[rows], strand=whole.strand[rows],
            contribution=whole.contribution[rows], id=f"{whole.id}.{k}",
        )
        for k, rows in enumerate((slice(0, quarter), slice(quarter, None)))
    )  # fmt: skip
    return replace(motifs, patterns=(replace(whole, subpatterns=parts), *motifs.patterns[1:]))


def made_up_hits(results: Attributions, label: str = "ETS") -> MotifHits:
    """The word's place in every second sequence."""
    rows = np.arange(0, len(results), 2)
    at = results.X.shape[1] // 2 - 4
    number = np.full(len(rows), 0.5)
    return MotifHits(
        sequence=rows,
        start=np.full(len(rows), at),
        end=np.full(len(rows), at + len(WORD)),
        strand=np.where(rows % 4 == 0, "+", "-"),
        motif=np.zeros(len(rows), dtype=np.int64),
        contribution=number,
        explained=number,
        similarity=number,
        score=number,
        p_value=number / 1e4,
        q_value=number / 100,
        fimo_p_value=number,
        word=np.full(len(rows), WORD),
        patterns=("pos_0",),
        labels=(label,),
        signs=(1,),
        names=results.names,
        intervals=results.intervals,
        lengths=np.full(len(results), results.X.shape[1]),
    )


def made_up_subsets(results: Attributions) -> SufficientInputSubsets:
    """Two subsets in each sequence: four bases of the word, and one more."""
    n, length = results.X.shape[:2]
    subset = np.zeros((n, length), dtype=np.int32)
    subset[:, 36:40], subset[:, 41] = 1, 2
    value = np.where(subset == 1, 2.5, np.where(subset == 2, 1.5, 0)).astype(np.float32)
    ones = np.ones(n, dtype=np.float32)
    fields = {name: getattr(results, name) for name in ("contributions", "X", "predictions", "names", "targets")}
    return SufficientInputSubsets(
        **fields, method="sufficient_input_subsets", subset=subset, rank=subset, subset_value=value,
        threshold=ones, rest_predictions=ones, masked_predictions=ones, stopped=np.zeros(n, dtype=np.uint8),
    )  # fmt: skip


class Page(HTMLParser):
    """What is in a page: elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.shown: list[str] = []
        self._open: tuple[str, dict[str, str | None]] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._open = (tag, dict(attrs))
            self.raw.append((tag, dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is None:
            self.shown.append(data)
        else:
            tag, attributes, text = self.raw[-1]
            self.raw[-1] = (tag, attributes, text + data)

    def count(self, tag: str) -> int:
        """How many elements of a kind there are."""
        return sum(found == tag for found, _ in self.elements)

    def script(self, id: str) -> str:
        """The text of a block of data."""
        return next(text for _, attributes, text in self.raw if attributes.get("id") == id)

    @cached_property
    def policy(self) -> dict[str, str]:
        """The Content-Security-Policy."""
        found = next(a["content"] for tag, a in self.elements if a.get("http-equiv") == "Content-Security-Policy")
        return dict(part.strip().split(" ", 1) for part in str(found).split(";"))

    @cached_property
    def head(self) -> dict[str, Any]:
        """What the script reads at once."""
        return dict(json.loads(self.script("head")))

    def pack(self, id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """One block of arrays."""
        return unpack(self.script(id))

    def packs(self, kind: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """All blocks of a kind."""
        ids = [str(a["id"]) for _, a, _ in self.raw if re.fullmatch(rf"{kind}-\d+", str(a.get("id")))]
        return [self.pack(id) for id in ids]
