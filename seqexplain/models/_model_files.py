"""Look at model files without Keras: what kind of file it is, and the hash that identifies it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqexplain.errors import MissingFileError, ModelLoadError

Config = dict[str, Any]

WANTED = "Give a .keras file, a whole-model .h5, or an architecture .json with weights=…"
WEIGHTS_IN_ZIP = "model.weights.h5"
_HASH_BLOCK = 1 << 20  # bytes read at a time: bounds the memory, whatever the size of the file

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
# First bytes that tell a file that is no model of Keras, and what to do about it.
_STRANGERS = (
    (
        b"version https://git-lfs",
        "it is a Git LFS pointer, not the model; run `git lfs pull` where it came from",
    ),
    (
        b"\x80\x02",
        "it is a Python pickle (PyTorch or joblib), which runs code when opened; convert the model to Keras",
    ),
    (
        b"\x80\x04",
        "it is a Python pickle (PyTorch or joblib), which runs code when opened; convert the model to Keras",
    ),
    (b"\x1f\x8b", "it is compressed with gzip; run `gunzip` first"),
    (b"<", "it is a web page (HTML or XML), not a model; the download went wrong, fetch the file itself"),
)
_BY_SUFFIX = {
    ".pb": "it is a TensorFlow graph; give the SavedModel folder that holds it (scores only)",
    ".onnx": "it is an ONNX model; convert it to Keras",
    ".pt": "it is a PyTorch model; convert it to Keras",
    ".pth": "it is a PyTorch model; convert it to Keras",
    ".tflite": "it is a TensorFlow Lite model; give the Keras model it was made from",
    ".index": "it is a TensorFlow checkpoint; save the model with model.save('model.keras')",
    ".ckpt": "it is a TensorFlow checkpoint; save the model with model.save('model.keras')",
    ".yaml": "it is an architecture in YAML, which Keras dropped for safety; save it with model.to_json()",
    ".yml": "it is an architecture in YAML, which Keras dropped for safety; save it with model.to_json()",
}


def kind_of(path: Path) -> str:
    """Tell what a file is from its content: `"keras"`, `"hdf5"`, `"json"` or `"saved_model"` (a folder).

    Raises
    ------
    MissingFileError
        When there is no such file.
    ModelLoadError
        When it is none of these; the message says what it seems to be and what to do.
    """
    if path.is_dir():
        if (path / "saved_model.pb").is_file() or (path / "saved_model.pbtxt").is_file():
            return "saved_model"
        raise ModelLoadError(
            f"{path} is a folder, but not a TensorFlow SavedModel (it holds no saved_model.pb). {WANTED}, or "
            f"a SavedModel folder."
        )
    if not path.exists():
        raise MissingFileError(f"There is no file {path}. {WANTED}.")
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not start:
        raise ModelLoadError(f"{path} is empty. {WANTED}.")
    if start.startswith(_HDF5):
        return "hdf5"
    if start.startswith(_ZIP):
        _check_zip(path)
        return "keras"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"{") or text.startswith(b"["):
        return "json"
    for first, what in _STRANGERS:
        if text.startswith(first):
            raise ModelLoadError(f"{path} is not a Keras model: {what}.")
    what = _BY_SUFFIX.get(path.suffix.lower(), "its content is of no format that is known here")
    raise ModelLoadError(f"{path} is not a Keras model: {what}. {WANTED}.")


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise ModelLoadError(f"{path} is damaged or cut short ({error}). Copy or download it again.") from error
    if "config.json" in names:
        return
    if any(name.endswith("data.pkl") for name in names):
        raise ModelLoadError(f"{path} is not a Keras model: it is a PyTorch file; convert the model to Keras.")
    if any(name.endswith("saved_model.pb") for name in names):
        raise ModelLoadError(f"{path} is a zipped SavedModel. Unzip it and give the folder.")
    raise ModelLoadError(f"{path} is a zip archive without config.json, so it is no .keras model. {WANTED}.")


def read_json(path: Path) -> Config:
    """Read an architecture file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        if isinstance(content, str):  # `json.dump(model.to_json(), file)`: encoded twice
            content = json.loads(content)
    except (ValueError, UnicodeDecodeError) as error:
        raise ModelLoadError(
            f"{path} is not valid JSON ({error}). Save the architecture with model.to_json()."
        ) from error
    if isinstance(content, dict) and isinstance(content.get("model_config"), dict):
        content = {**content, **content["model_config"]}
    if not isinstance(content, dict) or "class_name" not in content or "config" not in content:
        raise ModelLoadError(
            f"{path} is JSON, but not the architecture of a Keras model (it has no class_name and config). "
            "Save the architecture with model.to_json()."
        )
    return content


