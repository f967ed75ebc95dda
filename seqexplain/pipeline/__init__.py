"""Long jobs: stream the input, show progress, store chunk by chunk, go on after an interruption."""

from seqexplain.pipeline._experiments import ExperimentRun
from seqexplain.pipeline._explainer import Explainer
from seqexplain.pipeline._jobs import JobReport, run
from seqexplain.pipeline._source import SequenceSource, Survey, survey
from seqexplain.pipeline._variants import VariantFile, VariantRun, survey_variants

__all__ = [
    "ExperimentRun",
    "Explainer",
    "JobReport",
    "SequenceSource",
    "Survey",
    "VariantFile",
    "VariantRun",
    "run",
    "survey",
    "survey_variants",
]
