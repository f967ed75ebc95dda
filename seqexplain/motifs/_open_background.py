"""Contributions of sequences without motifs, as a null: only such as may be compared."""

from __future__ import annotations

from typing import Any

from seqexplain.errors import ParameterError, ShapeError, TargetError
from seqexplain.motifs._contribution_source import ContributionSource, open_contributions

_HOW = "Explain the shuffled sequences as the others were: the same model, target and method."
_WORDS = {"method": "the method", "level": "the level", "model": "the model"}
_DIGITS = 12  # of a digest: they tell two models apart


def open_background(
    source: ContributionSource, background: Any, *, target: int | str | None = None
) -> ContributionSource:
    """Open contributions that sums of contributions of `source` are to be compared with.

    Parameters
    ----------
    source
        The contributions that are searched.
    background
        Anything that `open_contributions` takes.
    target
        As for `source`.

    Raises
    ------
    TargetError
        When it has no such target, or explains another one.
    ParameterError
        When another method or another model made it, or it explains another level of the target.
    SeqExplainError
        As `open_contributions`.
    """
    if target is None and source.label and not isinstance(background, ContributionSource):
        target = _same_target(background, source.label)
    behind = open_contributions(background, target=target)
    if source.label and behind.label and source.label != behind.label:
        raise TargetError(
            f"The background {behind.description} explains {behind.label!r}, but {source.description} "
            f"{source.label!r}; sums of these cannot be compared. {_HOW}"
        )
    for name, word in _WORDS.items():
        mine, other = source.origin.get(name), behind.origin.get(name)
        if mine and other and mine != other:
            raise ParameterError(
                f"{word.capitalize()} of the background {behind.description} is {_short(other)}, that of "
                f"{source.description} {_short(mine)}; sums of these cannot be compared. {_HOW}"
            )
    return behind


def check_length(source: ContributionSource, behind: ContributionSource) -> None:
    """Raise ShapeError where the background's sequences have another length, so that they are no shuffles of these.

    Raises
    ------
    ShapeError
        In that case; a source or a background without sequences has any length.
    """
    if source.n and behind.n and int(source.lengths.max()) != int(behind.lengths.max()):
        raise ShapeError(
            f"The background {behind.description} has sequences of {int(behind.lengths.max())} bp, "
            f"{source.description} of {int(source.lengths.max())} bp; expected shuffles of these. Write them with "
            "`seqexplain shuffle`, and explain them."
        )


def _same_target(background: Any, label: str) -> str | None:
    """Return the label where the background has several targets, this one among them."""
    from pathlib import Path

    from seqexplain.results import Attributions
    from seqexplain.storage import ResultStore, peek

    if isinstance(background, str | Path) and peek(background) is not None:
        targets = tuple(peek(background)["layout"]["targets"])  # type: ignore[index]
    elif isinstance(background, Attributions | ResultStore):
        targets = tuple(background.targets)
    else:
        return None
    return label if len(targets) > 1 and label in targets else None


def _short(value: str) -> str:
    return f"{value[:_DIGITS]}…" if len(value) > 2 * _DIGITS else repr(value)
