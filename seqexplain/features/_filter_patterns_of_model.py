"""A model's filters as patterns of contributions that have been stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqexplain.features._scan_filters import scan_filters
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.motifs import FilterMotifs, PatternSet, open_contributions


def filter_patterns_of_model(
    model: SequenceModel | Any,
    contributions: Any,
    *,
    target: int | str | None = None,
    duplicates: bool = False,
    largest: int | None = None,
    importance: bool = False,
    **options: Any,
) -> tuple[PatternSet, FilterMotifs]:
    """Make patterns of a model's filters, on the sequences of stored contributions.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`.
    contributions
        Of the sequences to scan, as `seqexplain.motifs.open_contributions` takes them: a result, or the path of one.
    target
        Which of several targets of the contributions.
    duplicates, largest
        Which filters are kept among the patterns; see `FilterMotifs.patterns`.
    importance
        Whether to compute the filters' own contributions as well; then `options` may hold `explained_target`, the
        target as the model knows it, where the model has several.
    options
        Of `filter_motifs`. Unless they say otherwise, a site is what is above the best activations of 95 % of the
        background (`threshold_of="background"`): half of a filter's largest activation is reached in nearly any
        sequence of 200 bp or more, which blurs the patterns.

    Returns
    -------
    PatternSet, FilterMotifs
        The patterns, whose contributions are those of the bases at the filter's sites, and what `filter_motifs` finds.
        Of contributions, activations and one-hot sequences a block is in memory at a time.

    Raises
    ------
    SeqExplainError
        As `filter_motifs` and `open_contributions` do.
    """
    model = model if isinstance(model, SequenceModel) else SequenceModel(model)
    source = open_contributions(contributions, target=target)
    codes = np.concatenate([np.empty((0, source.length), np.uint8), *(block.codes for block in source.blocks())])
    explained = options.pop("explained_target", None)
    if options.get("background", "dinucleotide") is not None:
        options.setdefault("threshold_of", "background" if options.get("threshold") is None else "maximum")
    found = scan_filters(model, codes, importance=importance, target=explained, **options)
    return found.patterns(source, duplicates=duplicates, largest=largest), found
