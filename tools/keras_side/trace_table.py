"""The configurations whose optimizer steps are recorded as traces.

A table, not code: to record one more behaviour, add a row. Gradients and initial values come from
a generator seeded by the row's name, so that a row never changes because another was added.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

import numpy as np

Shape = tuple[int, ...]
KERAS2 = "keras2"
KERAS3 = "keras3"
BOTH = (KERAS2, KERAS3)
STANDARD_SHAPES: tuple[Shape, ...] = ((), (7,), (5, 3))


@dataclass(frozen=True)
class Event:
    """Something that happens before the step with index `step` (the first step has index 0)."""

    step: int
    learning_rate: float | None = None
    """Assigned to the optimizer's rate."""
    schedule: Mapping[str, Any] | None = None
    """A schedule, as `schedule()` writes it, assigned to the optimizer's rate."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Assigned to the optimizer's attributes of these names: `epsilon`, `clipnorm`, ..."""
    iterations: int | None = None
    """Assigned to the optimizer's counter."""
    absent_gradients: tuple[int, ...] = ()
    """Indices of the variables whose gradient is None in this step."""

    def as_json(self) -> dict[str, Any]:
        event: dict[str, Any] = {"step": self.step}
        if self.learning_rate is not None:
            event["learningRate"] = self.learning_rate
        if self.schedule is not None:
            event["schedule"] = dict(self.schedule)
        if self.attributes:
            event["attributes"] = dict(self.attributes)
        if self.iterations is not None:
            event["iterations"] = self.iterations
        if self.absent_gradients:
            event["absentGradients"] = list(self.absent_gradients)
        return event


@dataclass(frozen=True)
class TraceRow:
    """One configuration: the optimizer's arguments, the variables, the gradients, the events."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 10
    shapes: tuple[Shape, ...] = STANDARD_SHAPES
    dtype: str = "float32"
    gradients: str = "mixed"
    """A key of `GRADIENT_KINDS`."""
    row_indexed: Mapping[int, int] = field(default_factory=dict)
    """Variables whose gradients are row-indexed: index -> rows given in each step."""
    excluded_variables: tuple[int, ...] = ()
    """Indices of the variables that `exclude_from_weight_decay` is given."""
    excluded_patterns: tuple[str, ...] = ()
    """The patterns that `exclude_from_weight_decay` is given as `var_names`."""
    optimizer: str = "Adagrad"
    levels: Mapping[str, str] = field(default_factory=dict)
    """The row of the coverage table that this is made from, if any."""
    events: tuple[Event, ...] = ()
    arithmetics: tuple[str, ...] = BOTH

    def generator(self) -> np.random.RandomState:
        """The row's own generator. (`RandomState` is frozen: equal in every NumPy.)"""
        digest = hashlib.sha256(self.name.encode()).digest()
        return np.random.RandomState(int.from_bytes(digest[:4], "little"))


def powers_of_two(random: np.random.RandomState, shape: Shape, low: int, high: int) -> np.ndarray:
    """Signed values `(1 + u) * 2**k`, k uniform in low...high: exact in every NumPy."""
    magnitudes = np.ldexp(1 + random.random_sample(shape), random.randint(low, high + 1, shape))
    return magnitudes * np.where(random.randint(0, 2, shape) == 0, -1.0, 1.0)


def with_zeros(random: np.random.RandomState, values: np.ndarray) -> np.ndarray:
    """About one value in eight replaced by zero."""
    return np.where(random.randint(0, 8, values.shape) == 0, 0.0, values)


def mixed(random: np.random.RandomState, shape: Shape, step: int) -> np.ndarray:
    """Magnitudes from 1e-6 to 2e3, some zeros."""
    return with_zeros(random, powers_of_two(random, shape, -20, 10))


def moderate(random: np.random.RandomState, shape: Shape, step: int) -> np.ndarray:
    """Magnitudes from 0.016 to 32, some zeros: for 16-bit dtypes."""
    return with_zeros(random, powers_of_two(random, shape, -6, 4))


