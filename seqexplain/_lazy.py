"""Public names that are imported at first use, so that `import seqexplain` loads no heavy library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, namespace: dict[str, Any], homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Any]:
    """Return a package's `__getattr__` and `__dir__`.

    Parameters
    ----------
    package
        The package's `__name__`.
    namespace
        Its `globals()`; a name is kept there once it is loaded.
    homes
        The submodule that defines each name.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = namespace[name] = getattr(import_module(f"{package}.{homes[name]}"), name)
        return value

    return load, lambda: sorted({*namespace, *homes})
