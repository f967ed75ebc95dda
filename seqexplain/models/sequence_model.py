"""A Keras model together with how it reads DNA: layout, base order, unknown bases, extra inputs, strands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from seqexplain.errors import ModelLoadError, ParameterError, UnsupportedLayerError
from seqexplain.models._decompositions import registered
from seqexplain.models._extra_inputs import digest
from seqexplain.models._flat_model import FlatModel, flatten
from seqexplain.models._hidden import layer_value, layer_values
from seqexplain.models._inputs import ModelInputs
from seqexplain.models._lengths import shapes_of
from seqexplain.models._precision import PRECISIONS
from seqexplain.models._prediction import predict, verify
from seqexplain.models.backend import Array, Tensor, jit, to_tensor
from seqexplain.models.graph import Graph, WeightList, input_names_of, input_shapes_of
from seqexplain.models.operations import Kind, Operation, Shape
from seqexplain.models.target import Head, Target, centred, resolve_targets

LEVELS = ("logit", "centered_logit", "output")


class SequenceModel(ModelInputs):
    """A Keras model that reads one-hot DNA.

    Everything outside this class sees one layout: `X` is `(n, L, 4)`, order A C G T, unknown bases all zero. What the
    model itself wants is declared here and converted at its edge. The model is never changed.

    Parameters
    ----------
    model
        A Keras model (Functional, Sequential or subclassed), or a `SequenceModel`'s black box.
    sequence_input
        Name of the input that reads the sequence; needed only where more than one could.
    layout
        Axes of one example as the model wants them: `"LC"` is `(L, 4)`; `"CL"` is `(4, L)`; a `1` is an axis of
        length one, as in `"LC1"` for `(L, 4, 1)`. Default: read off the model's input shape.
    base_order
        Order of the model's base channels.
    unknown
        How the model was shown unknown bases: `"zeros"` or `"uniform"` (0.25 each).
    extra_inputs
        Values of the other inputs, by name: one array for all sequences, `(n, …)` with one row a sequence, or a
        mapping from sequence name to array.
    average_strands
        Whether to average the model over the sequence and its reverse complement.
    precision
        Of matrix products on GPUs: `"float32"`, or `"tf32"`, which is faster on NVIDIA GPUs since Ampere and rounds
        factors to 10 bits: relative errors of about 1e-3, so that completeness may fail.
    input_shape
        Shape of one example in the model's layout, for a subclassed model that does not tell.
    name
        For messages and provenance.
    sha256, path
        Of the file that the model was read from, for provenance.

    Raises
    ------
    ModelLoadError
        When it is not a model of DNA: no input has an axis of length 4, or several have.
    ParameterError
        When an option makes no sense.
    """

    def __init__(
        self,
        model: Any,
        *,
        sequence_input: str | None = None,
        layout: str | None = None,
        base_order: str = "ACGT",
        unknown: str = "zeros",
        extra_inputs: Mapping[str, Any] | None = None,
        average_strands: bool = False,
        precision: str = "float32",
        input_shape: Shape | None = None,
        name: str | None = None,
        sha256: str | None = None,
        path: str | None = None,
    ) -> None:
        if unknown not in ("zeros", "uniform"):
            raise ParameterError(f'unknown={unknown!r} is not known; use "zeros" or "uniform".')
        if precision not in PRECISIONS:
            raise ParameterError(f'precision={precision!r} is not known; use "float32" or "tf32".')
        if sorted(base_order) != sorted("ACGT"):
            raise ParameterError(f'base_order={base_order!r} must hold each of A, C, G and T once, as in "ACGT".')
        if not (hasattr(model, "predict_batch") or hasattr(model, "get_build_config")):
            raise ModelLoadError(
                f"SequenceModel got {type(model).__name__}; expected a Keras 3 model. Open a file with "
                "seqexplain.load_model(path); save a model of tf_keras (Keras 2) to a file first."
            )
        self.keras_model = model
        self.unknown = unknown
        self.base_order = base_order
        self.average_strands = average_strands
        self.precision = precision
        self.name = name or str(getattr(model, "name", "model"))
        self.sha256 = sha256
        self.path = path
        self.black_box = hasattr(model, "predict_batch")
        shapes = [input_shape] if input_shape else (model.input_shapes if self.black_box else input_shapes_of(model))
        names = model.input_names if self.black_box else input_names_of(model)
        if not shapes:
            raise ModelLoadError(
                f"The model {self.name!r} ({type(model).__name__}) does not tell the shape of its input. "
                "Call it once on data, or pass input_shape=(length, 4) to SequenceModel."
            )
        names = list(names) if len(names) == len(shapes) else [f"input_{i}" for i in range(len(shapes))]
        self._declare_inputs(names, [tuple(s) for s in shapes], sequence_input, layout, extra_inputs)
        self._flat: FlatModel | None = None
        self._keep: frozenset[type] = frozenset()
        self._kept: dict[frozenset[type], SequenceModel] = {}
        self._decompositions: frozenset[type] = frozenset()
        self._compiled: dict[Any, Callable[..., Any]] = {}
        self._remembered: dict[Any, Any] = {}
        self._shapes: dict[int, dict[int, tuple[int, ...]]] = {}
        self._verified = False

    def __repr__(self) -> str:
        length = self.length or "any length"
        return f"SequenceModel({self.name!r}, {length}, heads: {', '.join(h.name for h in self.heads)})"

    # --- what the model looks like -------------------------------------------------------------------------------

    @property
    def graph(self) -> Graph:
        """The flattened model, from canonical `(L, 4)` input to the heads.

        Raises
        ------
        UnsupportedLayerError
            When the model is a SavedModel: nothing is known of its layers.
        """
        self._refuse_black_box()
        return self._flattened().graph

    def keeping(self, classes: frozenset[type]) -> SequenceModel:
        """Return this model with the layers of some `classes` kept whole, as one opaque operation each.

        What is compiled for it is kept with it, and it with this model.
        """
        self._refuse_black_box()
        if classes not in self._kept:
            twin = copy(self)
            twin._keep = frozenset(classes)
            twin._flat, twin._compiled, twin._remembered, twin._shapes, twin._kept = None, {}, {}, {}, {}
            twin._verified = False
            self._kept[classes] = twin
        return self._kept[classes]

    @property
    def heads(self) -> tuple[Head, ...]:
        """The model's outputs."""
        return self.heads_at("output")

    def heads_at(self, level: str) -> tuple[Head, ...]:
        """Return the heads at the logit below a final sigmoid or softmax, or as they are (`"output"`).

        With `level` `"centered_logit"` they are those of `"logit"`; targets in a softmax head are then less the
        classes' mean.

        Raises
        ------
        ParameterError
            When there is no such level, or the model is a SavedModel, whose logits are not known.
        """
        if level not in LEVELS:
            raise ParameterError(f'level={level!r} is not known; use "logit", "centered_logit" or "output".')
        if self.black_box:
            if level != "output":
                raise ParameterError(
                    f'The model {self.name!r} is a SavedModel, whose logits are not known; use level="output".'
                )
            return tuple(Head(p.name, p.shape[1:], "unknown", i) for i, p in enumerate(self.keras_model.outputs))
        return self._flattened().heads["output" if level == "output" else "logit"]

    def targets(self, target: Any, *, level: str = "logit", length: int | None = None) -> tuple[Target, ...]:
        """Resolve what a user wants explained.

        Parameters
        ----------
        target
            An index, `(head, index)`, a contrast, an affine callable, or a list of these.
        level
            `"logit"`, `"output"`, or `"centered_logit"`: of a softmax head the logits less their mean over the classes,
            which the softmax does not see.
        length
            Of the sequences in bp; needed for heads along the sequence of a model of any length.

        Returns
        -------
        tuple of Target
            One for each that was asked for.

        Raises
        ------
        TargetError
            When the target does not exist or is ambiguous.
        """
        heads = self.heads_at(level)
        hidden = None if self.black_box else lambda name: self._hidden(name, length)
        targets = resolve_targets(target, heads, self._head_shapes(heads, length), hidden)
        return tuple(centred(t, heads) for t in targets) if level == "centered_logit" else targets

    def layer_value(self, name: str) -> int:
        """Return the number of the value that a layer gives, in `graph`; its activation is included.

        Parameters
        ----------
        name
            The layer's path (`outer/inner`); `name#2` for the second call of a layer that is used again;
            `name/preactivation` for what its activation is given.

        Raises
        ------
        ParameterError
            When there is no such layer, or when it is called several times and the call is not named.
        """
        return layer_value(self.graph, name, self.name)

    def layer_values(self, name: str) -> tuple[int, ...]:
        """Return the numbers of the values that layer `name` gives, one a call; both strands' where both are read."""
        return layer_values(self.graph, name, self.name)

    def opaque_operations(self) -> list[Operation]:
        """Return the operations that have no rule: methods that look inside refuse them."""
        return [op for op in self.graph.operations if op.kind is Kind.OPAQUE]

    # --- computing -----------------------------------------------------------------------------------------------

    def predict(
        self,
        X: Array | Sequence[str],
        *,
        target: Any = None,
        level: str = "output",
        batch_size: int | str = "auto",
        extra_inputs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Score sequences.

        Parameters
        ----------
        X
            `(n, L, 4)` one-hot, or `n` strings (of any lengths where the model reads any length).
        target
            None returns the heads whole; else the value of that target.
        level
            `"output"`: as the model gives it (probabilities, say); `"logit"`: below a final sigmoid or softmax.
        batch_size
            Sequences at a time; `"auto"` fits memory.
        extra_inputs
            For this call, instead of the model's own.

        Returns
        -------
        numpy.ndarray or dict
            With a target `(n,)` float32, or `(n, t)` for a list of `t` targets. Without: `(n, …)` for a model with one
            head, else a dict from head name to array.

        Raises
        ------
        ShapeError
            When X does not fit the model.
        TargetError
            When the target does not exist.
        """
        return predict(self, X, target=target, level=level, batch_size=batch_size, extra_inputs=extra_inputs)

    def feeds(self, x: Tensor, extra: Mapping[str, Tensor]) -> dict[int, Tensor]:
        """Return the values of the graph's inputs: `x` `(n, L, 4)` of the sequence, those of `extra` by name."""
        flat = self._flattened()
        return {flat.graph.inputs[0]: x, **{flat.extra[name]: value for name, value in extra.items()}}

    def weights(self) -> WeightList:
        """Return the weights as they are now, one entry an operation."""
        return self.graph.read_weights()

    def options(self) -> dict[str, Any]:
        """Return how the model reads sequences, ready for JSON."""
        return {
            "sequence_input": self.sequence_input,
            "layout": self.layout,
            "base_order": self.base_order,
            "unknown": self.unknown,
            "average_strands": self.average_strands,
            "precision": self.precision,
            "extra_inputs": {k: digest(v) for k, v in sorted(self.extra_inputs.items())},
        }

    def value_shapes(self, length: int) -> dict[int, tuple[int, ...]]:
        """Return the shape of every value in the graph, one example, for sequences of `length` bp.

        Raises
        ------
        ShapeError
            When such sequences are too short for the model.
        """
        if length not in self._shapes:
            x = to_tensor(np.zeros((1, length, 4), dtype=np.float32))
            extra = {}
            for name in self.required_inputs:
                # what varies in length is taken to go along with the sequence: a control track, say
                shape = [n or length for n in self._input_shapes[self._input_names.index(name)]]
                extra[name] = to_tensor(np.zeros((1, *shape), dtype=np.float32))
            self._shapes[length] = shapes_of(self.graph, self.weights(), self.feeds(x, extra), length, self.name)
        return self._shapes[length]

    def compiled(self, key: Any, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """Return the compiled function that belongs to `key`; `make` makes it, once."""
        if key not in self._compiled:
            self._compiled[key] = jit(make(), self.precision)
        return self._compiled[key]

    def remembered(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what belongs to `key`, which `make` makes once: a plan, say. It must not hold weights."""
        if key not in self._remembered:
            self._remembered[key] = make()
        return self._remembered[key]

    def bytes_per_sequence(self, length: int, positions: Sequence[int] | None = None) -> int:
        """Return about how many bytes the activations of one sequence of `length` bp take.

        Those of all operations, or of the ones at some `positions` of the graph.
        """
        shapes = self.value_shapes(length)
        operations = self.graph.operations
        chosen = range(len(operations)) if positions is None else positions
        total = 4 * length
        for position in chosen:
            total += sum(int(np.prod(shapes[v])) for v in operations[position].outputs)
        return 4 * total

    def verify(self) -> None:
        """Check once that the flattened graph computes what the model computes.

        Raises
        ------
        ModelLoadError
            When it does not: some layer does what its class does not say (a mask, say).
        """
        if not (self._verified or self.black_box):
            verify(self)
            self._verified = True

    # --- inner parts ---------------------------------------------------------------------------------------------

    def _head_shapes(self, heads: Sequence[Head], length: int | None) -> list[Shape]:
        if all(None not in h.shape for h in heads):
            return [h.shape for h in heads]
        length = length or self.length
        if length is None:
            # positions vary with the sequence: whatever is asked of them needs a length
            return [tuple(n or 0 for n in h.shape) for h in heads]
        if self.black_box:
            return [tuple(length if n is None else n for n in h.shape) for h in heads]
        shapes = self.value_shapes(length)
        return [shapes[h.value] for h in heads]

    def _hidden(self, name: str, length: int | None) -> tuple[Head, Shape]:
        """Return a hidden layer as a head, with its shape for sequences of `length` bp."""
        value = self.layer_value(name)
        head = Head(name, self.graph.shapes[value], "hidden layer", value)
        return head, self._head_shapes([head], length)[0]

    def _refuse_black_box(self) -> None:
        if self.black_box:
            raise UnsupportedLayerError(
                f"The model {self.name!r} is a SavedModel: it can be scored, but not looked into. Load the .keras or "
                ".h5 file that it was exported from, or use a method that only edits sequences."
            )

    def _flattened(self) -> FlatModel:
        if self._decompositions != registered():
            # a class has been registered since: whatever belongs to the older graph goes with it
            self._decompositions = registered()
            self._flat = None
            self._verified = False
            self._compiled.clear()
            self._shapes.clear()
        if self._flat is None:
            self._flat = flatten(self, self._keep)
        return self._flat
