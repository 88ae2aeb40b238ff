"""What is trained to try the judgement on descents: models, optimizers, and how they are run.

Each case gives several checkpoints of one training; any two of them, in order, are an honest pair.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

import numpy as np

BATCH = 16
LENGTH = 12
"""Tokens of a sequence."""


@dataclass(frozen=True)
class Case:
    """One training."""

    model: str
    optimizer: Mapping[str, Any]
    policy: str = "float32"
    mode: str = "graph"
    """How steps run: `eager`, `graph` or `xla`; `fit` replaces the weights by averages at its end."""
    stops: tuple[int, ...] = (3, 4, 30, 100)
    """Steps after which the state is saved."""
    rates: Mapping[int, float] = field(default_factory=dict)
    """Rates that are set before a step."""
    loss_weight: float = 1.0
    """What the loss is multiplied by: small numbers give tiny gradients."""
    layout: str = "h5"
    """The suffix of the files."""
    generations: tuple[str, ...] = ("keras2", "tf_keras", "keras3")


def schedule(name: str, **arguments: Any) -> dict[str, Any]:
    """A schedule as `Generation.schedule` takes it."""
    return {"schedule": name, "arguments": arguments}


SCHEDULES = {
    "exponential": schedule("ExponentialDecay", initial_learning_rate=0.5, decay_steps=20, decay_rate=0.6),
    "staircase": schedule("ExponentialDecay", initial_learning_rate=0.5, decay_steps=20, decay_rate=0.6,
                          staircase=True),
    "rising": schedule("ExponentialDecay", initial_learning_rate=0.001, decay_steps=20, decay_rate=1.5),
    "inverse": schedule("InverseTimeDecay", initial_learning_rate=0.5, decay_steps=10, decay_rate=0.9),
    "polynomial": schedule("PolynomialDecay", initial_learning_rate=0.5, decay_steps=100,
                           end_learning_rate=0.001, power=2.0),
    "cycles": schedule("PolynomialDecay", initial_learning_rate=0.3, decay_steps=30, end_learning_rate=0.001,
                       cycle=True),
    "pieces": schedule("PiecewiseConstantDecay", boundaries=[3, 30, 90], values=[0.01, 0.4, 0.1, 0.01]),
    "cosine": schedule("CosineDecay", initial_learning_rate=0.4, decay_steps=120, alpha=0.01),
    "restarts": schedule("CosineDecayRestarts", initial_learning_rate=0.3, first_decay_steps=15, m_mul=1.2)}

FLOATS = ("float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16")


def _cases() -> dict[str, Case]:
    cases = {}
    for rate in (1e-6, 1e-3, 0.05, 1.0, 30.0):
        cases[f"rate-{rate}"] = Case("mlp", {"learning_rate": rate})
    for mode in ("eager", "xla"):
        for model in ("mlp", "embedding", "convolution"):
            cases[f"{mode}-{model}"] = Case(model, {"learning_rate": 0.1}, mode=mode, stops=(3, 4, 20))
    for model in ("embedding", "convolution", "recurrent"):
        cases[model] = Case(model, {"learning_rate": 0.1})
    for name, value in SCHEDULES.items():
        cases[f"schedule-{name}"] = Case("mlp", {"learning_rate": value})
    for name, value in (("clipnorm", 0.05), ("clipvalue", 0.004), ("global_clipnorm", 0.1)):
        for model in ("mlp", "embedding"):
            cases[f"{name}-{model}"] = Case(model, {"learning_rate": 0.1, name: value})
    cases["warmup-and-fall"] = Case("mlp", {"learning_rate": 0.01}, rates={2: 0.02, 4: 0.2, 40: 0.1, 70: 0.01})
    cases["tiny"] = Case("mlp", {"learning_rate": 0.5}, loss_weight=1e-5, stops=(3, 4, 40, 300))
    cases["tiny-embedding"] = Case("embedding", {"learning_rate": 0.5}, loss_weight=1e-6)
    cases["vanishing"] = Case("mlp", {"learning_rate": 0.5}, loss_weight=1e-25)
    cases["zero-start"] = Case("mlp", {"learning_rate": 0.01, "initial_accumulator_value": 0.0})
    cases["zero-start-tiny"] = Case(
        "mlp", {"learning_rate": 0.01, "initial_accumulator_value": 0.0, "epsilon": 1e-12}, loss_weight=1e-6)
    cases["large-epsilon"] = Case("mlp", {"learning_rate": 0.1, "epsilon": 0.01})
    cases["noisy"] = Case("noisy", {"learning_rate": 0.2}, stops=(1, 2, 10, 500))
    cases["one-sided"] = Case("one-sided", {"learning_rate": 0.3}, stops=(1, 2, 10, 500))
    cases["constraint"] = Case("constraint", {"learning_rate": 0.3})
    cases["decay"] = Case("mlp", {"learning_rate": 0.1, "weight_decay": 0.1})
    cases["decay-strong"] = Case("embedding", {"learning_rate": 0.3, "weight_decay": 1.0})
    cases["averages"] = Case("mlp", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9})
    cases["averages-overwrite"] = Case(
        "mlp", {"learning_rate": 0.3, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 5})
    cases["averages-embedding"] = Case(
        "embedding", {"learning_rate": 0.3, "use_ema": True, "ema_momentum": 0.99})
    cases["averages-fit"] = Case(
        "mlp", {"learning_rate": 0.3, "use_ema": True, "ema_momentum": 0.95}, mode="fit", stops=(4, 8, 40, 80))
    cases["averages-decay"] = Case(
        "mlp", {"learning_rate": 0.3, "use_ema": True, "ema_momentum": 0.95, "weight_decay": 0.2,
                "ema_overwrite_frequency": 7})
    cases["archive"] = Case("mlp", {"learning_rate": 0.1}, layout="keras")
    cases["archive-embedding"] = Case("embedding", {"learning_rate": 0.1}, layout="keras")
    cases["weights"] = Case("mlp", {"learning_rate": 0.1}, layout="weights.h5", generations=("keras3",))
    for policy in FLOATS:
        # Keras 2 has no name for bfloat16 in HDF5.
        generations = ("keras3",) if policy == "bfloat16" else ("keras2", "tf_keras", "keras3")
        cases[f"{policy}"] = Case("mlp", {"learning_rate": 0.1}, policy=policy, generations=generations)
        cases[f"{policy}-embedding"] = Case("embedding", {"learning_rate": 0.1}, policy=policy,
                                            generations=generations)
    cases["accumulation"] = Case("mlp", {"learning_rate": 0.1, "gradient_accumulation_steps": 4},
                                 generations=("keras3",))
    cases["accumulation-averages"] = Case(
        "mlp", {"learning_rate": 0.1, "gradient_accumulation_steps": 4, "use_ema": True, "ema_momentum": 0.9},
        generations=("keras3",))
    cases["legacy"] = Case("mlp", {"learning_rate": 0.1, "legacy": True}, generations=("keras2", "tf_keras"))
    cases["legacy-embedding"] = Case("embedding", {"learning_rate": 0.1, "decay": 0.01, "legacy": True},
                                     generations=("keras2", "tf_keras"))
    cases["legacy-clip"] = Case("mlp", {"learning_rate": 0.1, "clipvalue": 0.01, "legacy": True},
                                generations=("keras2", "tf_keras"))
    return cases


CASES = _cases()


def _mlp(keras: Any, **options: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([
        keras.Input(shape=(10,)),
        layers.Dense(16, activation="relu", **options), layers.BatchNormalization(), layers.Dropout(0.2),
        layers.Dense(16, activation="tanh", **options), layers.Dense(16, activation="tanh", **options),
        layers.Dense(4, activation="softmax", dtype="float32")])


def _constraint(keras: Any) -> Any:
    return _mlp(keras, kernel_constraint=keras.constraints.MaxNorm(1.0), bias_constraint=keras.constraints.NonNeg())


def _embedding(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([
        keras.Input(shape=(LENGTH,), dtype="int32"),
        layers.Embedding(50, 8), layers.GlobalAveragePooling1D(),
        layers.Dense(8, activation="tanh"), layers.Dense(8, activation="tanh"),
        layers.Dense(4, activation="softmax", dtype="float32")])


def _recurrent(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([
        keras.Input(shape=(LENGTH,), dtype="int32"),
        layers.Embedding(50, 8, mask_zero=True), layers.GRU(8), layers.Dense(4, activation="softmax")])


def _convolution(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential([
        keras.Input(shape=(8, 8, 3)),
        layers.Conv2D(6, 3, activation="relu"), layers.Conv2D(6, 3, padding="same", activation="relu"),
        layers.Conv2D(6, 3, padding="same", activation="relu"), layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax")])


def _linear(keras: Any) -> Any:
    return keras.Sequential([keras.Input(shape=(10,)), keras.layers.Dense(4)])


MODELS: dict[str, Callable[[Any], Any]] = {
    "mlp": _mlp, "constraint": _constraint, "embedding": _embedding, "recurrent": _recurrent,
    "convolution": _convolution, "noisy": _linear, "one-sided": _linear}


def loss_of(model: str) -> str:
    """Keras's name of the loss."""
    return "mean_squared_error" if model in ("noisy", "one-sided") else "sparse_categorical_crossentropy"


def batch(model: str, random: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Data of one step."""
    labels = random.randint(0, 4, BATCH).astype(np.int64)
    if model in ("embedding", "recurrent"):
        # Few tokens are frequent, most are rare, some never occur.
        tokens = np.minimum(random.geometric(0.15, (BATCH, LENGTH)), 49).astype(np.int32)
        return tokens, labels
    if model == "convolution":
        return random.random_sample((BATCH, 8, 8, 3)).astype(np.float32), labels
    x = random.standard_normal((BATCH, 10)).astype(np.float32)
    if model == "noisy":
        return x, (100 * random.standard_normal((BATCH, 4))).astype(np.float32)
    if model == "one-sided":
        # All gradients of the bias, and of the first weights, have one sign all the time.
        return np.abs(x), np.full((BATCH, 4), 1e4, np.float32)
    return x, labels
