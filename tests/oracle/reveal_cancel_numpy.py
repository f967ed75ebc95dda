"""DeepLIFT's RevealCancel rule in float64 NumPy, unit by unit and input by input, from the paper's equations alone.

Shrikumar, Greenside & Kundaje (2017): Δz of a unit splits into the sum of its positive and of its negative terms
w_i Δx_i (the Linear rule); each sum has the mean of its effect with and without the other (the RevealCancel rule);
multipliers of the two, m(Δz⁺, Δt) and m(Δz⁻, Δt), pass to the inputs whose terms made the one or the other, and half
each to an input that did not change.
"""

from __future__ import annotations

import numpy as np

from oracle.deeplift_numpy import NO_MOVE, STEP, Activation, Affine, Array, Network


def _folded(net: Network, value: int) -> Affine | None:
    """Return the affine step that computes a value, with a normalisation after a convolution taken into it."""
    step = net.steps.get(value)
    if not isinstance(step, Affine):
        return None
    diagonal = len(step.inputs) == 1 and step.matrices[0].shape[0] == step.matrices[0].shape[1]
    diagonal = diagonal and not np.any(step.matrices[0] - np.diag(np.diag(step.matrices[0])))
    before = net.steps.get(step.inputs[0]) if diagonal else None
    if isinstance(before, Affine):
        scale = step.matrices[0]
        return Affine(before.inputs, [scale @ M for M in before.matrices], scale @ before.bias + step.bias)
    return step


def multipliers(net: Network, x: Array, reference: Array, head: int, index: int) -> Array:
    """Return m of the first input for one unit of a head: RevealCancel at every activation after an affine step."""
    at_x, at_r = net.run(x), net.run(reference)
    m = [np.zeros(int(np.prod(s))) for s in net.shapes]
    m[head][index] = 1.0
    for value in sorted(net.steps, reverse=True):
        step = net.steps[value]
        if not m[value].any():
            continue
        affine = _folded(net, step.inputs[0]) if isinstance(step, Activation) else None
        if affine is None:
            for i, part in zip(step.inputs, step.back(at_x, at_r, m[value]), strict=True):
                m[i] = m[i] + part
            continue
        deltas = [at_x[i] - at_r[i] for i in affine.inputs]
        z0 = at_r[step.inputs[0]]
        f = step.f
        up, down = np.zeros(len(z0)), np.zeros(len(z0))
        for M, delta in zip(affine.matrices, deltas, strict=True):
            for j in range(len(z0)):
                for i in range(len(delta)):
                    term = M[j, i] * delta[i]
                    up[j] += max(term, 0.0)
                    down[j] += min(term, 0.0)
        gain = 0.5 * (f(z0 + up) - f(z0)) + 0.5 * (f(z0 + up + down) - f(z0 + down))
        loss = 0.5 * (f(z0 + down) - f(z0)) + 0.5 * (f(z0 + up + down) - f(z0 + up))
        slope = (3 * f(z0) - 4 * f(z0 - STEP) + f(z0 - 2 * STEP)) / (2 * STEP)
        m_up = m[value] * np.array([g / u if abs(u) > NO_MOVE else s for g, u, s in zip(gain, up, slope, strict=True)])
        m_down = m[value] * np.array(
            [c / d if abs(d) > NO_MOVE else s for c, d, s in zip(loss, down, slope, strict=True)]
        )
        for k, (M, delta) in enumerate(zip(affine.matrices, deltas, strict=True)):
            part = np.zeros(len(delta))
            for j in range(len(z0)):
                for i in range(len(delta)):
                    term = M[j, i] * delta[i]
                    if term > 0:
                        part[i] += M[j, i] * m_up[j]
                    elif term < 0:
                        part[i] += M[j, i] * m_down[j]
                    else:
                        part[i] += M[j, i] * 0.5 * (m_up[j] + m_down[j])
            m[affine.inputs[k]] = m[affine.inputs[k]] + part
    return m[0].reshape(net.shapes[0])


def hypothetical(net: Network, x: Array, references: Array, head: int, index: int) -> Array:
    """Return hypothetical scores `(L, 4)`, the mean over references `(r, L, 4)`."""
    scores = []
    for reference in references:
        m = multipliers(net, x, reference, head, index)
        scores.append(m - (m * reference).sum(axis=1, keepdims=True))
    return np.mean(scores, axis=0)
