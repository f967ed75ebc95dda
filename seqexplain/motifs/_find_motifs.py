"""From contributions, or sufficient subsets, to named motifs in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seqexplain.errors import ParameterError
from seqexplain.motifs._matrices import Motif
from seqexplain.motifs._name_patterns import name_patterns
from seqexplain.motifs._pattern_set import PatternSet

METHODS = ("fast", "modisco", "sis")


def find_motifs(
    source: Any,
    *,
    method: str = "fast",
    target: int | str | None = None,
    database: str | Path | Sequence[Motif] | None = "jaspar",
    **options: Any,
) -> PatternSet:
    """Find the motifs that make a model decide, and name them.

    Parameters
    ----------
    source
        Contributions: `Attributions`, the path of a result, or anything else that `open_contributions` takes. For
        `"sis"` the sufficient input subsets, or their path.
    method
        - `"fast"`: `extract_patterns`, on the seqlets of `call_seqlets`;
        - `"modisco"`: `modisco_patterns`, TF-MoDISco itself;
        - `"sis"`: `sis_patterns`, clusters of sufficient input subsets.

        (For what a model's filters detect see `seqexplain.features.filter_motifs`.)
    target
        Which of several targets.
    database
        Where names come from, see `load_database`; None for no names.
    options
        Of the method's function.

    Returns
    -------
    PatternSet
        The motifs, each turned as its best match reads, with `labels`. There may be none; `notes` say why.

    Raises
    ------
    ParameterError
        For an unknown method or option.
    SeqExplainError
        As the method's function raises it.

    Examples
    --------
    >>> import seqexplain as sx
    >>> motifs = sx.find_motifs("peaks.zarr")  # doctest: +SKIP
    >>> motifs.to_table()[["pattern", "name", "size"]]  # doctest: +SKIP
    """
    if method not in METHODS:
        raise ParameterError(
            f"method is {method!r}; expected {', '.join(map(repr, METHODS))}. For a model's filters call "
            "seqexplain.features.filter_motifs."
        )
    found = _FUNCTIONS[method](source, target=target, **options)
    return found if database is None else name_patterns(found, database)[0]


def _fast(source: Any, **options: Any) -> PatternSet:
    from seqexplain.motifs._extract_patterns import extract_patterns

    return extract_patterns(source, **options)


def _modisco(source: Any, **options: Any) -> PatternSet:
    from seqexplain import motifs

    found: PatternSet = motifs.modisco_patterns(source, **options)
    return found


def _sis(source: Any, **options: Any) -> PatternSet:
    from seqexplain.motifs._sis_patterns import sis_patterns

    return sis_patterns(source, **options)


_FUNCTIONS = {"fast": _fast, "modisco": _modisco, "sis": _sis}
