"""What two motifs do together, by how far apart they are and which way they face."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seqexplain.models.backend import Array
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.perturbation._inserts import MotifLike
from seqexplain.perturbation._spacing_job import ORIENTATIONS, SpacingExperiment
from seqexplain.perturbation._spacing_result import Spacing


def spacing(
    model: SequenceModel | Any,
    backgrounds: Array | Sequence[str],
    motif_a: MotifLike,
    motif_b: MotifLike,
    *,
    distances: Iterable[int] = range(51),
    orientations: Sequence[str] = ORIENTATIONS,
    position: str | int = "centre",
    sample: bool = False,
    target: Any = None,
    level: str = "logit",
    batch_size: int | str = "auto",
    random_state: int = 0,
    extra_inputs: Mapping[str, Any] | None = None,
    evaluation: str = "auto",
    names: Sequence[str] = (),
) -> Spacing:
    """Put two motifs into backgrounds, at all distances and orientations, and measure what each and both do.

    A stays where it is and B moves downstream. B upstream of A is the same experiment with the motifs exchanged; on
    the other strand it is that with opposite orientations, so that four of them and one order are all there is for a
    model which reads both strands alike.

    Parameters
    ----------
    model
        A `SequenceModel`, or a Keras model.
    backgrounds, motif_a, motif_b, sample
        As for `marginalisation`.
    distances
        bp between the end of A and the start of B, from 0.
    orientations
        Strand of A and strand of B, some of `"++"`, `"+-"`, `"-+"`, `"--"`.
    position
        0-based start of A; `"centre"` puts the widest pair in the middle of the backgrounds.
    target, level, batch_size, random_state, extra_inputs, evaluation, names
        As for `marginalisation`.

    Returns
    -------
    Spacing

    Raises
    ------
    ParameterError
        When a motif, distance, orientation or position makes no sense, or the pair does not fit.
    ShapeError, TargetError
        As for `marginalisation`.

    Notes
    -----
    interaction_i = f(A and B) − f(A) − f(B) + f(neither), each in background i, each motif with the same bases and in
    the same place throughout. On the scale of logits 0 means that the motifs' odds multiply; with level="output" it
    means that their probabilities add.
    """
    return SpacingExperiment(
        model, backgrounds, motif_a, motif_b, distances=distances, orientations=orientations, position=position,
        sample=sample, target=target, level=level, batch_size=batch_size, random_state=random_state,
        extra_inputs=extra_inputs, evaluation=evaluation, names=names,
    ).run()  # fmt: skip
