"""Adagrad's options in combination: the rows of the coverage table as traces, and odd corners."""

from __future__ import annotations

from typing import Any, Mapping

from keras_side.trace_coverage import covering_rows
from keras_side.trace_table import (
    KERAS2, KERAS3, Event, Shape, TraceRow, average, schedule)

STEPS = 8
RATE = 0.3


def option_rows(arithmetic: str) -> list[TraceRow]:
    """The rows that this generation can run."""
    pairwise = [row_of(levels, f"pair_{index:02}", arithmetic)
                for index, levels in enumerate(covering_rows(arithmetic))]
    return pairwise + [row for row in CORNERS if arithmetic in row.arithmetics]


def row_of(levels: Mapping[str, str], name: str, arithmetic: str) -> TraceRow:
    """One row of the coverage table as a trace."""
    arguments: dict[str, Any] = {"learning_rate": RATE}
    events: list[Event] = []
    start = 1000 if levels["counter"] == "thousand" else 0
    if start:
        events.append(Event(0, iterations=start))
    if levels["rate"] == "set_midway":
        events += [Event(3, learning_rate=0.02), Event(6, learning_rate=1.5)]
    elif levels["rate"] != "constant":
        arguments["learning_rate"] = _schedule(levels, start)
    arguments.update(START[levels["start"]])
    arguments.update(_clip(levels))
    if levels["weight_decay"] != "none":
        arguments["weight_decay"] = 0.0 if levels["weight_decay"] == "zero" else 0.01
    arguments.update(AVERAGE[levels["average"]])
    if levels.get("accumulation", "none") != "none":
        arguments["gradient_accumulation_steps"] = {"two": 2, "three": 3}[levels["accumulation"]]
    if levels.get("loss_scale", "none") != "none":
        arguments["loss_scale_factor"] = {"power_of_two": 128.0, "three": 3.0}[
            levels["loss_scale"]]
    events += ABSENT.get(levels["gradients"], ())
    return TraceRow(
        name, arguments, steps=STEPS, shapes=_shapes(levels), dtype=levels["dtype"],
        gradients=_kind(levels), row_indexed=ROW_INDEXED.get(levels["gradients"], {}),
        excluded_variables=(0,) if levels["weight_decay"] == "not_by_variable" else (),
        excluded_patterns=(("able_1", "VARIABLE_2")
                           if levels["weight_decay"] == "not_by_pattern" else ()),
        levels=levels, events=tuple(events), arithmetics=(arithmetic,))


START: dict[str, dict[str, float]] = {
    "default": {},
    "zero": {"initial_accumulator_value": 0.0},
    "large_epsilon": {"initial_accumulator_value": 1.0, "epsilon": 1e-3},
}
AVERAGE: dict[str, dict[str, Any]] = {
    "none": {},
    "no_overwrite": average(0.99),
    "overwrite_1": average(0.9, 1),
    "overwrite_3": average(0.95, 3),
}
# With two or three micro-steps to a step, some of these fall on the last of them.
ABSENT: dict[str, tuple[Event, ...]] = {
    "absent_first": (Event(0, absent_gradients=(0,)), Event(3, absent_gradients=(0,))),
    "absent_middle": (Event(1, absent_gradients=(1,)), Event(4, absent_gradients=(0, 1))),
    "absent_last": (Event(0, absent_gradients=(2,)), Event(2, absent_gradients=(2,)),
                    Event(5, absent_gradients=(1, 2))),
    "mixed_absent": (Event(1, absent_gradients=(1,)), Event(4, absent_gradients=(0,)),
                     Event(5, absent_gradients=(1, 2))),
}
ROW_INDEXED: dict[str, dict[int, int]] = {
    "rows": {0: 3, 1: 3, 2: 2}, "mixed": {1: 3}, "mixed_absent": {1: 3}}


def _shapes(levels: Mapping[str, str]) -> tuple[Shape, ...]:
    """Small: no gradient has more than 7 elements, so that norms are summed one by one."""
    if levels["size"] == "large":
        return ((4,), (6, 3), (11,))
    return ((2,), (3, 2), (3,) if levels["gradients"] == "rows" else ())


def _sixteen_bits(levels: Mapping[str, str]) -> bool:
    return levels["dtype"] in ("float16", "bfloat16")


def _kind(levels: Mapping[str, str]) -> str:
    kind = "moderate" if _sixteen_bits(levels) else "mixed"
    if levels["values"] == "ordinary":
        return kind
    kind += f"_{levels['values']}"
    if levels["values"] == "overflow" and levels["dtype"] in ("float16", "float64"):
        kind += f"_{levels['dtype']}"
    return kind


