"""Writes random and adversarial tensors to pairs of files, and compares what `checkpoint-inspect diff`, NumPy and
h5diff say about them.

Prints one JSON object: a list of [name of the check, whether it holds, detail].
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

FLOATS = ("float16", "float32", "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool")
SHAPES = ((), (0,), (0, 3), (3, 0, 2), (1,), (7,), (8,), (513,), (40, 33), (3, 5, 7, 2), (1, 70_000), (20_000, 5))
TOLERANCES: tuple[dict[str, float], ...] = (
    {}, {"absolute": 1e-3}, {"relative": 1e-2}, {"absolute": 1e-4, "relative": 1e-3}, {"ulp": 1}, {"ulp": 4},
    {"ulp": 2, "absolute": 1e-6})


def oddities(dtype: np.dtype) -> np.ndarray:
    """Numbers at the edges of a type."""
    if dtype == np.bool_:
        return np.array([False, True])
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        return np.array([0, 1, limits.min, limits.max, limits.max - 1], dtype)
    limits = np.finfo(dtype)
    return np.array([0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, limits.max, -limits.max, limits.tiny,
                     limits.smallest_subnormal, -limits.smallest_subnormal, limits.tiny - limits.smallest_subnormal,
                     1.0, 1 + limits.eps, -1.0], dtype)


def tensors(random: np.random.RandomState, dtype: np.dtype, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A tensor and one that differs from it here and there."""
    count = int(np.prod(shape))
    if dtype.kind == "f":
        first = random.standard_normal(count).astype(dtype)
    else:
        first = random.randint(0, 100, count).astype(dtype)
    odd = oddities(dtype)
    places = random.random_sample(count) < 0.1
    first[places] = random.choice(odd, places.sum())
    second = first.copy()
    kind = random.randint(0, 4)
    if kind > 0 and count:
        places = random.random_sample(count) < (1.0, 0.3, 0.001)[kind - 1]
        places[random.randint(0, count)] = True
        if dtype.kind == "f":
            with np.errstate(all="ignore"):
                steps = random.randint(-5, 6, places.sum())
                near = first[places]
                for _ in range(5):
                    near = np.where(steps > 0, np.nextafter(near, dtype.type(np.inf)),
                                    np.where(steps < 0, np.nextafter(near, dtype.type(-np.inf)), near))
                    steps = steps - np.sign(steps)
                far = (first[places] * random.choice([0.999, 1.001, 2.0], places.sum())).astype(dtype)
            second[places] = np.where(random.random_sample(places.sum()) < 0.5, near, far)
        else:
            second[places] = random.choice(odd, places.sum())
        places = random.random_sample(count) < 0.02
        second[places] = random.choice(odd, places.sum())
    return first.reshape(shape), second.reshape(shape)


def ordered(values: np.ndarray) -> np.ndarray:
    """Integers that rise by one from each floating-point number to the next; 0 for both zeros."""
    bits = values.view(f"i{values.dtype.itemsize}").astype(object)
    sign = -(1 << (8 * values.dtype.itemsize - 1))
    return np.where(bits < 0, sign - bits, bits)


def numpy_differences(first: np.ndarray, second: np.ndarray, tolerance: dict[str, float]) -> np.ndarray:
    """Which elements differ, by the documentation of `diff`."""
    with np.errstate(all="ignore"):
        same = first == second
        if first.dtype.kind != "f":
            if first.dtype == np.bool_ or not tolerance:
                return ~same
            wide = np.asarray(abs(first.astype(object) - second.astype(object)), np.float64)
            return ~same & ~(wide <= tolerance.get("absolute", 0)
                             + tolerance.get("relative", 0) * np.abs(second.astype(np.float64)))
        same |= np.isnan(first) & np.isnan(second)
        x, y = first.astype(np.float64), second.astype(np.float64)
        finite = np.isfinite(x - y)
        near = finite & (np.abs(x - y) <= tolerance.get("absolute", 0) + tolerance.get("relative", 0) * np.abs(y))
        if "ulp" in tolerance:
            apart = np.abs(ordered(np.atleast_1d(first)) - ordered(np.atleast_1d(second)))
            near |= finite & (apart.reshape(first.shape) <= tolerance["ulp"])
        return ~(same | near)


