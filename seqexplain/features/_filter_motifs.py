"""What the filters of a convolution detect, and how much it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from seqexplain.features._scan_filters import N_EXPLAINED, N_REFERENCES, scan_filters
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.motifs import FilterMotifs
from seqexplain.sequences.encoding import one_hot_to_codes


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
    return scan_filters(
        model,
        one_hot_to_codes(X),
        layer=layer,
        background=background,
        threshold=threshold,
        threshold_of=threshold_of,
        sites=sites,
        max_sites=max_sites,
        negative=negative,
        importance=importance,
        target=target,
        references=references,
        n_references=n_references,
        n_explained=n_explained,
        level=level,
        batch_size=batch_size,
        random_state=random_state,
        extra_inputs=extra_inputs,
    )
