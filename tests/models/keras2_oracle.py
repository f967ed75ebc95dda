"""Run Keras 2 (tf_keras) in a process of its own: write a zoo of models, or predict with given files.

`python keras2_oracle.py zoo FOLDER` writes every model of the zoo in all formats, with inputs and outputs.
`python keras2_oracle.py predict OUT MODEL[|WEIGHTS] …` writes inputs and outputs of existing files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf
import tf_keras
from tf_keras import Input, Model, Sequential, layers

LENGTH = 24


def conv1d() -> Model:
    return Sequential(
        [
            layers.Conv1D(6, 5, padding="same", activation="relu", input_shape=(LENGTH, 4)),
            layers.BatchNormalization(axis=[2]),
            layers.LeakyReLU(alpha=0.2),
            layers.SeparableConv1D(5, 3, depth_multiplier=2, activation="elu"),
            layers.PReLU(shared_axes=[1]),
            layers.DepthwiseConv1D(3, depth_multiplier=2, padding="same"),
            layers.ELU(alpha=0.7),
            layers.MaxPooling1D(2),
            layers.Conv1D(8, 3, dilation_rate=2, padding="causal", activation="selu", groups=2),
            layers.ThresholdedReLU(theta=0.1),
            layers.SpatialDropout1D(0.3),
            layers.AveragePooling1D(2, padding="same"),
            layers.Conv1DTranspose(4, 3),
            layers.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.05),
            layers.Flatten(),
            layers.Dense(5, activation="swish", kernel_regularizer="l2", bias_constraint="non_neg"),
            layers.Dense(3),
            layers.Softmax(),
        ]
    )


def conv2d() -> Model:
    return Sequential(
        [
            layers.Reshape((LENGTH, 4, 1), input_shape=(LENGTH, 4)),
            layers.Conv2D(6, (5, 4), activation="gelu", padding="same"),
            layers.SeparableConv2D(4, (3, 2), activation="tanh"),
            layers.DepthwiseConv2D((3, 1), activation="softplus"),
            layers.ZeroPadding2D(((1, 2), (0, 1))),
            layers.Cropping2D(((1, 0), (0, 1))),
            layers.UpSampling2D((2, 1), interpolation="bilinear"),
            layers.MaxPooling2D((2, 1)),
            layers.AveragePooling2D((2, 1), padding="same"),
            layers.Conv2DTranspose(3, 2),
            layers.LayerNormalization(),
            layers.GlobalMaxPooling2D(),
            layers.Dense(2, activation="hard_sigmoid"),
        ]
    )


def resizing() -> Model:
    x = given = Input((LENGTH, 4), name="dna")
    x = layers.ZeroPadding1D((2, 1))(x)
    x = layers.Cropping1D((1, 2))(x)
    x = layers.UpSampling1D(2)(x)
    x = layers.Permute((2, 1))(x)
    x = layers.LayerNormalization(axis=[2], epsilon=0.01)(x)
    a, b = layers.GlobalMaxPooling1D()(x), layers.GlobalAveragePooling1D(keepdims=True)(x)
    b = layers.Flatten()(b)
    c = layers.GlobalAveragePooling1D()(layers.RepeatVector(3)(a))
    return Model(given, layers.Concatenate()([a, b, c, layers.Rescaling(0.5, 0.1)(a)]))


def recurrent() -> Model:
    given = Input((LENGTH, 4))
    x = layers.Masking(0.0)(given)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid"))(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True, reset_after=False), merge_mode="sum")(x)
    y, h, c = layers.LSTM(4, return_sequences=True, return_state=True, go_backwards=True)(x)
    z = layers.LSTM(4)(y, initial_state=[h, c])
    w = layers.GRU(4, reset_after=True, activation="relu")(y, initial_state=h)
    v = layers.SimpleRNN(2, use_bias=False)(y)
    stack = layers.RNN([layers.LSTMCell(3, recurrent_activation="hard_sigmoid"), layers.GRUCell(2)])(y)
    return Model(given, layers.concatenate([z, w, v, stack]))


def merging() -> Model:
    one, two = Input((LENGTH, 4), name="b/one"), Input((5,), name="a/two")
    x = layers.Flatten()(one)
    a, b = layers.Dense(5, name="scope/dense")(x), layers.Dense(5, name="scope/other")(two)
    parts = [layer([a, b]) for layer in (layers.Add(), layers.Subtract(), layers.Multiply(), layers.Average())]
    parts += [layers.Maximum()([a, b]), layers.Minimum()([a, b]), layers.Dot(axes=1, normalize=True)([a, b])]
    return Model([one, two], [layers.Concatenate(name="all")(parts), layers.Activation("sigmoid", name="p")(b)])


def nested() -> Model:
    inner_in = Input((LENGTH, 4))
    shared = layers.Conv1D(4, 3, padding="same", name="shared")
    inner = Model(inner_in, layers.add([shared(shared(inner_in)), inner_in]), name="inner")
    trunk = Sequential(
        [
            layers.Conv1D(4, 3, padding="same", input_shape=(LENGTH, 4), name="first"),
            layers.BatchNormalization(),
            layers.Conv1D(4, 3, padding="same", trainable=False, name="frozen"),
            layers.Conv1D(4, 3, padding="same", name="last"),
        ],
        name="trunk",
    )
    middle_in = Input((LENGTH, 4))
    middle = Model(middle_in, trunk(inner(middle_in)), name="middle")
    given = Input((LENGTH, 4))
    again = Sequential([layers.Dense(4, input_shape=(LENGTH, 4))], name="again")
    a, b = middle(given), middle(again(given))
    heads = [layers.TimeDistributed(layers.Dense(2), name=f"head{i}") for i in range(2)]
    return Model(given, [heads[0](a), heads[1](layers.multiply([a, b])), middle(layers.ReLU()(given))])


def frozen() -> Model:
    first, last = layers.Conv1D(4, 3, input_shape=(LENGTH, 4)), layers.Conv1D(4, 3)
    trunk = Sequential([first, layers.BatchNormalization(), last])
    trunk.trainable = False
    first = layers.Conv1D(4, 3, input_shape=(LENGTH, 4), trainable=False)
    side = Sequential([first, layers.Conv1D(4, 3, padding="same")])
    given = Input((LENGTH, 4))
    joined = layers.Concatenate()([layers.Flatten()(trunk(given)), layers.Flatten()(side(given))])
    return Model(given, layers.Dense(2)(joined))


def diamond() -> Model:
    """Equal layers whose order in the graph differs from the order of making."""
    given = Input((LENGTH, 4))
    late, early = layers.Dense(4, name="late"), layers.Dense(4, name="early")
    deep = layers.Dense(4, name="deep")
    x = early(given)
    y = late(layers.ReLU()(x))
    z = deep(given)
    return Model(given, [layers.Subtract()([y, z]), layers.Multiply()([x, z])])


def attention() -> Model:
    given = Input((LENGTH, 4))
    x = layers.MultiHeadAttention(2, 3, value_dim=5)(given, given)
    x = layers.Add()([x, given])
    x = layers.Attention(use_scale=True)([x, given])
    x = layers.AdditiveAttention()([x, given])
    return Model(given, layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d")(x))


def functions() -> Model:
    given, other = Input((LENGTH, 4)), Input((4,))
    x = 2.0 * given - 1.0
    x = tf.nn.relu(x + given) / 3.0
    x = x[:, 2:-2, ::2]
    x = tf.concat([x, tf.math.exp(-x), tf.nn.leaky_relu(x), tf.nn.gelu(x)], axis=-1)
    x = tf.transpose(x, [0, 2, 1])
    x = tf.matmul(x, x, transpose_b=True)
    y = tf.reduce_max(x, axis=1) + tf.math.reduce_mean(x, axis=[1], keepdims=False)
    y = tf.nn.softmax(tf.reshape(y, [-1, 4, 2]), axis=1)
    y = tf.squeeze(tf.expand_dims(tf.reduce_sum(y, axis=-1), 1), 1) * other
    return Model([given, other], tf.stack([y, tf.clip_by_value(other, 0.2, 0.6), tf.maximum(y, other)], axis=1))


def normalisation() -> Model:
    first = layers.Normalization(axis=-1, input_shape=(LENGTH, 4))
    model = Sequential([first, layers.Dense(2), layers.GlobalMaxPooling1D()])
    first.adapt(np.random.default_rng(3).normal(2.0, 3.0, (50, LENGTH, 4)).astype("float32"))
    return model


def any_length() -> Model:
    given = Input((None, 4))
    x = layers.Conv1D(3, 4, activation="exponential", dtype="float32")(given)
    return Model(given, layers.GlobalMaxPooling1D()(x))


def wrapped() -> Model:
    inner = Sequential([layers.Dense(3, input_shape=(4,), activation="tanh"), layers.Dense(2)])
    given = Input((LENGTH, 4))
    return Model(given, layers.TimeDistributed(inner)(given))


def half() -> Model:
    """Mixed precision, compiled and trained a step, so that the files hold an optimizer's state too."""
    policy = tf_keras.mixed_precision.Policy("mixed_float16")
    model = Sequential(
        [
            layers.Conv1D(3, 5, input_shape=(LENGTH, 4), dtype=policy),
            layers.BatchNormalization(dtype=policy),
            layers.GlobalMaxPooling1D(dtype="float32"),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((2, LENGTH, 4)), np.ones((2, 3)), verbose=0)
    return model


ZOO: dict[str, Callable[[], Model]] = {
    make.__name__: make
    for make in (
        conv1d, conv2d, resizing, recurrent, merging, nested, frozen, diamond, attention, functions,
        normalisation, any_length, wrapped, half,
    )
}  # fmt: skip


def inputs_of(model: Model, rng: np.random.Generator) -> list[np.ndarray]:
    """Random DNA, one-hot, for every input that is a sequence; random numbers for the others."""
    arrays = []
    for given in model.inputs:
        shape = (4, *(n or 30 for n in given.shape[1:]))
        dna = len(shape) == 3 and shape[-1] == 4
        arrays.append(np.eye(4, dtype="float32")[rng.integers(0, 4, shape[:-1])] if dna else rng.random(shape))
    return [array.astype("float32") for array in arrays]


def predict(model: Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    result = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    return [np.asarray(part) for part in (result if isinstance(result, (list, tuple)) else [result])]


def keep(path: Path, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
    arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(outputs)}
    np.savez(path, **arrays)


def write_zoo(folder: Path) -> None:
    for number, (name, make) in enumerate(ZOO.items()):
        rng = np.random.default_rng(number)
        tf_keras.backend.clear_session()
        model = make()
        if name != "normalisation":
            # Positive, because some are variances.
            model.set_weights([rng.uniform(0.02, 0.5, w.shape).astype(w.dtype) for w in model.get_weights()])
            for layer in model._flatten_layers():
                if layer.weights and not isinstance(layer, (Model, layers.BatchNormalization)):
                    for weight in layer.weights:
                        if "kernel" in weight.name:
                            weight.assign(rng.normal(0, 0.4, weight.shape).astype("float32"))
        inputs = inputs_of(model, rng)
        keep(folder / f"{name}.npz", inputs, predict(model, inputs))
        model.save(folder / f"{name}.h5")
        model.save(folder / f"{name}.keras")
        model.save_weights(folder / f"{name}_old.h5")
        model.save_weights(folder / f"{name}_new.weights.h5")
        (folder / f"{name}.json").write_text(model.to_json())
    write_cudnn(folder)


def write_cudnn(folder: Path) -> None:
    """Files with the weights of cuDNN's layers, which tf_keras converts for its own ones as it loads them."""
    for kind, gates in (("LSTM", 4), ("GRU", 3)):
        rng = np.random.default_rng(gates)
        given = Input((LENGTH, 4))
        model = Model(given, getattr(layers, kind)(5, name="recurrent")(given))
        path = folder / f"cudnn_{kind.lower()}.h5"
        model.save_weights(path)
        shapes = {"kernel": (4, 5 * gates), "recurrent_kernel": (5, 5 * gates), "bias": (10 * gates,)}
        with h5py.File(path, "a") as file:
            group = file["recurrent"]
            for name in [n.decode() if isinstance(n, bytes) else n for n in group.attrs["weight_names"]]:
                del group[name]
                key = name.rpartition("/")[2].removesuffix(":0")
                group[name] = rng.normal(0, 0.4, shapes[key]).astype("float32")
        model.load_weights(path)
        config = model.to_json().replace(f'"class_name": "{kind}"', f'"class_name": "CuDNN{kind}"')
        (folder / f"cudnn_{kind.lower()}.json").write_text(config)
        inputs = inputs_of(model, rng)
        keep(folder / f"cudnn_{kind.lower()}.npz", inputs, predict(model, inputs))


def predict_files(out: Path, files: list[str]) -> None:
    for number, entry in enumerate(files):
        architecture, _, weights = entry.partition("|")
        if weights:
            model = tf_keras.models.model_from_json(Path(architecture).read_text())
            model.load_weights(weights)
        else:
            model = tf_keras.models.load_model(architecture, compile=False)
        inputs = inputs_of(model, np.random.default_rng(number))
        keep(out / f"{number}.npz", inputs, predict(model, inputs))


if __name__ == "__main__":
    if sys.argv[1] == "zoo":
        write_zoo(Path(sys.argv[2]))
    else:
        predict_files(Path(sys.argv[2]), sys.argv[3:])
