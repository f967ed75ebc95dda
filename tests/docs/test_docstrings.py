"""Every public name says what it takes, returns and raises, with the shapes of its arrays."""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import seqexplain

# rooms whose public names users meet; the command line has a reference of its own
ROOMS = (
    *(m.name for m in pkgutil.iter_modules(seqexplain.__path__) if m.name not in ("cli", "data") and m.name[0] != "_"),
    "attribution.lrp_rules",
)
_SECTION = re.compile(r"(?m)^([A-Z][A-Za-z ]+)\n-{3,}$")
# `(n, L, 4)`, `(4,)`, `(n,)`, `()`, `(n, *shape)`; or in the line of a type, ndarray of float32, shape (n, L, 4)
_SHAPE = re.compile(r"`\((?:[^`()]*,[^`()]*|)\)|\bshape \([^()]*,[^()]*\)|\b(?:any|same) shape\b")
_ARRAY = re.compile(r"\b(Array|NDArray|ndarray|ArrayLike)\b")


def public(module: ModuleType) -> list[str]:
    """Return the public names of a module: `__all__`, or else the classes and functions that it defines."""
    names = getattr(module, "__all__", None)
    if names is not None:
        return [name for name in names if not name.startswith("__")]
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]


def public_objects() -> dict[str, Any]:
    """Return every public name of every room, with what it stands for."""
    found = {}
    for room in ROOMS:
        module = importlib.import_module(f"seqexplain.{room}")
        for name in public(module):
            found[f"seqexplain.{room}.{name}"] = getattr(module, name)
    return found


def sections(docstring: str) -> dict[str, str]:
    """Return the sections of a numpydoc docstring by heading; the text before them is under the empty heading."""
    parts = _SECTION.split(docstring)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section: str) -> dict[str, str]:
    """Return the entries of a section: `a, b` is one line for two names."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names = [name.strip().lstrip("*").rstrip("† ") for name in line.split(" : ")[0].split(",")]
            found |= dict.fromkeys(names, "")
        else:
            for name in names:
                found[name] += line.strip() + " "
    return found


def faults(path: str, thing: Any) -> Iterator[str]:
    """Yield what is missing in the docstring of a function or class, and of a class' own public methods."""
    if inspect.isclass(thing):
        yield from _faults_of_class(path, thing)
    elif callable(thing) and not inspect.ismodule(thing):
        yield from _faults_of_function(path, thing)


def _faults_of_class(path: str, cls: type) -> Iterator[str]:
    if not (cls.__doc__ or "").strip() or (
        dataclasses.is_dataclass(cls) and cls.__doc__.startswith(f"{cls.__name__}(")
    ):
        yield f"{path}: no docstring"
        return
    if not issubclass(cls, Exception):
        yield from _faults_of_fields(path, cls)
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        function = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if isinstance(member, property):
            if not inspect.getdoc(member):
                yield f"{path}.{name}: no docstring"
        elif inspect.isfunction(function):
            yield from _faults_of_function(f"{path}.{name}", function, method=not isinstance(member, staticmethod))


def _faults_of_fields(path: str, cls: type) -> Iterator[str]:
    """Parameters of the constructor, or fields, stand under Parameters or Attributes: here, or in a parent class."""
    told: dict[str, str] = {}
    for parent in reversed(cls.__mro__):
        told |= _told(inspect.cleandoc(parent.__doc__ or "")) if parent.__module__.startswith("seqexplain") else {}
    if issubclass(cls, enum.Enum) or getattr(cls, "_is_protocol", False):
        return  # nobody calls these
    if dataclasses.is_dataclass(cls):
        wanted = {f.name: str(f.type) for f in dataclasses.fields(cls) if not f.name.startswith("_") and f.init}
    else:
        wanted = _parameters(cls.__init__, method=True) if cls.__init__ is not object.__init__ else {}
    yield from _faults_of_names(path, wanted, told)


def _told(text: str) -> dict[str, str]:
    """Return what a docstring describes, with what stands where it points to: "the parameters of `deeplift`"."""
    said = sections(text)
    told = {}
    for other in re.findall(
        r"(?:parameters|fields)(?: are those)? of `(\w+)`|(?:see|with) `(\w+)` for the (?:fields|parameters)", said[""]
    ):
        there = sections(inspect.getdoc(_by_name().get(other[0] or other[1])) or "")
        told |= entries(there.get("Parameters", "")) | entries(there.get("Attributes", ""))
    return told | entries(said.get("Parameters", "")) | entries(said.get("Attributes", ""))


