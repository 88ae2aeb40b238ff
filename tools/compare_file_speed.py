#!/usr/bin/env python3
"""Compares how fast Cairn saves and loads files with h5py, Keras 3 and h5ls.

Installs Keras in a virtual environment when it is not there yet (`tools/keras_environments.py`), builds
the benchmarks, and lets Cairn and the other work in turn. The number that counts is the median over the
turns of the other's time divided by Cairn's: 1 is equal speed, more is faster. Cairn's saves are durable
(fsync), Keras's are not.

    tools/compare_file_speed.py [--repetitions 7] [many] [large] [show]

  many   20,000 tensors of 16 KiB in a weights file: loading, against h5py reading all of them
  large  16 tensors of 64 MiB in a `.keras`: saving and loading, against Keras 3
  show   `checkpoint-inspect show` of such a weights file, against `h5ls -r`

Exit code 1 if Cairn is behind what it promises.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras_environments

REPOSITORY = Path(__file__).resolve().parent.parent
BENCHMARKS = REPOSITORY / "tools" / "Benchmarks"
PROMISES = {
    ("many", "load weights"): 3.0, ("large", "save archive"): 1.2,
    ("large", "load archive"): 4.0, ("show", "show"): 2.0,
}


def compare_python(kind: str, program: Path, folder: Path, repetitions: int) -> list[dict]:
    """Against a Python library."""
    text = keras_environments.run(
        "keras3", "keras_side.file_speed", [kind, str(program), str(folder), str(repetitions)])
    return json.loads(text.strip().splitlines()[-1])


def compare_show(program: Path, folder: Path, repetitions: int) -> list[dict]:
    """Against HDF5's own lister, of the file that the `large` comparison reads."""
    cairn = subprocess.Popen([program, "files", folder, "16", "4096", "4096"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    cairn.communicate("save weights\n")
    path = folder / "x.weights.h5"
    commands = {"other": ["h5ls", "-r", path],
                "cairn": [program.parent / "checkpoint-inspect", "show", path]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for repetition in range(repetitions * 5 + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if repetition > 0:
                times[name].append(time.perf_counter() - start)
    return [{"work": "show", "other": "h5ls -r",
             "other_ms": statistics.median(times["other"]) * 1e3,
             "cairn_ms": statistics.median(times["cairn"]) * 1e3,
             "speed_of_cairn": statistics.median(
                 other / own for other, own in zip(times["other"], times["cairn"]))}]


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the speed of saving and loading files.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="many, large or show (all)")
    parser.add_argument("--repetitions", type=int, default=7)
    arguments = parser.parse_args()
    kinds = arguments.kinds or ["many", "large", "show"]
    for unknown in set(kinds) - {"many", "large", "show"}:
        parser.error(f"unknown comparison {unknown!r}, expected many, large or show")
    for product in ("Benchmarks", "checkpoint-inspect"):
        subprocess.run(["swift", "build", "-c", "release", "--quiet", "--package-path",
                        str(BENCHMARKS), "--product", product], check=True)
    program = BENCHMARKS / ".build" / "release" / "Benchmarks"
    kept = True
    try:
        for kind in kinds:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                if kind == "show":
                    results = compare_show(program, folder, arguments.repetitions)
                else:
                    results = compare_python(kind, program, folder, arguments.repetitions)
            for result in results:
                promise = PROMISES[kind, result["work"]]
                kept = kept and result["speed_of_cairn"] >= promise
                print(f"{kind:6} {result['work']:13} {result['other']:8} "
                      f"{result['other_ms']:9.1f} ms, Cairn {result['cairn_ms']:9.1f} ms, "
                      f"{result['speed_of_cairn']:.2f} times as fast (promised: {promise})")
    except keras_environments.EnvironmentFailure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