def huge(random: np.random.RandomState, shape: Shape, step: int) -> np.ndarray:
    """About a quarter of the values so large that their squares overflow float32."""
    values = mixed(random, shape, step)
    large = powers_of_two(random, shape, 70, 100)
    return np.where(random.randint(0, 4, shape) == 0, large, values)


def zeros(random: np.random.RandomState, shape: Shape, step: int) -> np.ndarray:
    """Nothing but zeros in the first half of the steps."""
    return np.zeros(shape) if step < 5 else mixed(random, shape, step)


def non_finite(random: np.random.RandomState, shape: Shape, step: int) -> np.ndarray:
    """From step 3 on, NaN and both infinities at places of their own."""
    values = np.array(mixed(random, shape, step))
    if values.size > 1 and step in (3, 5, 6):
        values.flat[step % values.size] = {3: np.nan, 5: np.inf, 6: -np.inf}[step]
    return values


def with_values(kind: Callable[..., np.ndarray], low: int, high: int) -> Callable[..., np.ndarray]:
    """`kind`, with a huge value at one place of each array in steps 3 and 5."""
    def changed(random: np.random.RandomState, shape: Shape, step: int) -> np.ndarray:
        values = np.array(kind(random, shape, step))
        large = powers_of_two(random, (), low, high)
        if step in (3, 5) and values.size:
            values.flat[step % values.size] = large
        return values
    return changed


def with_special(kind: Callable[..., np.ndarray], *specials: float) -> Callable[..., np.ndarray]:
    """`kind`, with the first special value in step 3, the next in step 4, ..., at one place of
    each array that has more than one element."""
    def changed(random: np.random.RandomState, shape: Shape, step: int) -> np.ndarray:
        values = np.array(kind(random, shape, step))
        if 3 <= step < 3 + len(specials) and values.size > 1:
            values.flat[step % values.size] = specials[step - 3]
        return values
    return changed


GRADIENT_KINDS = {
    "mixed": mixed, "moderate": moderate, "huge": huge, "zeros": zeros, "non_finite": non_finite,
    "mixed_nan": with_special(mixed, np.nan),
    "mixed_infinite": with_special(mixed, np.inf, -np.inf),
    "mixed_overflow": with_values(mixed, 70, 100),
    "mixed_overflow_float64": with_values(mixed, 600, 900),
    "moderate_nan": with_special(moderate, np.nan),
    "moderate_infinite": with_special(moderate, np.inf, -np.inf),
    "moderate_overflow": with_values(moderate, 70, 100),
    "moderate_overflow_float16": with_values(moderate, 9, 12),
}


def schedule(kind: str, **arguments: Any) -> dict[str, Any]:
    """A learning rate schedule in the words of Keras, for `learning_rate`."""
    return {"schedule": kind, "arguments": arguments}


def average(momentum: float, frequency: int | None = None, **arguments: Any) -> dict[str, Any]:
    """Arguments that switch the moving average on."""
    return {"use_ema": True, "ema_momentum": momentum, "ema_overwrite_frequency": frequency,
            **arguments}


