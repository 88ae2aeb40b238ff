#!/usr/bin/env python3
"""Compares how fast Cairn saves, loads and shows files with h5py, Keras 3 and h5ls, and how much memory
that takes.

Installs Keras in a virtual environment when it is not there yet (`tools/keras_environments.py`), builds
the benchmarks, and lets Cairn and the other work in turn. The number that counts is the median over the
turns of the other's time divided by Cairn's: 1 is equal speed, more is faster. Cairn's saves are durable
(fsync), Keras's are not.

    tools/compare_file_speed.py [--repetitions 7] [many] [large] [show]

  many   20,000 tensors of 16 KiB in a weights file: loading, against h5py reading all of them; the time of
         `checkpoint-inspect show`
  large  16 tensors of 64 MiB in a `.keras`: saving and loading, against Keras 3
  show   `checkpoint-inspect show`, built to stand alone, of weights files of 1 GiB in 16, 256 and 1,024
         tensors, against `h5ls -r`, and its memory; the memory that reading all of a `.keras` takes, its
         member stored or deflated

Exit code 1 if Cairn is behind what it promises. What saves of many tensors cost against libhdf5 alone is
`Benchmarks checkpoint-many`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import comparison
import keras_environments

PROMISES = {
    ("many", "load weights"): 3.0, ("large", "save archive"): 1.2, ("large", "load archive"): 4.0,
}
MANY, LARGE = ("20000", "64", "64"), ("16", "4096", "4096")
SHOWN = {LARGE: 1.8, ("256", "1024", "1024"): 2.0, ("1024", "512", "512"): 2.2}
"""Weights files of 1 GiB, and how much faster than h5ls each is shown. The fewer the tensors, the more of the
time is the start of the process."""

_SILENT = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]


def write_files(programs: Path, folder: Path, sizes: tuple[str, str, str], *works: str) -> None:
    cairn = subprocess.Popen([programs / "Benchmarks", "files", folder, *sizes],
                             stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    cairn.communicate("".join(f"save {work}\n" for work in works))


def run(command: list[str | Path]) -> float:
    """Milliseconds that a command takes; `subprocess.run` would add half of one of its own."""
    arguments = [str(argument) for argument in command]
    start = time.perf_counter()
    process = os.posix_spawnp(arguments[0], arguments, os.environ, file_actions=_SILENT)
    _, status = os.waitpid(process, 0)
    duration = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), arguments)
    return duration * 1e3


# To a process is charged what its parent had when it was started: here that is as little as can be.
_LAUNCH = """
import os, sys
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(process, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_memory(command: list[str | Path]) -> float:
    """The most memory that a command has at a time, in MiB."""
    launched = subprocess.run([sys.executable, "-I", "-S", "-c", _LAUNCH, *command],
                              stdout=subprocess.PIPE, check=True, text=True)
    return int(launched.stdout) / 1024


def compare_python(kind: str, programs: Path, folder: Path, repetitions: int) -> bool:
    """Against a Python library."""
    text = keras_environments.run(
        "keras3", "keras_side.file_speed",
        [kind, str(programs / "Benchmarks"), str(folder), str(repetitions)])
    results = json.loads(text.strip().splitlines()[-1])
    return all([comparison.judge_times(f"{kind}, {work}", comparison.Times(**times),
                                       PROMISES[kind, work])
                for work, times in results.items()])


def judge_show_of_many(programs: Path, folder: Path, repetitions: int) -> bool:
    write_files(programs, folder, MANY, "weights")
    command = [programs / "checkpoint-inspect", "show", folder / "x.weights.h5"]
    times = [run(command) for _ in range(repetitions)]
    return comparison.judge_limit("many, show", statistics.median(times) / 1e3, 1, "s")


def judge_show_of(sizes: tuple[str, str, str], promise: float, inspect: Path, programs: Path,
                  folder: Path, repetitions: int) -> bool:
    write_files(programs, folder, sizes, "weights")
    path = folder / "x.weights.h5"
    os.sync()  # Otherwise the disk is still being written while short commands are timed.
    times = comparison.Times("h5ls -r")
    for repetition in range(repetitions * 5 + 1):
        other, own = run(["h5ls", "-r", path]), run([inspect, "show", path])
        if repetition > 0:  # The first one warms up.
            times.others.append(other)
            times.own.append(own)
    title = f"show, {sizes[0]} tensors"
    fast = comparison.judge_times(title, times, promise)
    memory = peak_memory([inspect, "show", path]) * 1.048576
    return comparison.judge_limit(f"{title}, memory", memory, 25, "MB") and fast


def judge_show(programs: Path, folder: Path, repetitions: int) -> bool:
    """Against HDF5's own lister."""
    standalone = comparison.build_standalone("checkpoint-inspect")
    kept = [judge_show_of(sizes, promise, standalone, programs, folder, repetitions)
            for sizes, promise in SHOWN.items()]
    inspect = programs / "checkpoint-inspect"
    write_files(programs, folder, LARGE, "archive")
    deflated = folder / "deflated.keras"
    with zipfile.ZipFile(folder / "x.keras") as source, \
            zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for member in source.namelist():
            with source.open(member) as content, target.open(member, "w", force_zip64=True) as copy:
                shutil.copyfileobj(content, copy, 1 << 20)
    for name, archive in (("stored", folder / "x.keras"), ("deflated", deflated)):
        kept.append(comparison.judge_limit(
            f"show, memory of digests, {name}", peak_memory([inspect, "show", "--digests", archive]),
            64, "MiB"))
    return all(kept)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the speed of saving and loading files.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="many, large or show (all)")
    parser.add_argument("--repetitions", type=int, default=7)
    arguments = parser.parse_args()
    kinds = arguments.kinds or ["many", "large", "show"]
    for unknown in set(kinds) - {"many", "large", "show"}:
        parser.error(f"unknown comparison {unknown!r}, expected many, large or show")
    programs = comparison.build("Benchmarks", "checkpoint-inspect")
    kept = True
    try:
        for kind in kinds:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                if kind == "show":
                    kept = judge_show(programs, folder, arguments.repetitions) and kept
                else:
                    kept = compare_python(kind, programs, folder, arguments.repetitions) and kept
                if kind == "many":
                    kept = judge_show_of_many(programs, folder, arguments.repetitions) and kept
    except keras_environments.EnvironmentFailure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
