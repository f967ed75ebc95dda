"""Prepared jobs of the methods that are one gradient at the sequence and something done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.attribution._gradient_rules import gradient_step
from seqexplain.attribution._job import Arrays, AtLength, JobOptions
from seqexplain.attribution._propagation import Plan, make_plan
from seqexplain.attribution._sequence_job import SequenceJob
from seqexplain.errors import ParameterError
from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel


def gradient_plan(model: SequenceModel, heads: Sequence[int], source: int | None = None) -> Plan:
    """Plan a sweep of plain gradients: one for all methods, so that they share what is compiled.

    It ends at the sequence, or at a `source` of the graph.
    """
    return make_plan(model, heads, gradient_step, "gradients", source=source)


def on_simplex(gradient: Array) -> Array:
    """Return the part of gradients `(…, 4)` along the simplex of bases: less their mean over the four bases."""
    corrected: Array = gradient - gradient.mean(axis=-1, keepdims=True)
    return corrected


def check_flag(name: str, value: Any) -> None:
    """Raise unless a parameter is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ParameterError(f"{name}={value!r} is not known; use True or False.")


def check_count(name: str, value: Any, smallest: int = 1) -> None:
    """Raise unless a parameter is a whole number that is large enough."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < smallest:
        raise ParameterError(f"{name}={value!r} must be a whole number from {smallest}.")


def check_positive(name: str, value: Any) -> None:
    """Raise unless a parameter is a finite number above 0."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not np.isfinite(value) or value <= 0:
        raise ParameterError(f"{name}={value!r} must be a number above 0.")


@dataclass(frozen=True, kw_only=True)
class GradientOptions(JobOptions):
    """Choices of a method that is made of gradients; the fields are the parameters of `input_x_gradient`."""

    simplex_correction: bool = False

    def __post_init__(self) -> None:
        check_flag("simplex_correction", self.simplex_correction)


@dataclass(frozen=True, kw_only=True)
class SaliencyOptions(GradientOptions):
    """Choices of a saliency job; the fields are the parameters of `saliency`."""

    signed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_flag("signed", self.signed)


class GradientJob(SequenceJob):
    """A method that is the gradient at the sequence, and what `_scores` makes of it."""

    options: GradientOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: GradientOptions) -> None:
        self.options = options
        super().__init__(model, length, n_sequences, options)

    def _make_plan(self, heads: list[int]) -> Plan:
        return gradient_plan(self.model, heads)

    def _choices(self) -> dict[str, Any]:
        return {**super()._choices(), "simplex_correction": bool(self.options.simplex_correction)}

    def _scores(self, gradient: Array) -> Array:
        """Return hypothetical scores of gradients `(…, L, 4)`."""
        return gradient

    def _finish(self, at: AtLength, X: Array, extra: Mapping[str, Array], start: int, found: Arrays,
                names: Sequence[str]) -> dict[str, Any]:  # fmt: skip
        gradient = found["arrived"]
        corrected = on_simplex(gradient) if self.options.simplex_correction else gradient
        return super()._finish(at, X, extra, start, {**found, "arrived": self._scores(corrected)}, names)


class InputXGradient(GradientJob):
    """A prepared job of input × gradient."""

    method = "input_x_gradient"


class Saliency(GradientJob):
    """A prepared job of saliency: the gradient's size."""

    method = "saliency"
    options: SaliencyOptions

    def __init__(self, model: SequenceModel, length: int, n_sequences: int, options: SaliencyOptions) -> None:
        super().__init__(model, length, n_sequences, options)

    def _choices(self) -> dict[str, Any]:
        return {**super()._choices(), "signed": bool(self.options.signed)}

    def _scores(self, gradient: Array) -> Array:
        return gradient if self.options.signed else np.abs(gradient)


class SensitivityAnalysis(GradientJob):
    """A prepared job of sensitivity analysis: the squared gradient."""

    method = "sensitivity_analysis"

    def _scores(self, gradient: Array) -> Array:
        return np.square(gradient)