ROWS: tuple[TraceRow, ...] = (
    # The dense rule alone.
    TraceRow("defaults", steps=20),
    TraceRow("large_rate", {"learning_rate": 0.5}, steps=12),
    TraceRow("tiny_rate", {"learning_rate": 1e-8}),
    TraceRow("negative_rate", {"learning_rate": -0.1}),
    TraceRow("zero_accumulator", {"learning_rate": 0.1, "initial_accumulator_value": 0.0}),
    TraceRow("unit_accumulator_large_epsilon",
             {"learning_rate": 0.1, "initial_accumulator_value": 1.0, "epsilon": 1e-3}),
    TraceRow("zero_accumulator_large_epsilon",
             {"learning_rate": 1.0, "initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    TraceRow("zero_over_zero",
             {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 0.0}),
    TraceRow("zero_gradients", {"learning_rate": 0.1}, gradients="zeros"),
    TraceRow("huge_gradients", {"learning_rate": 0.1}, gradients="huge"),
    TraceRow("non_finite_gradients", {"learning_rate": 0.1}, gradients="non_finite"),
    TraceRow("twelve_variables", {"learning_rate": 0.05}, steps=8, shapes=((3,),) * 12),
    # Moving averages.
    TraceRow("average_099", average(0.99, learning_rate=0.1), steps=12),
    TraceRow("average_05", average(0.5, learning_rate=0.1)),
    TraceRow("average_00", average(0.0, learning_rate=0.1)),
    TraceRow("average_10", average(1.0, learning_rate=0.1)),
    TraceRow("average_09_overwrite_1", average(0.9, 1, learning_rate=0.1)),
    TraceRow("average_099_overwrite_3", average(0.99, 3, learning_rate=0.1), steps=11),
    TraceRow("average_05_overwrite_3", average(0.5, 3, learning_rate=1.0), steps=11),
    TraceRow("average_00_overwrite_1", average(0.0, 1, learning_rate=0.1)),
    TraceRow("average_10_overwrite_3", average(1.0, 3, learning_rate=0.1)),
    TraceRow("average_non_finite", average(0.9, learning_rate=0.1), gradients="non_finite"),
    TraceRow("thousand_elements", average(0.99, 3, learning_rate=0.05), steps=4,
             shapes=((1000,), (1,))),
    # The counter and the rate change under way.
    TraceRow("counter_at_1000", {"learning_rate": 0.1}, events=(Event(0, iterations=1000),)),
    TraceRow("average_counter_at_1000", average(0.9, 3, learning_rate=0.1),
             events=(Event(0, iterations=1000),)),
    TraceRow("rate_set_midway", {"learning_rate": 0.1}, steps=12,
             events=(Event(5, learning_rate=0.02), Event(9, learning_rate=1.5))),
    TraceRow("average_rate_set_midway", average(0.9, 3, learning_rate=0.1), steps=12,
             events=(Event(4, learning_rate=0.5),)),
    # Absent gradients. Keras 2.12 pairs averages by position: there only the last may be absent.
    TraceRow("absent_last", {"learning_rate": 0.1},
             events=(Event(0, absent_gradients=(2,)), Event(4, absent_gradients=(2,)),
                     Event(5, absent_gradients=(1, 2)))),
    TraceRow("average_absent_last", average(0.9, learning_rate=0.1),
             events=(Event(0, absent_gradients=(2,)), Event(4, absent_gradients=(2,)))),
    TraceRow("absent_anywhere", {"learning_rate": 0.1},
             events=(Event(1, absent_gradients=(0,)), Event(3, absent_gradients=(1,)),
                     Event(4, absent_gradients=(0, 2)))),
    TraceRow("average_absent_anywhere", average(0.9, 3, learning_rate=0.1),
             events=(Event(0, absent_gradients=(1,)), Event(2, absent_gradients=(0,)),
                     Event(6, absent_gradients=(0, 1))), arithmetics=(KERAS3,)),
    # Other dtypes.
    TraceRow("float64", {"learning_rate": 0.1}, dtype="float64"),
    TraceRow("float64_average", average(0.99, 3, learning_rate=0.1), dtype="float64"),
    TraceRow("float16", {"learning_rate": 0.1}, dtype="float16", gradients="moderate"),
    TraceRow("float16_average", average(0.99, 3, learning_rate=0.1), dtype="float16",
             gradients="moderate"),
    TraceRow("bfloat16", {"learning_rate": 0.1}, dtype="bfloat16", gradients="moderate"),
    TraceRow("bfloat16_average", average(0.99, 3, learning_rate=0.1), dtype="bfloat16",
             gradients="moderate"),
)


def rows_for(arithmetic: str) -> list[TraceRow]:
    """The rows that this generation can run."""
    return [row for row in ROWS if arithmetic in row.arithmetics]
