"""Whether a stored job and the one that is asked for are the same, and if not, what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seqexplain.errors import StorageError
from seqexplain.pipeline._explainer import Explainer
from seqexplain.pipeline._source import SequenceSource, Survey
from seqexplain.storage import jsonable

# Kept with the results, but no reason to refuse: they do not change a number. A model or an input that was
# moved is still the same; what counts of both is the SHA-256 of their content.
_INFORMATIVE = (
    "run.command",
    "run.input.label",
    "run.input.files",
    "run.provenance.python",
    "run.provenance.model.path",
    "run.provenance.model.name",
)
_SHOWN = 60  # characters of a value in a message


def describe_run(
    explainer: Explainer, source: SequenceSource, found: Survey, files: Mapping[str, str], command: str | None
) -> dict[str, Any]:
    """Return all that decides the numbers of a job, and where they came from, as JSON has it."""
    return {
        "method": explainer.method,
        "parameters": jsonable(explainer.parameters, "parameters"),
        "targets": list(explainer.targets),
        "several_targets": bool(explainer.several_targets),
        "run": {
            "command": command,
            "input": {
                "label": source.label,
                "files": dict(files),
                "sequences": found.n,
                "longest": found.length,
                "content_sha256": found.digest,
            },
            "batch_sequences": int(explainer.batch_sequences),
            "n_references": int(explainer.n_references),
            "provenance": jsonable(explainer.provenance, "provenance"),
        },
    }


def stored_run(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same description out of the attributes of a store."""
    layout = attrs["layout"]
    return {
        "method": attrs["method"],
        "parameters": attrs["parameters"],
        "targets": layout["targets"],
        "several_targets": layout["several_targets"],
        "run": attrs.get("run", {}),
    }


def refuse_to_mix(path: Path, stored: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Raise StorageError, saying what differs and how to mend it, unless both describe the same job."""
    differing = list(differences(stored, asked))
    if not differing:
        if unknown_model(asked):
            raise StorageError(
                f"{path} exists, and the model is in no file, so nobody can tell whether it is the model that the "
                "results were begun with. Save the model and load it from there, write to another path, or "
                "replace the old results with overwrite=True."
            )
        return
    lines = "; ".join(f"{key} was {_brief(old)}, now {_brief(new)}" for key, old, new in differing)
    raise StorageError(
        f"{path} holds the results of another run: {lines}. {_mend(differing)}"
        "Write to another path (-o), or replace the old results with overwrite=True (--overwrite)."
    )


def unknown_model(asked: Mapping[str, Any]) -> bool:
    """Return whether the model was never in a file, so that two of them cannot be told apart."""
    model = asked["run"]["provenance"].get("model")
    return isinstance(model, Mapping) and "sha256" in model and model["sha256"] is None


def differences(stored: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, stored value and new value of everything that matters and differs.

    Examples
    --------
    >>> list(differences({"a": {"seed": 1, "n": 2}}, {"a": {"seed": 3, "n": 2}}))
    [('a.seed', 1, 3)]
    """
    old, new = dict(_flat(stored)), dict(_flat(asked))
    for key in sorted(old.keys() | new.keys()):
        if key.startswith(_INFORMATIVE):
            continue
        if old.get(key, _ABSENT) != new.get(key, _ABSENT):
            yield key.removeprefix("run."), old.get(key, _ABSENT), new.get(key, _ABSENT)


class _Absent:
    def __repr__(self) -> str:
        return "absent"


_ABSENT = _Absent()


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


def _mend(differing: list[tuple[str, Any, Any]]) -> str:
    keys = [key for key, _, _ in differing]
    if all(key.rpartition(".")[2].startswith("batch_") for key in keys):
        return f"Ask for the old batch size, {differing[0][1]}, to go on with it. "
    if all(key.startswith("provenance.") and "model" not in key for key in keys):
        return "Use the software and the device it was begun with to go on with it. "
    return ""


def _brief(value: Any) -> str:
    text = repr(value)
    if isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef"):
        return f"{value[:12]}…"  # a digest: twelve digits tell two apart
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
