"""`seqexplain motifs`: which motifs contributions, subsets or filters are made of, and what they are called."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seqexplain.cli._contributions import ContributionsPath, StoredTarget, opened, position_of, store_or_file
from seqexplain.cli._failures import be_quiet
from seqexplain.cli._options import MODEL_PANEL, AllowIncomplete, ModelOptions, Overwrite, check_range, options_given
from seqexplain.errors import MissingFileError, ParameterError

if TYPE_CHECKING:
    from seqexplain.motifs import MotifMatches, PatternSet

SEARCH, NAMES = "How motifs are found", "What they are called"
LINES_SHOWN = 12
FDR = 0.05
FILTERS_KEPT = 20  # filters are pieces of motifs: many say the same
NO_DATABASE = "none"


class Method(StrEnum):
    """What finds the motifs."""

    FAST = "fast"
    MODISCO = "modisco"
    SIS = "sis"
    FILTERS = "filters"


def motifs(
    context: typer.Context,
    contributions: ContributionsPath,
    options: ModelOptions,
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FOLDER", help="Where motifs, tables and logos go.")],
    method: Annotated[
        Method,
        typer.Option(
            help="fast: similar seqlets, aligned (seconds to minutes); modisco: TF-MoDISco (needs "
            "the extra modisco; minutes to hours); sis: clusters of the subsets that `seqexplain sis` wrote; "
            "filters: what the model's filters detect (needs --model).",
            rich_help_panel=SEARCH,
        ),
    ] = Method.FAST,
    target: StoredTarget = None,
    max_seqlets: Annotated[
        int | None,
        typer.Option(
            help="Seqlets that are looked at, drawn at random from more. Default: all (fast), 20,000 (modisco).",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    fdr: Annotated[
        float | None,
        typer.Option(
            help="False discovery rate of the seqlets (fast, modisco). Default: 0.05.", rich_help_panel=SEARCH
        ),
    ] = None,
    background: Annotated[
        Path | None,
        typer.Option(
            metavar="STORE.zarr",
            help="Contributions of shuffled sequences (seqexplain shuffle, then explain), which seqlets have to stand "
            "out against; --fdr is kept as it says only with them (fast, modisco).",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    min_size: Annotated[
        int | None,
        typer.Option(help="Occurrences that make a motif. Default: 20, 5 (sis).", rich_help_panel=SEARCH),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option(help="Look at so many bp in the middle of each sequence only (modisco).", rich_help_panel=SEARCH),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            metavar="STORE.zarr",
            help="Contributions of the same sequences, for the motifs' contribution logos (sis).",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of whatever is drawn at random.", rich_help_panel=SEARCH)] = 0,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL", help="The model whose filters are looked at (filters).", rich_help_panel=MODEL_PANEL
        ),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Its convolution; default: the first (filters).", rich_help_panel=MODEL_PANEL),
    ] = None,
    largest: Annotated[
        int | None,
        typer.Option(
            help="Filters that are kept, by what they contribute in sum (filters). Default: 20.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None,
    database: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            help="Known motifs: jaspar (JASPAR 2026 vertebrates, ships with the package), a MEME, JASPAR or TRANSFAC "
            "file, or none.",
            rich_help_panel=NAMES,
        ),
    ] = "jaspar",
    allow_incomplete: AllowIncomplete = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Find the motifs that a model uses, and name them.

    FOLDER gets tables (motifs.tsv, matches.tsv, occurrences.tsv), logos (logos.svg, .png), matrices (motifs.meme) and
    motifs.h5, which `modisco report` and Fi-NeMo read; subpatterns.tsv, .meme, .svg and .png of variants that motifs
    are divided into. `seqexplain hits` finds where the motifs are.
    """
    check_range("--max-seqlets", max_seqlets, 1)
    check_range("--min-size", min_size, 2)
    check_range("--window", window, 1)
    check_range("--largest", largest, 1)
    check_range("--seed", seed, 0)
    if fdr is not None and not 0 < fdr < 1:
        raise ParameterError(f"--fdr is {fdr}; expected a rate above 0 and below 1.")
    _check_fits(method, options_given(context))
    if quiet:
        be_quiet()
    from seqexplain.motifs import refuse_motif_folder, save_motifs

    refuse_motif_folder(out, overwrite=overwrite)
    known = _database(database)
    chosen: dict[str, Any] = {} if min_size is None else {"min_size": min_size}
    source: Any
    if method is Method.SIS:
        found, source = _of_subsets(
            contributions, scores, target, chosen | {"random_state": seed}, allow_incomplete=allow_incomplete
        )
    elif method is Method.FILTERS:
        source = opened(contributions, target, allow_incomplete=allow_incomplete)
        found = _of_filters(source, model, layer, options, seed, largest or FILTERS_KEPT)
    else:
        source = opened(contributions, target, allow_incomplete=allow_incomplete)
        chosen |= {"random_state": seed, "fdr": fdr or FDR}
        chosen |= {"background": None if background is None else store_or_file(background, allow_incomplete)}
        found = _of_seqlets(method, source, chosen, max_seqlets, window, quiet=quiet)
    matches = None
    if known is not None:
        found, matches = _named(found, known)
    save_motifs(found, out, source, matches=matches, overwrite=overwrite)
    if not quiet:
        sys.stdout.write("\n".join(_summary(found, matches, out)) + "\n")


