"""Moving averages where gradients are absent, by tf_keras: Keras 2.12 cannot tell.

Keras 2.12 pairs averages with variables by position in what is left of the call, so that an absent
gradient before the last gives a variable the average of another. tf_keras 2.21, the Keras 2 that goes
on, pairs them by identity. Variables of equal shapes, so that a wrong pair is seen by its values alone.
"""

from __future__ import annotations

from itertools import product

from keras_side.trace_table import KERAS2, STANDARD_SHAPES, Event, Shape, TraceRow, average

STEPS = 7
EQUAL_SHAPES: tuple[Shape, ...] = ((3, 2),) * 3
RATE = 0.3


def _absent(*steps: tuple[int, ...]) -> tuple[Event, ...]:
    """Which gradients are absent in the first steps."""
    return tuple(Event(step, absent_gradients=indices)
                 for step, indices in enumerate(steps) if indices)


ABSENT: dict[str, tuple[Event, ...]] = {
    "first": _absent((0,), (), (0,), (0,)),
    "middle": _absent((), (1,), (1,), (), (1,)),
    "first_two": _absent((0, 1), (), (0, 1)),
    "in_turn": _absent((0,), (1,), (2,), (0, 1), (1, 2), (0, 2)),
}
OVERWRITE: dict[str, int | None] = {"never": None, "every_step": 1, "every_third": 3}


def _row(name: str, absent: str, frequency: int | None = 3, *,
         shapes: tuple[Shape, ...] = EQUAL_SHAPES, **options: object) -> TraceRow:
    arguments = average(0.9, frequency, learning_rate=RATE, **options.pop("arguments", {}))
    return TraceRow(name, arguments, STEPS, shapes, events=ABSENT[absent],
                    gradients="moderate", arithmetics=(KERAS2,), **options)


AVERAGE_ROWS: tuple[TraceRow, ...] = (
    *(_row(f"{absent}_overwritten_{overwrite}", absent, OVERWRITE[overwrite])
      for absent, overwrite in product(ABSENT, OVERWRITE)),
    _row("other_shapes", "in_turn", shapes=STANDARD_SHAPES),
    _row("float64", "in_turn", dtype="float64"),
    _row("float16", "in_turn", dtype="float16"),
    _row("rows", "in_turn", row_indexed={0: 3, 1: 2}),
    _row("decay_and_limit", "in_turn", arguments={"weight_decay": 0.01, "clipvalue": 0.5},
         excluded_variables=(1,)),
)
"""Every absent position with every overwriting, and some options besides."""
