"""The methods that the comparisons of this folder compare: one call each, all with the same reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import seqexplain

Method = Callable[..., Any]


def methods(references: Any) -> Mapping[str, Method]:
    """Return methods by the name they are shown by; those that compare with a reference are given `references`."""
    return {
        "DeepLIFT, RevealCancel": partial(seqexplain.deeplift, rule="reveal_cancel", references=references),
        "DeepLIFT, genomics default": partial(seqexplain.deeplift, rule="genomics_default", references=references),
        "DeepLIFT, Rescale": partial(seqexplain.deeplift, rule="rescale", references=references),
        # 50 steps, as is custom; the sum is then off by a per cent or so
        "integrated gradients": partial(
            seqexplain.integrated_gradients, references=references, steps=50, tolerance=1.0
        ),
        "gradient × input": seqexplain.input_x_gradient,
        "guided backpropagation × input": seqexplain.guided_backprop,
        "deconvnet × input": seqexplain.deconvnet,
        "LRP, ε": partial(seqexplain.lrp, rule="epsilon"),
        "LRP, ε and z⁺": partial(seqexplain.lrp, rule="epsilon-plus"),
        "saliency": seqexplain.saliency,
        "SmoothGrad × input": partial(seqexplain.smooth_grad, n_samples=20),
    }
