"""The networks of the benchmarks, in Keras and, with the same weights, in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

LENGTHS = {"basset": 600, "bpnet": 2114, "chrombpnet": 2114}


def keras_basset(length: int = 600, seed: int = 0) -> Any:
    """Basset-like: 300/200/200 filters with batch normalisation and max pooling, two dense layers, 164 tasks."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((length, 4))
    for filters, width, pool in ((300, 19, 3), (200, 11, 4), (200, 7, 4)):
        x = layers.Conv1D(filters, width, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling1D(pool)(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(1000, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(164)(x))
    _randomise(model, seed)
    return model


def keras_bpnet(length: int = 2114, filters: int = 64, layers_dilated: int = 8, seed: int = 0) -> Any:
    """BPNet-like: one wide convolution, residual dilated ones, and the total-counts head."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    inputs = keras.Input((length, 4))
    x = layers.Conv1D(filters, 21, padding="same", activation="relu")(inputs)
    for i in range(1, layers_dilated + 1):
        y = layers.Conv1D(filters, 3, padding="same", dilation_rate=2**i, activation="relu")(x)
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, layers.Dense(1)(x))
    _randomise(model, seed)
    return model


def keras_chrombpnet() -> Any:
    """ChromBPNet-like: the BPNet-like network with 512 filters."""
    return keras_bpnet(filters=512)


def _randomise(model: Any, seed: int) -> None:
    """Give biases and normalisation statistics values that matter."""
    generator = np.random.default_rng(seed)
    for variable in model.variables:
        if variable.path.endswith("kernel"):  # He's scale keeps the activations' size from layer to layer
            fan_in = float(np.prod(variable.shape[:-1]))
            variable.assign(generator.normal(0, np.sqrt(2 / fan_in), variable.shape))
        elif variable.path.endswith(("bias", "beta", "moving_mean")):
            variable.assign(generator.normal(0, 0.1, variable.shape))
        elif variable.path.endswith(("gamma", "moving_variance")):
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))


def torch_basset(model: Any, length: int = 600) -> Any:
    """The same network for PyTorch, reading `(n, 4, length)`."""
    import torch

    parts: list[Any] = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Conv1D":
            parts.append(_torch_conv(layer))
        elif kind == "BatchNormalization":
            bn = torch.nn.BatchNorm1d(layer.gamma.shape[0], eps=layer.epsilon)
            for name, value in (
                ("weight", layer.gamma),
                ("bias", layer.beta),
                ("running_mean", layer.moving_mean),
                ("running_var", layer.moving_variance),
            ):
                getattr(bn, name).data = torch.tensor(np.array(value))
            parts.append(bn)
        elif kind == "ReLU":
            parts.append(torch.nn.ReLU())
        elif kind == "MaxPooling1D":
            parts.append(torch.nn.MaxPool1d(layer.pool_size[0]))
        elif kind == "Flatten":
            parts.append(torch.nn.Flatten())
            channels, positions = layer.input.shape[2], layer.input.shape[1]
        elif kind == "Dense":
            kernel = np.array(layer.kernel)
            if isinstance(parts[-1], torch.nn.Flatten):  # rows in channels-first order
                kernel = kernel.reshape(positions, channels, -1).transpose(1, 0, 2).reshape(-1, kernel.shape[1])
            linear = torch.nn.Linear(*kernel.shape)
            linear.weight.data, linear.bias.data = torch.tensor(kernel.T.copy()), torch.tensor(np.array(layer.bias))
            parts.append(linear)
            if layer.activation.__name__ == "relu":
                parts.append(torch.nn.ReLU())
    return torch.nn.Sequential(*parts).eval()


def _torch_conv(layer: Any) -> Any:
    import torch

    width, channels_in, channels_out = layer.kernel.shape
    conv = torch.nn.Conv1d(channels_in, channels_out, width, padding="same", dilation=layer.dilation_rate[0])
    conv.weight.data = torch.tensor(np.array(layer.kernel).transpose(2, 1, 0).copy())
    conv.bias.data = torch.tensor(np.array(layer.bias))
    return conv


def torch_bpnet(model: Any, length: int = 2114) -> Any:
    """The same network for PyTorch, reading `(n, 4, length)`."""
    import torch

    convolutions = [_torch_conv(layer) for layer in model.layers if type(layer).__name__ == "Conv1D"]
    dense = model.layers[-1]

    class BPNet(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolutions = torch.nn.ModuleList(convolutions)
            self.activations = torch.nn.ModuleList(torch.nn.ReLU() for _ in convolutions)  # one each: the peer hooks it
            self.dense = torch.nn.Linear(dense.kernel.shape[0], 1)
            self.dense.weight.data = torch.tensor(np.array(dense.kernel).T.copy())
            self.dense.bias.data = torch.tensor(np.array(dense.bias))

        def forward(self, x: Any) -> Any:
            x = self.activations[0](self.convolutions[0](x))
            for convolution, activation in zip(self.convolutions[1:], self.activations[1:], strict=True):
                x = x + activation(convolution(x))
            return self.dense(x.mean(dim=2))

    return BPNet().eval()


def multiply_adds(model: Any) -> float:
    """Multiply–adds of one forward pass of one sequence."""
    total = 0.0
    for layer in model.layers:
        if type(layer).__name__ == "Conv1D":
            total += layer.output.shape[1] * float(np.prod(layer.kernel.shape))
        elif type(layer).__name__ == "Dense":
            total += float(np.prod(layer.kernel.shape))
    return total


def torch_chrombpnet(model: Any) -> Any:
    """The same network for PyTorch, reading `(n, 4, length)`."""
    return torch_bpnet(model)
