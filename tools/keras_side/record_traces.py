"""Records the optimizer traces of this environment's Keras, or compares them with the files.

The files of `Fixtures/traces` are described in `Fixtures/README.md`: one for each table.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from pathlib import Path
from typing import Any, Mapping, Sequence

import h5py
import numpy as np

from keras_side.generation import Generation, current
from keras_side.schedule_tables import SCHEDULES, record_schedule
from keras_side.trace_averages import AVERAGE_ROWS
from keras_side.trace_files import Trace, read_trace, write_traces
from keras_side.trace_optimizers import optimizer_rows
from keras_side.trace_options import option_rows
from keras_side.trace_recording import record
from keras_side.trace_table import TraceRow, rows_for

SCHEDULES_VERSION = 1


def tables(generation: Generation) -> dict[str, Sequence[TraceRow]]:
    """The rows to record, by what the file's name ends in after the generation."""
    if generation.family == "tf_keras":
        return {"-averages": AVERAGE_ROWS}
    return {"": rows_for(generation.arithmetic), "-options": option_rows(generation.arithmetic),
            "-optimizers": optimizer_rows(generation.arithmetic)}


def has_schedules(generation: Generation) -> bool:
    """Whether this generation's schedules are recorded. Those of tf_keras are those of Keras 2.12."""
    return generation.family != "tf_keras"


def write(path: Path, generation: Generation, rows: Sequence[TraceRow]) -> None:
    """Records all rows and writes them; equal runs give equal bytes."""
    versions = {f"{name}_version": value for name, value in generation.versions().items()}
    about = {"generation": generation.name, "arithmetic": generation.arithmetic, **versions}
    count = write_traces(path, about, ((row.name, record(generation, row)) for row in rows))
    print(f"{path}: {count} configurations")


def differences(stored: Trace, trace: Trace) -> list[str]:
    """What differs between a committed trace and a new one, bit for bit (NaN equals NaN)."""
    messages = [f"{name} differs" for name in stored.texts.keys() | trace.texts.keys()
                if stored.texts.get(name) != trace.texts.get(name)]
    messages += [f"{path} is only in the file"
                 for path in stored.arrays.keys() - trace.arrays.keys()]
    for path, value in trace.arrays.items():
        if path not in stored.arrays:
            messages.append(f"{path} is not in the file")
        elif not _equal_bits(stored.arrays[path], value):
            messages.append(f"{path} differs")
    return messages


def _equal_bits(stored: np.ndarray, value: np.ndarray) -> bool:
    if stored.dtype != value.dtype or stored.shape != value.shape:
        return False
    if value.dtype.kind == "i":
        return bool(np.array_equal(stored, value))
    both_nan = np.isnan(stored) & np.isnan(value)
    unsigned = f"u{value.dtype.itemsize}"
    return bool(np.all(both_nan | (stored.view(unsigned) == value.view(unsigned))))


def depends_on_processor(generation: Generation, row: TraceRow) -> bool:
    """Whether TensorFlow computes something of this row by kernels that differ between processors:
    sums of more than a few elements, powers and cosines, and the approximate root of Keras 2's RMSprop.
    """
    arguments = dict(row.arguments)
    for event in row.events:
        arguments.update(event.attributes)
    sums = any(arguments.get(name) is not None for name in ("clipnorm", "global_clipnorm"))
    schedule = isinstance(arguments.get("learning_rate"), Mapping) or any(
        event.schedule is not None for event in row.events)
    root = (row.optimizer == "RMSprop" and generation.arithmetic == "keras2"
            and any(math.prod(shape) >= 8 for shape in row.shapes))
    powers = row.optimizer in ("Adam", "AdamW")
    return sums or schedule or root or powers


def is_close(stored: Trace, trace: Trace) -> bool:
    """Whether a trace is the committed one up to what another processor may change."""
    for path, value in trace.arrays.items():
        if path not in stored.arrays or stored.arrays[path].shape != value.shape:
            return False
        short = value.dtype.itemsize == 2
        relative, absolute = (0.05, 0.05) if short else (1e-4, 1e-6)
        if not np.allclose(stored.arrays[path].astype(np.float64), value.astype(np.float64),
                           rtol=relative, atol=absolute, equal_nan=True):
            return False
    return stored.texts == trace.texts


def check(path: Path, generation: Generation, rows: Sequence[TraceRow]) -> int:
    """Records `rows` again and compares, bit for bit where every processor computes the same bits;
    returns how many differ."""
    failures = 0
    with h5py.File(path, "r") as file:
        for row in rows:
            verdict, messages = "drift", ["is not in the file"]
            if row.name in file:
                stored, trace = read_trace(file[row.name]), record(generation, row)
                messages = differences(stored, trace)
                if not messages:
                    verdict = "equal"
                elif depends_on_processor(generation, row) and is_close(stored, trace):
                    verdict = "close"
            failures += verdict == "drift"
            print(f"{verdict}  {path.stem}/{row.name}")
            for message in messages:
                print(f"       {message}")
    return failures


def schedules_path(folder: Path, generation: Generation) -> Path:
    """The table of schedules, beside the traces."""
    return folder / f"{generation.name}-schedules.json"


def write_schedules(folder: Path, generation: Generation) -> None:
    """Evaluates all schedules and writes their table."""
    path = schedules_path(folder, generation)
    tables = [record_schedule(generation, name) for name in SCHEDULES
              if SCHEDULES[name].arithmetic in (None, generation.arithmetic)]
    document = {"format_version": SCHEDULES_VERSION, "generation": generation.name,
                "arithmetic": generation.arithmetic, "versions": generation.versions()}
    lines = ",\n".join(json.dumps(table) for table in tables)
    path.write_text(json.dumps(document)[:-1] + f', "schedules": [\n{lines}\n]}}\n',
                    encoding="utf-8")
    print(f"{path}: {len(tables)} schedules")


def is_close_table(table: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two tables of a schedule differ by no more than powers and cosines do between
    processors."""
    return ({**table, "values": None} == {**other, "values": None}
            and np.allclose(table["values"], other["values"], rtol=1e-5, atol=1e-9))


def check_schedules(folder: Path, generation: Generation, fraction: float, seed: int) -> int:
    """Evaluates a part of the schedules again and compares; returns how many differ."""
    stored = json.loads(schedules_path(folder, generation).read_text(encoding="utf-8"))
    count = max(1, math.ceil(fraction * len(stored["schedules"])))
    failures = 0
    for table in random.Random(seed).sample(stored["schedules"], count):
        again = record_schedule(generation, table["name"])
        verdict = "equal" if again == table else "close" if is_close_table(again, table) else "drift"
        failures += verdict == "drift"
        print(f"{verdict}  {generation.name}-schedules/{table['name']}")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--fraction", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generation = current()
    failures = 0
    for ending, rows in tables(generation).items():
        path = arguments.folder / f"{generation.name}{ending}.h5"
        if not arguments.check:
            write(path, generation, rows)
            continue
        count = max(1, math.ceil(arguments.fraction * len(rows)))
        chosen = random.Random(arguments.seed).sample(rows, count)
        failures += check(path, generation, chosen)
    if not has_schedules(generation):
        return min(1, failures)
    if arguments.check:
        failures += check_schedules(arguments.folder, generation, arguments.fraction,
                                    arguments.seed)
    else:
        write_schedules(arguments.folder, generation)
    return min(1, failures)


if __name__ == "__main__":
    sys.exit(main())
