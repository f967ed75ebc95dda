"""What the filters of a convolution detect, and how much it matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.features._filter_importance import contributions_of_filters
from seqexplain.features._filter_layer import FilterLayer, filter_layer
from seqexplain.models._prediction import choose_batch_size, pad_rows
from seqexplain.models.backend import Array, Tensor, to_numpy, to_tensor
from seqexplain.models.graph import WeightList
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.motifs import FilterMotifs, filter_patterns
from seqexplain.sequences import resolve_references
from seqexplain.sequences.references import References
from seqexplain.sequences.shuffle import check_count, check_seed

N_REFERENCES = 5  # a sequence: importance is a mean over many sequences
N_EXPLAINED = 500  # sequences; the standard error of a mean over them is a twentieth of its spread


def filter_motifs(
    model: SequenceModel | Any,
    X: Array | Sequence[str],
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
    """Make a motif of each filter of a layer, and measure how often and how much it matters.

    A filter's motif is made of the subsequences that activate it, in the window of bases that a position of the layer
    sees. Activations are those after batch normalisation and activation, also where these are layers of their own.
    Where both strands are read, or the layer is used again, the positions of all calls are the filter's.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    layer
        Its name (`seqexplain info` lists them), `outer/inner` in a nested model, `name#2` for a second call,
        `name/preactivation` for what its activation is given. None: the first convolution.
    background
        What the share of active sequences is compared with: `"dinucleotide"` or `"mononucleotide"`, one shuffle of
        each sequence; one-hot sequences `(m, L, 4)`; or None.
    threshold, threshold_of, sites, max_sites
        What a site is, as in `seqexplain.motifs.filter_patterns`: by default a sequence's best position, where the
        activation is at least half of the filter's largest.
    negative
        Whether activations far below zero make motifs of their own. None: where the activation function lets them pass,
        as tanh does, and none at all.
    importance
        Whether to compute each filter's contributions to the target, with `layer_deeplift`.
    target, references, n_references, level
        Of these contributions, as in `layer_deeplift`; one target.
    n_explained
        Sequences that they are computed for, drawn at random.
    batch_size
        Sequences at a time; `"auto"` fits memory. Activations are never all in memory.
    random_state
        Seed of the shuffles, and of the sequences that are explained.
    extra_inputs
        For this call, instead of the model's own. Backgrounds of their own number are given those of the sequences in
        turn.

    Returns
    -------
    FilterMotifs
        `.to_table()`, `.motifs`, and `.patterns(contributions)`.

    Raises
    ------
    UnsupportedLayerError
        When the model cannot be looked into or has no convolution, or a layer above has no rule in DeepLIFT
        (`importance=False` needs none).
    ParameterError
        When there is no such layer, or its positions depend on the whole sequence.
    ShapeError
        When X does not fit the model.
    TargetError
        When there are several targets and none is chosen.

    References
    ----------
    Alipanahi, Delong, Weirauch and Frey (2015) Nature Biotechnology 33:831. (Motifs of filters.)

    Shrikumar, Greenside and Kundaje (2017) ICML. (Contributions of hidden units.)
    """
    model, X = opened(model, X)
    seed = check_seed(random_state)
    n_explained = check_count(n_explained)
    if len(X) == 0:
        raise ShapeError("X has no sequence; expected one at least.")
    chosen = filter_layer(model, layer, X.shape[1])
    model.verify()
    blocks = _Blocks(model, chosen, X.shape[1], choose_batch_size(model, batch_size, X.shape[1], len(X)), extra_inputs)
    beside = None if background is None else _background(blocks, background, X, seed)
    contributions, label = None, ""
    if importance:
        rows = np.arange(len(X))
        if n_explained < len(X):
            rows = np.sort(np.random.default_rng(seed).choice(len(X), n_explained, replace=False))
        options = {
            "target": target, "references": references, "n_references": n_references, "level": level,
            "batch_size": batch_size, "random_state": seed, "extra_inputs": extra_inputs,
        }  # fmt: skip
        contributions, label = contributions_of_filters(model, chosen, X, rows, options)
    found = filter_patterns(
        lambda: blocks.of(X, len(X)),
        X,
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
        """Yield the activations of sequences, `(b, positions, filters)`.

        `repeat` sequences in a row are given the other inputs of one of the job's `n`, from row `start` on.
        """
        for low in range(0, len(X), self.size):
            part = X[low : low + self.size]
            rows = (start + np.arange(low, low + len(part)) // repeat) % n
            extra = self._model.extra_rows(rows, extra_inputs=self._extra_inputs, n=n)
            x = to_tensor(pad_rows(self._model.fill_unknown(part), self.size))
            found = self._run(self._weights, x, {name: to_tensor(pad_rows(v, self.size)) for name, v in extra.items()})
            yield self._layer.arranged([to_numpy(f)[: len(part)] for f in found])


def _background(
    blocks: _Blocks, background: Any, X: Array, seed: int
) -> tuple[Callable[[], Iterator[Array]], dict[str, Any]]:
    """Return a function that yields the background's activations, and what the background is."""
    given = resolve_references(background, 1, random_state=seed)
    given.check(len(X), X.shape[1])
    if not given.per_sequence:
        shared = np.asarray(given.draw(X[:1])[0])
        _check_bases(shared)
        return lambda: blocks.of(shared, len(X)), given.label
    return lambda: _drawn(blocks, given, X), given.label


def _drawn(blocks: _Blocks, given: References, X: Array) -> Iterator[Array]:
    for low in range(0, len(X), blocks.size):
        drawn = given.draw(X[low : low + blocks.size], start=low)
        flat = drawn.reshape(-1, *X.shape[1:])
        _check_bases(flat)
        yield from blocks.of(flat, len(X), repeat=given.n, start=low)


def _check_bases(sequences: Array) -> None:
    if not np.isin(sequences, (0.0, 1.0)).all() or sequences.sum(axis=-1).max(initial=0) > 1 or not sequences.any():
        raise ParameterError(
            "The background is not made of sequences of bases, so no share of it can be active. Use "
            'background="dinucleotide", one-hot sequences (m, L, 4), or None.'
        )
