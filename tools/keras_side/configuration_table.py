"""Optimizers whose configurations are recorded, and arguments that constructors are tried with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping

from keras_side.trace_table import BOTH, KERAS2, KERAS3, average, schedule


@dataclass(frozen=True)
class Case:
    """An optimizer, by class and arguments."""

    name: str
    optimizer: str = "Adagrad"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Assigned to the optimizer's attributes after it was made."""
    arithmetics: tuple[str, ...] = BOTH


def _case(case: str, optimizer: str = "Adagrad", /, *, only: str | None = None,
          attributes: Mapping[str, Any] | None = None, **arguments: Any) -> Case:
    return Case(case, optimizer, arguments, attributes or {}, BOTH if only is None else (only,))


def _rate(case: str, kind: str, /, *, only: str | None = None, **arguments: Any) -> Case:
    return _case(f"schedule_{case}", only=only, learning_rate=schedule(kind, **arguments))


_EXPONENTIAL = {"initial_learning_rate": 0.1, "decay_steps": 100, "decay_rate": 0.96}
_STEPS = {"initial_learning_rate": 0.1, "decay_steps": 100}
_FIRST = {"initial_learning_rate": 0.1, "first_decay_steps": 100}

CASES: tuple[Case, ...] = (
    _case("defaults"),
    _case("numbers", learning_rate=0.25, initial_accumulator_value=0.5, epsilon=1e-10,
          weight_decay=0.004, name="mine"),
    _case("rate_three_tenths", learning_rate=0.3),
    _case("negative_rate", learning_rate=-0.1),
    _case("tiny_rate", learning_rate=1e-30),
    _case("negative_start", initial_accumulator_value=-0.1),
    _case("zeros", learning_rate=0.0, initial_accumulator_value=0.0, epsilon=0.0, weight_decay=0.0),
    _case("whole_numbers", only=KERAS2, learning_rate=1, initial_accumulator_value=0, epsilon=1,
          weight_decay=0),
    _case("whole_numbers", only=KERAS3, initial_accumulator_value=0, epsilon=1, weight_decay=0),
    _case("rate_set", learning_rate=0.1, attributes={"learning_rate": 0.7}),
    _case("attributes_set", learning_rate=0.1,
          attributes={"epsilon": 0.01, "weight_decay": 0.5, "clipnorm": 3.0}),
    *(_case(f"{clip}_{number}", **{clip: value})
      for clip in ("clipnorm", "clipvalue", "global_clipnorm")
      for number, value in (("half", 0.5), ("zero", 0.0), ("negative", -1.0), ("one", 1))),
    _case("clipnorm_and_clipvalue", only=KERAS2, clipnorm=1.0, clipvalue=0.5),
    _case("global_clipnorm_and_clipvalue", only=KERAS2, global_clipnorm=1.0, clipvalue=0.5),
    _case("average", **average(0.9, 3)),
    _case("average_never_overwritten", **average(0.5)),
    _case("average_frequency_zero", **average(0.5, 0)),
    _case("average_off_with_settings", use_ema=False, ema_momentum=2.0, ema_overwrite_frequency=-3),
    _case("jit_compile", only=KERAS2, jit_compile=True),
    _case("no_jit_compile", only=KERAS2, jit_compile=False),
    _case("no_name", only=KERAS2, name=None),
    _case("loss_scale_factor", only=KERAS3, loss_scale_factor=128.0),
    _case("gradient_accumulation_steps", only=KERAS3, gradient_accumulation_steps=4),
    _case("no_gradient_accumulation", only=KERAS3, gradient_accumulation_steps=0),
    _case("everything", only=KERAS2, learning_rate=0.05, weight_decay=0.01, global_clipnorm=2.5,
          clipvalue=0.25, jit_compile=False, name="all", initial_accumulator_value=0.2,
          epsilon=1e-5, **average(0.95, 7)),
    _case("everything", only=KERAS3, learning_rate=0.05, weight_decay=0.01, global_clipnorm=2.5,
          loss_scale_factor=2.0, gradient_accumulation_steps=3, name="all",
          initial_accumulator_value=0.2, epsilon=1e-5, **average(0.95, 7)),
    _rate("exponential", "ExponentialDecay", **_EXPONENTIAL),
    _rate("exponential_named", "ExponentialDecay", **_EXPONENTIAL, staircase=True, name="mine"),
    _rate("inverse_time", "InverseTimeDecay", **_EXPONENTIAL),
    _rate("inverse_time_staircase", "InverseTimeDecay", **_EXPONENTIAL, staircase=True, name="i"),
    _rate("polynomial", "PolynomialDecay", **_STEPS),
    _rate("polynomial_cycle", "PolynomialDecay", **_STEPS, end_learning_rate=0.01, power=0.5,
          cycle=True, name="p"),
    _rate("piecewise", "PiecewiseConstantDecay", boundaries=[10, 20], values=[0.1, 0.05, 0.01]),
    _rate("piecewise_named", "PiecewiseConstantDecay", boundaries=[10.5], values=[1.0, 0.5],
          name="steps"),
    _rate("cosine", "CosineDecay", **_STEPS),
    _rate("cosine_named", "CosineDecay", **_STEPS, alpha=0.1, name="c"),
    _rate("cosine_warmup", "CosineDecay", only=KERAS3, **_STEPS, alpha=0.1, warmup_target=0.5,
          warmup_steps=10),
    _rate("restarts", "CosineDecayRestarts", **_FIRST),
    _rate("restarts_named", "CosineDecayRestarts", **_FIRST, t_mul=1.5, m_mul=0.9, alpha=0.05,
          name="r"),
    _case("sgd", "SGD"),
    _case("sgd_nesterov", "SGD", learning_rate=0.1, momentum=0.9, nesterov=True, clipnorm=1.0),
    _case("sgd_schedule", "SGD", learning_rate=schedule("ExponentialDecay", **_EXPONENTIAL)),
    _case("rmsprop", "RMSprop"),
    _case("rmsprop_centered", "RMSprop", learning_rate=0.05, rho=0.8, momentum=0.5, centered=True,
          epsilon=1e-3, weight_decay=0.01),
    _case("adam", "Adam"),
    _case("adam_amsgrad", "Adam", learning_rate=0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3,
          amsgrad=True, **average(0.9, 3)),
    _case("adamw", "AdamW"),
    _case("adamw_decay", "AdamW", learning_rate=0.05, weight_decay=0.1, global_clipnorm=2.0),
    _case("legacy", "legacy.Adagrad", only=KERAS2),
    _case("legacy_numbers", "legacy.Adagrad", only=KERAS2, learning_rate=0.05,
          initial_accumulator_value=0.5, epsilon=1e-5, name="old", decay=0.01, clipnorm=1.0),
    _case("legacy_clipvalue", "legacy.Adagrad", only=KERAS2, learning_rate=0.05, clipvalue=0.5),
    _case("legacy_schedule", "legacy.Adagrad", only=KERAS2,
          learning_rate=schedule("ExponentialDecay", **_EXPONENTIAL)),
)

