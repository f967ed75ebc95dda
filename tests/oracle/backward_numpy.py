"""Guided backpropagation and the deconvolutional network in float64 NumPy, from the papers' equations alone.

Springenberg et al. (2015), figure 1: with R the signal that is sent back and f the input of a ReLU, backpropagation
sends back (f > 0) · R, a deconvolutional network (R > 0) · R, guided backpropagation (f > 0) · (R > 0) · R. Zeiler &
Fergus (2014), section 2.1: max pooling is undone with switches that record where each maximum was; filtering with the
transposed filters. Here the signal is sent through the steps of `deeplift_numpy.Network`, whose linear steps are plain
matrices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oracle.deeplift_numpy import Activation, Affine, Array, Network

FAR = 40.0


def is_rectifier(step: Activation, size: int) -> bool:
    """Whether an activation passes what is large and (nearly) stops what is small, as a ReLU does."""
    high, low = step.f(np.full(size, FAR)), step.f(np.full(size, -FAR))
    return bool((high > 0.9 * FAR).all() and (np.abs(low) < 0.5 * FAR).all())


def slope_of(step: Activation, x: Array) -> Array:
    """Return dy/dx from values alone; at a kink that on the left, as a ReLU passes nothing at 0."""
    h = 1e-5
    return (3 * step.f(x) - 4 * step.f(x - h) + step.f(x - 2 * h)) / (2 * h)


def back(net: Network, x: Array, head: int, index: int, method: str, extra: Sequence[Array] = ()) -> Array:
    """Return what arrives at the sequence `(L, 4)` from one unit.

    Parameters
    ----------
    net
        The network, its maxima all to the winner.
    x
        One sequence `(L, 4)`.
    head, index
        Number of the value that holds the unit, and its place in it.
    method
        `"guided"`, `"deconvnet"` or `"gradient"`.
    extra
        Other inputs.
    """
    values = net.run(x, *extra)
    signals = [np.zeros(len(v)) for v in values]
    signals[head][index] = 1.0
    for number in sorted(net.steps, reverse=True):
        step, signal = net.steps[number], signals[number]
        if isinstance(step, Affine):
            parts = [matrix.T @ signal for matrix in step.matrices]
        elif isinstance(step, Activation):
            a = values[step.inputs[0]]
            if method != "gradient" and is_rectifier(step, len(a)):
                signal = signal * (signal > 0)
                parts = [signal if method == "deconvnet" else signal * slope_of(step, a)]
            else:
                parts = [signal * slope_of(step, a)]
        else:
            flat = step.sign * np.concatenate([values[i] for i in step.inputs])
            sent = np.zeros(len(flat))
            for place, window in enumerate(step.windows):
                sent[window[int(np.argmax(flat[window]))]] += signal[place]
            parts = np.split(sent, np.cumsum([len(values[i]) for i in step.inputs])[:-1])
        for value, part in zip(step.inputs, parts, strict=True):
            signals[value] = signals[value] + part
    return signals[0].reshape(x.shape)
