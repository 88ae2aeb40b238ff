"""The networks for the digits with which interchange is tried, and how a saved one is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keras_side.generation import Generation
from keras_side.training import training_rows

NETWORKS = ("plain", "normalized")
LOSS = "sparse_categorical_crossentropy"
BATCH = 32
VALIDATION_SPLIT = 0.2


def build(generation: Generation, network: str) -> Any:
    """`plain`: 64-32-10, relu and softmax; `normalized`: BatchNormalization and Dropout between."""
    keras = generation.keras
    layers = keras.layers
    between = [layers.BatchNormalization(), layers.Dropout(0.2)] if network == "normalized" else []
    return keras.Sequential([
        keras.Input(shape=(64,)),
        layers.Dense(32, activation="relu"),
        *between,
        layers.Dense(10, activation="softmax"),
    ])


def compile_model(generation: Generation, model: Any, rate: float, ema: float | None) -> None:
    """Compiles with Adagrad and builds the optimizer, so that a file's state finds its place."""
    arguments: dict[str, Any] = {"learning_rate": rate}
    if ema is not None:
        arguments |= {"use_ema": True, "ema_momentum": ema}
    model.compile(generation.adagrad(arguments), LOSS, run_eagerly=True)
    model.optimizer.build(model.trainable_variables)


def load(generation: Generation, file: Path, architecture: Path, ema: float | None) -> Any:
    """Opens a saved model as a user of Keras would.

    A whole model by `load_model`. Weights alone go into a model made from the architecture and
    compiled with a learning rate that is not the file's: what is stored must win.
    """
    if not file.name.endswith(".weights.h5"):
        return generation.keras.models.load_model(str(file))
    model = generation.keras.models.model_from_json(architecture.read_text("utf-8"))
    compile_model(generation, model, rate=0.75, ema=ema)
    model.load_weights(str(file))
    return model


def save(model: Any, file: Path) -> None:
    """Saves in the layout that the suffix names."""
    if file.name.endswith(".weights.h5"):
        model.save_weights(str(file))
    else:
        model.save(str(file))


def training_digits(digits: Path) -> tuple[np.ndarray, np.ndarray]:
    """The rows to train on; the last fifth is left to validation."""
    with h5py.File(digits, "r") as file:
        return training_rows(file["x"][:], file["y"][:], VALIDATION_SPLIT)
