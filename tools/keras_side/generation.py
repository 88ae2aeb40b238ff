"""The two generations of Keras behind one set of names.

`current()` returns the one that is installed in this environment. Private members of Keras are
read only here; the versions are pinned, so they cannot move.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Mapping, Sequence

import numpy as np
import tensorflow as tf


class Generation(ABC):
    """One generation of Keras: how to make, drive and look into an optimizer and a model."""

    name: str
    """The folder of its fixtures: `keras-2.12` or `keras-3.15`."""
    arithmetic: str
    """Cairn's name for its formulas: `keras2` or `keras3`."""
    keras: Any
    """The `keras` module itself."""

    @abstractmethod
    def adagrad(self, arguments: Mapping[str, Any]) -> Any:
        """The Adagrad optimizer of this generation."""

    @abstractmethod
    def variable(self, value: np.ndarray, name: str) -> Any:
        """A trainable variable with the value's shape and dtype."""

    @abstractmethod
    def variables_to_differentiate(self, variables: Sequence[Any]) -> list[Any]:
        """What `GradientTape.gradient` takes for these variables."""

    @abstractmethod
    def slots(self, optimizer: Any, variable: Any) -> dict[str, np.ndarray]:
        """The slot variables that belong to `variable`, by Cairn's slot names."""

    @abstractmethod
    def own_name(self, variable: Any) -> str:
        """The variable's name inside its layer: `kernel`."""

    @abstractmethod
    def raw_name(self, variable: Any) -> str:
        """The name as Keras writes it: `dense/kernel:0` or `sequential/dense/kernel`."""

    @abstractmethod
    def rate_used_next(self, optimizer: Any) -> float:
        """The learning rate with which the next step will run."""

    def array(self, variable: Any) -> np.ndarray:
        """The variable's value."""
        return np.asarray(variable.numpy())

    def configuration(self, optimizer: Any) -> dict[str, Any]:
        """`get_config`, with NumPy and TensorFlow scalars turned into numbers."""
        return {key: value.item() if hasattr(value, "item") else value
                for key, value in optimizer.get_config().items()}

    def versions(self) -> dict[str, str]:
        """The versions that decide about the numbers."""
        return {"keras": self.keras.__version__, "tensorflow": tf.__version__,
                "numpy": np.__version__}


class Keras2(Generation):
    """Keras 2.12 as TensorFlow 2.12 exports it."""

    name = "keras-2.12"
    arithmetic = "keras2"

    def __init__(self) -> None:
        self.keras = tf.keras

    def adagrad(self, arguments: Mapping[str, Any]) -> Any:
        return tf.keras.optimizers.experimental.Adagrad(**arguments)

    def variable(self, value: np.ndarray, name: str) -> Any:
        return tf.Variable(value, name=name)

    def variables_to_differentiate(self, variables: Sequence[Any]) -> list[Any]:
        return list(variables)

    def slots(self, optimizer: Any, variable: Any) -> dict[str, np.ndarray]:
        index = optimizer._index_dict[optimizer._var_key(variable)]
        slots = {"accumulator": optimizer._accumulators[index].numpy()}
        if optimizer.use_ema:
            slots["average"] = optimizer._model_variables_moving_average[index].numpy()
        return slots

    def own_name(self, variable: Any) -> str:
        return variable.name.rsplit("/", 1)[-1].removesuffix(":0")

    def raw_name(self, variable: Any) -> str:
        return variable.name

    def rate_used_next(self, optimizer: Any) -> float:
        return float(np.asarray(optimizer.learning_rate.numpy()))


class Keras3(Generation):
    """Keras 3.15 with the TensorFlow backend."""

    name = "keras-3.15"
    arithmetic = "keras3"

    def __init__(self) -> None:
        import keras
        self.keras = keras

    def adagrad(self, arguments: Mapping[str, Any]) -> Any:
        return self.keras.optimizers.Adagrad(**arguments)

    def variable(self, value: np.ndarray, name: str) -> Any:
        return self.keras.Variable(value, dtype=value.dtype.name, name=name)

    def variables_to_differentiate(self, variables: Sequence[Any]) -> list[Any]:
        return [variable.value for variable in variables]

    def slots(self, optimizer: Any, variable: Any) -> dict[str, np.ndarray]:
        index = optimizer._get_variable_index(variable)
        slots = {"accumulator": optimizer._accumulators[index].numpy()}
        if optimizer.use_ema:
            slots["average"] = optimizer._model_variables_moving_average[index].numpy()
        return slots

    def own_name(self, variable: Any) -> str:
        return variable.name

    def raw_name(self, variable: Any) -> str:
        return variable.path

    def rate_used_next(self, optimizer: Any) -> float:
        return float(np.asarray(optimizer.learning_rate.numpy()))


def current() -> Generation:
    """The generation that this environment holds."""
    return Keras2() if tf.__version__.startswith("2.12.") else Keras3()
