"""What a method has no rule for is refused before any work; what goes wrong is said, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from contract.methods import METHODS, Method
from contract.toys import L, dna, randomise, tasks
from keras import layers as kl

from seqexplain.attribution import _propagation
from seqexplain.errors import CompletenessWarning, UnsupportedLayerError
from seqexplain.models.graph import Graph
from seqexplain.models.operations import Kind
from seqexplain.models.sequence_model import SequenceModel

RULED = {n: m for n, m in METHODS.items() if m.needs_rules}
COMPLETE = {n: m for n, m in RULED.items() if m.complete or m.accounts}
every_method = pytest.mark.parametrize("method", RULED.values(), ids=RULED)
complete_methods = pytest.mark.parametrize("method", COMPLETE.values(), ids=COMPLETE)


class Sorted(kl.Dense):
    """A subclass of a known layer with an operation inside that has no rule."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        return keras.ops.sort(super().call(inputs), axis=-1)


class Untraceable(kl.Layer):
    """A layer whose `call` needs numbers."""

    def call(self, x: Any) -> Any:
        if isinstance(x, keras.KerasTensor):
            raise TypeError("no symbols, please")
        return x * 2.0

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


class MixesExamples(kl.Layer):
    """A layer that looks at other examples of the batch."""

    def call(self, x: Any) -> Any:
        return x - keras.ops.mean(x, axis=0, keepdims=True)


class Whole(keras.Model):
    """A model with a `call` of its own that cannot be taken apart."""

    def __init__(self) -> None:
        super().__init__(name="whole")
        self.inner = kl.Dense(1)

    def call(self, x: Any) -> Any:
        return self.inner(keras.ops.sort(keras.ops.reshape(x, (-1, L * 4)), axis=-1))


def ordered(x: Any) -> Any:
    return keras.ops.sort(x, axis=-1)


class Cell(kl.SimpleRNNCell):
    """A cell with an operation inside that has no rule."""

    def call(self, x: Any, states: Any, training: Any = False) -> Any:
        y, states = super().call(x, states)
        return ordered(y), states


def given_its_state(y: Any) -> Any:
    """A recurrent layer that begins with what another layer gives it."""
    return kl.GRU(3, return_sequences=True, name="odd")(y, initial_state=kl.GlobalAveragePooling1D()(y))


LAYERS: dict[str, tuple[Callable[[], Any], str]] = {
    "lambda": (lambda: kl.Lambda(ordered, name="odd"), "Lambda: keras.ops Sort"),
    "subclass": (lambda: Sorted(3, name="odd"), "Sorted: keras.ops Sort"),
    "no trace": (lambda: Untraceable(name="odd"), "Untraceable"),
    "mixes examples": (lambda: MixesExamples(name="odd"), "MixesExamples: keras.ops Mean"),
    "product along an axis": (lambda: kl.Lambda(lambda t: keras.ops.prod(t, axis=1), name="odd"), "Prod"),
    "unknown function": (lambda: kl.Conv1D(2, 2, activation=ordered, name="odd"), "ordered"),
    "unknown function in Activation": (lambda: kl.Activation(ordered, name="odd"), "ordered"),
    "recurrent, given its state": (lambda: given_its_state, "GRU"),
    "recurrent, unknown cell": (lambda: kl.RNN(Cell(3), return_sequences=True, name="odd"), "odd"),
}


@pytest.mark.parametrize("what", LAYERS)
@every_method
def test_layers_without_a_rule(method: Method, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, named = LAYERS[what]
    x = keras.Input((L, 4))
    y = make()(kl.Conv1D(3, 3, activation="relu")(x))
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(y)), name="toy"))
    monkeypatch.setattr(Graph, "run", lambda *_: pytest.fail("work was done before the refusal"))
    with pytest.raises(UnsupportedLayerError, match=r"layer 'odd.*'toy'") as caught:
        method(model, dna(2))
    assert named in str(caught.value)


@every_method
def test_nested_layers_are_named_by_their_path(method: Method) -> None:
    x = keras.Input((L, 4))
    inner = keras.Sequential([kl.Conv1D(2, 3), kl.Lambda(ordered, name="norm")], name="block")
    model = SequenceModel(keras.Model(x, kl.Dense(1)(kl.Flatten()(inner(x)))))
    with pytest.raises(UnsupportedLayerError, match=r"'block/norm' \(Lambda: keras.ops Sort\)"):
        method(model, dna(2))


@every_method
def test_models_with_a_call_of_their_own(method: Method) -> None:
    whole = Whole()
    whole(np.zeros((1, L, 4), dtype=np.float32))
    model = SequenceModel(whole, input_shape=(L, 4))
    assert model.predict(dna(2)).shape == (2, 1)
    with pytest.raises(UnsupportedLayerError, match=r"Whole: keras\.ops Sort"):
        method(model, dna(2))


@every_method
def test_what_the_target_does_not_depend_on_is_no_hindrance(method: Method) -> None:
    x = keras.Input((L, 4))
    y = kl.Flatten()(kl.Conv1D(2, 3, activation="relu")(x))
    odd = kl.Dense(1, name="odd_head")(kl.Lambda(ordered, name="sorting")(y))
    model = SequenceModel(randomise(keras.Model(x, [kl.Dense(1, name="plain")(y), odd])))
    assert np.abs(method(model, dna(2), target="plain").contributions).max() > 0
    with pytest.raises(UnsupportedLayerError, match="sorting"):
        method(model, dna(2), target="odd_head")


@complete_methods
def test_a_broken_rule_is_noticed_and_named(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    make_plan = _propagation.make_plan

    def broken(model: Any, heads: Any, choose: Any, *rest: Any, **more: Any) -> Any:
        def halving(position: int, operation: Any) -> Any:
            step = choose(position, operation)
            if operation.kind is not Kind.MAX_POOL:
                return step
            return replace(step, run=lambda *given: [0.5 * m for m in step.run(*given)])

        return make_plan(model, heads, halving, *rest, **more)

    home = __import__(method.run.__module__, fromlist=["x"])
    module = home if hasattr(home, "make_plan") else __import__(f"{home.__name__}_job", fromlist=["x"])
    monkeypatch.setattr(module, "make_plan", broken)
    with pytest.warns(CompletenessWarning, match=r"of [26] .*target 0: .*'pool' \(MaxPooling1D"):
        method(SequenceModel(tasks()), dna(2), target=0)
