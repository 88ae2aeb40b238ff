"""Every layer class that both generations of Keras have, once or more with options that matter.

`CATALOGUE` maps a name to how the layer is made, and to the shapes of its inputs without the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import numpy as np


@dataclass(frozen=True)
class Entry:
    """One layer and what it is called on."""

    make: Callable[[Any], Any]
    """From the `keras` module to the layer."""
    shapes: tuple[tuple[int | None, ...], ...]
    """One shape an input."""
    dtype: str = "float32"
    takes_list: bool = False
    """Whether the inputs are given as a list, also when there is one."""


LINE, IMAGE, FILM = (8, 4), (8, 8, 4), (6, 6, 6, 2)


def _one(make: Callable[[Any], Any], *shape: int | None, dtype: str = "float32") -> Entry:
    return Entry(make, (shape,), dtype)


def _several(make: Callable[[Any], Any], *shapes: tuple[int | None, ...]) -> Entry:
    return Entry(make, shapes, takes_list=True)


def _adapted(layer: Any) -> Any:
    layer.adapt(np.random.RandomState(1).random_sample((16, 4)).astype(np.float32))
    return layer


CATALOGUE: dict[str, Entry] = {
    # Core
    "Activation": _one(lambda k: k.layers.Activation("gelu"), 4),
    "Dense": _one(lambda k: k.layers.Dense(3), 4),
    "Dense options": _one(lambda k: k.layers.Dense(
        3, activation="swish", kernel_initializer=k.initializers.Orthogonal(0.5, seed=3),
        bias_initializer=k.initializers.Constant(0.25), kernel_regularizer=k.regularizers.L1L2(0.25, 0.5),
        bias_regularizer=k.regularizers.L2(0.25), activity_regularizer=k.regularizers.L1(0.5),
        kernel_constraint=k.constraints.MaxNorm(2, axis=0), bias_constraint="non_neg",
        trainable=False), 4),
    "Dense min_max": _one(lambda k: k.layers.Dense(
        3, kernel_constraint=k.constraints.MinMaxNorm(0.5, 2.0, 0.75, axis=0),
        kernel_initializer=k.initializers.VarianceScaling(2.0, "fan_out", "uniform"),
        bias_constraint=k.constraints.MinMaxNorm()), 4),
    "Dense unit_norm": _one(lambda k: k.layers.Dense(
        4, kernel_constraint=k.constraints.UnitNorm(axis=0),
        kernel_initializer=k.initializers.Identity(2.0),
        kernel_regularizer=k.regularizers.OrthogonalRegularizer(0.25)), 4),
    "Dense float16": _one(lambda k: k.layers.Dense(3, dtype="float16"), 4),
    "Dense mixed": _one(lambda k: k.layers.Dense(3, dtype="mixed_float16"), 4),
    "EinsumDense": _one(lambda k: k.layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d"), *LINE),
    "Embedding": _one(lambda k: k.layers.Embedding(7, 4), 5, dtype="int32"),
    "Embedding masked": _one(lambda k: k.layers.Embedding(7, 4, mask_zero=True), 5, dtype="int32"),
    "Identity": _one(lambda k: k.layers.Identity(), 4),
    "Masking": _one(lambda k: k.layers.Masking(0.5), *LINE),
    # Convolutions
    "Conv1D": _one(lambda k: k.layers.Conv1D(4, 3, padding="causal", dilation_rate=2), *LINE),
    "Conv2D": _one(lambda k: k.layers.Conv2D(4, 3, groups=2, strides=2, padding="same"), *IMAGE),
    "Conv3D": _one(lambda k: k.layers.Conv3D(4, 3), *FILM),
    "Conv1DTranspose": _one(lambda k: k.layers.Conv1DTranspose(4, 3, strides=2), *LINE),
    "Conv2DTranspose": _one(
        lambda k: k.layers.Conv2DTranspose(4, 3, strides=2, output_padding=1), *IMAGE),
    "Conv3DTranspose": _one(lambda k: k.layers.Conv3DTranspose(4, 3, strides=2), *FILM),
    "DepthwiseConv1D": _one(lambda k: k.layers.DepthwiseConv1D(3, depth_multiplier=2), *LINE),
    "DepthwiseConv2D": _one(lambda k: k.layers.DepthwiseConv2D(
        3, depthwise_initializer="he_normal", depthwise_regularizer="l2"), *IMAGE),
    "SeparableConv1D": _one(lambda k: k.layers.SeparableConv1D(
        4, 3, depthwise_initializer="he_normal", pointwise_regularizer="l2"), *LINE),
    "SeparableConv2D": _one(lambda k: k.layers.SeparableConv2D(4, 3, depth_multiplier=2), *IMAGE),
    # Pooling
    **{f"{kind}{n}D": _one(lambda k, c=f"{kind}{n}D": getattr(k.layers, c)(2, padding="same"), *shape)
       for kind in ("AveragePooling", "MaxPooling")
       for n, shape in ((1, LINE), (2, IMAGE), (3, FILM))},
    **{f"Global{kind}{n}D": _one(
        lambda k, c=f"Global{kind}{n}D": getattr(k.layers, c)(keepdims=True), *shape)
       for kind in ("AveragePooling", "MaxPooling")
       for n, shape in ((1, LINE), (2, IMAGE), (3, FILM))},
    # Recurrent
    "SimpleRNN": _one(lambda k: k.layers.SimpleRNN(3, dropout=0.25), *LINE),
    "LSTM": _one(lambda k: k.layers.LSTM(3), *LINE),
    "LSTM options": _one(lambda k: k.layers.LSTM(
        3, activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True,
        unroll=True, go_backwards=True, unit_forget_bias=False, recurrent_dropout=0.25), *LINE),
    "GRU": _one(lambda k: k.layers.GRU(3), *LINE),
    "GRU before": _one(lambda k: k.layers.GRU(3, reset_after=False, return_sequences=True), *LINE),
    "RNN LSTMCell": _one(lambda k: k.layers.RNN(k.layers.LSTMCell(3)), *LINE),
    "RNN GRUCell": _one(lambda k: k.layers.RNN(k.layers.GRUCell(3), return_sequences=True), *LINE),
    "RNN SimpleRNNCell": _one(lambda k: k.layers.RNN(k.layers.SimpleRNNCell(3)), *LINE),
    "RNN stacked": _one(lambda k: k.layers.RNN([k.layers.LSTMCell(3), k.layers.GRUCell(2)]), *LINE),
    "ConvLSTM1D": _one(lambda k: k.layers.ConvLSTM1D(2, 3), 3, *LINE),
    "ConvLSTM2D": _one(lambda k: k.layers.ConvLSTM2D(2, 3, return_sequences=True), 3, *IMAGE),
    "ConvLSTM3D": _one(lambda k: k.layers.ConvLSTM3D(2, 3), 3, *FILM),
    "Bidirectional": _one(lambda k: k.layers.Bidirectional(k.layers.LSTM(3, name="in")), *LINE),
    "Bidirectional two": _one(lambda k: k.layers.Bidirectional(
        k.layers.GRU(3, name="f"), backward_layer=k.layers.GRU(3, go_backwards=True, name="b"),
        merge_mode="sum"), *LINE),
    "TimeDistributed": _one(lambda k: k.layers.TimeDistributed(k.layers.Dense(3)), *LINE),
    # Normalization
    "BatchNormalization": _one(lambda k: k.layers.BatchNormalization(), *LINE),
    "BatchNormalization axis": _one(lambda k: k.layers.BatchNormalization(axis=1), *LINE),
    "GroupNormalization": _one(lambda k: k.layers.GroupNormalization(2), *LINE),
    "LayerNormalization": _one(lambda k: k.layers.LayerNormalization(), *LINE),
    "LayerNormalization axes": _one(lambda k: k.layers.LayerNormalization(axis=[1, 2]), *LINE),
    "UnitNormalization": _one(lambda k: k.layers.UnitNormalization(), *LINE),
    "Normalization": _one(lambda k: _adapted(k.layers.Normalization()), 4),
    "Normalization given": _one(lambda k: k.layers.Normalization(mean=0.5, variance=2.0), 4),
    # Attention
    "Attention": _several(lambda k: k.layers.Attention(use_scale=True), LINE, LINE),
    "AdditiveAttention": _several(lambda k: k.layers.AdditiveAttention(dropout=0.5), LINE, LINE),
    "MultiHeadAttention": Entry(lambda k: k.layers.MultiHeadAttention(2, 3), (LINE, LINE)),
    "MultiHeadAttention options": Entry(lambda k: k.layers.MultiHeadAttention(
        2, 3, value_dim=5, output_shape=7, attention_axes=(1,), dropout=0.25, use_bias=False),
        (LINE, LINE, LINE)),
    # Regularization
    "Dropout": _one(lambda k: k.layers.Dropout(0.5, noise_shape=(None, 1, 4), seed=3), *LINE),
    **{name: _one(lambda k, c=name: getattr(k.layers, c)(0.5), *shape) for name, shape in (
        ("SpatialDropout1D", LINE), ("SpatialDropout2D", IMAGE), ("SpatialDropout3D", FILM),
        ("GaussianDropout", (4,)), ("GaussianNoise", (4,)), ("AlphaDropout", (4,)))},
    "ActivityRegularization": _one(lambda k: k.layers.ActivityRegularization(0.1, 0.2), 4),
    # Reshaping
    "Reshape": _one(lambda k: k.layers.Reshape((4, 8)), *LINE),
    "Flatten": _one(lambda k: k.layers.Flatten(), *LINE),
    "Permute": _one(lambda k: k.layers.Permute((2, 1)), *LINE),
    "RepeatVector": _one(lambda k: k.layers.RepeatVector(3), 4),
    **{f"{kind}{n}D": _one(lambda k, c=f"{kind}{n}D": getattr(k.layers, c)(2), *shape)
       for kind in ("Cropping", "UpSampling", "ZeroPadding")
       for n, shape in ((1, LINE), (2, IMAGE), (3, FILM))},
    # Merging
    **{name: _several(lambda k, c=name: getattr(k.layers, c)(), (4,), (4,)) for name in (
        "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")},
    "Dot": _several(lambda k: k.layers.Dot(axes=(2, 1), normalize=True), (3, 4), (4, 5)),
    # Activations
    "ReLU": _one(lambda k: k.layers.ReLU(6.0, 0.125, 0.25), 4),
    "LeakyReLU": _one(lambda k: k.layers.LeakyReLU(0.25), 4),
    "PReLU": _one(lambda k: k.layers.PReLU(shared_axes=[1], alpha_initializer="ones"), *LINE),
    "ELU": _one(lambda k: k.layers.ELU(0.5), 4),
    "Softmax": _one(lambda k: k.layers.Softmax(axis=1), *LINE),
    # Preprocessing
    "Rescaling": _one(lambda k: k.layers.Rescaling(0.5, offset=0.25), 4),
    "CenterCrop": _one(lambda k: k.layers.CenterCrop(4, 4), *IMAGE),
    "Resizing": _one(lambda k: k.layers.Resizing(4, 4), *IMAGE),
    "RandomBrightness": _one(lambda k: k.layers.RandomBrightness(0.2, seed=1), 8, 8, 3),
    "RandomContrast": _one(lambda k: k.layers.RandomContrast(0.2, seed=1), 8, 8, 3),
    "RandomCrop": _one(lambda k: k.layers.RandomCrop(4, 4, seed=1), 8, 8, 3),
    "RandomFlip": _one(lambda k: k.layers.RandomFlip("horizontal", seed=1), 8, 8, 3),
    "RandomRotation": _one(lambda k: k.layers.RandomRotation(0.1, seed=1), 8, 8, 3),
    "RandomTranslation": _one(lambda k: k.layers.RandomTranslation(0.1, 0.1, seed=1), 8, 8, 3),
    "RandomZoom": _one(lambda k: k.layers.RandomZoom(0.1, seed=1), 8, 8, 3),
    "CategoryEncoding": _one(
        lambda k: k.layers.CategoryEncoding(7, output_mode="multi_hot"), 5, dtype="int32"),
    "Discretization": _one(lambda k: k.layers.Discretization([0.25, 0.5]), 4),
    "Hashing": _one(lambda k: k.layers.Hashing(5), 4, dtype="int32"),
    "IntegerLookup": _one(lambda k: k.layers.IntegerLookup(vocabulary=[3, 5]), 4, dtype="int64"),
    "StringLookup": _one(lambda k: k.layers.StringLookup(vocabulary=["a", "b"]), 4, dtype="string"),
    "TextVectorization": _one(
        lambda k: k.layers.TextVectorization(vocabulary=["a", "b"]), 1, dtype="string"),
}


def model(keras: Any, entry: Entry) -> Any:
    """A Functional model of one layer, called `layer`, on its inputs."""
    inputs = [keras.Input(shape=shape, dtype=entry.dtype, name=f"input_{index}")
              for index, shape in enumerate(entry.shapes)]
    layer = entry.make(keras)
    outputs = layer(inputs) if entry.takes_list else layer(*inputs)
    return keras.Model(inputs, outputs, name="model")