_NUMPY32 = {"numpy": "float32", "value": 0.1}
_NUMPY64 = {"numpy": "float64", "value": 0.1}

TRIALS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Adagrad", {}),
    *(("Adagrad", {"learning_rate": value}) for value in (
        0.5, -0.5, 0.0, 1, True, None, "0.1", _NUMPY32, _NUMPY64, float("nan"), float("inf"),
        [0.1], {"class_name": "ExponentialDecay", "config": _EXPONENTIAL})),
    *(("Adagrad", {"initial_accumulator_value": value}) for value in (0.0, -0.1, 1, None, "x")),
    *(("Adagrad", {"epsilon": value}) for value in (0.0, -1.0, 1, None, "x")),
    *(("Adagrad", {"weight_decay": value}) for value in (0.0, -1.0, 1, None, True, "x")),
    *(("Adagrad", {clip: value}) for clip in ("clipnorm", "clipvalue", "global_clipnorm")
      for value in (0.0, -1.0, 1, "x")),
    ("Adagrad", {"clipnorm": 1.0, "clipvalue": 1.0}),
    ("Adagrad", {"clipnorm": 1.0, "global_clipnorm": 1.0}),
    ("Adagrad", {"clipnorm": 0.0, "global_clipnorm": 0.0}),
    ("Adagrad", {"clipvalue": 1.0, "global_clipnorm": 1.0}),
    ("Adagrad", {"clipvalue": 0.0, "clipnorm": 0.0}),
    ("Adagrad", {"clipnorm": 1.0, "clipvalue": 1.0, "global_clipnorm": 1.0}),
    *(("Adagrad", {"use_ema": True, "ema_momentum": value})
      for value in (0.0, 1.0, 1, -0.01, 1.01, float("nan"), None, "x")),
    ("Adagrad", {"use_ema": False, "ema_momentum": 1.01}),
    *(("Adagrad", {"use_ema": True, "ema_overwrite_frequency": value})
      for value in (1, 0, -1, True, False, 2.0, 0.0, "3", None)),
    ("Adagrad", {"use_ema": False, "ema_overwrite_frequency": -1}),
    ("Adagrad", {"use_ema": 1}),
    ("Adagrad", {"use_ema": None}),
    *(("Adagrad", {"jit_compile": value}) for value in (True, False, None)),
    *(("Adagrad", {"loss_scale_factor": value}) for value in (None, 2.0, 0.0, -1.0, "x")),
    *(("Adagrad", {"gradient_accumulation_steps": value})
      for value in (None, 0, 1, -1, 2, 2.5, True, False, "x")),
    *(("Adagrad", {"name": value}) for value in (None, "", "a b", "a/b", 3)),
    ("Adagrad", {"lr": 0.5}),
    ("Adagrad", {"lr": 0.0}),
    ("Adagrad", {"lr": None}),
    ("Adagrad", {"lr": 0.5, "learning_rate": 0.25}),
    ("Adagrad", {"decay": 0.1}),
    ("Adagrad", {"decay": 0.0}),
    ("Adagrad", {"decay": None}),
    ("Adagrad", {"gradient_aggregator": None}),
    ("Adagrad", {"gradient_transformers": None}),
    ("Adagrad", {"is_legacy_optimizer": True}),
    ("Adagrad", {"is_legacy_optimizer": False}),
    ("Adagrad", {"unknown": 1}),
    ("Adagrad", {"unknown": None, "another": 2}),
    ("Adagrad", {"momentum": 0.9}),
    *(("SGD", {"momentum": value}) for value in (0.0, 0.5, 1.0, 1, 0, -0.1, 1.1, None, "x")),
    ("SGD", {"nesterov": True, "momentum": 0.0}),
    *(("RMSprop", {"momentum": value}) for value in (0.0, 0.5, -0.5, 1.5)),
    *(("RMSprop", {"rho": value}) for value in (0.0, 1.0, 1.5, -0.5)),
    *(("Adam", {"beta_1": value}) for value in (0.0, 1.0, 1.5, -0.5)),
    ("Adam", {"beta_2": 1.0}),
    *(("AdamW", {"weight_decay": value}) for value in (None, 0.0, -0.1, 0.004)),
)
"""Optimizer and keyword arguments: what its constructor says to them is recorded."""
