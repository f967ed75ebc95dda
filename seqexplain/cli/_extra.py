"""`--extra NAME=VALUE`: the inputs of a model beside the sequence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqexplain.errors import FileFormatError, ParameterError, SequenceError

if TYPE_CHECKING:
    from seqexplain.models import SequenceModel
    from seqexplain.sequences import SequenceRecord

_WANTED = "a table of values: sequence name, then the values, between tabs"


def split_extras(texts: Collection[str]) -> dict[str, list[float] | Path]:
    """Read `NAME=VALUE` texts: numbers, or the path of a table.

    Raises
    ------
    ParameterError
        When one is not of that form, or names neither numbers nor a file, or a name comes twice.

    Examples
    --------
    >>> split_extras(["half_life=1,0.5"])
    {'half_life': [1.0, 0.5]}
    """
    found: dict[str, list[float] | Path] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise ParameterError(f"--extra {text!r} is not understood; write NAME=VALUE or NAME=TABLE.tsv.")
        if name in found:
            raise ParameterError(f"--extra {name} is given twice; give it once.")
        try:
            found[name] = [float(part) for part in value.split(",")]
        except ValueError:
            if not Path(value).is_file():
                raise ParameterError(
                    f"--extra {name}={value}: {value!r} is neither numbers (0.5 or 1,0,2) nor a file; check the path."
                ) from None
            found[name] = Path(value)
    return found


def fill_extra_inputs(model: SequenceModel, extras: Mapping[str, list[float] | Path]) -> None:
    """Give a model the values of its other inputs, and refuse to go on where one lacks.

    Raises
    ------
    ParameterError
        When the model has no such input, an input has no value, or the number of values is wrong.
    FileFormatError
        When a table cannot be read.
    """
    import numpy as np

    shapes = dict(zip(model.input_names, model.input_shapes, strict=True))
    for name, value in extras.items():
        if name not in model.required_inputs:
            raise ParameterError(
                f"--extra {name}: the model has no such input beside the sequence; it has: "
                f"{', '.join(model.required_inputs) or 'none'}."
            )
        shape = tuple(n or 1 for n in shapes[name])
        size = int(np.prod(shape))
        if isinstance(value, Path):
            model.extra_inputs[name] = {
                key: np.asarray(row, dtype=np.float32).reshape(shape) for key, row in _table(value, name, size).items()
            }
            continue
        if len(value) not in (1, size):
            raise ParameterError(
                f"--extra {name} has {len(value)} values; the model's input has shape {shape}: give {size}, or one for "
                "all."
            )
        row = np.asarray(value, dtype=np.float32)
        model.extra_inputs[name] = np.broadcast_to(row, size).reshape(shape)


def refuse_missing_rows(model: SequenceModel, record: SequenceRecord) -> None:
    """Raise SequenceError when a table of extra inputs has no row for a sequence."""
    for name, value in model.extra_inputs.items():
        if isinstance(value, Mapping) and record.name not in value:
            where = f"{record.source} ({record.name!r})" if record.source else repr(record.name)
            raise SequenceError(f"{where}: the table of --extra {name} has no row for this name; add one.")


def _table(path: Path, name: str, size: int) -> dict[str, list[float]]:
    """Read a table; a first line without numbers is a header."""
    from seqexplain.sequences._text import open_lines

    rows: dict[str, list[float]] = {}
    separator = "," if path.name.removesuffix(".gz").endswith(".csv") else "\t"
    with open_lines(path, _WANTED) as lines:
        seen = False
        for number, line in lines:
            if not line.strip() or line.startswith("#"):
                continue
            cells = [cell.strip() for cell in line.split(separator)]
            first, seen = not seen, True
            values = _numbers(cells[1:])
            where = f"{path}, line {number}"
            if values is None:
                if first and len(cells) > 1:
                    continue
                raise FileFormatError(f"{where}: expected {_WANTED}.")
            if len(values) != size:
                raise FileFormatError(f"{where}: {len(values)} values; the input {name!r} of the model takes {size}.")
            if cells[0] in rows:
                raise FileFormatError(f"{where}: the name {cells[0]!r} stands in the table before; keep one of them.")
            rows[cells[0]] = values
    if not rows:
        raise FileFormatError(f"{path} holds no values; expected {_WANTED}.")
    return rows


def _numbers(cells: Sequence[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells] or None
    except ValueError:
        return None


def rows_for(model: SequenceModel, names: Sequence[str]) -> dict[str, Any]:
    """Return the extra inputs of some sequences, one row each."""
    import numpy as np

    return dict(model.extra_rows(np.arange(len(names)), names=names))
