"""Opening the Zarr group of a store, for reading or for writing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from seqexplain.errors import StorageError
from seqexplain.results import Array
from seqexplain.storage._layout import Layout, recognise

# Chunks of nothing but fill values are written too: zarr leaves them out by default, and then a store
# that was resumed could differ in its files from one that was not.
WRITE_ALL: Any = {"write_empty_chunks": True}


@dataclass(frozen=True)
class OpenGroup:
    """A store's group: our attributes, the layout, the arrays by name, and which chunks are whole."""

    attributes: dict[str, Any]
    layout: Layout
    arrays: dict[str, Any]
    done: Array


def open_group(path: Path, mode: Literal["r", "r+"]) -> OpenGroup:
    """Open a store.

    Raises
    ------
    StorageError
        When it is not ours, of a newer format, or damaged.
    """
    import zarr

    try:
        group = zarr.open_group(path, mode=mode, zarr_format=3)
        attributes = recognise(group.attrs.asdict(), path)
        layout = Layout.from_attributes(attributes)
        arrays: dict[str, Any] = {}
        for spec in layout.arrays():
            array: Any = group[spec.name]
            if array.shape != spec.shape or array.chunks != spec.chunks:
                raise ValueError(f"{spec.name} has shape {array.shape}, not {spec.shape}")
            arrays[spec.name] = array.with_config(WRITE_ALL)
        done = np.asarray(arrays["done"][:]).astype(bool)
    except StorageError:
        raise
    # whatever zarr and json say about files that are missing, cut short or edited
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OSError) as error:
        raise StorageError(
            f"{path} is damaged ({type(error).__name__}: {error}). Copy it again from where it came, or run "
            "its job again."
        ) from error
    return OpenGroup(attributes, layout, arrays, done)
