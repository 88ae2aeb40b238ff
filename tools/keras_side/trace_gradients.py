"""The gradients of a trace: dense arrays, or values for some rows of a variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_side.trace_table import GRADIENT_KINDS, Shape, TraceRow


@dataclass(frozen=True)
class DenseGradient:
    """One value for each element of the variable."""

    values: np.ndarray

    def tensor(self) -> tf.Tensor:
        """What Keras is given."""
        return tf.constant(self.values)

    def zeroed(self) -> DenseGradient:
        """What is stored where Keras is given None."""
        return DenseGradient(np.zeros_like(self.values))

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored, by the end of its path."""
        return {"": self.values}


@dataclass(frozen=True)
class RowGradient:
    """Values (k, row...) for the rows `indices` (k) of a variable, some of them listed twice."""

    indices: np.ndarray
    values: np.ndarray
    shape: Shape

    def tensor(self) -> tf.IndexedSlices:
        """What Keras is given."""
        return tf.IndexedSlices(tf.constant(self.values), tf.constant(self.indices),
                                tf.constant(self.shape, tf.int64))

    def zeroed(self) -> RowGradient:
        """What is stored where Keras is given None."""
        return RowGradient(np.zeros_like(self.indices), np.zeros_like(self.values), self.shape)

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored, by the end of its path."""
        return {"/indices": self.indices, "/values": self.values}


def gradients_of(row: TraceRow, random: np.random.RandomState,
                 dtype: np.dtype) -> list[list[Any]]:
    """All gradients of a row: one list for each step, one entry for each variable."""
    kind = GRADIENT_KINDS[row.gradients]

    def gradient(index: int, shape: Shape, step: int) -> DenseGradient | RowGradient:
        if index not in row.row_indexed:
            return DenseGradient(np.asarray(kind(random, shape, step)).astype(dtype))
        count = row.row_indexed[index]
        indices = random.randint(0, shape[0], count).astype(np.int64)
        if count > 1 and step % 3 != 2:
            indices[-1] = indices[0]  # Two steps in three have a row twice at least.
        values = np.asarray(kind(random, (count, *shape[1:]), step)).astype(dtype)
        return RowGradient(indices, values, shape)

    return [[gradient(index, shape, step) for index, shape in enumerate(row.shapes)]
            for step in range(row.steps)]
