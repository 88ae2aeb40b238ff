"""The architectures of the matrix: what each generation of Keras saves in every layout.

Each row of `ARCHITECTURES` builds one model; `Row` says how it is compiled and for whom it exists.
Options of optimizers, dtypes and odd names stand in `matrix_options.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

import numpy as np

from keras_side.generation import Generation

ALL = ("keras2", "tf_keras", "keras3")
KERAS2_FAMILY = ("keras2", "tf_keras")


@dataclass(frozen=True)
class Row:
    """One architecture and how it is compiled."""

    build: Callable[[Generation], Any]
    families: tuple[str, ...] = ALL
    """Whose Keras can have it."""
    optimizer: Mapping[str, Any] | None = field(default_factory=lambda: {"learning_rate": 0.05})
    """Arguments of Adagrad; None leaves the model uncompiled."""
    optimizer_class: str = "Adagrad"
    loss: str = "mean_squared_error"
    steps: int = 2
    """Training steps before saving."""
    policy: str | None = None
    """The global dtype policy while the model is made."""
    is_filled: bool = True
    """Whether variables and slots are filled with random numbers, so that no two are equal."""
    prepare: Callable[[Generation, Any], Any] | None = None
    """What happens to the trained model before the truth is taken; returns the model to save."""
    is_centred: bool = False
    """Whether weights are filled with numbers on both sides of zero, for models of many layers."""
    trains_on: bool = False
    """Whether the truth tells what a further step of training makes of the model."""
    whole_model_first: bool = False
    """Whether the whole-model file is saved first, which Keras 3 does not survive unharmed."""


def sequential(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(6,)), layers.Dense(5, activation="tanh"), layers.BatchNormalization(),
        layers.Dropout(0.25), layers.Dense(4, use_bias=False), layers.Activation("tanh"),
        layers.Dense(3)])


def sequential_without_input(g: Generation) -> Any:
    layers = g.keras.layers
    model = g.keras.Sequential(
        [layers.Dense(5, activation="tanh", name="zebra"), layers.LayerNormalization(name="middle"),
         layers.Dense(5, name="ant")], name="backwards")
    model.build((None, 5))
    return model


def branches(g: Generation) -> Any:
    layers = g.keras.layers
    inputs = g.keras.Input(shape=(6,), name="x")
    left = layers.Dense(4, activation="tanh", name="left")(inputs)
    right = layers.Dense(4, activation="tanh", name="right")(inputs)
    deeper = layers.Dense(4, name="deeper")(right)
    joined = layers.Concatenate()([layers.Add()([left, deeper]), right])
    outputs = layers.Dense(2, name="head")(joined)
    return g.keras.Model(inputs, outputs, name="branches")


def shared_layer(g: Generation) -> Any:
    """Two inputs, one Dense called twice, two outputs."""
    layers = g.keras.layers
    a, b = g.keras.Input(shape=(5,), name="a"), g.keras.Input(shape=(5,), name="b")
    shared = layers.Dense(4, activation="tanh", name="shared")
    first, second = shared(a), shared(b)
    return g.keras.Model(
        [a, b], [layers.Dense(4, name="second_head")(second), layers.Dense(4, name="first_head")(
            layers.Add()([first, second]))], name="shared_layer")


def _block(g: Generation, name: str, width: int = 4) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential(
        [g.keras.Input(shape=(width,)), layers.Dense(width, activation="tanh", name=f"{name}_p"),
         layers.BatchNormalization(name=f"{name}_bn"), layers.Dense(width, name=f"{name}_q")],
        name=name)


def nested_sequential(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential(
        [g.keras.Input(shape=(4,)), layers.Dense(4, name="before"), _block(g, "first"),
         _block(g, "second"), layers.Dense(4, name="after")], name="outer")


def nested_functional(g: Generation) -> Any:
    """Functional in Functional, with a Sequential beside it."""
    layers = g.keras.layers
    inner_input = g.keras.Input(shape=(4,), name="inner_input")
    x = layers.Dense(4, activation="tanh", name="inner_a")(inner_input)
    x = layers.BatchNormalization(name="inner_bn")(x)
    inner = g.keras.Model(inner_input, layers.Dense(4, name="inner_b")(x), name="inner")
    inputs = g.keras.Input(shape=(4,), name="x")
    outputs = layers.Add(name="sum")([inner(inputs), _block(g, "side")(inputs)])
    return g.keras.Model(inputs, layers.Dense(2, name="head")(outputs), name="outer")


def nested_twice(g: Generation) -> Any:
    """A model in a model in a model; the innermost is called twice."""
    layers = g.keras.layers
    core = _block(g, "core")
    middle_input = g.keras.Input(shape=(4,), name="middle_input")
    x = layers.Dense(4, name="middle_in")(middle_input)
    middle = g.keras.Model(
        middle_input, layers.Dense(4, name="middle_out")(core(core(x))), name="middle")
    return g.keras.Sequential(
        [g.keras.Input(shape=(4,)), middle, layers.Dense(4, name="top")], name="outer")


def recurrent(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 4)), layers.LSTM(4, return_sequences=True),
        layers.LSTM(4, return_sequences=True, use_bias=False), layers.SimpleRNN(4, name="simple"),
        layers.Dense(2)])


def gated(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 4)), layers.GRU(4, reset_after=True, return_sequences=True),
        layers.GRU(4, reset_after=False, name="before")])


def bidirectional(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 4)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True, name="l"), name="both"),
        layers.Bidirectional(
            layers.GRU(4, name="f"), backward_layer=layers.GRU(4, go_backwards=True, name="b")),
        layers.Dense(2)])


def stacked_cells(g: Generation) -> Any:
    layers = g.keras.layers
    cells = [layers.LSTMCell(4), layers.LSTMCell(4), layers.GRUCell(4)]
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 4)), layers.RNN(cells, return_sequences=True),
        layers.RNN(layers.SimpleRNNCell(4), name="single")])


def time_distributed(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 4)), layers.TimeDistributed(layers.Dense(4), name="each"),
        layers.TimeDistributed(layers.BatchNormalization()), layers.Dense(4)])


def wrapped_models(g: Generation) -> Any:
    """Models in wrappers: one of them in two wrappers, one with a wrapped model inside."""
    layers = g.keras.layers
    steps = g.keras.Input(shape=(2, 4), name="steps")
    x = layers.Dense(4, name="first")(steps)
    x = layers.TimeDistributed(_block(g, "deep"), name="each_step")(x)
    x = layers.Dense(4, name="second")(layers.Add()([x, layers.Dense(4, name="aside")(steps)]))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="l"), name="both")(x)
    film = g.keras.Model(steps, x, name="film")
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 2, 4)), layers.TimeDistributed(film), layers.Dense(4),
        layers.TimeDistributed(layers.TimeDistributed(_block(g, "point")), name="all"),
        layers.TimeDistributed(layers.Dense(4))])


def frozen_wrapped_model(g: Generation) -> Any:
    """A frozen layer of a model in a wrapper, and a frozen wrapper."""
    layers = g.keras.layers
    block = _block(g, "block")
    block.get_layer("block_p").trainable = False
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 4)), layers.TimeDistributed(block), layers.Dense(4),
        layers.TimeDistributed(_block(g, "still"), trainable=False), layers.Dense(4)])


def frozen_wrappers(g: Generation) -> Any:
    """Frozen as they are made, which in Keras 3 freezes nothing that is inside them."""
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 4)),
        layers.Bidirectional(layers.LSTM(2, return_sequences=True), name="both", trainable=False),
        layers.TimeDistributed(layers.Dense(4), name="each", trainable=False), layers.Dense(4),
        layers.RNN(layers.GRUCell(4), name="single", trainable=False), layers.Dense(2)])


def convolutions(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(8, 8, 3)), layers.Conv2D(4, 3, padding="same", activation="tanh"),
        layers.DepthwiseConv2D(3, padding="same"),
        layers.SeparableConv2D(4, 3, padding="same", use_bias=False),
        layers.BatchNormalization(), layers.MaxPooling2D(), layers.Conv2DTranspose(2, 2, strides=2),
        layers.GlobalAveragePooling2D(), layers.Dense(2)])


def more_convolutions(g: Generation) -> Any:
    layers = g.keras.layers
    line = g.keras.Input(shape=(8, 3), name="line")
    x = layers.Conv1D(4, 3, name="one")(line)
    x = layers.SeparableConv1D(4, 3, name="split")(x)
    x = layers.Conv1DTranspose(4, 2, name="up")(x)
    film = g.keras.Input(shape=(3, 4, 4, 2), name="film")
    y = layers.ConvLSTM2D(3, 2, name="film_memory")(film)
    z = layers.GlobalAveragePooling3D()(layers.Conv3D(2, 2, name="block")(film))
    return g.keras.Model(
        [line, film],
        [layers.GlobalAveragePooling1D()(x), layers.GlobalAveragePooling2D()(y), z])


def attention(g: Generation) -> Any:
    layers = g.keras.layers
    tokens = g.keras.Input(shape=(5,), dtype="int32", name="tokens")
    x = layers.Embedding(11, 8, name="words")(tokens)
    y = layers.MultiHeadAttention(2, 4, name="look")(x, x)
    x = layers.LayerNormalization(name="calm")(layers.Add()([x, y]))
    y = layers.MultiHeadAttention(2, 4, use_bias=False)(x, x)
    x = layers.LayerNormalization(center=False)(layers.Add()([x, y]))
    return g.keras.Model(tokens, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))


def encoder_decoder(g: Generation) -> Any:
    """States handed over, arguments by keyword, a tensor used as two arguments."""
    layers = g.keras.layers
    source = g.keras.Input(shape=(3, 4), name="source")
    target = g.keras.Input(shape=(5, 4), name="target")
    sequence, *states = layers.LSTM(4, return_sequences=True, return_state=True, name="reads")(
        source)
    x = layers.LSTM(4, return_sequences=True, name="writes")(target, initial_state=states)
    x = layers.Dropout(0.5)(x, training=False)
    x = layers.MultiHeadAttention(2, 4, name="looks")(
        x, value=sequence, key=sequence, use_causal_mask=True)
    x = layers.Attention()([x, sequence])
    return g.keras.Model([source, target], [layers.Dense(2, name="says")(x)], name="pair")


def einsum(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(3, 4)), layers.EinsumDense("abc,cd->abd", (3, 5), bias_axes="d"),
        layers.PReLU(shared_axes=[1]), layers.EinsumDense("abc,cd->abd", (3, 4)),
        layers.LayerNormalization(), layers.Dense(5), layers.PReLU(shared_axes=[1]),
        layers.GlobalAveragePooling1D(), layers.Dense(2), layers.PReLU()])


def normalizations(g: Generation) -> Any:
    layers = g.keras.layers
    adapted = layers.Normalization(name="adapted")
    adapted.adapt(np.random.RandomState(1).random_sample((16, 4)).astype(np.float32))
    return g.keras.Sequential([
        g.keras.Input(shape=(4,)), adapted, layers.Normalization(mean=0.5, variance=2.0),
        layers.Dense(4), layers.BatchNormalization(center=False), layers.Dense(4),
        layers.BatchNormalization(scale=False), layers.Dense(4),
        layers.BatchNormalization(center=False, scale=False),
        layers.LayerNormalization(scale=False), layers.Dense(4)])


def group_normalization(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential([
        g.keras.Input(shape=(4, 4)), layers.GroupNormalization(2), layers.Dense(4),
        layers.GroupNormalization(2, scale=False), layers.GaussianNoise(0.1),
        layers.UnitNormalization(), layers.Rescaling(0.5)])


def frozen_layer(g: Generation) -> Any:
    model = sequential(g)
    model.layers[0].trainable = False
    return model


def frozen_normalization(g: Generation) -> Any:
    model = sequential(g)
    next(each for each in model.layers if "Batch" in type(each).__name__).trainable = False
    return model


def frozen_inner_layer(g: Generation) -> Any:
    """In a whole-model file the frozen layer's weights stand at the end of the block's."""
    block = _block(g, "block")
    block.get_layer("block_p").trainable = False
    return g.keras.Sequential(
        [g.keras.Input(shape=(4,)), block, g.keras.layers.Dense(4, name="after")], name="outer")


def frozen_inner_model(g: Generation) -> Any:
    model = nested_twice(g)
    model.get_layer("middle").get_layer("core").trainable = False
    return model


def frozen_wrapped(g: Generation) -> Any:
    """One direction of a Bidirectional is frozen, which not every configuration tells."""
    layers = g.keras.layers
    model = g.keras.Sequential([
        g.keras.Input(shape=(3, 4)), layers.Bidirectional(layers.LSTM(4, name="l"), name="both"),
        layers.Dense(2)])
    model.layers[0].forward_layer.trainable = False
    return model


def frozen_model(g: Generation) -> Any:
    """All is frozen but what is thawed again."""
    model = nested_sequential(g)
    model.trainable = False
    model.trainable = True
    model.get_layer("second").trainable = False
    return model


def lookup(g: Generation) -> Any:
    """A vocabulary, which is an asset of an archive, before layers with weights."""
    layers = g.keras.layers
    table = layers.StringLookup(vocabulary=["cairn", "stone", "path"], num_oov_indices=1)
    return g.keras.Sequential([
        g.keras.Input(shape=(3,), dtype="string"), table, layers.Embedding(5, 4),
        layers.Flatten(), layers.Dense(2)])


ARCHITECTURES: dict[str, Row] = {
    build.__name__: Row(build) for build in (
        sequential, sequential_without_input, branches, shared_layer, nested_sequential,
        nested_functional, nested_twice, recurrent, gated, bidirectional, stacked_cells,
        time_distributed, wrapped_models, frozen_wrapped_model, frozen_wrappers, convolutions,
        more_convolutions, attention, encoder_decoder, einsum, normalizations, group_normalization,
        frozen_layer, frozen_normalization, frozen_inner_layer, frozen_inner_model, frozen_wrapped,
        frozen_model, lookup)}