def write(path: Path, values: list[np.ndarray]) -> None:
    """A weights file of Keras 3 in miniature."""
    with h5py.File(path, "w") as file:
        for index, value in enumerate(values):
            chunked = value.ndim > 1 and value.size > 1000 and index % 2
            file.create_dataset(f"layers/dense{'_%d' % index if index else ''}/vars/0", data=value,
                                **({"chunks": True, "compression": "gzip"} if chunked else {}))


def diff(binary: Path, first: Path, second: Path, tolerance: dict[str, float]) -> dict[str, dict[str, Any]]:
    """What the binary says, by the path of the dataset."""
    options = [text for key, value in tolerance.items() for text in (f"--{key}", str(value))]
    done = subprocess.run([str(binary), "diff", str(first), str(second), "--format", "json", *options],
                          capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    items = json.loads(done.stdout)["variables"]
    shown = subprocess.run([str(binary), "show", str(first), "--format", "json"],
                           capture_output=True, text=True, check=True)
    paths = {entry["name"]: entry["datasetPath"] for entry in json.loads(shown.stdout)["variables"]}
    return {paths[item["name"]].lstrip("/"): item for item in items}


def h5diff(first: Path, second: Path) -> dict[str, int]:
    """How many elements h5diff finds to differ, by the path of the dataset; those that it cannot compare, being
    empty, are absent."""
    done = subprocess.run(["h5diff", "-v", str(first), str(second)], capture_output=True, text=True, check=False)
    found = {}
    for match in re.finditer(r"dataset: </(\S+)> and .*?\n(.*?)(\d+) differences found", done.stdout, re.S):
        if "Not comparable" not in match[2]:
            found[match[1]] = int(match[3])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random = np.random.RandomState(arguments.seed)
    checks = []
    for name in FLOATS + INTEGERS:
        dtype = np.dtype(name)
        values = [tensors(random, dtype, shape) for shape in SHAPES for _ in range(3)]
        paths = (arguments.work / f"{name}-a.weights.h5", arguments.work / f"{name}-b.weights.h5")
        for side, path in enumerate(paths):
            write(path, [pair[side] for pair in values])
        sets = [f"layers/dense{'_%d' % index if index else ''}/vars/0" for index in range(len(values))]
        for tolerance in TOLERANCES:
            found = diff(arguments.binary, *paths, tolerance)
            wrong = []
            for path, (first, second) in zip(sets, values):
                expected = int(numpy_differences(first, second, tolerance).sum())
                item = found[path]
                counted = item.get("changedCount", 0)
                if counted != expected or (item["outcome"] == "equal") != (expected == 0):
                    wrong.append(f"{path} {first.shape}: {counted}, NumPy {expected}")
                if expected and dtype.kind == "f" and "maximumIndex" in item:
                    with np.errstate(all="ignore"):
                        apart = np.abs(first.astype(np.float64) - second.astype(np.float64))
                    apart = np.where(np.isfinite(apart), apart, -1)
                    if apart[tuple(item["maximumIndex"])] != apart.max() or item["maximumAbsolute"] != apart.max():
                        wrong.append(f"{path}: maximum at {item['maximumIndex']}")
            checks.append([f"{name} {tolerance or 'exact'}: as NumPy", not wrong, "; ".join(wrong[:3])])
        theirs = h5diff(*paths)
        ours = diff(arguments.binary, *paths, {})
        wrong = []
        for path, (first, second) in zip(sets, values):
            if path not in theirs:
                if first.size:
                    wrong.append(f"{path}: h5diff says nothing")
                continue
            # h5diff lists 0 and -0 as different by 0.
            zeros = int(((first == second) & (first == 0) & (np.signbit(first) != np.signbit(second))).sum()) \
                if dtype.kind == "f" else 0
            if ours[path].get("changedCount", 0) + zeros != theirs[path]:
                wrong.append(f"{path}: {ours[path].get('changedCount', 0)} and {zeros} zeros, h5diff {theirs[path]}")
        checks.append([f"{name}: as h5diff", not wrong, "; ".join(wrong[:3])])
    print(json.dumps(checks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
