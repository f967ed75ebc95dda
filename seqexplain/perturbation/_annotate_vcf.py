"""`annotate_vcf`: a VCF once more, with the effects of its alleles in the INFO column.

Lines are passed on as they are, with something appended to one column. Libraries for VCF parse a line and write it
anew: numbers come out in another form (`0.10` as `0.1`), values that do not fit their declaration are lost, and a line
that is not quite right ends the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from seqexplain.errors import FileFormatError, ParameterError
from seqexplain.perturbation._variant_results import VALUES, VariantEffects
from seqexplain.sequences.variants import VCF_COLUMNS, VariantLine, read_lines
from seqexplain.storage import atomic_file

PREFIX = "SEQX"
_INFO = len(VCF_COLUMNS) - 1
_FORMAT_LINE = "##fileformat=VCFv4.2"
_PREFIX = re.compile(r"[A-Za-z_][0-9A-Za-z_.]*")  # what VCF allows as a key
_KEYS = dict(zip(VALUES, ("REF", "ALT", "DIFF", "LFC", "LOGIT"), strict=True))
_MEANINGS = {
    "reference": "{level} with the reference allele",
    "alternative": "{level} with the alternative allele",
    "difference": "{level} with the alternative less with the reference allele",
    "log2_fold_change": "log2 of output with the alternative over output with the reference allele",
    "logit_difference": "logit with the alternative less with the reference allele",
}


def annotate_vcf(
    effects: VariantEffects | Iterable[VariantEffects],
    source: str | PathLike[str],
    out: str | PathLike[str],
    *,
    prefix: str = PREFIX,
    command: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a VCF with the effects of its alleles.

    All lines of the source are kept as they are, header and samples included. Lines of variants get, in INFO,
    `SEQX_STATUS` and of each target `i`, from 0, `SEQX_REF_i`, `SEQX_ALT_i`, `SEQX_DIFF_i`, `SEQX_LFC_i` and
    `SEQX_LOGIT_i`: one value an alternative allele, a dot where there is none, and no key that has only dots. The
    header says what they are. A line with fewer than five columns has nowhere to put them and is passed on bare.

    Parameters
    ----------
    effects
        Of all variants of the source, in its order; or parts of them that follow each other.
    source
        The VCF that they are of; plain or compressed, with or without a header.
    out
        The VCF to write; compressed with bgzip where it ends in `.gz` or `.bgz`. It appears whole or not at all.
    prefix
        Of the keys, in place of `SEQX`: effects of several models can stand in one file.
    command
        The command line, for the header.
    overwrite
        Whether a file that stands at `out` may be replaced.

    Raises
    ------
    ParameterError
        When the prefix cannot be a key, or has been used in the source, or the effects are of other variants.
    FileFormatError
        When the source is no VCF.
    StorageError
        When `out` is taken, or cannot be written.
    """
    parts = iter([effects] if isinstance(effects, VariantEffects) else effects)
    with written_vcf(source, out, prefix=prefix, command=command, overwrite=overwrite) as annotator:
        for part in parts:
            annotator.add(part)


@contextmanager
def written_vcf(
    source: str | PathLike[str],
    out: str | PathLike[str],
    *,
    prefix: str = PREFIX,
    command: str | None = None,
    overwrite: bool = False,
) -> Iterator[Annotator]:
    """Give what writes an annotated VCF part by part; see `annotate_vcf`."""
    check_prefix(source, prefix)
    target = Path(out).expanduser()
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_file(target, overwrite=overwrite))
        stream = stack.enter_context(_stream(temporary, packed=target.suffix in (".gz", ".bgz")))
        annotator = Annotator(read_lines(source), stream, prefix, command)
        yield annotator
        annotator.finish()


def check_prefix(source: str | PathLike[str], prefix: str) -> None:
    """Raise where a prefix cannot be used for a source, or the source is no VCF."""
    if not _PREFIX.fullmatch(prefix):
        raise ParameterError(f"prefix is {prefix!r}; expected a letter or _, and then letters, digits, _ or a dot.")
    for line in read_lines(source):
        if f"##INFO=<ID={prefix}_" in line.text:
            raise ParameterError(
                f"{source} has INFO keys that begin with {prefix}_ already (line {line.number}); choose another prefix "
                "(--prefix on the command line)."
            )
        if line.variants and not line.vcf:
            raise FileFormatError(f"{source} is a table; only a VCF can be annotated. Its effects go into a table.")
        if line.variants:
            return


@contextmanager
def _stream(path: Path, *, packed: bool) -> Iterator[Any]:
    if not packed:
        with path.open("wb") as stream:
            yield stream
        return
    from Bio import bgzf

    with path.open("wb") as raw:
        blocks: Any = bgzf.BgzfWriter(fileobj=raw)  # type: ignore[no-untyped-call]
        yield blocks
        blocks.close()  # not after an error: it would write the mark that says the file is whole


