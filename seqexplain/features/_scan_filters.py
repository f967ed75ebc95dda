"""Scans sequences with the filters of a layer, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.features._filter_importance import contributions_of_filters
from seqexplain.features._filter_layer import FilterLayer, filter_layer
from seqexplain.models._prediction import choose_batch_size, pad_rows
from seqexplain.models.backend import Array, Tensor, to_numpy, to_tensor
from seqexplain.models.graph import WeightList
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.motifs import FilterMotifs, filter_patterns
from seqexplain.sequences import codes_to_one_hot, resolve_references
from seqexplain.sequences.references import References
from seqexplain.sequences.shuffle import check_count, check_seed
from seqexplain.sequences.streams import draw_rows

N_REFERENCES = 5  # a sequence: importance is a mean over many sequences
N_EXPLAINED = 500  # sequences; the standard error of a mean over them is a twentieth of its spread


def scan_filters(
    model: SequenceModel,
    codes: Array,
    *,
    layer: str | None = None,
    background: Any = "dinucleotide",
    threshold: float | None = None,
    threshold_of: str = "maximum",
    sites: str = "best",
    max_sites: int = 5000,
    negative: bool | None = None,
    importance: bool = True,
    target: Any = None,
    references: Any = "dinucleotide",
    n_references: int = N_REFERENCES,
    n_explained: int = N_EXPLAINED,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    extra_inputs: Mapping[str, Any] | None = None,
) -> FilterMotifs:
    """Make a motif of each filter, as `filter_motifs` does, from base codes `(n, L)`: a sixteenth of one-hot floats."""
    seed = check_seed(random_state)
    n_explained = check_count(n_explained)
    n, length = codes.shape
    if n == 0:
        raise ShapeError("X has no sequence; expected one at least.")
    model.validate(_bases(codes[:1]))
    chosen = filter_layer(model, layer, length)
    model.verify()
    blocks = _Blocks(model, chosen, length, choose_batch_size(model, batch_size, length, n), extra_inputs)
    beside = None if background is None else _background(blocks, background, codes, seed)
    contributions, label = None, ""
    if importance:
        rows = np.arange(n)
        if n_explained < n:
            rows = draw_rows(codes, n_explained, seed)
        options = {
            "target": target, "references": references, "n_references": n_references, "level": level,
            "batch_size": batch_size, "random_state": seed, "extra_inputs": extra_inputs,
        }  # fmt: skip
        contributions, label = contributions_of_filters(model, chosen, _bases(codes[rows]), rows, n, options)
    found = filter_patterns(
        lambda: blocks.of(codes, n),
        codes,
        chosen.field,
        background=None if beside is None else beside[0],
        threshold=threshold,
        threshold_of=threshold_of,
        sites=sites,
        max_sites=max_sites,
        negative=chosen.signed if negative is None else negative,
        layer=chosen.name,
        parameters={
            "background": None if beside is None else beside[1],
            "random_state": seed,
            "explained": 0 if contributions is None else len(contributions),
            "model": model.options(),
        },
    )
    return found if contributions is None else found.with_contributions(contributions, target=label)


class _Blocks:
    """Computes a layer's activations, a batch of sequences at a time."""

    def __init__(
        self,
        model: SequenceModel,
        layer: FilterLayer,
        length: int,
        size: int,
        extra_inputs: Mapping[str, Any] | None,
    ) -> None:
        self._model, self._layer, self.size = model, layer, size
        self._extra_inputs = extra_inputs
        values, graph = layer.values, model.graph
        positions = graph.needed_for(values)

        def make() -> Callable[..., Any]:
            def forward(weights: WeightList, x: Tensor, extra: dict[str, Tensor]) -> list[Tensor]:
                computed = graph.run(weights, model.feeds(x, extra), positions)
                return [computed[v] for v in values]

            return forward

        self._run = model.compiled(("activations", values, size, length), make)
        self._weights = model.weights()

    def of(self, X: Array, n: int, *, repeat: int = 1, start: int = 0) -> Iterator[Array]:
        """Yield the activations of sequences, one-hot or base codes, as `(b, positions, filters)`.

        `repeat` sequences in a row are given the other inputs of one of the job's `n`, from row `start` on.
        """
        for low in range(0, len(X), self.size):
            part = _bases(X[low : low + self.size])
            rows = (start + np.arange(low, low + len(part)) // repeat) % n
            extra = self._model.extra_rows(rows, extra_inputs=self._extra_inputs, n=n)
            x = to_tensor(pad_rows(self._model.fill_unknown(part), self.size))
            found = self._run(self._weights, x, {name: to_tensor(pad_rows(v, self.size)) for name, v in extra.items()})
            yield self._layer.arranged([to_numpy(f)[: len(part)] for f in found])


def _background(
    blocks: _Blocks, background: Any, codes: Array, seed: int
) -> tuple[Callable[[], Iterator[Array]], dict[str, Any]]:
    """Return a function that yields the background's activations, and what the background is."""
    given = resolve_references(background, 1, random_state=seed)
    given.check(*codes.shape)
    if not given.per_sequence:
        shared = np.asarray(given.draw(_bases(codes[:1]))[0])
        _check_bases(shared)
        return lambda: blocks.of(shared, len(codes)), given.label
    return lambda: _drawn(blocks, given, codes), given.label


def _drawn(blocks: _Blocks, given: References, codes: Array) -> Iterator[Array]:
    for low in range(0, len(codes), blocks.size):
        drawn = given.draw(_bases(codes[low : low + blocks.size]), start=low)
        flat = drawn.reshape(-1, codes.shape[1], 4)
        _check_bases(flat)
        yield from blocks.of(flat, len(codes), repeat=given.n, start=low)


def _bases(given: Array) -> Array:
    """Return sequences one-hot, `(b, L, 4)`."""
    return codes_to_one_hot(given) if given.ndim == 2 else given


def _check_bases(sequences: Array) -> None:
    if not np.isin(sequences, (0.0, 1.0)).all() or sequences.sum(axis=-1).max(initial=0) > 1 or not sequences.any():
        raise ParameterError(
            "The background is not made of sequences of bases, so no share of it can be active. Use "
            'background="dinucleotide", one-hot sequences (m, L, 4), or None.'
        )
