"""Runs one row of the trace table in real, eager Keras and keeps everything that happens."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import tensorflow as tf

from keras_side.files import dtype_named
from keras_side.generation import Generation
from keras_side.trace_files import Trace
from keras_side.trace_gradients import DenseGradient, RowGradient, gradients_of
from keras_side.trace_table import Event, TraceRow, powers_of_two


def record(generation: Generation, row: TraceRow) -> Trace:
    """Runs all steps of `row`."""
    generation.keras.backend.clear_session()  # Automatic names start anew: rows are independent.
    dtype = dtype_named(row.dtype)
    random = row.generator()
    initial = [np.asarray(powers_of_two(random, shape, -3, 2)).astype(dtype)
               for shape in row.shapes]
    gradients = gradients_of(row, random, dtype)
    names = [f"variable_{index}" for index in range(len(initial))]
    variables = [generation.variable(value, name) for value, name in zip(initial, names)]
    optimizer = generation.optimizer(row.optimizer, row.arguments)
    if row.excluded_variables or row.excluded_patterns:
        optimizer.exclude_from_weight_decay(
            var_list=[variables[index] for index in row.excluded_variables],
            var_names=list(row.excluded_patterns))
    optimizer.build(variables)
    keras_configuration = generation.configuration(optimizer)

    log = _Log()
    for step, values in enumerate(gradients):
        absent = _apply_events(generation, optimizer, row.events, step)
        log.gradients([value.zeroed() if index in absent else value
                       for index, value in enumerate(values)])
        log.add("rates", generation.rate_used_next(optimizer), np.float32)
        if "beta_1" in keras_configuration:
            log.add("beta_powers", _beta_powers(optimizer, dtype), dtype)
        optimizer.apply_gradients(
            [(None if index in absent else value.tensor(), variable)
             for index, (value, variable) in enumerate(zip(values, variables))])
        for index, variable in enumerate(variables):
            log.add(f"variables/{index}", generation.array(variable), dtype)
            for slot, value in generation.slots(optimizer, variable).items():
                log.add(f"{_folder(row, slot)}/{index}", value, dtype)
        log.add("iterations", int(generation.counter(optimizer).numpy()), np.int64)

    arrays = {f"initial/{index}": value for index, value in enumerate(initial)}
    arrays.update(log.stacked())
    if row.arguments.get("use_ema"):
        optimizer.finalize_variable_values(variables)
        for index, variable in enumerate(variables):
            arrays[f"finalized/{index}"] = generation.array(variable)
    texts = {
        "configuration": json.dumps(_configuration(generation, row, names)),
        "keras_configuration": json.dumps(keras_configuration),
        "optimizer_variables": json.dumps(
            [generation.raw_name(variable) for variable in optimizer.variables]),
    }
    return Trace(texts, arrays)


def _folder(row: TraceRow, slot: str) -> str:
    """The path in front of a slot's arrays."""
    if slot in ("average", "gradient_accumulator") or row.optimizer == "Adagrad":
        return f"{slot}s"
    return f"slots/{slot}"


def _beta_powers(optimizer: Any, dtype: np.dtype) -> np.ndarray:
    """The two powers that Adam's next step uses, computed as Adam computes them."""
    step = tf.cast(optimizer.iterations + 1, dtype)
    return np.array([tf.pow(tf.cast(beta, dtype), step).numpy()
                     for beta in (optimizer.beta_1, optimizer.beta_2)], dtype)


def _configuration(generation: Generation, row: TraceRow, names: list[str]) -> dict[str, Any]:
    variables = []
    for index, (name, shape) in enumerate(zip(names, row.shapes)):
        entry = {"name": name, "shape": list(shape), "dtype": row.dtype}
        if index in row.row_indexed:
            entry["gradientKind"] = "rows"
        variables.append(entry)
    configuration: dict[str, Any] = {
        "arithmetic": generation.arithmetic,
        "optimizer": row.optimizer,
        "arguments": dict(row.arguments),
        "steps": row.steps,
        "variables": variables,
        "events": [event.as_json() for event in row.events],
    }
    if row.excluded_variables or row.excluded_patterns:
        configuration["weightDecayExclusions"] = {
            "variables": list(row.excluded_variables), "patterns": list(row.excluded_patterns)}
    if row.levels:
        configuration["levels"] = dict(row.levels)
    return configuration


def _apply_events(generation: Generation, optimizer: Any, events: tuple[Event, ...],
                  step: int) -> set[int]:
    """Carries out what happens before `step`; returns the indices of absent gradients."""
    absent: set[int] = set()
    for event in events:
        if event.step != step:
            continue
        if event.learning_rate is not None:
            optimizer.learning_rate = event.learning_rate
        if event.schedule is not None:
            optimizer.learning_rate = generation.schedule(event.schedule)
        for name, value in event.attributes.items():
            if not hasattr(optimizer, name):
                raise AttributeError(f"{optimizer.name} has no attribute {name}")
            setattr(optimizer, name, value)
        if event.iterations is not None:
            generation.counter(optimizer).assign(event.iterations)
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

    def gradients(self, gradients: list[DenseGradient | RowGradient]) -> None:
        for index, gradient in enumerate(gradients):
            for name, value in gradient.arrays().items():
                self.add(f"gradients/{index}{name}", value, value.dtype)

    def stacked(self) -> dict[str, np.ndarray]:
        return {path: np.stack(values) for path, values in self._values.items()}