def _clip(levels: Mapping[str, str]) -> dict[str, float]:
    inactive = 300.0 if _sixteen_bits(levels) else 41000.0
    return {
        "none": {},
        "clipnorm": {"clipnorm": 0.75},
        "clipnorm_inactive": {"clipnorm": inactive},
        "clipvalue": {"clipvalue": 0.3},
        "clipvalue_inactive": {"clipvalue": inactive},
        "global": {"global_clipnorm": 1.7},
        "global_inactive": {"global_clipnorm": inactive},
        "clipnorm_and_value": {"clipnorm": 0.75, "clipvalue": 0.3},
        "global_and_value": {"global_clipnorm": 1.7, "clipvalue": 0.3},
    }[levels["clip"]]


def _schedule(levels: Mapping[str, str], start: int) -> dict[str, Any]:
    """A schedule whose end, or a jump, falls on the fourth step."""
    last = start + 3
    variant = levels["size"] == "large"
    kind = levels["rate"]
    if kind == "exponential":
        return schedule("ExponentialDecay", initial_learning_rate=RATE, decay_steps=last,
                        decay_rate=0.6, staircase=variant)
    if kind == "inverse_time":
        return schedule("InverseTimeDecay", initial_learning_rate=RATE, decay_steps=last,
                        decay_rate=0.4, staircase=variant)
    if kind == "polynomial":
        return schedule("PolynomialDecay", initial_learning_rate=RATE, decay_steps=last,
                        end_learning_rate=0.01, power=0.5 if variant else 1.0, cycle=variant)
    if kind == "piecewise":
        return schedule("PiecewiseConstantDecay", boundaries=[last - 2, last, last + 2],
                        values=[RATE, 0.2, 0.1, 0.05])
    if kind == "cosine":
        return schedule("CosineDecay", initial_learning_rate=RATE, decay_steps=last, alpha=0.1)
    if kind == "cosine_warmup":
        return schedule("CosineDecay", initial_learning_rate=0.05, decay_steps=3, alpha=0.1,
                        warmup_target=RATE, warmup_steps=start + 2)
    if kind == "restarts":
        return schedule("CosineDecayRestarts", initial_learning_rate=RATE,
                        first_decay_steps=334 if start else 3, t_mul=2.0 if variant else 1.0,
                        m_mul=0.8, alpha=0.05)
    raise ValueError(f"unknown level {kind}")


SMALL: tuple[Shape, ...] = ((2,), (3, 2), ())
_COSINE = schedule("CosineDecay", initial_learning_rate=0.5, decay_steps=6, alpha=0.1)

