"""How a model reads DNA: which input has the sequence, its layout, what unknown bases are, and the other inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqexplain.errors import ModelLoadError, ParameterError, ShapeError
from seqexplain.models._extra_inputs import check_given, rows_of
from seqexplain.models._layout import arrange, could_be_dna, read_layout
from seqexplain.models.backend import Array
from seqexplain.models.operations import Shape


class ModelInputs:
    """The part of a `SequenceModel` that knows its inputs, and brings sequences from the one layout to the model's."""

    name: str
    unknown: str
    base_order: str

    def _declare_inputs(
        self,
        names: list[str],
        shapes: list[Shape],
        sequence_input: str | None,
        layout: str | None,
        extra_inputs: Mapping[str, Any] | None,
    ) -> None:
        """Settle which input reads the sequence, its layout and length, and what the others are given."""
        self._input_names, self._input_shapes = names, shapes
        self._sequence_position = self._find_sequence_input(sequence_input, layout)
        shape = shapes[self._sequence_position]
        self.layout = read_layout(shape, layout, self.name)
        self.length: int | None = shape[self.layout.index("L")]
        self.check_extra_inputs(extra_inputs)
        self.extra_inputs: dict[str, Any] = dict(extra_inputs or {})

    @property
    def input_names(self) -> list[str]:
        """Names of all inputs."""
        return list(self._input_names)

    @property
    def input_shapes(self) -> list[Shape]:
        """Shapes of all inputs, one example, in the model's layout."""
        return list(self._input_shapes)

    @property
    def sequence_input(self) -> str:
        """Name of the input that reads the sequence."""
        return self._input_names[self._sequence_position]

    @property
    def required_inputs(self) -> list[str]:
        """Names of the inputs other than the sequence."""
        return [n for i, n in enumerate(self._input_names) if i != self._sequence_position]

    def validate(self, X: Any) -> Array:
        """Check one-hot sequences against the model; return them as float32 `(n, L, 4)`."""
        X = np.asarray(X)
        if X.ndim != 3 or X.shape[2] != 4:
            hint = " Use X.transpose(0, 2, 1)." if X.ndim == 3 and X.shape[1] == 4 else ""
            raise ShapeError(f"X has shape {X.shape}; expected (n, length, 4).{hint}")
        if X.dtype.kind not in "fiub" or not np.isfinite(X).all():
            raise ShapeError("X must hold finite numbers (one-hot rows; all zero where the base is unknown).")
        if X.shape[1] == 0:
            raise ShapeError("X has sequences of length 0; leave empty sequences out.")
        if self.length is not None and X.shape[1] != self.length:
            raise ShapeError(
                f"X has sequences of {X.shape[1]} bp; the model {self.name!r} reads {self.length} bp. "
                'Crop or pad them: seqexplain.fit_length(…, policy="crop" or "pad"), or --fit on the command line.'
            )
        return np.ascontiguousarray(X, dtype=np.float32)

    def fill_unknown(self, X: Array) -> Array:
        """Return X as the model wants to see unknown bases."""
        if self.unknown == "zeros":
            return X
        empty = ~X.any(axis=-1, keepdims=True)
        return np.where(empty, np.float32(0.25), X)

    def fill_unknown_like(self, X: Array, references: Array) -> Array:
        """Return references `(n, r, L, 4)` with the unknown bases that they share with X filled likewise.

        Rows of zeros elsewhere are meant: a reference of zeros is not a sequence of unknown bases.
        """
        if self.unknown == "zeros":
            return references
        empty = ~np.any(X, axis=-1)[:, None, :, None] & ~np.any(references, axis=-1, keepdims=True)
        filled: Array = np.where(empty, np.float32(0.25), references)
        return filled

    def extra_rows(
        self,
        rows: Array,
        *,
        extra_inputs: Mapping[str, Any] | None = None,
        names: Sequence[str] | None = None,
        n: int | None = None,
    ) -> dict[str, Array]:
        """Return the extra inputs of some sequences, `(rows, …)` each.

        Parameters
        ----------
        rows
            Positions of the sequences in the job.
        extra_inputs
            Instead of the model's own.
        names
            Names of these sequences, needed where a table is keyed by name.
        n
            Number of sequences in the job, to check tables against.
        """
        self.check_extra_inputs(extra_inputs)
        given = {**self.extra_inputs, **(extra_inputs or {})}
        result = {}
        for name in self.required_inputs:
            shape = self._input_shapes[self._input_names.index(name)]
            if name not in given:
                raise ParameterError(
                    f"The model has an input {name!r} of shape {shape} beside the sequence; give its value: "
                    f"extra_inputs={{{name!r}: …}}, or --extra {name}=… on the command line."
                )
            result[name] = rows_of(name, given[name], shape, rows, names, n)
        return result

    def check_extra_inputs(self, extra_inputs: Mapping[str, Any] | None) -> None:
        """Raise unless the model has inputs of these names and their values are numbers."""
        check_given(extra_inputs, self.required_inputs)

    def per_sequence_extra(self, extra_inputs: Mapping[str, Any] | None = None, *, by_row: bool = False) -> bool:
        """Whether any extra input differs from sequence to sequence; `by_row`: and is given by row, not by name."""
        for name, value in {**self.extra_inputs, **(extra_inputs or {})}.items():
            shape = self._input_shapes[self._input_names.index(name)]
            if isinstance(value, Mapping):
                if not by_row:
                    return True
            elif np.asarray(value).ndim > len(shape):
                return True
        return False

    def to_layout(self, x: Array) -> Array:
        """Return `(n, L, 4)` as the model wants it."""
        x = x[..., ["ACGT".index(base) for base in self.base_order]]
        return np.ascontiguousarray(arrange(x, self.layout, np.transpose, np.reshape))

    def arrange_inputs(self, x: Array, extra: Mapping[str, Array]) -> list[Array]:
        """Return all inputs in the model's own order and layout."""
        return [
            self.to_layout(x) if i == self._sequence_position else extra[name]
            for i, name in enumerate(self._input_names)
        ]

    def _find_sequence_input(self, wanted: str | None, layout: str | None) -> int:
        listing = ", ".join(f"{n!r} {s}" for n, s in zip(self._input_names, self._input_shapes, strict=True))
        if wanted is not None:
            if wanted not in self._input_names:
                raise ModelLoadError(f"The model {self.name!r} has no input {wanted!r}; it has {listing}.")
            return self._input_names.index(wanted)
        candidates = [i for i, s in enumerate(self._input_shapes) if could_be_dna(s, layout)]
        if layout is not None and len(self._input_shapes) == 1:
            return 0  # where the layout does not fit, that is what has to be said
        if len(candidates) == 1:
            return candidates[0]
        if not candidates:
            raise ModelLoadError(
                f"No input of the model {self.name!r} looks like one-hot DNA (an axis of length 4): it has {listing}. "
                "seqexplain explains models that read one-hot DNA."
            )
        raise ModelLoadError(
            f"Several inputs of the model {self.name!r} could be the sequence: {listing}. "
            f"Say which: sequence_input={self._input_names[candidates[0]]!r}, or --sequence-input on the command line."
        )
