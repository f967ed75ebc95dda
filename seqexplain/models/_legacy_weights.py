"""Read weights that Keras 1–3 kept in HDF5 files, and put each where it belongs.

Two layouts exist. In the old one (`.h5`, `.hdf5`) a group per layer lists its weights by name, in the order
trainable, then not trainable. In the newer one (`.weights.h5`, and inside `.keras`) groups follow the
attributes of the layers and number the weights. The layout is told from the content, never from the file's
name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqexplain.errors import ModelLoadError
from seqexplain.models._legacy_graph import Member

Array = NDArray[Any]
Members = Mapping[int, list[Member]]

# Names by which Keras knows its weights. Where both sides use one of these they must agree; a custom layer
# may call its weights as it likes.
_KNOWN = frozenset(
    [
        "kernel",
        "bias",
        "gamma",
        "beta",
        "moving_mean",
        "moving_variance",
        "embeddings",
        "alpha",
        "depthwise_kernel",
        "pointwise_kernel",
        "recurrent_kernel",
        "mean",
        "variance",
        "scale",
    ]
)
_SAME = {"depthwise_kernel": "kernel"}  # Keras 3 calls the kernel of DepthwiseConv plainly so
_FLIPPED_BY_THEANO = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D"})
_GATES = {"CuDNNLSTM": 4, "CuDNNGRU": 3}


def is_named_layout(group: Any) -> bool:
    """Whether an open HDF5 file or group holds weights in the old layout."""
    return "layer_names" in group.attrs or "layer_names0" in group.attrs


def is_numbered_layout(group: Any) -> bool:
    """Whether an open HDF5 file or group holds weights in the newer layout."""
    return any(name.split("\\")[0] in ("layers", "_layer_checkpoint_dependencies", "vars") for name in group)


def load_named(group: Any, model: Any, members: Members, source: str) -> None:
    """Load weights in the old layout into a model.

    Parameters
    ----------
    group
        Open HDF5 group with the attribute `layer_names`.
    model
        Built Keras model.
    members
        Layers in file order of the model and the models in it, by `id`.
    source
        Name of the file, for messages.

    Raises
    ------
    ModelLoadError
        When a layer's weights are missing, left over or of another shape; nothing is guessed.
    """
    saved = _saved_weights(group, source)
    theano = _text(group.attrs.get("backend", "")) == "theano"
    wanted = [member for member in members[id(model)] if _variables(member.layer, members)]
    names = [member.name for member in wanted]
    if set(names) == set(saved):
        pairs = [(member, saved[member.name]) for member in wanted]
    elif len(saved) == 1 and len(_variables(model, members)) == len(next(iter(saved.values()))):
        # Saved from a model that wrapped this one as a single layer, as training on several GPUs does.
        whole = Member(next(iter(saved)), "Model", model)
        pairs = [(whole, next(iter(saved.values())))]
    elif len(saved) == len(wanted):
        # Keras numbers unnamed layers anew in each session: the same model has other names. Order decides, as
        # in Keras itself; shapes and the names of the weights are checked below.
        pairs = list(zip(wanted, saved.values(), strict=True))
    else:
        raise ModelLoadError(_count_message(names, list(saved), source))
    for member, weights in pairs:
        _fill_layer(member, weights, members, theano, source)


def load_numbered(group: Any, model: Any, members: Members, source: str) -> None:
    """Load weights in the newer layout into a model; the parameters and errors are those of `load_named`."""
    stored = {path.replace("\\", "/"): array for path, array in _datasets(group)}
    stored = {
        path.replace("_layer_checkpoint_dependencies/", "layers/"): array
        for path, array in stored.items()
        if not path.startswith(("optimizer/", "_optimizer", "metrics/", "compile_metrics/"))
    }
    used: set[str] = set()
    _fill_tree(model, "", stored, used, members, source, set())
    unused = sorted(path for path in stored if path not in used and "seed_generator" not in path)
    if unused:
        raise ModelLoadError(
            f"{source} holds weights that the model has no place for: {_some(unused)}. "
            "The weights belong to another architecture."
        )


# -- the old layout ------------------------------------------------------------------------------------------


def _saved_weights(group: Any, source: str) -> dict[str, list[tuple[str, Array]]]:
    """Weights by layer, in file order; layers without weights are left out."""
    saved: dict[str, list[tuple[str, Array]]] = {}
    names = [*_attribute(group, "layer_names")]
    if "top_level_model_weights" in group:
        names.append("top_level_model_weights")
    for name in names:
        if name not in group:
            raise ModelLoadError(f"{source} lists the layer {name!r} but does not hold it: the file is damaged.")
        weights = []
        for weight in _attribute(group[name], "weight_names"):
            if weight not in group[name]:
                raise ModelLoadError(f"{source} lists the weight {weight!r} but does not hold it: the file is damaged.")
            weights.append((weight, np.asarray(group[name][weight])))
        if weights:
            saved[name] = weights
    return saved


def _attribute(group: Any, name: str) -> list[str]:
    """Read a list of names; long lists are stored in numbered pieces."""
    if name in group.attrs:
        return [_text(item) for item in group.attrs[name]]
    found: list[str] = []
    piece = 0
    while f"{name}{piece}" in group.attrs:
        found += [_text(item) for item in group.attrs[f"{name}{piece}"]]
        piece += 1
    return found


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _fill_layer(member: Member, weights: list[tuple[str, Array]], members: Members, theano: bool, source: str) -> None:
    """Put one group's weights into one layer, which may be a model."""
    variables = _variables(member.layer, members)
    arrays = _converted(member, [array for _, array in weights], theano, source)
    saved = list(zip([name for name, _ in weights], arrays, strict=True))
    if len(saved) != len(variables):
        raise ModelLoadError(
            f"Layer {member.name!r} has {len(variables)} weights ({_shapes(variables)}), but {source} holds "
            f"{len(saved)} for it ({', '.join(f'{name} {array.shape}' for name, array in saved)}). "
            "The weights belong to another architecture."
        )
    by_key = {_keys(name): array for name, array in saved}
    keys = [_keys(variable.path) for variable in variables]
    if len(by_key) == len(saved) and set(keys) == set(by_key):
        saved = [("/".join(key), by_key[key]) for key in keys]
    for variable, (name, array) in zip(variables, saved, strict=True):
        found, expected = _keys(name)[1], _keys(variable.path)[1]
        if {found, expected} <= _KNOWN and _SAME.get(found, found) != _SAME.get(expected, expected):
            raise ModelLoadError(
                f"In layer {member.name!r} the place of {expected!r} is taken by {found!r} in {source}. "
                "The weights belong to another architecture."
            )
        assign(variable, array, member.name, source)
    finish(member.layer)


