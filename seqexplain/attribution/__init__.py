"""Methods that look inside a model: per-base contributions by propagation. See README.md here for the maths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqexplain._lazy import lazy

if TYPE_CHECKING:
    from seqexplain.attribution._cam import cam as cam
    from seqexplain.attribution._class_activation_job import ActivationOptions as ActivationOptions
    from seqexplain.attribution._class_activation_job import CamOptions as CamOptions
    from seqexplain.attribution._class_activation_job import ClassActivation as ClassActivation
    from seqexplain.attribution._class_activation_job import GradCam as GradCam
    from seqexplain.attribution._class_activation_job import GuidedGradCam as GuidedGradCam
    from seqexplain.attribution._deconvnet import deconvnet as deconvnet
    from seqexplain.attribution._deeplift import deeplift as deeplift
    from seqexplain.attribution._deeplift_job import DeepLift as DeepLift
    from seqexplain.attribution._deeplift_job import DeepLiftOptions as DeepLiftOptions
    from seqexplain.attribution._ensemble import EnsembleJob as EnsembleJob
    from seqexplain.attribution._ensemble import ensemble as ensemble
    from seqexplain.attribution._expected_gradients import expected_gradients as expected_gradients
    from seqexplain.attribution._expected_gradients_job import ExpectedGradients as ExpectedGradients
    from seqexplain.attribution._expected_gradients_job import ExpectedGradientsOptions as ExpectedGradientsOptions
    from seqexplain.attribution._expected_gradients_job import SimpleTaylorDecomposition as SimpleTaylorDecomposition
    from seqexplain.attribution._expected_gradients_job import TaylorOptions as TaylorOptions
    from seqexplain.attribution._grad_cam import grad_cam as grad_cam
    from seqexplain.attribution._gradient_job import GradientOptions as GradientOptions
    from seqexplain.attribution._gradient_job import InputXGradient as InputXGradient
    from seqexplain.attribution._gradient_job import Saliency as Saliency
    from seqexplain.attribution._gradient_job import SaliencyOptions as SaliencyOptions
    from seqexplain.attribution._gradient_job import SensitivityAnalysis as SensitivityAnalysis
    from seqexplain.attribution._guided_backprop import guided_backprop as guided_backprop
    from seqexplain.attribution._guided_grad_cam import guided_grad_cam as guided_grad_cam
    from seqexplain.attribution._input_x_gradient import input_x_gradient as input_x_gradient
    from seqexplain.attribution._integrated_gradients import integrated_gradients as integrated_gradients
    from seqexplain.attribution._integrated_gradients_job import IntegratedGradients as IntegratedGradients
    from seqexplain.attribution._integrated_gradients_job import (
        IntegratedGradientsOptions as IntegratedGradientsOptions,
    )
    from seqexplain.attribution._layer_deeplift import layer_deeplift as layer_deeplift
    from seqexplain.attribution._lrp import lrp as lrp
    from seqexplain.attribution._lrp import lrp_conservation as lrp_conservation
    from seqexplain.attribution._lrp_job import LayerRelevance as LayerRelevance
    from seqexplain.attribution._lrp_job import Lrp as Lrp
    from seqexplain.attribution._lrp_job import LrpOptions as LrpOptions
    from seqexplain.attribution._modified_backward import DeconvNet as DeconvNet
    from seqexplain.attribution._modified_backward import GuidedBackprop as GuidedBackprop
    from seqexplain.attribution._saliency import saliency as saliency
    from seqexplain.attribution._sensitivity_analysis import sensitivity_analysis as sensitivity_analysis
    from seqexplain.attribution._simple_taylor_decomposition import (
        simple_taylor_decomposition as simple_taylor_decomposition,
    )
    from seqexplain.attribution._smooth_grad import smooth_grad as smooth_grad
    from seqexplain.attribution._smooth_grad_job import SmoothGrad as SmoothGrad
    from seqexplain.attribution._smooth_grad_job import SmoothGradOptions as SmoothGradOptions

_HOMES = {
    "ActivationOptions": "_class_activation_job",
    "CamOptions": "_class_activation_job",
    "ClassActivation": "_class_activation_job",
    "DeconvNet": "_modified_backward",
    "DeepLift": "_deeplift_job",
    "DeepLiftOptions": "_deeplift_job",
    "EnsembleJob": "_ensemble",
    "ExpectedGradients": "_expected_gradients_job",
    "ExpectedGradientsOptions": "_expected_gradients_job",
    "GradCam": "_class_activation_job",
    "GradientOptions": "_gradient_job",
    "GuidedBackprop": "_modified_backward",
    "GuidedGradCam": "_class_activation_job",
    "InputXGradient": "_gradient_job",
    "IntegratedGradients": "_integrated_gradients_job",
    "IntegratedGradientsOptions": "_integrated_gradients_job",
    "LayerRelevance": "_lrp_job",
    "Lrp": "_lrp_job",
    "LrpOptions": "_lrp_job",
    "Saliency": "_gradient_job",
    "SaliencyOptions": "_gradient_job",
    "SensitivityAnalysis": "_gradient_job",
    "SimpleTaylorDecomposition": "_expected_gradients_job",
    "SmoothGrad": "_smooth_grad_job",
    "SmoothGradOptions": "_smooth_grad_job",
    "TaylorOptions": "_expected_gradients_job",
    "cam": "_cam",
    "deconvnet": "_deconvnet",
    "deeplift": "_deeplift",
    "ensemble": "_ensemble",
    "expected_gradients": "_expected_gradients",
    "grad_cam": "_grad_cam",
    "guided_backprop": "_guided_backprop",
    "guided_grad_cam": "_guided_grad_cam",
    "input_x_gradient": "_input_x_gradient",
    "integrated_gradients": "_integrated_gradients",
    "layer_deeplift": "_layer_deeplift",
    "lrp": "_lrp",
    "lrp_conservation": "_lrp",
    "saliency": "_saliency",
    "sensitivity_analysis": "_sensitivity_analysis",
    "simple_taylor_decomposition": "_simple_taylor_decomposition",
    "smooth_grad": "_smooth_grad",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = lazy(__name__, globals(), _HOMES)