class Annotator:
    """Writes lines and what is known of their variants, as parts of it come."""

    def __init__(self, lines: Iterator[VariantLine], stream: Any, prefix: str, command: str | None) -> None:
        self._lines = lines
        self._stream = stream
        self._prefix = prefix
        self._command = command
        self._targets: tuple[str, ...] = ()
        self._level = "output"
        self._begun = self._declared = False
        self._line = VariantLine(0, "")
        self._held: list[tuple[str, str]] = []  # status and values of those of its alleles that have come

    def add(self, part: VariantEffects) -> None:
        """Write the lines of the variants of a part."""
        self._targets, self._level = part.targets, part.level
        for variant, status, values in zip(part.variants, part.status, _texts(part), strict=True):
            if not self._held:
                self._line = self._next_with_variants()
            expected = self._line.variants[len(self._held)]
            if variant != expected:
                raise ParameterError(
                    f"The effects are of other variants: {variant.name} (line {variant.line}) where the file has "
                    f"{expected.name} (line {expected.line}). Annotate the file that was scored."
                )
            self._held.append((status.value, values))
            if len(self._held) == len(self._line.variants):
                self._write(self._annotated(self._line))
                self._held = []

    def finish(self) -> None:
        """Write what stands after the last variant."""
        for line in self._lines:
            if line.variants:
                raise ParameterError(f"The effects end before line {line.number}. Annotate the file that was scored.")
            self._pass(line)
        self._declare("\n")

    # --- inner parts ---------------------------------------------------------------------------------------------

    def _next_with_variants(self) -> VariantLine:
        for line in self._lines:
            if line.variants:
                return line
            self._pass(line)
        raise ParameterError("There are more effects than variants in the file. Annotate the file that was scored.")

    def _pass(self, line: VariantLine) -> None:
        """Write a line without variants; before the names of the columns, say what is new."""
        end = _end_of(line.text)
        if not line.text.startswith("#CHROM"):
            if line.text.startswith("#"):
                self._begin(line.text, end)
            self._write(line.text)
            return
        self._begin(line.text, end)
        self._declare(end, with_columns=False)
        columns = line.text.rstrip("\r\n").split("\t")
        self._write("\t".join([*columns, *VCF_COLUMNS[len(columns) :]]) + end)

    def _begin(self, text: str, end: str) -> None:
        if not self._begun and not text.startswith("##fileformat"):
            self._write(_FORMAT_LINE + (end or "\n"))
        self._begun = True

    def _declare(self, end: str, *, with_columns: bool = True, columns: int = 0) -> None:
        """Write what the new keys mean, once."""
        if self._declared:
            return
        self._declared = True
        self._begin("", end)
        for line in self._declarations():
            self._write(line + (end or "\n"))
        if with_columns:
            samples = [f"sample{i + 1}" for i in range(columns - len(VCF_COLUMNS) - 1)]
            extra = ["FORMAT", *samples] if columns > len(VCF_COLUMNS) else []
            self._write("\t".join([*VCF_COLUMNS, *extra]) + (end or "\n"))

    def _declarations(self) -> Iterator[str]:
        if self._command:
            yield f"##{self._prefix}_command={' '.join(self._command.split())}"
        meaning = "What became of each allele: scored, or why not"
        yield f'##INFO=<ID={self._prefix}_STATUS,Number=A,Type=String,Description="{meaning}">'
        for i, target in enumerate(self._targets):
            label = target.replace("\\", "\\\\").replace('"', '\\"')
            for name, key in _KEYS.items():
                meaning = _MEANINGS[name].format(level=self._level)
                yield (
                    f'##INFO=<ID={self._prefix}_{key}_{i},Number=A,Type=Float,Description="Target {label}: {meaning}">'
                )

    def _annotated(self, line: VariantLine) -> str:
        end = _end_of(line.text)
        columns = line.text[: len(line.text) - len(end)].split("\t", _INFO + 1)
        self._declare(end, columns=line.text.count("\t") + 1)
        if len(columns) < _INFO - 2:  # not even the alleles
            return line.text
        columns += ["."] * (_INFO + 1 - len(columns))
        added = [f"{self._prefix}_STATUS={','.join(status for status, _ in self._held)}"]
        per_key = zip(*(values.split("\t") for _, values in self._held), strict=True)
        names = [f"{self._prefix}_{key}_{i}" for i in range(len(self._targets)) for key in _KEYS.values()]
        added += [f"{name}={','.join(v)}" for name, v in zip(names, per_key, strict=True) if set(v) != {"."}]
        before = columns[_INFO].strip().rstrip(";")
        columns[_INFO] = ";".join(([] if before in ("", ".") else [before]) + added)
        return "\t".join(columns) + end

    def _write(self, text: str) -> None:
        self._stream.write(text.encode("utf-8", "surrogateescape"))


def _end_of(text: str) -> str:
    return text[len(text.rstrip("\r\n")) :]


def _texts(part: VariantEffects) -> Sequence[str]:
    """Return all values of each allele, by target and then by name, between tabs."""
    arrays = np.stack([getattr(part, name) for name in VALUES], axis=-1)
    rows = arrays.reshape(len(part), len(part.targets) * len(VALUES))
    return ["\t".join("." if np.isnan(value) else f"{value:.6g}" for value in row) for row in rows]
