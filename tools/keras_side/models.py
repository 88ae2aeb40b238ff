"""The small models that are saved as fixtures, the same in both generations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

import numpy as np

from keras_side.generation import Generation


@dataclass(frozen=True)
class Example:
    """A compiled model and data of the right shape."""

    model: Any
    x: np.ndarray
    y: np.ndarray


def mlp(generation: Generation, random: np.random.RandomState, use_ema: bool = False) -> Example:
    """Dense, BatchNormalization, Dropout, Dense; class labels."""
    keras = generation.keras
    layers = keras.layers
    model = keras.Sequential([
        keras.Input(shape=(20,)),
        layers.Dense(12, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(0.25),
        layers.Dense(5, activation="softmax"),
    ])
    arguments: dict[str, Any] = {"learning_rate": 0.05}
    if use_ema:
        arguments |= {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 3}
    model.compile(generation.adagrad(arguments), "sparse_categorical_crossentropy",
                  metrics=["accuracy"], run_eagerly=True)
    return Example(model, random.random_sample((48, 20)).astype(np.float32),
                   random.randint(0, 5, 48).astype(np.int64))


def mlp_ema(generation: Generation, random: np.random.RandomState) -> Example:
    """The same with moving averages that overwrite the weights every third step."""
    return mlp(generation, random, use_ema=True)


def embedding(generation: Generation, random: np.random.RandomState) -> Example:
    """Embedding, average over the tokens, one sigmoid; moving averages."""
    keras = generation.keras
    layers = keras.layers
    model = keras.Sequential([
        keras.Input(shape=(6,), dtype="int32"),
        layers.Embedding(30, 8, name="tokens"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1, activation="sigmoid", name="verdict"),
    ])
    model.compile(generation.adagrad({"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.99}),
                  "binary_crossentropy", run_eagerly=True)
    return Example(model, random.randint(0, 30, (48, 6)).astype(np.int32),
                   random.randint(0, 2, (48, 1)).astype(np.float32))


def flatten(generation: Generation, random: np.random.RandomState) -> Example:
    """Flatten, Dense without bias, Activation; mean squared error; accumulators start at 0."""
    keras = generation.keras
    layers = keras.layers
    model = keras.Sequential([
        keras.Input(shape=(4, 3)),
        layers.Flatten(),
        layers.Dense(6, use_bias=False, kernel_initializer="he_normal"),
        layers.Activation("tanh"),
        layers.Dense(2, use_bias=False),
        layers.Activation("linear"),
    ])
    model.compile(generation.adagrad({"learning_rate": 0.01, "initial_accumulator_value": 0.0,
                                      "epsilon": 1e-3}), "mean_squared_error", run_eagerly=True)
    return Example(model, random.random_sample((48, 4, 3)).astype(np.float32),
                   random.random_sample((48, 2)).astype(np.float32))


def classifier(optimizer: str, **arguments: Any) -> Callable[..., Example]:
    """A maker of a small Dense, Dense classifier that is compiled with `optimizer`."""
    def make(generation: Generation, random: np.random.RandomState) -> Example:
        keras = generation.keras
        layers = keras.layers
        model = keras.Sequential([
            keras.Input(shape=(4,)),
            layers.Dense(3, activation="relu", name="hidden"),
            layers.Dense(2, activation="softmax", name="output"),
        ])
        model.compile(generation.optimizer(optimizer, arguments),
                      "sparse_categorical_crossentropy", run_eagerly=True)
        return Example(model, random.random_sample((48, 4)).astype(np.float32),
                       random.randint(0, 2, 48).astype(np.int64))
    return make


MODELS: dict[str, Callable[[Generation, np.random.RandomState], Example]] = {
    "mlp": mlp, "mlp_ema": mlp_ema, "embedding": embedding, "flatten": flatten,
    "sgd": classifier("SGD", learning_rate=0.1),
    "sgd_nesterov": classifier("SGD", learning_rate=0.1, momentum=0.9, nesterov=True),
    "rmsprop": classifier("RMSprop", learning_rate=0.01, momentum=0.5, centered=True),
    "adam": classifier("Adam", learning_rate=0.01),
    "adamw": classifier("AdamW", learning_rate=0.01, amsgrad=True, use_ema=True)}