def read_zip(path: Path) -> tuple[Config, str]:
    """Read the architecture of a `.keras` file and the version of the Keras that wrote it."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            names = archive.namelist()
            metadata = json.loads(archive.read("metadata.json")) if "metadata.json" in names else {}
    except (ValueError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise ModelLoadError(f"{path} is damaged: {error}. Copy or download it again.") from error
    if any(name.startswith("assets/") and not name.endswith("/") for name in names):
        raise ModelLoadError(
            f"{path} holds assets (the vocabulary of a lookup layer, say), which cannot be explained base by "
            f"base. "
            "Save the part of the model that takes one-hot sequences."
        )
    return config, str(metadata.get("keras_version", ""))


def read_hdf5(path: Path) -> tuple[Config | None, str]:
    """Read the architecture in an HDF5 file (None: it holds weights only) and the version of Keras."""
    with open_hdf5(path) as file:
        raw = file.attrs.get("model_config")
        versions = [
            group.attrs.get("keras_version") for group in (file, file.get("model_weights")) if group is not None
        ]
    version = next((_text(found) for found in versions if found is not None), "")
    if raw is None:
        return None, version
    try:
        config: Config = json.loads(_text(raw))
    except ValueError as error:
        raise ModelLoadError(f"The architecture in {path} is damaged ({error}).") from error
    return config, version


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """Open an HDF5 file, or the weights inside a `.keras` file, to read.

    Raises
    ------
    ModelLoadError
        When it is damaged.
    """
    import io

    import h5py

    damaged = f"{path} is damaged or cut short"
    source: Any = path
    if kind_of(path) == "keras":
        try:
            with zipfile.ZipFile(path) as archive:
                source = io.BytesIO(archive.read(WEIGHTS_IN_ZIP))
        except KeyError:
            raise ModelLoadError(f"{path} holds no weights ({WEIGHTS_IN_ZIP}). Save the model again.") from None
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            raise ModelLoadError(f"{damaged} ({error}). Copy or download it again.") from error
    try:
        file = h5py.File(source, "r")
    except OSError as error:
        raise ModelLoadError(f"{damaged} ({error}). Copy or download it again.") from error
    with file:
        try:
            yield file
        except (OSError, RuntimeError, KeyError) as error:
            # h5py raises these for blocks that lie beyond the end of the file.
            raise ModelLoadError(f"{damaged} ({error}). Copy or download it again.") from error


def model_sha256(path: str | Path, weights: str | Path | None = None) -> str:
    """Return the SHA-256 that identifies a model in the provenance of its results.

    Parameters
    ----------
    path
        Model file, or SavedModel folder: then names and contents of all its files are hashed, in sorted
        order.
    weights
        Weights file that goes with an architecture; its hash is joined to the model's.

    Returns
    -------
    str
        64 hexadecimal digits. For a single file it is what `sha256sum` prints.

    Raises
    ------
    MissingFileError
        When there is no such file.
    """
    digests = [_hash_path(Path(path))]
    if weights is not None:
        digests.append(_hash_path(Path(weights)))
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _hash_path(path: Path) -> str:
    if not path.exists():
        raise MissingFileError(f"There is no file {path}.")
    if path.is_file():
        return _hash_file(path)
    files = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    lines = (f"{_hash_file(files[name])}  {name}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
