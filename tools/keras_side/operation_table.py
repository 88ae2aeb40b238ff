"""What the methods of an optimizer refuse, and what they have changed by then."""

from __future__ import annotations

import re
from typing import Any, Callable, Iterator

import numpy as np
import tensorflow as tf

from keras_side.generation import Generation


class Bench:
    """An Adagrad optimizer built over two variables, and a third variable that it does not know."""

    def __init__(self, generation: Generation) -> None:
        generation.keras.backend.clear_session()
        self.generation = generation
        one = np.ones(2, np.float32)
        self.first, self.second, self.stranger = (
            generation.variable(one, name) for name in ("first", "second", "stranger"))
        self.optimizer = generation.adagrad({"learning_rate": 1.0})
        self.optimizer.build([self.first, self.second])

    def apply(self, *pairs: Any) -> None:
        self.optimizer.apply_gradients(list(pairs))

    def unbuilt(self, **arguments: Any) -> Any:
        """An optimizer that is not built yet."""
        return self.generation.adagrad({"learning_rate": 1.0, **arguments})

    def scheduled(self) -> Any:
        """An optimizer with a schedule."""
        return self.generation.adagrad({"learning_rate": self.decay()})

    def decay(self) -> dict[str, Any]:
        """A schedule's description."""
        return {"schedule": "ExponentialDecay", "arguments": {
            "initial_learning_rate": 0.5, "decay_steps": 3, "decay_rate": 0.7}}


def _assign(target: Any, name: str, value: Any) -> None:
    setattr(target, name, value)


G = tf.constant([1.0, 2.0])
ROW = np.array([1.0, 2.0], np.float32)

