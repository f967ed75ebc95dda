"""What experiments on backgrounds have in common: they are done block by block, and the blocks make the result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from seqexplain.errors import ShapeError
from seqexplain.models._prediction import choose_batch_size
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.provenance import provenance
from seqexplain.perturbation._inserts import names_for
from seqexplain.perturbation._scorer import BoundSequences, EditOptions, Scorer
from seqexplain.sequences.shuffle import check_seed

Result = TypeVar("Result")

FEW_EDITS = 8  # of a sequence: fewer cost less as whole sequences than what has to be kept and compiled for them


def evaluation_of(asked: str, edits: float) -> str:
    """Return how to evaluate so many edits a sequence: `"full"` for few, where the choice is ours."""
    return "full" if asked == "auto" and edits < FEW_EDITS else asked


def blocks(n: int, size: int) -> Iterator[slice]:
    """Yield slices of at most `size` sequences: what is kept of them at a time fits memory."""
    for low in range(0, n, size):
        yield slice(low, min(low + size, n))


def refuse_nothing(X: Array, parameter: str) -> None:
    """Raise ShapeError where there is no sequence."""
    if len(X) == 0:
        raise ShapeError(f"{parameter} has shape {X.shape}: no sequence; expected one at least.")


def one_target(values: Array, target: int, *, several: bool) -> Array:
    """Return the values of one target: `values[:, target]` where there is an axis of targets."""
    return np.asarray(values[:, target] if several else values)


class Experiment(ABC, Generic[Result]):
    """An experiment on `n` backgrounds: validated once, done block by block, in any order and at any time.

    Attributes
    ----------
    X, labels
        `(n, L, 4)` float32, the backgrounds, and their names.
    batch
        Backgrounds whose activations fit memory.
    edits
        Edited sequences of each background, about.
    """

    X: Array
    labels: tuple[str, ...]
    batch: int
    edits: int

    def _open(self, model: Any, backgrounds: Array | Sequence[str], options: dict[str, Any]) -> None:
        """Check the backgrounds, and those `options` that say what they are."""
        self._seed = check_seed(options.get("random_state", 0))
        self.model, self.X = opened(model, backgrounds)
        refuse_nothing(self.X, "backgrounds")
        self._names = tuple(options.pop("names", ()))
        self.labels = names_for(self._names, len(self.X))

    def _prepare(self, options: dict[str, Any], *, edits: int) -> None:
        """Make the scorer, for so many edits of each background."""
        asked = options.pop("evaluation", "auto")
        n, length = self.X.shape[:2]
        chosen = EditOptions(**options, evaluation=evaluation_of(asked, edits))
        self._scorer = Scorer(self.model, length, n, chosen)
        self.batch = choose_batch_size(self.model, chosen.batch_size, length, n)
        self.edits = edits

    def _bind(self, rows: slice, x: Array | None = None) -> tuple[Array, BoundSequences]:
        """Return backgrounds, and these (or `x` in their place) scored and ready to be edited."""
        own = self.X[rows]
        return own, self._scorer.bind(own if x is None else x, start=rows.start, names=self._names[rows])

    def _of_targets(self, arrays: Mapping[str, Array]) -> dict[str, Any]:
        """Return arrays `(n, t, …)`, without the axis of targets where there is one target."""
        single = slice(None) if self._scorer.several_targets else 0
        return {name: array[:, single] for name, array in arrays.items()}

    @property
    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """What the result keeps of the choices, ready for JSON."""

    @property
    @abstractmethod
    def choices(self) -> dict[str, Any]:
        """What else decides the numbers, but the backgrounds: the motifs and where they go, ready for JSON."""

    @abstractmethod
    def block(self, rows: slice) -> dict[str, Array]:
        """Return what is found of the backgrounds `rows`, arrays `(b, t, …)` by name."""

    @abstractmethod
    def result(self, arrays: Mapping[str, Array]) -> Result:
        """Return the result that the `arrays` of all blocks, `(n, t, …)` by name, make."""

    def describe(self) -> dict[str, Any]:
        """Return all that decides the numbers but the backgrounds, and where they come from, ready for JSON."""
        options = self._scorer.options
        return {
            "parameters": {**self.parameters, **self.choices, "evaluation": options.evaluation},
            "provenance": provenance(self.model),
        }

    def run(self) -> Result:
        """Do all of it."""
        parts = [self.block(rows) for rows in blocks(len(self.X), self.batch)]
        return self.result(joined_blocks(parts))


def joined_blocks(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Return the arrays of the blocks `parts`, `(b, t, …)` each, one after the other: `(n, t, …)` by name."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