_OF_SEQLETS = frozenset({"--max-seqlets", "--min-size", "--fdr", "--background"})
_OF_MODEL = frozenset(ModelOptions.names())
_FITTING: dict[Method, frozenset[str]] = {
    Method.FAST: _OF_SEQLETS,
    Method.MODISCO: _OF_SEQLETS | {"--window"},
    Method.SIS: frozenset({"--min-size", "--scores"}),
    Method.FILTERS: _OF_MODEL | {"--model", "--layer", "--largest"},
}


def _check_fits(method: Method, given: set[str]) -> None:
    """Raise where an option belongs to other methods; what belongs to none fits all."""
    for option in sorted(given - _FITTING[method]):
        users = [m.value for m, options in _FITTING.items() if option in options]
        if users:
            raise ParameterError(
                f"{option} is nothing for --method {method.value}: it belongs to --method {' and '.join(users)}. Leave "
                "it out, or choose that method."
            )
    if method is Method.FILTERS and "--model" not in given:
        raise ParameterError("--method filters looks at a model's filters; give the model with --model.")


def _database(text: str) -> Any:
    from seqexplain.motifs import load_database

    return None if text.lower() == NO_DATABASE else load_database(text)


def _named(found: PatternSet, known: Any) -> tuple[PatternSet, MotifMatches]:
    from seqexplain.motifs import name_patterns

    return name_patterns(found, known)


def _of_seqlets(
    method: Method, source: Any, chosen: dict[str, Any], most: int | None, window: int | None, *, quiet: bool
) -> PatternSet:
    from seqexplain import motifs
    from seqexplain.pipeline._progress import phases_of

    if method is Method.FAST:
        return motifs.extract_patterns(source, max_seqlets=most, **chosen)
    more: dict[str, Any] = {"max_seqlets": most, "window": window}
    more = {name: value for name, value in more.items() if value is not None}
    with phases_of("TF-MoDISco", shown=not quiet) as progress:
        found: PatternSet = motifs.modisco_patterns(source, progress=progress, **chosen, **more)
        return found


def _of_subsets(
    store: Path, scores: Path | None, target: str | None, chosen: dict[str, Any], *, allow_incomplete: bool
) -> tuple[PatternSet, Any]:
    from seqexplain.motifs import open_contributions, sis_patterns
    from seqexplain.storage import ResultStore, peek

    if peek(store) is None:
        raise MissingFileError(f"{store} is no store of seqexplain; expected one that `seqexplain sis` wrote.")
    subsets = ResultStore(store, allow_incomplete=allow_incomplete)
    which = None if target is None else position_of(subsets, target)
    given = None if scores is None else opened(scores, target, allow_incomplete=allow_incomplete)
    found = sis_patterns(subsets, contributions=given, target=which, **chosen)
    return found, given or open_contributions(subsets, target=which)


def _of_filters(
    source: Any, model: Path | None, layer: str | None, options: ModelOptions, seed: int, largest: int
) -> PatternSet:
    from seqexplain.features import filter_patterns_of_model

    if model is None:
        raise ParameterError("--method filters looks at a model's filters; give the model with --model.")
    found, _ = filter_patterns_of_model(options.load(model), source, layer=layer, random_state=seed, largest=largest)
    return found


def _summary(found: PatternSet, matches: MotifMatches | None, out: Path) -> list[str]:
    count = f"{len(found)} motif{'' if len(found) == 1 else 's'}"
    lines = [f"{count} in {found.n_sequences:,} sequences of {found.length:,} bp, by {found.method}: {out}"]
    best = {} if matches is None else matches.best
    for pattern in found.patterns[:LINES_SHOWN]:
        line = f"  {pattern.id}: {pattern.trimmed().consensus}, {pattern.size:,} occurrences"
        if pattern.id in found.labels:
            line += f"; {best[pattern.id]}" if pattern.id in best else f"; {found.labels[pattern.id]}"
        elif matches is not None:
            line += "; like none of the database"
        lines.append(line)
    if len(found) > LINES_SHOWN:
        lines.append(f"  … and {len(found) - LINES_SHOWN} more")
    lines += [f"note: {note}" for note in found.notes]
    return lines