OPERATIONS: dict[str, Callable[[Bench], Any]] = {
    "apply_both": lambda b: b.apply((G, b.first), (G, b.second)),
    "apply_one": lambda b: b.apply((G, b.second)),
    "apply_in_another_order": lambda b: b.apply((G, b.second), (G, b.first)),
    "apply_same_variable_twice": lambda b: b.apply((G, b.first), (G, b.first)),
    "apply_none_first": lambda b: b.apply((None, b.first), (G, b.second)),
    "apply_all_none": lambda b: b.apply((None, b.first), (None, b.second)),
    "apply_nothing": lambda b: b.apply(),
    "apply_unknown_variable_first": lambda b: b.apply((G, b.stranger), (G, b.first)),
    "apply_unknown_variable_last": lambda b: b.apply((G, b.first), (G, b.stranger)),
    "apply_number_gradient": lambda b: b.apply((1.0, b.first)),
    "apply_numpy_gradient": lambda b: b.apply((ROW, b.first)),
    "apply_wrong_shape": lambda b: b.apply((G, b.first), (tf.ones((3,)), b.second)),
    "apply_wrong_rank": lambda b: b.apply((G, b.first), (tf.ones((1, 2)), b.second)),
    "apply_float64_gradient": lambda b: b.apply((tf.cast(G, tf.float64), b.first)),
    "apply_integer_gradient": lambda b: b.apply((tf.constant([1, 2]), b.first)),
    "apply_swapped_pair": lambda b: b.apply((b.first, G)),
    "apply_triple": lambda b: b.apply((G, b.first, 1)),
    "apply_bare_numbers": lambda b: b.apply(1.0, 2.0),
    "apply_not_iterable": lambda b: b.optimizer.apply_gradients(3),
    "apply_row_out_of_range": lambda b: b.apply((G, b.first), (tf.IndexedSlices(
        tf.constant([1.0]), tf.constant([2], tf.int64), tf.constant([2], tf.int64)), b.second)),
    "apply_negative_row": lambda b: b.apply((G, b.first), (tf.IndexedSlices(
        tf.constant([1.0]), tf.constant([-1], tf.int64), tf.constant([2], tf.int64)), b.second)),
    "apply_skipping_aggregation": lambda b: b.optimizer.apply_gradients(
        [(G, b.first)], skip_gradients_aggregation=True),
    "apply_with_name": lambda b: b.optimizer.apply_gradients([(G, b.first)], name="scope"),
    "apply_with_unknown_keyword": lambda b: b.optimizer.apply_gradients([(G, b.first)], other=1),
    "build_again_with_more": lambda b: b.optimizer.build([b.first, b.second, b.stranger]),
    "build_a_single_variable": lambda b: b.unbuilt().build(b.first),
    "exclude_after_build": lambda b: b.optimizer.exclude_from_weight_decay(var_list=[b.first]),
    "exclude_bad_pattern": lambda b: b.unbuilt().exclude_from_weight_decay(var_names=["("]),
    "set_rate_to_number": lambda b: _assign(b.optimizer, "learning_rate", 0.5),
    "set_rate_to_text": lambda b: _assign(b.optimizer, "learning_rate", "x"),
    "set_number_over_schedule": lambda b: _assign(b.scheduled(), "learning_rate", 0.5),
    "set_schedule_over_schedule": lambda b: _assign(
        b.scheduled(), "learning_rate", b.generation.schedule(b.decay())),
    "set_schedule_over_number": lambda b: _assign(
        b.optimizer, "learning_rate", b.generation.schedule(b.decay())),
    "replace_iterations_after_build": lambda b: _assign(
        b.optimizer, "iterations", tf.Variable(5, dtype=tf.int64)),
    "replace_iterations_before_build": lambda b: _assign(
        b.unbuilt(), "iterations", tf.Variable(5, dtype=tf.int64)),
    "set_weights_before_build": lambda b: b.unbuilt().set_weights([]),
    "set_weights_of_wrong_shape": lambda b: b.optimizer.set_weights(
        [np.zeros((3,), np.float32)] * 4),
    "set_weights_of_short_list": lambda b: b.optimizer.set_weights([np.array(7)]),
    "update_step_before_build": lambda b: _update_step(b, b.unbuilt(), b.first),
    "update_step_of_unknown_variable": lambda b: _update_step(b, b.optimizer, b.stranger),
    "finalize_before_build": lambda b: b.unbuilt(use_ema=True).finalize_variable_values([b.first]),
    "finalize_too_few": lambda b: _built_with_average(b).finalize_variable_values([b.first]),
    "finalize_without_average": lambda b: b.optimizer.finalize_variable_values([b.stranger]),
    "add_variable_without_shape": lambda b: b.optimizer.add_variable(None),
    "add_variable": lambda b: b.optimizer.add_variable((2,)),
    "add_variable_from_reference": lambda b: b.optimizer.add_variable_from_reference(
        b.first, "momentum"),
    "tensor_loss_without_tape": lambda b: b.optimizer.compute_gradients(
        tf.constant(1.0), [b.first]),
    "minimize_closure": lambda b: b.optimizer.minimize(
        lambda: tf.reduce_sum(b.first * b.second), [b.first, b.second]),
    "minimize_unconnected": lambda b: b.optimizer.minimize(
        lambda: tf.reduce_sum(b.first * 2.0), [b.first, b.second]),
    "minimize_all_unconnected": lambda b: b.optimizer.minimize(
        lambda: tf.reduce_sum(b.first * 2.0), [b.second]),
    "minimize_single_variable": lambda b: b.optimizer.minimize(
        lambda: tf.reduce_sum(b.first * 2.0), b.first),
}
"""Each is done to a bench of its own."""


def _update_step(bench: Bench, optimizer: Any, variable: Any) -> None:
    rate = (1.0,) if bench.generation.arithmetic == "keras3" else ()
    optimizer.update_step(G, variable, *rate)


def _built_with_average(bench: Bench) -> Any:
    optimizer = bench.unbuilt(use_ema=True)
    optimizer.build([bench.first, bench.second])
    return optimizer


def record_operations(generation: Generation) -> Iterator[dict[str, Any]]:
    """What each operation says, and the state of its bench afterwards."""
    for name, operation in OPERATIONS.items():
        bench = Bench(generation)
        entry: dict[str, Any] = {"operation": name}
        try:
            operation(bench)
        except Exception as error:  # Whatever it is, it is what Keras says.
            lines = str(error).splitlines() or [""]
            # Without the numbers that belong to the process: unique identifiers, addresses.
            message = re.sub(r"_\d{2,}\b|\b0x[0-9a-f]+", "_N", lines[0])
            entry |= {"error": type(error).__name__, "message": message}
        yield entry | {
            "first": generation.array(bench.first).tolist(),
            "second": generation.array(bench.second).tolist(),
            "iterations": int(generation.counter(bench.optimizer).numpy()),
            "optimizer_variables": [generation.raw_name(variable)
                                    for variable in bench.optimizer.variables]}
