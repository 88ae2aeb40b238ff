"""Runs one row of the trace table in real, eager Keras and keeps everything that happens."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from keras_side.files import dtype_named
from keras_side.generation import Generation
from keras_side.trace_table import GRADIENT_KINDS, Event, TraceRow, powers_of_two


@dataclass(frozen=True)
class Trace:
    """What is stored of one row: attribute texts and datasets by path."""

    attributes: dict[str, str]
    datasets: dict[str, np.ndarray]


def record(generation: Generation, row: TraceRow) -> Trace:
    """Runs all steps of `row`."""
    generation.keras.backend.clear_session()  # Automatic names start anew: rows are independent.
    dtype = dtype_named(row.dtype)
    random = row.generator()
    initial = [np.asarray(powers_of_two(random, shape, -3, 2)).astype(dtype)
               for shape in row.shapes]
    gradients = [[np.asarray(GRADIENT_KINDS[row.gradients](random, shape, step)).astype(dtype)
                  for shape in row.shapes] for step in range(row.steps)]
    names = [f"variable_{index}" for index in range(len(initial))]
    variables = [generation.variable(value, name) for value, name in zip(initial, names)]
    optimizer = generation.adagrad(row.arguments)
    optimizer.build(variables)
    keras_configuration = generation.configuration(optimizer)

    log = _Log()
    for step, values in enumerate(gradients):
        absent = _apply_events(generation, optimizer, row.events, step)
        log.gradients(step, [np.zeros_like(value) if index in absent else value
                             for index, value in enumerate(values)])
        log.add("rates", generation.rate_used_next(optimizer), np.float32)
        optimizer.apply_gradients(
            [(None if index in absent else tf.constant(value), variable)
             for index, (value, variable) in enumerate(zip(values, variables))])
        for index, variable in enumerate(variables):
            log.add(f"variables/{index}", generation.array(variable), dtype)
            for slot, value in generation.slots(optimizer, variable).items():
                log.add(f"{slot}s/{index}", value, dtype)
        log.add("iterations", int(optimizer.iterations.numpy()), np.int64)

    datasets = {f"initial/{index}": value for index, value in enumerate(initial)}
    datasets.update(log.stacked())
    if row.arguments.get("use_ema"):
        optimizer.finalize_variable_values(variables)
        for index, variable in enumerate(variables):
            datasets[f"finalized/{index}"] = generation.array(variable)
    attributes = {
        "configuration": json.dumps(_configuration(generation, row, names)),
        "keras_configuration": json.dumps(keras_configuration),
    }
    return Trace(attributes, datasets)


def _configuration(generation: Generation, row: TraceRow, names: list[str]) -> dict[str, Any]:
    return {
        "arithmetic": generation.arithmetic,
        "optimizer": "Adagrad",
        "arguments": dict(row.arguments),
        "steps": row.steps,
        "variables": [{"name": name, "shape": list(shape), "dtype": row.dtype}
                      for name, shape in zip(names, row.shapes)],
        "events": [event.as_json() for event in row.events],
    }


def _apply_events(generation: Generation, optimizer: Any, events: tuple[Event, ...],
                  step: int) -> set[int]:
    """Carries out what happens before `step`; returns the indices of absent gradients."""
    absent: set[int] = set()
    for event in events:
        if event.step != step:
            continue
        if event.learning_rate is not None:
            optimizer.learning_rate = event.learning_rate
        if event.iterations is not None:
            optimizer.iterations.assign(event.iterations)
        absent.update(event.absent_gradients)
    return absent


class _Log:
    """Values by path, one a step, stacked along a leading axis at the end."""

    def __init__(self) -> None:
        self._values: dict[str, list[np.ndarray]] = {}

    def add(self, path: str, value: Any, dtype: Any) -> None:
        if isinstance(value, np.ndarray) and value.dtype != np.dtype(dtype):
            raise TypeError(f"{path} is {value.dtype}, expected {dtype}")
        self._values.setdefault(path, []).append(np.array(value, dtype))

    def gradients(self, step: int, values: list[np.ndarray]) -> None:
        for index, value in enumerate(values):
            self.add(f"gradients/{index}", value, value.dtype)

    def stacked(self) -> dict[str, np.ndarray]:
        return {path: np.stack(values) for path, values in self._values.items()}
