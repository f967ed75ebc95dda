"""A prepared job of meaningful perturbation: masks that are learned for each sequence and target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqexplain.models._prediction import choose_batch_size, memory_budget, pad_rows
from seqexplain.models.backend import Array, Tensor, ops, to_numpy, to_tensor, vjp
from seqexplain.models.sequence_model import SequenceModel
from seqexplain.models.target import Target
from seqexplain.perturbation._checks import check_choice, check_count, check_number
from seqexplain.perturbation._edit_job import EditJob
from seqexplain.perturbation._fills import Fill, is_known
from seqexplain.perturbation._scorer import BoundSequences, EditOptions
from seqexplain.sequences.shuffle import check_seed
from seqexplain.sequences.streams import stream

GAMES = ("deletion", "preservation")
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as its authors have them
MIN_SCALE = 1e-3  # of what the score moves when all is filled; of less, masks would learn rounding noise
GRADIENT_COST = 3.0  # memory of a step, relative to the activations of a forward pass
DIAGNOSTICS = ("objective", "masked_score", "filled_score", "mask_size")


@dataclass(frozen=True, kw_only=True)
class MeaningfulPerturbationOptions(EditOptions):
    """Choices of the job; the fields are the parameters of `meaningful_perturbation`."""

    game: str = "deletion"
    fill: Any = "uniform"
    n_fills: int = 1
    blur_sigma: float = 10.0
    steps: int = 300
    learning_rate: float = 0.1
    l1: float = 0.01
    tv: float = 0.01
    tv_power: float = 3.0
    jitter: int = 1

    def __post_init__(self) -> None:
        check_choice("game", self.game, GAMES)
        check_count("n_fills", self.n_fills)
        check_count("steps", self.steps)
        check_count("jitter", self.jitter, 0)
        check_number("learning_rate", self.learning_rate)
        check_number("l1", self.l1, zero=True)
        check_number("tv", self.tv, zero=True)
        check_number("tv_power", self.tv_power)
        check_seed(self.random_state)


class MeaningfulPerturbation(EditJob):
    """A prepared job of meaningful perturbation."""

    method = "meaningful_perturbation"
    has_hypothetical = False
    options: MeaningfulPerturbationOptions

    def __init__(
        self, model: SequenceModel, length: int, n_sequences: int, options: MeaningfulPerturbationOptions
    ) -> None:
        self.options = options
        self._fill = Fill(options.fill, options.n_fills, options.blur_sigma, options.random_state)
        super().__init__(model, length, n_sequences, options)

    def _prepare(self, length: int) -> None:
        self._fill.check(length)
        self._graph = self.model.graph  # refuses black boxes, which have no gradients
        self._rows = choose_batch_size(self.model, self.options.batch_size, length, self._n_sequences)
        if self.options.batch_size == "auto":
            each = GRADIENT_COST * self.model.bytes_per_sequence(length)
            self._rows = max(1, min(self._rows, self.batch_sequences, int(memory_budget() / each)))

    def _choices(self) -> dict[str, Any]:
        options = self.options
        return {
            "game": options.game,
            "fill": self._fill.label,
            "steps": int(options.steps),
            "learning_rate": float(options.learning_rate),
            "l1": float(options.l1),
            "tv": float(options.tv),
            "tv_power": float(options.tv_power),
            "jitter": int(options.jitter),
            "random_state": int(options.random_state),
            "batch_size": self._rows,
            "diagnostics": list(DIAGNOSTICS),
        }

    def _explain(self, bound: BoundSequences, X: Array) -> dict[str, Any]:
        tracks = self._fill.tracks(X, bound.X)
        filled = self._mean_score(bound, tracks)
        scale = np.maximum(np.abs(bound.base - filled), MIN_SCALE)
        targets = self.model.targets(self.options.target, level=self.options.level, length=X.shape[1])
        masks = np.ones((len(targets), *X.shape[:2]), dtype=np.float32)
        for t, target in enumerate(targets):
            for low in range(0, len(X), self._rows):
                part = slice(low, min(low + self._rows, len(X)))
                masks[t, part] = self._learned(bound, part, tracks[part], target, scale[part, t])
        deleted = 1 - masks if self.options.game == "deletion" else masks
        scores = np.where(is_known(X), deleted, np.float32(0.0)).transpose(1, 0, 2)
        return {
            "contributions": scores[..., None] * X[:, None],
            "diagnostics": self._diagnostics(bound, tracks, masks, scores, filled, scale),
        }

    # --- what is learned ---------------------------------------------------------------------------------------

    def _learned(self, bound: BoundSequences, part: slice, tracks: Array, target: Target, scale: Array) -> Array:
        """Return the masks of some sequences for one target, `(b, L)`: 1 where the sequence is kept."""
        options, rows = self.options, self._rows
        x = bound.X[part]
        real, length = x.shape[:2]
        step = self._step(target, length)
        shifts = self._shifts(length)
        given = [
            self.model.weights(),
            to_tensor(pad_rows(x, rows)),
            {name: to_tensor(pad_rows(value[part], rows)) for name, value in bound.extra.items()},
            [to_tensor(target.weights[v]) for v in sorted(target.weights)],
            to_tensor(pad_rows(1 / scale, rows)),
        ]
        fills = [to_tensor(pad_rows(tracks[:, k], rows)) for k in range(tracks.shape[1])]
        state = [to_tensor(np.ones((rows, length))), *(to_tensor(np.zeros((rows, length))) for _ in range(2))]
        place = np.arange(length)
        for i in range(int(options.steps)):
            seen = ops.convert_to_tensor(np.clip(place + shifts[i], 0, length - 1).astype(np.int32))
            unbias = to_tensor(np.array([1 - BETA_1 ** (i + 1), 1 - BETA_2 ** (i + 1)]))
            state = list(step(*given, fills[i % len(fills)], seen, unbias, state))
        return to_numpy(state[0])[:real]

    def _shifts(self, length: int) -> Array:
        """Return by how many bp the mask is moved in each step: the same for all sequences."""
        reach = int(self.options.jitter)
        generator = stream(int(self.options.random_state), "jitter", np.array([length]))
        return np.asarray(generator.integers(-reach, reach + 1, size=int(self.options.steps)))

    def _step(self, target: Target, length: int) -> Callable[..., Any]:
        """Return the compiled function that takes one step of Adam from the masks and its two moments."""
        options, graph, model = self.options, self._graph, self.model
        values = sorted(target.weights)
        over = tuple(tuple(target.softmax_over.get(v, ())) for v in values)
        positions = graph.needed_for(values)
        sign = 1.0 if options.game == "deletion" else -1.0
        l1, tv, power, rate = (float(v) for v in (options.l1, options.tv, options.tv_power, options.learning_rate))

        def make() -> Callable[..., Any]:
            def step(
                weights: Any, x: Tensor, extra: Any, masks: Any, inverse: Tensor, fill: Tensor, seen: Tensor,
                unbias: Tensor, state: Any,
            ) -> list[Tensor]:  # fmt: skip
                def objective(m: Tensor) -> Tensor:
                    kept = ops.expand_dims(ops.take(m, seen, axis=1), -1)
                    computed = graph.run(weights, model.feeds(kept * x + (1.0 - kept) * fill, extra), positions)
                    heads = [computed[v] for v in values]
                    score = sum(_weighed(h, w, axes) for h, w, axes in zip(heads, masks, over, strict=True))
                    # the gradient of Σ (1 − m) in the deletion game, of Σ m in the other
                    size = -sign * l1 * ops.sum(m, axis=1)
                    return sign * score * inverse + size + tv * _variation(m, power)

                m, mean, square = state
                (gradient,) = vjp(objective, [m], ops.ones_like(inverse))
                mean = BETA_1 * mean + (1 - BETA_1) * gradient
                square = BETA_2 * square + (1 - BETA_2) * gradient * gradient
                move = (mean / unbias[0]) / (ops.sqrt(square / unbias[1]) + EPSILON)
                return [ops.clip(m - rate * move, 0.0, 1.0), mean, square]

            return step

        key = ("mask", tuple(values), over, options.game, l1, tv, power, rate, self._rows, length)
        return model.compiled(key, make)

    # --- what came out -----------------------------------------------------------------------------------------

    def _mean_score(self, bound: BoundSequences, x: Array) -> Array:
        """Return the mean of the targets' values over `(n, k, L, 4)` versions of each sequence, `(n, t)` float64."""
        n, k = x.shape[:2]
        values = bound.whole(x.reshape(n * k, *x.shape[2:]), np.repeat(np.arange(n), k))
        return np.asarray(values.astype(np.float64).reshape(n, k, values.shape[1]).mean(axis=1))

    def _diagnostics(
        self, bound: BoundSequences, tracks: Array, masks: Array, scores: Array, filled: Array, scale: Array
    ) -> Array:
        """Return what was reached, without jitter: see `DIAGNOSTICS`."""
        options = self.options
        found = np.zeros((*filled.shape, len(DIAGNOSTICS)), dtype=np.float32)
        sign = 1.0 if options.game == "deletion" else -1.0
        for t, mask in enumerate(masks):
            kept = mask[:, None, :, None]
            masked = self._mean_score(bound, kept * bound.X[:, None] + (1 - kept) * tracks)[:, t]
            size = scores[:, t].sum(axis=1)
            steps = np.abs(np.diff(mask, axis=1)) ** float(options.tv_power)
            penalty = float(options.l1) * size + float(options.tv) * steps.sum(axis=1)
            objective = sign * masked / scale[:, t] + penalty
            found[:, t] = np.stack([objective, masked, filled[:, t], size], axis=1)
        return found


def _weighed(value: Tensor, weights: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return what one value gives to a target, `(b,)`; `axes` are those of a profile's softmax."""
    if axes:
        share = weights * ops.exp(value - ops.logsumexp(value, axis=axes, keepdims=True))
        weights = share - ops.mean(share, axis=axes, keepdims=True)
    return ops.sum(weights * value, axis=tuple(range(1, len(value.shape))))


def _variation(mask: Tensor, power: float) -> Tensor:
    """Return Σ |m_{i+1} − m_i|^power of each sequence, `(b,)`."""
    steps = ops.abs(mask[:, 1:] - mask[:, :-1])
    return ops.sum(steps if power == 1 else ops.power(steps, power), axis=1)
