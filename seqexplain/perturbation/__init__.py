"""Methods that edit sequences and score them: true of any model. One incremental evaluator serves them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.perturbation._ablation import Ablation as Ablation
    from seqexplain.perturbation._ablation import ablation as ablation
    from seqexplain.perturbation._annotate_vcf import annotate_vcf as annotate_vcf
    from seqexplain.perturbation._deletion_effects import deletion_effects as deletion_effects
    from seqexplain.perturbation._edit_job import EditJob as EditJob
    from seqexplain.perturbation._epistasis import epistasis as epistasis
    from seqexplain.perturbation._epistasis_result import Epistasis as Epistasis
    from seqexplain.perturbation._experiment import Experiment as Experiment
    from seqexplain.perturbation._experiment import joined_blocks as joined_blocks
    from seqexplain.perturbation._in_silico_mutagenesis import in_silico_mutagenesis as in_silico_mutagenesis
    from seqexplain.perturbation._indel_results import DeletionEffects as DeletionEffects
    from seqexplain.perturbation._indel_results import InsertionEffects as InsertionEffects
    from seqexplain.perturbation._insertion_effects import insertion_effects as insertion_effects
    from seqexplain.perturbation._kernel_shap import kernel_shap as kernel_shap
    from seqexplain.perturbation._kernel_shap_job import KernelShap as KernelShap
    from seqexplain.perturbation._kernel_shap_job import KernelShapOptions as KernelShapOptions
    from seqexplain.perturbation._lime import lime as lime
    from seqexplain.perturbation._lime_job import Lime as Lime
    from seqexplain.perturbation._lime_job import LimeOptions as LimeOptions
    from seqexplain.perturbation._make_backgrounds import make_backgrounds as make_backgrounds
    from seqexplain.perturbation._make_edit_plan import make_edit_plan as make_edit_plan
    from seqexplain.perturbation._marginalisation import Marginalisation as Marginalisation
    from seqexplain.perturbation._marginalisation import MarginalisationExperiment as MarginalisationExperiment
    from seqexplain.perturbation._marginalisation import marginalisation as marginalisation
    from seqexplain.perturbation._meaningful_perturbation import meaningful_perturbation as meaningful_perturbation
    from seqexplain.perturbation._meaningful_perturbation_job import MeaningfulPerturbation as MeaningfulPerturbation
    from seqexplain.perturbation._meaningful_perturbation_job import (
        MeaningfulPerturbationOptions as MeaningfulPerturbationOptions,
    )
    from seqexplain.perturbation._occlusion import occlusion as occlusion
    from seqexplain.perturbation._occlusion_job import Occlusion as Occlusion
    from seqexplain.perturbation._occlusion_job import OcclusionOptions as OcclusionOptions
    from seqexplain.perturbation._prediction_difference_analysis import (
        prediction_difference_analysis as prediction_difference_analysis,
    )
    from seqexplain.perturbation._prediction_difference_job import PredictionDifference as PredictionDifference
    from seqexplain.perturbation._prediction_difference_job import (
        PredictionDifferenceOptions as PredictionDifferenceOptions,
    )
    from seqexplain.perturbation._scorer import BoundSequences as BoundSequences
    from seqexplain.perturbation._scorer import EditOptions as EditOptions
    from seqexplain.perturbation._scorer import Scorer as Scorer
    from seqexplain.perturbation._sis_job import SisJob as SisJob
    from seqexplain.perturbation._sis_job import SisOptions as SisOptions
    from seqexplain.perturbation._sis_of_function import back_select as back_select
    from seqexplain.perturbation._sis_of_function import find_sis as find_sis
    from seqexplain.perturbation._sis_of_function import sis_collection as sis_collection
    from seqexplain.perturbation._spacing import spacing as spacing
    from seqexplain.perturbation._spacing_job import SpacingExperiment as SpacingExperiment
    from seqexplain.perturbation._spacing_result import Spacing as Spacing
    from seqexplain.perturbation._sufficient_input_subsets import sufficient_input_subsets as sufficient_input_subsets
    from seqexplain.perturbation._variant_effects import variant_effects as variant_effects
    from seqexplain.perturbation._variant_results import VariantEffects as VariantEffects
    from seqexplain.perturbation._variant_scorer import VariantOptions as VariantOptions
    from seqexplain.perturbation._variant_scorer import VariantScorer as VariantScorer
    from seqexplain.perturbation._window_mutagenesis import window_mutagenesis as window_mutagenesis

_HOMES = {
    "Ablation": "_ablation",
    "BoundSequences": "_scorer",
    "DeletionEffects": "_indel_results",
    "EditJob": "_edit_job",
    "EditOptions": "_scorer",
    "Epistasis": "_epistasis_result",
    "Experiment": "_experiment",
    "InsertionEffects": "_indel_results",
    "KernelShap": "_kernel_shap_job",
    "KernelShapOptions": "_kernel_shap_job",
    "Lime": "_lime_job",
    "LimeOptions": "_lime_job",
    "Marginalisation": "_marginalisation",
    "MarginalisationExperiment": "_marginalisation",
    "MeaningfulPerturbation": "_meaningful_perturbation_job",
    "MeaningfulPerturbationOptions": "_meaningful_perturbation_job",
    "Occlusion": "_occlusion_job",
    "OcclusionOptions": "_occlusion_job",
    "PredictionDifference": "_prediction_difference_job",
    "PredictionDifferenceOptions": "_prediction_difference_job",
    "Scorer": "_scorer",
    "SisJob": "_sis_job",
    "SisOptions": "_sis_job",
    "Spacing": "_spacing_result",
    "SpacingExperiment": "_spacing_job",
    "VariantEffects": "_variant_results",
    "VariantOptions": "_variant_scorer",
    "VariantScorer": "_variant_scorer",
    "ablation": "_ablation",
    "annotate_vcf": "_annotate_vcf",
    "back_select": "_sis_of_function",
    "deletion_effects": "_deletion_effects",
    "epistasis": "_epistasis",
    "find_sis": "_sis_of_function",
    "in_silico_mutagenesis": "_in_silico_mutagenesis",
    "insertion_effects": "_insertion_effects",
    "joined_blocks": "_experiment",
    "kernel_shap": "_kernel_shap",
    "lime": "_lime",
    "make_backgrounds": "_make_backgrounds",
    "make_edit_plan": "_make_edit_plan",
    "marginalisation": "_marginalisation",
    "meaningful_perturbation": "_meaningful_perturbation",
    "occlusion": "_occlusion",
    "prediction_difference_analysis": "_prediction_difference_analysis",
    "sis_collection": "_sis_of_function",
    "spacing": "_spacing",
    "sufficient_input_subsets": "_sufficient_input_subsets",
    "variant_effects": "_variant_effects",
    "window_mutagenesis": "_window_mutagenesis",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
