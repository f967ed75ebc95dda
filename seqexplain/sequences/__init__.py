"""Sequences in and out: files, intervals on a genome, one-hot arrays, shuffles and other references.

Names are loaded at first use, so importing this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.sequences.bed import read_bed as read_bed
    from seqexplain.sequences.bed import read_regions as read_regions
    from seqexplain.sequences.encoding import codes_to_one_hot as codes_to_one_hot
    from seqexplain.sequences.encoding import decode as decode
    from seqexplain.sequences.encoding import encode_codes as encode_codes
    from seqexplain.sequences.encoding import one_hot as one_hot
    from seqexplain.sequences.encoding import one_hot_to_codes as one_hot_to_codes
    from seqexplain.sequences.encoding import reverse_complement as reverse_complement
    from seqexplain.sequences.fasta import read_fasta as read_fasta
    from seqexplain.sequences.genome import Genome as Genome
    from seqexplain.sequences.lengths import fit_length as fit_length
    from seqexplain.sequences.markov import MarkovModel as MarkovModel
    from seqexplain.sequences.records import RecordSource as RecordSource
    from seqexplain.sequences.records import SequenceRecord as SequenceRecord
    from seqexplain.sequences.records import UniqueNames as UniqueNames
    from seqexplain.sequences.references import References as References
    from seqexplain.sequences.references import resolve_references as resolve_references
    from seqexplain.sequences.shuffle import dinucleotide_shuffle as dinucleotide_shuffle
    from seqexplain.sequences.shuffle import log_distinct_shuffles as log_distinct_shuffles
    from seqexplain.sequences.shuffle import mononucleotide_shuffle as mononucleotide_shuffle
    from seqexplain.sequences.variant_windows import VariantStatus as VariantStatus
    from seqexplain.sequences.variant_windows import WindowCutter as WindowCutter
    from seqexplain.sequences.variants import Variant as Variant
    from seqexplain.sequences.variants import read_variants as read_variants

_HOMES = {
    "codes_to_one_hot": "encoding",
    "decode": "encoding",
    "dinucleotide_shuffle": "shuffle",
    "encode_codes": "encoding",
    "fit_length": "lengths",
    "Genome": "genome",
    "MarkovModel": "markov",
    "log_distinct_shuffles": "shuffle",
    "mononucleotide_shuffle": "shuffle",
    "one_hot": "encoding",
    "one_hot_to_codes": "encoding",
    "read_bed": "bed",
    "read_fasta": "fasta",
    "read_regions": "bed",
    "read_variants": "variants",
    "RecordSource": "records",
    "References": "references",
    "resolve_references": "references",
    "reverse_complement": "encoding",
    "SequenceRecord": "records",
    "UniqueNames": "records",
    "Variant": "variants",
    "VariantStatus": "variant_windows",
    "WindowCutter": "variant_windows",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