def _keys(path: str) -> tuple[str, str]:
    """Owner and name of a weight: `("conv1d_1", "kernel")` for `block/conv1d_1/kernel:0`."""
    parts = path.split(":")[0].split("/")
    name = re.sub(r"_\d+$", "", parts[-1]) if parts[-1] not in _KNOWN else parts[-1]
    return (parts[-2] if len(parts) > 1 else ""), name


def _variables(layer: Any, members: Members) -> list[Any]:
    """Weights of a layer in the order of old files: trainable, then not trainable; each once."""
    trainable, frozen = _split(layer, members)
    return list({id(variable): variable for variable in (*trainable, *frozen)}.values())


def _split(layer: Any, members: Members) -> tuple[list[Any], list[Any]]:
    if id(layer) not in members:
        return list(layer.trainable_weights), list(layer.non_trainable_weights)
    parts = [_split(member.layer, members) for member in members[id(layer)]]
    trainable = [variable for part, _ in parts for variable in part]
    frozen = [variable for _, part in parts for variable in part]
    return (trainable, frozen) if layer.trainable else ([], trainable + frozen)


def _converted(member: Member, arrays: list[Array], theano: bool, source: str) -> list[Array]:
    """Bring weights of Theano's convolutions and cuDNN's recurrent layers into Keras 3's form."""
    if theano and member.class_name in _FLIPPED_BY_THEANO:
        kernels = 2 if member.class_name == "ConvLSTM2D" else 1
        return [_flip(array) if i < kernels else array for i, array in enumerate(arrays)]
    if theano and member.class_name in ("Model", "Sequential", "Functional", "TimeDistributed"):
        raise ModelLoadError(
            f"{source} was written with Theano and keeps the layers of {member.name!r} together; its "
            f"convolutions "
            "cannot be told apart to be flipped. Save the weights of the inner model on their own."
        )
    gates = _GATES.get(member.class_name)
    if gates is None or len(arrays) != 3:
        return arrays
    kernel, recurrent, bias = arrays
    kernel = _by_gate(kernel, gates, lambda part: part.T.reshape(part.shape, order="F"))
    recurrent = _by_gate(recurrent, gates, lambda part: part.T)
    # cuDNN has a bias for the input and one for the state: the LSTM adds them, the GRU keeps both.
    halves = bias.reshape(2, -1)
    return [kernel, recurrent, halves.sum(axis=0) if gates == _GATES["CuDNNLSTM"] else halves]


