"""Explaining an ensemble: the mean over its models, and their spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from seqexplain.errors import ParameterError, ShapeError
from seqexplain.models.backend import Array
from seqexplain.models.opening import opened
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.results import BY_BASE, BY_SEQUENCE, Attributions

Explain = Callable[..., Attributions]


def ensemble(method: Explain, models: Sequence[SequenceModel | Any], X: Array | Sequence[str], **options: Any
             ) -> Attributions:  # fmt: skip
    """Explain the mean of several models: the folds of a cross-validation, say.

    What is returned are means of the models' contributions. Where a method is linear in the target (DeepLIFT, path
    methods, signed gradients), they are the contributions to the models' mean, and where one model's add up to its
    difference in score, so do these; sizes, squares and class activation maps are means of what each model says. All
    models are given the same references.

    Parameters
    ----------
    method
        A method of this package, such as `seqexplain.deeplift`.
    models
        `SequenceModel`s, or Keras models that read `(L, 4)`; at least two, with targets of the same meaning.
    X
        `(n, L, 4)` one-hot, or `n` strings of one length.
    **options
        As the method takes them.

    Returns
    -------
    Attributions
        Means over the models, and `spread`: the standard deviation of each contribution over the models (that of a
        sample, with m − 1).

    Raises
    ------
    ParameterError
        When there are fewer than two models, or the method is no function that returns `Attributions`.

    Examples
    --------
    >>> folds = [load_model(f"fold{k}.keras") for k in range(5)]  # doctest: +SKIP
    >>> result = ensemble(deeplift, folds, X, target=0)  # doctest: +SKIP
    """
    if not isinstance(models, (list, tuple)) or len(models) < 2:
        raise ParameterError(f"An ensemble needs a list of at least two models; received {_count(models)}.")
    if not callable(method):
        raise ParameterError(f"method={method!r} must be a function, such as seqexplain.deeplift.")
    wrapped = [opened(model, X)[0] for model in models]
    results = [method(model, X, **options) for model in wrapped]
    if not all(isinstance(result, Attributions) for result in results):
        name = getattr(method, "__name__", type(method).__name__)
        raise ParameterError(
            f"ensemble averages Attributions; {name} returns {type(results[0]).__name__}. Call it for each model."
        )
    return combine(results, [_identity(model) for model in wrapped])


def _count(models: Any) -> str:
    return str(len(models)) if isinstance(models, (list, tuple)) else type(models).__name__


def _identity(model: SequenceModel) -> dict[str, Any]:
    return {"name": model.name, "sha256": model.sha256}


class EnsembleJob:
    """Prepared jobs of several models, taken as one.

    Parameters
    ----------
    jobs
        One a model, of the same method and options; of any room.
    """

    def __init__(self, jobs: Sequence[Any]) -> None:
        first = jobs[0]
        self.jobs = tuple(jobs)
        self.method = first.method
        self.targets, self.several_targets = first.targets, first.several_targets
        self.n_references, self.has_hypothetical = first.n_references, first.has_hypothetical
        self.batches_at_once = first.batches_at_once

    @property
    def batch_sequences(self) -> int:
        """Sequences in one batch of the largest model."""
        return int(min(job.batch_sequences for job in self.jobs))

    @property
    def by_position(self) -> bool:
        """Whether a result depends on its row in the job."""
        return any(job.by_position for job in self.jobs)

    @property
    def parameters(self) -> dict[str, Any]:
        """Everything that decides the numbers, ready for JSON."""
        return _parameters([job.parameters for job in self.jobs], [_identity(job.model) for job in self.jobs])

    @property
    def provenance(self) -> dict[str, Any]:
        """Versions, device and models: where the numbers come from."""
        each = [job.provenance for job in self.jobs]
        models = [one["model"] for one in each]
        named = all(model["sha256"] is not None for model in models)
        # a model that is in no file cannot be recognised again, nor can the ensemble
        first = models[0] if named else {**models[0], "sha256": None}
        return {**each[0], "model": first, "ensemble": models}

    def explain(self, X: Array, *, start: int = 0, names: Sequence[str] = ()) -> Attributions:
        """Explain rows `start …` of the job, a batch in memory at a time.

        Parameters
        ----------
        X
            `(b, L, 4)` float32, one-hot.
        start
            Row of the job that `X[0]` is.
        names
            `b` names, or none.

        Returns
        -------
        Attributions
            Of these sequences.

        Raises
        ------
        ShapeError
            When X does not fit the model, or there is another number of names.
        """
        results = [job.explain(X, start=start, names=names) for job in self.jobs]
        return combine(results, [_identity(job.model) for job in self.jobs])


def combine(results: Sequence[Attributions], identities: Sequence[dict[str, Any]]) -> Attributions:
    """Return means over results of the same sequences by several models, with their spread."""
    first = results[0]
    if any(r.contributions.shape != first.contributions.shape for r in results):
        shapes = ", ".join(str(r.contributions.shape) for r in results)
        raise ShapeError(f"The models of an ensemble must have the same targets and length; they gave {shapes}.")
    means: dict[str, Any] = {}
    for name in (*BY_BASE, *BY_SEQUENCE):
        values = [getattr(r, name) for r in results]
        means[name] = None if values[0] is None else np.mean(values, axis=0, dtype=np.float64).astype(np.float32)
    if first.hypothetical is not None:  # what is stored is derived from them, to the last bit
        X = first.X[:, None] if first.several_targets else first.X
        means["contributions"] = means["hypothetical"] * X
    each = np.stack([r.contributions for r in results]).astype(np.float64)
    means["spread"] = each.std(axis=0, ddof=1).astype(np.float32)
    return Attributions(
        X=first.X,
        names=first.names,
        targets=first.targets,
        method=first.method,
        parameters=_parameters([r.parameters for r in results], identities),
        **means,
    )


def _parameters(each: Sequence[Any], identities: Sequence[dict[str, Any]]) -> dict[str, Any]:
    varying = ("batch_sequences", "batch_references", "batch_points", "model")
    models = [
        {**identity, **{k: p[k] for k in varying if k in p}} for identity, p in zip(identities, each, strict=True)
    ]
    return {**{k: v for k, v in each[0].items() if k not in varying}, "ensemble": models}
