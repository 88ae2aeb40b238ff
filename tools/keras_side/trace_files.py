"""The layout of a file of traces: one dataset a trace, which holds all its arrays end to end.

A trace has some twenty small arrays, and HDF5 needs hundreds of bytes to describe each: as datasets of
their own, the descriptions would outweigh the numbers. `Fixtures/README.md` describes the layout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Mapping

import h5py
import numpy as np

from keras_side.files import create, dtype_named

FORMAT_VERSION = 2
INDEX = "arrays"
"""The attribute that lists the arrays of a trace."""


@dataclass(frozen=True)
class Trace:
    """What is stored of one row of a table: texts, and arrays by path."""

    texts: dict[str, str]
    arrays: dict[str, np.ndarray]


def write_traces(path: Path, about: Mapping[str, str], traces: Iterable[tuple[str, Trace]]) -> int:
    """Writes a file with the root attributes `about`; returns how many traces it holds."""
    count = 0
    with create(path) as file:
        file.attrs["format_version"] = FORMAT_VERSION
        for name, text in about.items():
            file.attrs[name] = text
        for name, trace in traces:
            _write(file, name, trace)
            count += 1
    return count


def read_trace(dataset: h5py.Dataset) -> Trace:
    """The trace that `dataset` holds."""
    texts = dict(dataset.attrs)
    data = dataset[()].tobytes()
    arrays, offset = {}, 0
    for path, (dtype_name, *shape) in json.loads(texts.pop(INDEX)).items():
        dtype, count = dtype_named(dtype_name), int(np.prod(shape, dtype=int))
        arrays[path] = np.frombuffer(data, dtype, count, offset).reshape(shape)
        offset += count * dtype.itemsize
    if offset != len(data):
        raise ValueError(f"{dataset.name}: the index describes {offset} of {len(data)} bytes")
    return Trace(texts, arrays)


def _write(file: h5py.File, name: str, trace: Trace) -> None:
    data = b"".join(np.ascontiguousarray(array).tobytes() for array in trace.arrays.values())
    dataset = file.create_dataset(name, data=np.frombuffer(data, np.uint8), track_times=False)
    for text_name, text in trace.texts.items():
        dataset.attrs[text_name] = text
    dataset.attrs[INDEX] = json.dumps(
        {path: [array.dtype.name, *array.shape] for path, array in trace.arrays.items()},
        separators=(",", ":"))
