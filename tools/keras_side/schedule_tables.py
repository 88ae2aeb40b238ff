"""The learning rate schedules of Keras, tabulated: their values at some counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np
import tensorflow as tf

from keras_side.generation import Generation
from keras_side.trace_table import KERAS3

COUNTERS: tuple[int, ...] = (*range(21), 100, 999, 1000, 1001, 12345, 1_000_000, 2**24 + 1, 2**31)


@dataclass(frozen=True)
class Schedule:
    """A schedule's class and arguments."""

    kind: str
    arguments: Mapping[str, Any]
    arithmetic: str | None = None
    """The only generation that has it, or None for both."""
    float64: bool = False
    """Whether the initial rate (the values of PiecewiseConstantDecay) is given as float64."""


def _exponential(**arguments: Any) -> Schedule:
    return Schedule("ExponentialDecay", arguments)


def _inverse(**arguments: Any) -> Schedule:
    return Schedule("InverseTimeDecay", arguments)


def _polynomial(**arguments: Any) -> Schedule:
    return Schedule("PolynomialDecay", arguments)


def _cosine(arithmetic: str | None = None, **arguments: Any) -> Schedule:
    return Schedule("CosineDecay", arguments, arithmetic)


def _restarts(**arguments: Any) -> Schedule:
    return Schedule("CosineDecayRestarts", arguments)


def _initial(rate: float, steps: int) -> dict[str, Any]:
    return {"initial_learning_rate": rate, "decay_steps": steps}


def _first(rate: float, steps: int) -> dict[str, Any]:
    return {"initial_learning_rate": rate, "first_decay_steps": steps}


SCHEDULES: dict[str, Schedule] = {
    "exponential": _exponential(**_initial(0.5, 3), decay_rate=0.7),
    "exponential_staircase": _exponential(**_initial(0.5, 3), decay_rate=0.7, staircase=True),
    "exponential_one_step": _exponential(**_initial(0.1, 1), decay_rate=0.96),
    "exponential_long": _exponential(**_initial(0.1, 1000), decay_rate=0.96),
    "exponential_growth": _exponential(**_initial(0.001, 2**28), decay_rate=1.5),
    "exponential_float64": Schedule("ExponentialDecay", {**_initial(0.1, 7), "decay_rate": 0.9},
                                    float64=True),
    "inverse_time": _inverse(**_initial(0.5, 3), decay_rate=0.4),
    "inverse_time_staircase": _inverse(**_initial(0.5, 3), decay_rate=0.4, staircase=True),
    "inverse_time_one_step": _inverse(**_initial(0.1, 1), decay_rate=0.5),
    "inverse_time_long": _inverse(**_initial(0.1, 1000), decay_rate=0.5),
    "polynomial_defaults": _polynomial(**_initial(0.1, 10)),
    "polynomial": _polynomial(**_initial(0.5, 9), end_learning_rate=0.01),
    "polynomial_cycle": _polynomial(**_initial(0.5, 5), end_learning_rate=0.01, power=0.5,
                                    cycle=True),
    "polynomial_linear_cycle": _polynomial(**_initial(0.5, 4), end_learning_rate=0.0, cycle=True),
    "polynomial_square": _polynomial(**_initial(0.3, 8), end_learning_rate=0.02, power=2.0),
    "polynomial_cube_root": _polynomial(**_initial(0.3, 13), end_learning_rate=0.02,
                                        power=1 / 3),
    "polynomial_upwards": _polynomial(**_initial(0.01, 6), end_learning_rate=0.1),
    "piecewise": Schedule("PiecewiseConstantDecay", {
        "boundaries": [2, 5, 9], "values": [0.5, 0.2, 0.1, 0.05]}),
    "piecewise_one_boundary": Schedule("PiecewiseConstantDecay", {
        "boundaries": [1000], "values": [0.1, 0.01]}),
    "piecewise_zero_boundary": Schedule("PiecewiseConstantDecay", {
        "boundaries": [0, 1], "values": [0.3, 0.2, 0.1]}),
    "piecewise_cut_boundaries": Schedule("PiecewiseConstantDecay", {
        "boundaries": [2.7, 5.2], "values": [0.5, 0.2, 0.1]}),
    "cosine": _cosine(**_initial(0.5, 9), alpha=0.1),
    "cosine_defaults": _cosine(**_initial(0.1, 10)),
    "cosine_one_step": _cosine(**_initial(0.1, 1), alpha=0.3),
    "cosine_long": _cosine(**_initial(0.1, 1000), alpha=0.001),
    "cosine_warmup": _cosine(KERAS3, **_initial(0.05, 6), alpha=0.1, warmup_target=0.5,
                             warmup_steps=4),
    "cosine_warmup_from_zero": _cosine(KERAS3, **_initial(0.0, 10), warmup_target=0.1,
                                       warmup_steps=5),
    "cosine_warmup_without_target": _cosine(KERAS3, **_initial(0.5, 9), alpha=0.1,
                                            warmup_steps=4),
    "cosine_warmup_without_steps": _cosine(KERAS3, **_initial(0.05, 6), alpha=0.1,
                                           warmup_target=0.5),
    "restarts": _restarts(**_first(0.5, 3), t_mul=2.0, m_mul=0.8, alpha=0.05),
    "restarts_defaults": _restarts(**_first(0.1, 4)),
    "restarts_equal": _restarts(**_first(0.5, 3), t_mul=1.0, m_mul=0.9, alpha=0.1),
    "restarts_thrice": _restarts(**_first(0.2, 2), t_mul=3.0, m_mul=0.5),
    "restarts_slow": _restarts(**_first(0.2, 5), t_mul=1.5, m_mul=0.95, alpha=0.01),
}


def record_schedule(generation: Generation, name: str) -> dict[str, Any]:
    """One row of the table: what the schedule is and its value at each of `COUNTERS`."""
    row = SCHEDULES[name]
    arguments = dict(row.arguments)
    if row.float64:
        arguments["initial_learning_rate"] = np.float64(arguments["initial_learning_rate"])
    schedule = generation.schedule({"schedule": row.kind, "arguments": arguments})
    values = [schedule(tf.constant(counter, tf.int64)) for counter in COUNTERS]
    arrays = [np.asarray(value) for value in values]
    if not all(np.isfinite(array) for array in arrays):
        raise ValueError(f"the schedule {name} has values that JSON cannot hold")
    return {
        "name": name, "schedule": row.kind, "arguments": dict(row.arguments),
        "initial_is_float64": row.float64, "dtype": arrays[0].dtype.name,
        "counters": list(COUNTERS), "values": [float(array) for array in arrays],
    }
