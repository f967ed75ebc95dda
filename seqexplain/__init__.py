"""Why did the model say that? Per-base contributions, logos and motifs for Keras models of DNA.

Names are loaded at first use: `import seqexplain` imports neither Keras nor a backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.attribution import cam as cam
    from seqexplain.attribution import deconvnet as deconvnet
    from seqexplain.attribution import deeplift as deeplift
    from seqexplain.attribution import ensemble as ensemble
    from seqexplain.attribution import expected_gradients as expected_gradients
    from seqexplain.attribution import grad_cam as grad_cam
    from seqexplain.attribution import guided_backprop as guided_backprop
    from seqexplain.attribution import guided_grad_cam as guided_grad_cam
    from seqexplain.attribution import input_x_gradient as input_x_gradient
    from seqexplain.attribution import integrated_gradients as integrated_gradients
    from seqexplain.attribution import layer_deeplift as layer_deeplift
    from seqexplain.attribution import lrp as lrp
    from seqexplain.attribution import lrp_conservation as lrp_conservation
    from seqexplain.attribution import saliency as saliency
    from seqexplain.attribution import sensitivity_analysis as sensitivity_analysis
    from seqexplain.attribution import simple_taylor_decomposition as simple_taylor_decomposition
    from seqexplain.attribution import smooth_grad as smooth_grad
    from seqexplain.features import filter_motifs as filter_motifs
    from seqexplain.models import SequenceModel as SequenceModel
    from seqexplain.models import contrast as contrast
    from seqexplain.models import load_model as load_model
    from seqexplain.models import profile as profile
    from seqexplain.models import register_decomposition as register_decomposition
    from seqexplain.motifs import MotifHits as MotifHits
    from seqexplain.motifs import MotifMatches as MotifMatches
    from seqexplain.motifs import PatternSet as PatternSet
    from seqexplain.motifs import SubsetClusters as SubsetClusters
    from seqexplain.motifs import average_motifs as average_motifs
    from seqexplain.motifs import call_seqlets as call_seqlets
    from seqexplain.motifs import cluster_subsets as cluster_subsets
    from seqexplain.motifs import compare_motifs as compare_motifs
    from seqexplain.motifs import extract_patterns as extract_patterns
    from seqexplain.motifs import find_hits as find_hits
    from seqexplain.motifs import find_motifs as find_motifs
    from seqexplain.motifs import load_database as load_database
    from seqexplain.motifs import load_motifs as load_motifs
    from seqexplain.motifs import match_motifs as match_motifs
    from seqexplain.motifs import modisco_patterns as modisco_patterns
    from seqexplain.motifs import name_patterns as name_patterns
    from seqexplain.motifs import open_contributions as open_contributions
    from seqexplain.motifs import orient_patterns as orient_patterns
    from seqexplain.motifs import read_patterns as read_patterns
    from seqexplain.motifs import save_motifs as save_motifs
    from seqexplain.motifs import sis_patterns as sis_patterns
    from seqexplain.motifs import write_hits as write_hits
    from seqexplain.motifs import write_patterns as write_patterns
    from seqexplain.motifs import write_seqlets_bed as write_seqlets_bed
    from seqexplain.perturbation import DeletionEffects as DeletionEffects
    from seqexplain.perturbation import Epistasis as Epistasis
    from seqexplain.perturbation import InsertionEffects as InsertionEffects
    from seqexplain.perturbation import VariantEffects as VariantEffects
    from seqexplain.perturbation import ablation as ablation
    from seqexplain.perturbation import annotate_vcf as annotate_vcf
    from seqexplain.perturbation import back_select as back_select
    from seqexplain.perturbation import deletion_effects as deletion_effects
    from seqexplain.perturbation import epistasis as epistasis
    from seqexplain.perturbation import find_sis as find_sis
    from seqexplain.perturbation import in_silico_mutagenesis as in_silico_mutagenesis
    from seqexplain.perturbation import insertion_effects as insertion_effects
    from seqexplain.perturbation import kernel_shap as kernel_shap
    from seqexplain.perturbation import lime as lime
    from seqexplain.perturbation import make_backgrounds as make_backgrounds
    from seqexplain.perturbation import marginalisation as marginalisation
    from seqexplain.perturbation import meaningful_perturbation as meaningful_perturbation
    from seqexplain.perturbation import occlusion as occlusion
    from seqexplain.perturbation import prediction_difference_analysis as prediction_difference_analysis
    from seqexplain.perturbation import sis_collection as sis_collection
    from seqexplain.perturbation import spacing as spacing
    from seqexplain.perturbation import sufficient_input_subsets as sufficient_input_subsets
    from seqexplain.perturbation import variant_effects as variant_effects
    from seqexplain.perturbation import window_mutagenesis as window_mutagenesis
    from seqexplain.plot import attribution_logo as attribution_logo
    from seqexplain.plot import compare_methods as compare_methods
    from seqexplain.plot import completeness_plot as completeness_plot
    from seqexplain.plot import logo as logo
    from seqexplain.plot import motif_profile as motif_profile
    from seqexplain.plot import mutation_map as mutation_map
    from seqexplain.plot import subset_overlay as subset_overlay
    from seqexplain.plot import tracks as tracks
    from seqexplain.report import write_report as write_report
    from seqexplain.results import Attributions as Attributions
    from seqexplain.results import Interval as Interval
    from seqexplain.results import LayerAttributions as LayerAttributions
    from seqexplain.results import SufficientInputSubsets as SufficientInputSubsets
    from seqexplain.results import WindowAttributions as WindowAttributions
    from seqexplain.sequences import MarkovModel as MarkovModel
    from seqexplain.sequences import Variant as Variant
    from seqexplain.sequences import dinucleotide_shuffle as dinucleotide_shuffle
    from seqexplain.sequences import fit_length as fit_length
    from seqexplain.sequences import mononucleotide_shuffle as mononucleotide_shuffle
    from seqexplain.sequences import one_hot as one_hot
    from seqexplain.sequences import read_bed as read_bed
    from seqexplain.sequences import read_fasta as read_fasta
    from seqexplain.sequences import read_variants as read_variants
    from seqexplain.storage import load as load
    from seqexplain.storage import save as save

__version__ = "0.1.0"

_HOMES = {
    "Attributions": "results",
    "DeletionEffects": "perturbation",
    "Epistasis": "perturbation",
    "InsertionEffects": "perturbation",
    "Interval": "results",
    "LayerAttributions": "results",
    "MarkovModel": "sequences",
    "MotifHits": "motifs",
    "MotifMatches": "motifs",
    "PatternSet": "motifs",
    "SequenceModel": "models",
    "SubsetClusters": "motifs",
    "SufficientInputSubsets": "results",
    "Variant": "sequences",
    "VariantEffects": "perturbation",
    "WindowAttributions": "results",
    "ablation": "perturbation",
    "annotate_vcf": "perturbation",
    "attribution_logo": "plot",
    "average_motifs": "motifs",
    "back_select": "perturbation",
    "call_seqlets": "motifs",
    "cam": "attribution",
    "cluster_subsets": "motifs",
    "compare_methods": "plot",
    "compare_motifs": "motifs",
    "completeness_plot": "plot",
    "contrast": "models",
    "deconvnet": "attribution",
    "deeplift": "attribution",
    "deletion_effects": "perturbation",
    "dinucleotide_shuffle": "sequences",
    "ensemble": "attribution",
    "epistasis": "perturbation",
    "expected_gradients": "attribution",
    "extract_patterns": "motifs",
    "filter_motifs": "features",
    "find_hits": "motifs",
    "find_motifs": "motifs",
    "find_sis": "perturbation",
    "fit_length": "sequences",
    "grad_cam": "attribution",
    "guided_backprop": "attribution",
    "guided_grad_cam": "attribution",
    "in_silico_mutagenesis": "perturbation",
    "input_x_gradient": "attribution",
    "insertion_effects": "perturbation",
    "integrated_gradients": "attribution",
    "kernel_shap": "perturbation",
    "layer_deeplift": "attribution",
    "lime": "perturbation",
    "load": "storage",
    "load_database": "motifs",
    "load_model": "models",
    "load_motifs": "motifs",
    "logo": "plot",
    "lrp": "attribution",
    "lrp_conservation": "attribution",
    "make_backgrounds": "perturbation",
    "marginalisation": "perturbation",
    "match_motifs": "motifs",
    "meaningful_perturbation": "perturbation",
    "modisco_patterns": "motifs",
    "mononucleotide_shuffle": "sequences",
    "motif_profile": "plot",
    "mutation_map": "plot",
    "name_patterns": "motifs",
    "occlusion": "perturbation",
    "one_hot": "sequences",
    "open_contributions": "motifs",
    "orient_patterns": "motifs",
    "prediction_difference_analysis": "perturbation",
    "profile": "models",
    "read_bed": "sequences",
    "read_fasta": "sequences",
    "read_patterns": "motifs",
    "read_variants": "sequences",
    "register_decomposition": "models",
    "saliency": "attribution",
    "save": "storage",
    "save_motifs": "motifs",
    "sensitivity_analysis": "attribution",
    "simple_taylor_decomposition": "attribution",
    "sis_collection": "perturbation",
    "sis_patterns": "motifs",
    "smooth_grad": "attribution",
    "spacing": "perturbation",
    "subset_overlay": "plot",
    "sufficient_input_subsets": "perturbation",
    "tracks": "plot",
    "variant_effects": "perturbation",
    "window_mutagenesis": "perturbation",
    "write_hits": "motifs",
    "write_patterns": "motifs",
    "write_report": "report",
    "write_seqlets_bed": "motifs",
}

__all__ = sorted([*_HOMES, "__version__"])

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
