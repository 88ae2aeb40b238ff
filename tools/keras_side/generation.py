"""The generations of Keras behind one set of names.

`current()` returns the one that is installed in this environment. Private members of Keras are
read only here; the versions are pinned, so they cannot move.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import Any, Mapping, Sequence

import numpy as np
import tensorflow as tf


class Generation(ABC):
    """One generation of Keras: how to make, drive and look into an optimizer and a model."""

    name: str
    """The folder of its fixtures: `keras-2.12`, `tf_keras-2.21` or `keras-3.15`."""
    family: str
    """Who writes its files: `keras2`, `tf_keras` or `keras3`."""
    arithmetic: str
    """Cairn's name for its formulas: `keras2` or `keras3`."""
    keras: Any
    """The `keras` module itself."""

    @abstractmethod
    def optimizer_class(self, name: str) -> Any:
        """The class `name` (`Adagrad`, `SGD`, ...) of this generation's optimizers."""

    @abstractmethod
    def variable(self, value: np.ndarray, name: str) -> Any:
        """A trainable variable with the value's shape and dtype."""

    @abstractmethod
    def variables_to_differentiate(self, variables: Sequence[Any]) -> list[Any]:
        """What `GradientTape.gradient` takes for these variables."""

    @abstractmethod
    def slot_variables(self, optimizer: Any, variable: Any) -> dict[str, Any]:
        """The optimizer's variables that belong to `variable`, by the slot names of Keras."""

    def slots(self, optimizer: Any, variable: Any) -> dict[str, np.ndarray]:
        """The values of the slot variables that belong to `variable`, by slot name; the moving
        average comes last."""
        found = self.slot_variables(optimizer, variable)
        return {slot: np.asarray(found[slot].numpy())
                for slot in sorted(found, key=lambda slot: slot == "average")}

    @abstractmethod
    def counter(self, optimizer: Any) -> Any:
        """The stored counter: with gradient accumulation it counts micro-steps."""

    @abstractmethod
    def own_name(self, variable: Any) -> str:
        """The variable's name inside its layer: `kernel`."""

    @abstractmethod
    def raw_name(self, variable: Any) -> str:
        """The name as Keras writes it: `dense/kernel:0` or `sequential/dense/kernel`."""

    @abstractmethod
    def rate_used_next(self, optimizer: Any) -> float:
        """The learning rate with which the next step will run."""

    def adagrad(self, arguments: Mapping[str, Any]) -> Any:
        """The Adagrad optimizer of this generation."""
        return self.optimizer("Adagrad", arguments)

    def optimizer(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """The optimizer `name`; a schedule may stand as JSON for `learning_rate`."""
        rate = arguments.get("learning_rate")
        if isinstance(rate, Mapping):
            arguments = {**arguments, "learning_rate": self.schedule(rate)}
        return self.optimizer_class(name)(**arguments)

    def schedule(self, description: Mapping[str, Any]) -> Any:
        """The schedule of `{"schedule": class name, "arguments": {...}}`."""
        schedules = self.keras.optimizers.schedules
        return getattr(schedules, description["schedule"])(**description["arguments"])

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
    family = "keras2"
    arithmetic = "keras2"

    def __init__(self) -> None:
        self.keras = tf.keras

    def optimizer_class(self, name: str) -> Any:
        if name.startswith("legacy."):
            return getattr(tf.keras.optimizers.legacy, name.removeprefix("legacy."))
        return getattr(tf.keras.optimizers.experimental, name)

    def variable(self, value: np.ndarray, name: str) -> Any:
        return tf.Variable(value, name=name)

    def variables_to_differentiate(self, variables: Sequence[Any]) -> list[Any]:
        return list(variables)

    def slot_variables(self, optimizer: Any, variable: Any) -> dict[str, Any]:
        suffix = f"/{variable.name}"
        scope = f"{optimizer.name}/"  # In front of slots that were made by `apply_gradients`.
        slots = {each.name.removeprefix(scope).removesuffix(suffix): each
                 for each in optimizer.variables if each.name.endswith(suffix)}
        return {name: each for name, each in slots.items() if "/" not in name}

    def counter(self, optimizer: Any) -> Any:
        return optimizer.iterations

    def own_name(self, variable: Any) -> str:
        return variable.name.rsplit("/", 1)[-1].removesuffix(":0")

    def raw_name(self, variable: Any) -> str:
        return variable.name

    def rate_used_next(self, optimizer: Any) -> float:
        rate = optimizer._learning_rate
        if isinstance(rate, self.keras.optimizers.schedules.LearningRateSchedule):
            rate = rate(optimizer.iterations)  # The property shows the rate of the last step.
        return float(np.asarray(rate.numpy()))


class TFKeras(Keras2):
    """tf_keras 2.21: Keras 2 as it goes on outside TensorFlow."""

    name = "tf_keras-2.21"
    family = "tf_keras"

    def __init__(self) -> None:
        import tf_keras
        self.keras = tf_keras

    def optimizer_class(self, name: str) -> Any:
        owner = self.keras.optimizers
        if name.startswith("legacy."):
            owner = owner.legacy
        return getattr(owner, name.removeprefix("legacy."))


class Keras3(Generation):
    """Keras 3.15 with the TensorFlow backend."""

    name = "keras-3.15"
    family = "keras3"
    arithmetic = "keras3"

    def __init__(self) -> None:
        import keras
        self.keras = keras

    def optimizer_class(self, name: str) -> Any:
        return getattr(self.keras.optimizers, name)

    def variable(self, value: np.ndarray, name: str) -> Any:
        return self.keras.Variable(value, dtype=value.dtype.name, name=name)

    def variables_to_differentiate(self, variables: Sequence[Any]) -> list[Any]:
        return [variable.value for variable in variables]

    def slot_variables(self, optimizer: Any, variable: Any) -> dict[str, Any]:
        prefix = variable.path.replace("/", "_") + "_"
        return {each.name.removeprefix(prefix): each
                for each in optimizer.variables if each.name.startswith(prefix)}

    def counter(self, optimizer: Any) -> Any:
        return optimizer._iterations

    def own_name(self, variable: Any) -> str:
        return variable.name

    def raw_name(self, variable: Any) -> str:
        return variable.path

    def rate_used_next(self, optimizer: Any) -> float:
        return float(np.asarray(optimizer.learning_rate.numpy()))


def current() -> Generation:
    """The generation that this environment holds; one that holds tf_keras holds it for its sake."""
    if tf.__version__.startswith("2.12."):
        return Keras2()
    return TFKeras() if find_spec("tf_keras") is not None else Keras3()
