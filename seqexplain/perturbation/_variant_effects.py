"""`variant_effects`: what the model says of either allele of variants."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from itertools import islice
from os import PathLike
from typing import Any

from seqexplain.errors import SequenceWarning
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._variant_results import VariantEffects, joined
from seqexplain.perturbation._variant_scorer import Contributions, VariantOptions, VariantScorer
from seqexplain.sequences import Genome, Variant
from seqexplain.sequences.variant_windows import Keep, VariantEdges
from seqexplain.sequences.variants import variants_of


def variant_effects(
    model: SequenceModel | Any,
    variants: str | PathLike[str] | Iterable[Variant] | Any,
    genome: str | PathLike[str] | Genome,
    *,
    target: Any = None,
    level: str = "output",
    length: int | None = None,
    average_strands: bool = False,
    keep: Keep = "left",
    edges: VariantEdges = "pad",
    max_unknown: int | None = None,
    contributions: Contributions | None = None,
    batch_size: int | str = "auto",
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
) -> VariantEffects:
    r"""Score both alleles of variants in their place on a genome.

    For each alternative allele two windows of the model's length are scored: f(reference), f(alternative). What both
    alleles begin or end with is left out first, the end first; the middle of what is left of the reference allele
    comes to index `length // 2` of its window. An allele of another length moves what is not to be kept in its place
    (`keep`), and the window keeps its length: bases fall out of it there, or the genome's next ones come in.

    Every allele that is asked for is in the result. One that cannot be scored has a status and a reason instead of
    values: a reference allele that is not what the genome has there, alleles without bases (`<DEL>`, `*`, breakends), a
    chromosome that the genome has not, …

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model that reads `(L, 4)`. A SavedModel serves as well, at its outputs.
    variants
        Path of a VCF or of a table (see `seqexplain.sequences.read_variants` for its columns), a pandas DataFrame with
        such columns, or `Variant`s.
    genome
        Path of a FASTA file (plain, or bgzip), or an open `Genome`. Chromosomes `1` and `chr1`, `MT` and `chrM` stand
        for each other.
    target
        Which scalar to score, or a list of several; see `deeplift`.
    level
        What `reference`, `alternative` and `difference` are in: `"output"` (probabilities, say), `"logit"` below a
        final sigmoid or softmax, or `"centered_logit"`. Fold changes are always of outputs, and logit differences of
        logits.
    length
        Of the windows in bp; only for models of any length.
    average_strands
        Whether to average each value over the window and its reverse complement.
    keep
        What stays in its place where an allele has another length: everything `"left"` of the variant, everything
        `"right"` of it, or the `"center"` of the window, to which both sides move by halves.
    edges
        A window that runs off its chromosome is filled with N and the allele scored (`"pad"`), or it is not scored
        (`"skip"`).
    max_unknown
        Most unknown bases (N) that a window may have to be scored; None for any number. They are counted in
        `unknown_bases`, and shown to the model as it was shown unknown bases.
    contributions
        A function from `(m, L, 4)` sequences to their `Attributions`, to have maps of both alleles:
        `contributions=lambda X: deeplift(model, X, target=0)`. They are all held in memory; the command line writes
        them to a store.
    batch_size
        Windows at a time; `"auto"` fits memory.
    extra_inputs
        Values of the model's other inputs, instead of its own: one for all, or a mapping from `Variant.name`.
    evaluation
        `"full"`; `"incremental"`, which computes only what substitutions change: faster where several alleles share a
        window, and effects that are small beside the value keep more digits; or `"auto"`, which is `"full"`.

    Returns
    -------
    VariantEffects
        Values, differences, log2 fold changes and logit differences, `(n, t)` each; status and reason of each allele.

    Raises
    ------
    FileFormatError, MissingFileError
        When a file cannot be read.
    TargetError
        When the target does not exist.
    ParameterError
        When another option makes no sense.

    Examples
    --------
    >>> effects = variant_effects(model, "variants.vcf.gz", "hg38.fa", target=0)  # doctest: +SKIP
    >>> effects.counts  # doctest: +SKIP
    {'scored': 981, 'reference_mismatch': 12, 'symbolic': 7}
    >>> effects.to_table().to_csv("effects.tsv", sep="\t", index=False)  # doctest: +SKIP
    """
    options = VariantOptions(
        target=target, level=level, length=length, average_strands=average_strands, keep=keep, edges=edges,
        max_unknown=max_unknown, batch_size=batch_size, extra_inputs=extra_inputs, evaluation=evaluation,
    )  # fmt: skip
    model = model if isinstance(model, SequenceModel) else SequenceModel(model)
    given = variants_of(variants)
    known = len(variants) if isinstance(variants, list | tuple) else None
    with nullcontext(genome) if isinstance(genome, Genome) else Genome(genome) as opened:
        scorer = VariantScorer(model, opened, options, known)
        rest = iter(given)
        parts = [scorer.effects(list(islice(rest, scorer.block)), contributions=contributions)]
        while block := list(islice(rest, scorer.block)):
            parts.append(scorer.effects(block, contributions=contributions))
        advice = scorer.cutter.advice()
    if advice:
        warnings.warn(advice, SequenceWarning, stacklevel=2)
    return joined(parts)