@functools.cache
def _by_name() -> dict[str, Any]:
    return {path.rpartition(".")[2]: thing for path, thing in public_objects().items()}


def _faults_of_function(path: str, function: Any, *, method: bool = False) -> Iterator[str]:
    text = inspect.getdoc(function) or ""
    if not text.strip():
        yield f"{path}: no docstring"
        return
    said = sections(text)
    wanted = _parameters(function, method=method)
    told = _told(text)
    short = method or path.rpartition(".")[2] not in seqexplain.__all__
    if short:  # a small function may say all in a sentence: "Return the patterns of `sign`."
        told |= {name: said[""] for name in re.findall(r"`(\w+)`", said[""]) if name in wanted and name not in told}
    yield from _faults_of_names(path, wanted, told)
    returns = str(inspect.signature(function).return_annotation)
    nothing = returns in ("None", "NoReturn", "<class 'inspect._empty'>")
    given = said.get("Returns", "") + said.get("Yields", "")
    if short and not given and text.startswith(("Return", "Yield", "Give")):
        given = said[""]
    if wanted and not nothing and not given:
        yield f"{path}: no section Returns"
    if wanted and "Raises" not in said and re.search(r"(?m)^ +raise \w", inspect.getsource(function)):
        yield f"{path}: no section Raises"
    if _ARRAY.search(returns) and wanted and given and not _SHAPE.search(given):
        yield f"{path}: what is returned has no shape, as in `(n, L, 4)`"


def _parameters(function: Any, *, method: bool) -> dict[str, str]:
    parameters = list(inspect.signature(function).parameters.values())[int(method) :]
    return {p.name: str(p.annotation) for p in parameters if not p.name.startswith("_")}


def _faults_of_names(path: str, wanted: dict[str, str], told: dict[str, str]) -> Iterator[str]:
    for name, annotation in wanted.items():
        if name not in told:
            yield f"{path}: {name} is not described"
        elif _is_array(annotation) and not told[name].strip().startswith("As ") and not _SHAPE.search(told[name]):
            yield f"{path}: {name} has no shape, as in `(n, L, 4)`"


def _is_array(annotation: str) -> bool:
    return bool(_ARRAY.search(annotation)) and "Callable" not in annotation


OBJECTS = public_objects()


@pytest.mark.parametrize("path", sorted(OBJECTS))
def test_docstring_is_whole(path):
    assert not list(faults(path, OBJECTS[path]))


def good(X: NDArray[Any], *, n: int) -> NDArray[Any]:  # noqa: F821
    """Double it.

    Parameters
    ----------
    X
        `(n, L, 4)` one-hot.
    n
        How many.

    Returns
    -------
    ndarray
        `(n, L)`.

    Raises
    ------
    ValueError
        When n is 0.
    """
    if not n:
        raise ValueError(n)
    return X


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("    n\n        How many.\n", "", "n is not described"),
        ("`(n, L, 4)` one-hot", "one-hot", "X has no shape"),
        ("Returns\n    -------", "Notes\n    -----", "no section Returns"),
        ("`(n, L)`.", "An array.", "what is returned has no shape"),
        ("Raises\n    ------", "Warns\n    -----", "no section Raises"),
    ],
)
def test_what_is_missing_is_found(was, becomes, fault):
    assert not list(faults("good", good))
    whole = good.__doc__
    assert was in whole
    try:
        good.__doc__ = whole.replace(was, becomes)
        found = list(faults("good", good))
    finally:
        good.__doc__ = whole
    assert [one for one in found if re.search(fault, one)]


def test_sections_and_entries():
    said = sections(
        "Sum.\n\nParameters\n----------\na, b\n    Both.\n*c\n    Rest.\n\nReturns\n-------\nint\n    One.\n"
    )
    assert set(said) == {"", "Parameters", "Returns"}
    assert entries(said["Parameters"]) == {"a": "Both. ", "b": "Both. ", "c": "Rest.  "}
