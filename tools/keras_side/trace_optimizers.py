"""Adagrad's relatives, which share its base class: a few configurations of each as traces."""

from __future__ import annotations

from typing import Any

from keras_side.trace_table import (
    BOTH, KERAS3, STANDARD_SHAPES, Event, Shape, TraceRow, average, schedule)

ROWS: tuple[Shape, ...] = ((6, 2), (4,))
FEW: tuple[Shape, ...] = ((), (7,), (3, 2))
FEW_ROWS: tuple[Shape, ...] = ((3, 2), (4,))
"""Of RMSprop: fewer than eight elements at a time, so that Keras 2.12 computes them alike on every
processor. Eight or more float32 go through TensorFlow's approximate `rsqrt`, as in `hundred_elements`."""


def optimizer_rows(arithmetic: str) -> list[TraceRow]:
    """The rows that this generation can run."""
    return [row for row in TABLE if arithmetic in row.arithmetics]


def _row(optimizer: str, name: str, arguments: dict[str, Any] | None = None, *,
         arithmetics: tuple[str, ...] = BOTH, steps: int = 8,
         shapes: tuple[Shape, ...] = STANDARD_SHAPES, **options: Any) -> TraceRow:
    return TraceRow(f"{optimizer.lower()}_{name}", arguments or {}, steps, shapes,
                    optimizer=optimizer, arithmetics=arithmetics, gradients="moderate", **options)


_DECAY = schedule("ExponentialDecay", initial_learning_rate=0.1, decay_steps=3, decay_rate=0.5)
_COUNTER = (Event(0, iterations=1000),)
_ABSENT = (Event(1, absent_gradients=(2,)), Event(4, absent_gradients=(1, 2)))
_INDEXED = {"shapes": ROWS, "row_indexed": {0: 4}}
_FEW_INDEXED = {"shapes": FEW_ROWS, "row_indexed": {0: 3}}

TABLE: tuple[TraceRow, ...] = (
    _row("SGD", "defaults"),
    _row("SGD", "momentum", {"learning_rate": 0.1, "momentum": 0.9}),
    _row("SGD", "nesterov", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    _row("SGD", "nesterov_without_momentum", {"learning_rate": 0.1, "nesterov": True}),
    _row("SGD", "weight_decay", {"learning_rate": 0.1, "momentum": 0.5, "weight_decay": 0.01},
         excluded_variables=(1,)),
    _row("SGD", "clipped_average",
         {**average(0.9, 3, learning_rate=0.1, clipnorm=1.5), "momentum": 0.9},
         shapes=((), (7,), (3, 2))),
    _row("SGD", "schedule", {"learning_rate": _DECAY, "momentum": 0.9}, events=_ABSENT),
    _row("SGD", "float64", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
         dtype="float64"),
    _row("SGD", "float16", {"learning_rate": 0.1, "momentum": 0.9}, dtype="float16"),
    _row("SGD", "rows", {"learning_rate": 0.1}, **_INDEXED),
    _row("SGD", "rows_momentum", {"learning_rate": 0.1, "momentum": 0.9}, **_INDEXED),
    _row("SGD", "rows_nesterov", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
         **_INDEXED),
    _row("SGD", "accumulation",
         {"learning_rate": 0.1, "momentum": 0.9, "gradient_accumulation_steps": 3},
         arithmetics=(KERAS3,)),

    _row("RMSprop", "defaults", shapes=FEW),
    _row("RMSprop", "momentum", {"learning_rate": 0.05, "rho": 0.8, "momentum": 0.9}, shapes=FEW),
    _row("RMSprop", "centered", {"learning_rate": 0.05, "centered": True}, shapes=FEW),
    _row("RMSprop", "centered_momentum",
         {"learning_rate": 0.05, "momentum": 0.5, "centered": True, "epsilon": 1e-3,
          "weight_decay": 0.01}, shapes=FEW),
    _row("RMSprop", "average", average(0.9, 3, learning_rate=0.05), shapes=FEW),
    _row("RMSprop", "float64", {"learning_rate": 0.05, "momentum": 0.9, "centered": True},
         dtype="float64"),
    _row("RMSprop", "hundred_elements", {"learning_rate": 0.05}, steps=4, shapes=((101,),)),
    _row("RMSprop", "hundred_elements_momentum", {"learning_rate": 0.05, "momentum": 0.9},
         steps=4, shapes=((101,),)),
    _row("RMSprop", "rows", {"learning_rate": 0.05}, **_FEW_INDEXED),
    _row("RMSprop", "rows_centered_momentum",
         {"learning_rate": 0.05, "momentum": 0.9, "centered": True, "epsilon": 0.01},
         **_FEW_INDEXED),
    _row("RMSprop", "absent", {"learning_rate": 0.05, "momentum": 0.9}, shapes=FEW,
         events=_ABSENT),

    _row("Adam", "defaults", steps=12),
    _row("Adam", "amsgrad", {"learning_rate": 0.05, "amsgrad": True}),
    _row("Adam", "betas", {"learning_rate": 0.05, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3}),
    _row("Adam", "counter_at_1000", {"learning_rate": 0.05}, events=_COUNTER),
    _row("Adam", "weight_decay_average", average(0.9, 3, learning_rate=0.05, weight_decay=0.01)),
    _row("Adam", "float64", {"learning_rate": 0.05, "amsgrad": True}, dtype="float64"),
    _row("Adam", "float16", {"learning_rate": 0.05}, dtype="float16"),
    _row("Adam", "rows", {"learning_rate": 0.05}, **_INDEXED),
    _row("Adam", "rows_amsgrad", {"learning_rate": 0.05, "amsgrad": True}, **_INDEXED),
    _row("Adam", "absent", {"learning_rate": 0.05}, events=_ABSENT),
    _row("Adam", "accumulation", {"learning_rate": 0.05, "gradient_accumulation_steps": 3},
         arithmetics=(KERAS3,)),

    _row("AdamW", "defaults"),
    _row("AdamW", "excluded", {"learning_rate": 0.05, "weight_decay": 0.1},
         excluded_patterns=("_1",)),
    _row("AdamW", "amsgrad", {"learning_rate": 0.05, "weight_decay": 0.1, "amsgrad": True}),
    _row("AdamW", "schedule", {"learning_rate": _DECAY, "weight_decay": 0.1}),
    _row("AdamW", "float64", {"learning_rate": 0.05, "weight_decay": 0.1}, dtype="float64"),
    _row("AdamW", "rows", {"learning_rate": 0.05, "weight_decay": 0.1}, **_INDEXED),
    _row("AdamW", "global_clipnorm", {"learning_rate": 0.05, "global_clipnorm": 2.0},
         shapes=((), (7,), (3, 2))),
)