def _flip(kernel: Array) -> Array:
    """Turn a true convolution's kernel into a cross-correlation's, along all but the two channel axes."""
    return np.flip(kernel, axis=tuple(range(kernel.ndim - 2)))


def _by_gate(kernel: Array, gates: int, change: Callable[[Array], Array]) -> Array:
    return np.hstack([change(part) for part in np.hsplit(kernel, gates)])


def _count_message(names: list[str], saved: list[str], source: str) -> str:
    missing = [name for name in names if name not in saved]
    extra = [name for name in saved if name not in names]
    return (
        f"The model has {len(names)} layers with weights, {source} holds weights of {len(saved)}. "
        f"Without weights: {_some(missing) or 'none'}. Left over in the file: {_some(extra) or 'none'}. "
        "The weights belong to another architecture."
    )


# -- the newer layout ----------------------------------------------------------------------------------------


def _datasets(group: Any) -> list[tuple[str, Array]]:
    found: list[tuple[str, Array]] = []

    def visit(path: str, item: Any) -> None:
        if hasattr(item, "shape"):
            found.append((path, np.asarray(item)))

    group.visititems(visit)
    return found


def _fill_tree(
    layer: Any,
    path: str,
    stored: Mapping[str, Array],
    used: set[str],
    members: Members,
    source: str,
    seen: set[int],
) -> None:
    """Fill a layer from the groups under `path`, then what it is made of."""
    if id(layer) in seen:
        return  # a layer that is shared is kept once, where it is met first
    seen.add(id(layer))
    if id(layer) in members:
        counts: Counter[str] = Counter()
        for member in members[id(layer)]:
            kind = _snake(member.class_name)
            name = f"{kind}_{counts[kind]}" if counts[kind] else kind
            counts[kind] += 1
            _fill_tree(member.layer, f"{path}layers/{name}/", stored, used, members, source, seen)
        return
    own = sorted(
        (name for name in stored if name.startswith(f"{path}vars/")),
        key=lambda name: int(name.rpartition("/")[2]),
    )
    variables = _own_variables(layer)
    if len(own) != len(variables):
        raise ModelLoadError(
            f"Layer {layer.name!r} has {len(variables)} weights ({_shapes(variables)}), but {source} holds "
            f"{len(own)} for it. The weights belong to another architecture."
        )
    for variable, name in zip(variables, own, strict=True):
        assign(variable, stored[name], layer.name, source)
        used.add(name)
    for attribute, child in _children(layer, path, stored):
        _fill_tree(child, f"{path}{attribute}/", stored, used, members, source, seen)
    finish(layer)


def _children(layer: Any, path: str, stored: Mapping[str, Array]) -> Iterator[tuple[str, Any]]:
    """Layers in a layer, with the group of each (`_query_dense` in Keras 2 is `query_dense` in Keras 3)."""
    inner = [name[len(path) :].split("/") for name in stored if name.startswith(path)]
    for group in dict.fromkeys(parts[0] for parts in inner if parts[0] != "vars"):
        child = next((getattr(layer, n) for n in (group, f"_{group}", group[1:]) if n and hasattr(layer, n)), None)
        if hasattr(child, "trainable_weights"):
            yield group, child
        elif isinstance(child, (list, tuple)):
            counts: Counter[str] = Counter()
            for item in child:
                kind = _snake(type(item).__name__)
                yield f"{group}/{kind}_{counts[kind]}" if counts[kind] else f"{group}/{kind}", item
                counts[kind] += 1


def _own_variables(layer: Any) -> list[Any]:
    """Return a layer's own weights, without those of the layers in it."""
    inner = {id(variable) for child in layer._flatten_layers(include_self=False) for variable in child.weights}
    return [variable for variable in layer.weights if id(variable) not in inner]


def _snake(name: str) -> str:
    """Class name as Keras turns it into a group's name."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


# -- both ----------------------------------------------------------------------------------------------------


def assign(variable: Any, array: Array, layer: str, source: str) -> None:
    """Set one weight.

    Raises
    ------
    ModelLoadError
        When the shapes differ.
    """
    expected = tuple(variable.shape)
    if expected != array.shape:
        raise ModelLoadError(
            f"Weight {_keys(variable.path)[1]!r} of layer {layer!r} has shape {expected} in the model, but "
            f"{source} holds {array.shape}. The weights belong to another architecture."
        )
    variable.assign(array)


def finish(layer: Any) -> None:
    """Let a layer compute what it derives from its weights (`Normalization`)."""
    finalise = getattr(layer, "finalize_state", None)
    if finalise is not None:
        finalise()


def _shapes(variables: list[Any]) -> str:
    return ", ".join(f"{_keys(variable.path)[1]} {tuple(variable.shape)}" for variable in variables)


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
