"""One eager training step, the same in both generations, that hands out its gradients."""

from __future__ import annotations

from typing import Any, Iterator

import numpy as np
import tensorflow as tf

from keras_side.generation import Generation


def train_step(generation: Generation, model: Any, x: np.ndarray,
               y: np.ndarray) -> tuple[np.float32, list[Any]]:
    """Forward, loss, gradients, update, as in `Model.train_step`; returns loss and gradients.

    The gradients stand in the order of `model.trainable_variables`.
    """
    with tf.GradientTape() as tape:
        predictions = model(x, training=True)
        loss = model.compute_loss(x=x, y=tf.convert_to_tensor(y), y_pred=predictions)
    trainable = model.trainable_variables
    gradients = tape.gradient(loss, generation.variables_to_differentiate(trainable))
    model.optimizer.apply_gradients(zip(gradients, trainable))
    return np.float32(loss.numpy()), gradients


def batches(x: np.ndarray, y: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Consecutive rows, the last batch short."""
    for start in range(0, len(x), size):
        yield x[start:start + size], y[start:start + size]


def training_rows(x: np.ndarray, y: np.ndarray,
                  validation_split: float) -> tuple[np.ndarray, np.ndarray]:
    """The rows that `fit(validation_split=...)` trains on: all but the tail."""
    count = int(len(x) * (1 - validation_split))
    return x[:count], y[:count]
