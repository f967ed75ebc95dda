"""Open model files of Keras 2 and Keras 3 without running anything that is in them."""

from __future__ import annotations

import copy
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.errors import MissingFileError, ModelLoadError, SeqExplainError
from seqexplain.models._config_safety import check_config
from seqexplain.models._model_files import (
    WEIGHTS_IN_ZIP,
    Config,
    kind_of,
    model_sha256,
    open_hdf5,
    read_hdf5,
    read_json,
    read_zip,
)
from seqexplain.models.backend_choice import import_keras

__all__ = ["load_keras_model", "model_sha256"]

# Keys that only the layers of Keras 1 have.
_KERAS1_KEYS = frozenset({"nb_filter", "border_mode", "dim_ordering", "W_regularizer", "output_dim_th", "pool_length"})

# What every weight holds before the file's are put in: what still stands afterwards was not in the file.
# Finite, so that it differs from the weights of a diverged training, and exact in float16.
_UNSET_FLOAT = -12344.0
_UNSET_INT = 77


def load_keras_model(
    path: str | Path,
    *,
    weights: str | Path | None = None,
    allow_lambda: Collection[str] = (),
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Open a Keras model, written by Keras 2 or 3, and check that every weight comes from the file.

    The kind of file is told from its content. Nothing in the file is executed: classes are looked up among
    Keras' own and among those the caller gives, bytecode of Lambda layers is refused, and settings for
    training (optimizer, loss, regularisers of Keras 2) are not read.

    Parameters
    ----------
    path
        A `.keras` file, a whole-model HDF5 file (`.h5`, `.hdf5`), or an architecture in JSON.
    weights
        HDF5 weights (or a `.keras` or whole-model file with the same architecture), needed with JSON. With a
        file that has weights of its own these take their place.
    allow_lambda
        Names of Lambda layers whose Python bytecode may run. Only for files from a source you trust.
    custom_objects
        Your own classes and functions by the name the file uses. Under the name of a Lambda layer: the
        function to use instead of its bytecode.

    Returns
    -------
    keras.Model
        The model, built and not compiled.

    Raises
    ------
    MissingFileError
        When a file does not exist.
    UnsafeModelError
        When the file holds code that was not allowed by name.
    ModelLoadError
        When the file is damaged, not a model, uses unknown classes, or its weights do not fit.
    """
    path, weights = Path(path), None if weights is None else Path(weights)
    if isinstance(allow_lambda, str):
        allow_lambda = (allow_lambda,)
    kind = kind_of(path)
    if kind == "saved_model":
        raise ModelLoadError(
            f"{path} is a TensorFlow SavedModel: it can be scored, but not looked into. Use "
            f"load_black_box({str(path)!r}), "
            "or save the model with model.save('model.keras') for the methods that look inside."
        )
    config, version = _architecture(path, kind, weights)
    source = _weights_source(path, kind, weights)
    _refuse_keras1(config, version, path)

    keras = import_keras()
    custom = dict(custom_objects or {})
    run_code = check_config(
        config,
        allow_lambda=allow_lambda,
        custom_objects=custom,
        registered=keras.saving.get_custom_objects(),
    )
    try:
        with keras.saving.custom_object_scope(custom):
            if _is_keras3(config, version):
                model = _load_keras3(config, source, custom, run_code)
            else:
                keras3 = version.startswith("3") or "batch_shape" in str(config)[:100_000]
                model = _load_legacy(config, source, custom, run_code, keras3)
    except SeqExplainError:
        raise
    except Exception as error:
        raise ModelLoadError(f"{path} cannot be opened by Keras {keras.__version__}: {_shortened(error)}") from error
    return model


def _architecture(path: Path, kind: str, weights: Path | None) -> tuple[Config, str]:
    """Read configuration and version of Keras, with the training settings left out."""
    if kind == "keras":
        config, version = read_zip(path)
    elif kind == "hdf5":
        found, version = read_hdf5(path)
        if found is None:
            raise ModelLoadError(
                f"{path} holds weights without an architecture. Give the architecture JSON too: "
                f"load_model('model.json', weights={str(path)!r})."
            )
        config = found
    else:
        config = read_json(path)
        version = str(config.get("keras_version", ""))
        if weights is None:
            raise ModelLoadError(
                f"{path} is an architecture without weights. Give them too: load_model({str(path)!r}, "
                f"weights='weights.h5')."
            )
    if not isinstance(config, dict) or "class_name" not in config or "config" not in config:
        raise ModelLoadError(f"The architecture in {path} is not that of a Keras model.")
    config = copy.deepcopy(config)
    for key in ("compile_config", "training_config"):
        config.pop(key, None)
    return config, version


def _weights_source(path: Path, kind: str, weights: Path | None) -> Path:
    """Return the file that the weights come from."""
    if weights is None:
        return path
    found = kind_of(weights) if weights.exists() else None
    if found is None:
        raise MissingFileError(f"There is no weights file {weights}.")
    if found not in ("hdf5", "keras"):
        raise ModelLoadError(
            f"{weights} is no weights file of Keras (it is {'JSON' if found == 'json' else 'a folder'}). "
            "Give an HDF5 file (.h5, .hdf5, .weights.h5)."
        )
    return weights


def _is_keras3(config: Config, version: str) -> bool:
    """Whether the configuration is in Keras 3's own serialised form, which Keras itself reads."""
    if version.startswith("2") or "registered_name" not in config:
        return False
    module = str(config.get("module"))  # none: a class of the author's own
    return not module.startswith(("tf_keras", "tensorflow", "keras.engine", "keras.src.engine"))


def _load_keras3(config: Config, source: Path, custom: dict[str, Any], run_code: bool) -> Any:
    import keras
    from keras.src.saving.serialization_lib import ObjectSharingScope

    config = _with_own_functions(config, custom)
    with ObjectSharingScope():
        model = keras.saving.deserialize_keras_object(config, custom_objects=custom, safe_mode=not run_code)
    if not isinstance(model, keras.Model):
        raise ModelLoadError(f"The file describes a {type(model).__name__}, not a model.")
    if not model.built:
        raise ModelLoadError(
            f"The model {model.name!r} does not say the shape of its input, so it has no weights yet. Call "
            f"it once on "
            "data and save it again."
        )
    from seqexplain.models._legacy_weights import is_named_layout, load_named

    _unset(model)
    with open_hdf5(source) as file:
        group = file.get("model_weights", file)
        if is_named_layout(group):
            load_named(group, model, _members_of(model), str(source))
        else:
            _refuse_unknown_layout(group, source)
            _refuse_leftovers(group, model, source)
            _keras_weights(model, source)
    _refuse_unset(model, source)
    return model


def _load_legacy(config: Config, source: Path, custom: dict[str, Any], run_code: bool, keras3: bool) -> Any:
    from seqexplain.models._legacy_build import build_model
    from seqexplain.models._legacy_weights import is_named_layout, load_named, load_numbered

    built = build_model(config, custom_objects=custom, run_code=run_code, keras3=keras3)
    _unset(built.model)
    with open_hdf5(source) as file:
        group = file.get("model_weights", file)
        if is_named_layout(group):
            load_named(group, built.model, built.members, str(source))
        else:
            _refuse_unknown_layout(group, source)
            load_numbered(group, built.model, built.members, str(source))
    _refuse_unset(built.model, source)
    return built.model


def _keras_weights(model: Any, source: Path) -> None:
    """Let Keras load weights of its own layout; it wants them under one certain name."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / WEIGHTS_IN_ZIP
        if zipfile.is_zipfile(source):
            with (
                zipfile.ZipFile(source) as archive,
                archive.open(WEIGHTS_IN_ZIP) as stored,
                target.open("wb") as out,
            ):
                shutil.copyfileobj(stored, out)
        else:
            shutil.copyfile(source, target)
        try:
            with warnings.catch_warnings():
                # What Keras warns about here (weights without values) is checked, and refused, afterwards.
                warnings.simplefilter("ignore")
                model.load_weights(target)
        except Exception as error:
            raise ModelLoadError(
                f"The weights in {source} do not fit the model: {_shortened(error)}. They belong to another "
                f"architecture."
            ) from error


def _members_of(model: Any) -> dict[int, list[Any]]:
    """Layers in order, of a model and the models in it."""
    import keras

    from seqexplain.models._legacy_graph import Member

    members = {id(model): [Member(layer.name, type(layer).__name__, layer) for layer in model.layers]}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            members.update(_members_of(layer))
    return members


def _with_own_functions(config: Any, custom: dict[str, Any]) -> Any:
    """Put the user's functions in the place of the bytecode of the Lambda layers they are named after."""
    if isinstance(config, list):
        return [_with_own_functions(item, custom) for item in config]
    if not isinstance(config, dict):
        return config
    out = {key: _with_own_functions(value, custom) for key, value in config.items()}
    inner = out.get("config")
    if out.get("class_name") == "Lambda" and isinstance(inner, dict) and inner.get("name") in custom:
        name = inner["name"]
        inner["function"] = {
            "module": "builtins",
            "class_name": "function",
            "config": name,
            "registered_name": name,
        }
        inner.pop("output_shape", None)
    return out


# -- checks --------------------------------------------------------------------------------------------------


def _unset(model: Any) -> None:
    """Overwrite all initial weights, so that one the file lacks cannot pass for a trained one."""
    for variable in model.weights:
        value = _unset_value(variable)
        if value is not None:
            variable.assign(np.full(tuple(variable.shape), value, dtype="float32").astype(value.dtype))


def _unset_value(variable: Any) -> Any:
    dtype = str(variable.dtype)
    if "float" in dtype:
        return np.asarray(_UNSET_FLOAT, dtype="float64" if dtype == "float64" else "float32")
    return np.asarray(_UNSET_INT, dtype="int32") if "int" in dtype else None


def _refuse_unset(model: Any, source: Path) -> None:
    import keras

    left = []
    for variable in model.weights:
        value = _unset_value(variable)
        array = np.asarray(keras.ops.convert_to_numpy(variable.value)).astype("float64")
        # bfloat16 keeps 8 bits of the value
        if value is not None and array.size and np.allclose(array, float(value), rtol=1e-2, atol=0):
            left.append(variable.path)
    if left:
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        raise ModelLoadError(
            f"{source} holds no values for the weights {', '.join(left[:5])}{more}. The file is incomplete "
            f"or belongs to "
            "another architecture."
        )


def _refuse_unknown_layout(group: Any, source: Path) -> None:
    from seqexplain.models._legacy_weights import is_numbered_layout

    if not is_numbered_layout(group):
        raise ModelLoadError(
            f"{source} is HDF5, but holds no weights as Keras writes them; at its top are: "
            f"{', '.join(list(group)[:5]) or 'nothing'}."
        )


def _refuse_leftovers(group: Any, model: Any, source: Path) -> None:
    """Refuse a file in Keras 3's layout that holds more weights than the model has places for."""
    found: list[tuple[int, ...]] = []
    names: list[str] = []

    def visit(name: str, item: Any) -> None:
        if hasattr(item, "shape") and not name.startswith("optimizer/") and "seed_generator" not in name:
            found.append(tuple(item.shape))
            names.append(name)

    group.visititems(visit)
    expected = len({id(variable) for variable in model.weights})
    if len(found) > expected and not any("metric" in name for name in names):
        raise ModelLoadError(
            f"{source} holds {len(found)} weights, the model has {expected}. The weights belong to another "
            f"architecture."
        )


def _refuse_keras1(config: Config, version: str, path: Path) -> None:
    if version.startswith(("0.", "1.")) or _has_key(config, _KERAS1_KEYS):
        raise ModelLoadError(
            f"{path} was written by Keras {version or '1'}, whose layers Keras 3 no longer has. Open it once "
            f"with "
            "Keras 2 (pip install 'keras<2.3' 'tensorflow<2'), which converts it, save it with "
            "model.save('model.h5') and "
            "open that."
        )


def _has_key(value: Any, keys: Collection[str]) -> bool:
    if isinstance(value, dict):
        return not value.keys().isdisjoint(keys) or any(_has_key(item, keys) for item in value.values())
    return isinstance(value, list) and any(_has_key(item, keys) for item in value)


def _shortened(error: Exception) -> str:
    """Return an error's message as one line, without Keras' dump of the whole configuration."""
    text = " ".join(str(error).split()) or type(error).__name__
    for cut in ("Full object config", "config={", "List of objects that could not be loaded"):
        text = text.partition(cut)[0]
    return text.strip().removesuffix(".")