CORNERS: tuple[TraceRow, ...] = (
    # Hyper-parameters are read in every step.
    TraceRow("epsilon_set_midway", {"learning_rate": RATE}, STEPS, SMALL,
             events=(Event(4, attributes={"epsilon": 0.5}),)),
    TraceRow("weight_decay_set_midway", {"learning_rate": RATE}, STEPS, SMALL,
             events=(Event(3, attributes={"weight_decay": 0.1}),
                     Event(6, attributes={"weight_decay": None}))),
    TraceRow("clip_set_midway", {"learning_rate": RATE, "clipnorm": 0.5}, STEPS, SMALL,
             events=(Event(3, attributes={"clipnorm": 2.5}),
                     Event(5, attributes={"clipnorm": None, "clipvalue": 0.125}))),
    TraceRow("average_set_midway", average(0.9, 2, learning_rate=RATE), STEPS, SMALL,
             events=(Event(3, attributes={"ema_momentum": 0.5}),
                     Event(5, attributes={"ema_overwrite_frequency": None}))),
    # A value that is zero or negative switches clipping off.
    TraceRow("clipnorm_zero", {"learning_rate": RATE, "clipnorm": 0.0}, STEPS, SMALL),
    TraceRow("clipvalue_negative", {"learning_rate": RATE, "clipvalue": -1.0}, STEPS, SMALL),
    TraceRow("global_clipnorm_negative", {"learning_rate": RATE, "global_clipnorm": -2.0}, STEPS,
             SMALL),
    TraceRow("clipnorm_zero_and_clipvalue",
             {"learning_rate": RATE, "clipnorm": 0.0, "clipvalue": 0.3}, STEPS, SMALL,
             arithmetics=(KERAS2,)),
    # A global norm far below 41: the factor 41 * (1 / 41) is not exactly 1.
    TraceRow("global_clipnorm_41", {"learning_rate": RATE, "global_clipnorm": 41.0}, STEPS, SMALL,
             gradients="moderate"),
    TraceRow("global_clipnorm_41_float64", {"learning_rate": RATE, "global_clipnorm": 41.0}, STEPS,
             SMALL, dtype="float64", gradients="moderate"),
    *(TraceRow(f"zero_gradients_{clip}", {"learning_rate": RATE, clip: 0.5}, STEPS, SMALL,
               gradients="zeros") for clip in ("clipnorm", "clipvalue", "global_clipnorm")),
    # Long vectors, where the order of a sum matters.
    *(TraceRow(f"thousand_elements_{clip}", {"learning_rate": RATE, clip: 0.7}, 3, ((1000,), (33,)))
      for clip in ("clipnorm", "global_clipnorm")),
    # Weight decay.
    TraceRow("negative_weight_decay", {"learning_rate": RATE, "weight_decay": -0.05}, STEPS, SMALL),
    TraceRow("weight_decay_patterns", {"learning_rate": RATE, "weight_decay": 0.1}, STEPS,
             ((3,),) * 5, excluded_patterns=("_[13]", "^variable_4", "^able_0", "Variable_2")),
    TraceRow("weight_decay_variables_and_patterns", {"learning_rate": RATE, "weight_decay": 0.1},
             STEPS, ((3,),) * 5, excluded_variables=(1, 4), excluded_patterns=("_0",)),
    TraceRow("weight_decay_of_a_schedule",
             {"learning_rate": schedule("PiecewiseConstantDecay", boundaries=[2, 5],
                                        values=[0.5, 0.1, 0.01]),
              "weight_decay": 0.1}, STEPS, SMALL),
    # One schedule replaced by another, a constant by a schedule.
    TraceRow("schedule_over_schedule",
             {"learning_rate": schedule("ExponentialDecay", initial_learning_rate=0.5,
                                        decay_steps=2, decay_rate=0.5)}, STEPS, SMALL,
             events=(Event(4, schedule=_COSINE),)),
    TraceRow("schedule_over_constant", {"learning_rate": RATE}, STEPS, SMALL,
             events=(Event(4, schedule=_COSINE),), arithmetics=(KERAS3,)),
    # Rows. Two rules for rows that are listed twice.
    TraceRow("many_duplicates", {"learning_rate": 1.0}, STEPS, ((3, 2),), row_indexed={0: 12}),
    TraceRow("every_row_once_or_never", {"learning_rate": 1.0}, STEPS, ((40, 3),),
             row_indexed={0: 5}),
    TraceRow("row_indexed_cube", {"learning_rate": RATE}, 4, ((6, 2, 3),), row_indexed={0: 4}),
    TraceRow("rows_of_zeros", {"learning_rate": RATE}, STEPS, ((5, 2),), gradients="zeros",
             row_indexed={0: 4}),
    TraceRow("average_over_rows", average(0.9, 3, learning_rate=RATE, weight_decay=0.02), STEPS,
             ((12, 3), (4,)), row_indexed={0: 4}),
    # Gradient accumulation.
    TraceRow("accumulation_average_overwrite_2",
             average(0.9, 2, learning_rate=RATE, gradient_accumulation_steps=3), 14, SMALL,
             arithmetics=(KERAS3,)),
    TraceRow("accumulation_of_absent",
             {"learning_rate": RATE, "gradient_accumulation_steps": 3}, 12, SMALL,
             arithmetics=(KERAS3,),
             events=(Event(1, absent_gradients=(0,)), Event(2, absent_gradients=(0, 1)),
                     Event(5, absent_gradients=(1,)), Event(6, absent_gradients=(1, 2)))),
    TraceRow("accumulation_counter_1001",
             average(0.9, learning_rate=RATE, gradient_accumulation_steps=4), 10, SMALL,
             arithmetics=(KERAS3,), events=(Event(0, iterations=1001),)),
    # Accepted, and without effect where there is no GPU.
    TraceRow("jit_compile", {"learning_rate": RATE, "jit_compile": True}, 4, SMALL,
             arithmetics=(KERAS2,)),
    TraceRow("no_jit_compile", {"learning_rate": RATE, "jit_compile": False}, 4, SMALL,
             arithmetics=(KERAS2,)),
    TraceRow("whole_numbers", {"learning_rate": 1, "epsilon": 1, "initial_accumulator_value": 0,
                               "weight_decay": 0}, 4, SMALL, arithmetics=(KERAS2,)),
    # Counters set under way, moving averages and schedules with them.
    TraceRow("counter_set_midway",
             average(0.9, 3, learning_rate=schedule(
                 "ExponentialDecay", initial_learning_rate=0.5, decay_steps=4, decay_rate=0.5)),
             STEPS, SMALL, events=(Event(4, iterations=0), Event(6, iterations=20))),
)
