"""Times how other programs save and load files, in turn with Cairn doing the same.

Runs in the environment of Keras 3. Cairn's benchmark program runs beside it and works whenever it is
sent a line, so that whatever disturbs the machine meets both alike.

    python -m keras_side.file_speed many|large BENCHMARKS FOLDER REPETITIONS

Prints one line of JSON: for each comparison both medians in milliseconds, and the median over the turns
of the other's time divided by Cairn's.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

SIZES = {"many": (20_000, 64, 64), "large": (16, 4096, 4096)}


class Cairn:
    """Cairn's benchmark program, saving and loading on request."""

    def __init__(self, program: str, folder: Path, sizes: tuple[int, int, int]) -> None:
        self._process = subprocess.Popen(
            [program, "files", str(folder), *map(str, sizes)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def ask(self, work: str) -> float:
        """Lets it do the work; returns its seconds, as the program measured them."""
        self._process.stdin.write(work + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline()) * 1e-9

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def read_all(path: Path) -> None:
    """Every dataset of a file, with h5py."""
    import h5py

    def read(_: str, item: object) -> None:  # Another result than None would end the walk.
        if isinstance(item, h5py.Dataset):
            item[()]

    with h5py.File(path, "r") as file:
        file.visititems(read)


def keras_work(folder: Path) -> dict[str, Callable[[], None]]:
    import keras
    count, inputs, units = SIZES["large"]
    layers = [keras.layers.Dense(units, use_bias=False) for _ in range(count)]
    model = keras.Sequential([keras.Input((inputs,)), *layers])
    path = folder / "keras.keras"
    return {
        "save archive": lambda: model.save(path),
        "load archive": lambda: keras.models.load_model(path),
    }


def main() -> int:
    kind, program, folder, repetitions = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
    cairn = Cairn(program, folder, SIZES[kind])
    # Each is asked for once before anything is timed, so that the files are there.
    cairn.ask("save weights")
    cairn.ask("save archive")
    if kind == "many":
        works = {"load weights": ("h5py", lambda: read_all(folder / "x.weights.h5"))}
    else:
        works = {work: ("Keras", run) for work, run in keras_work(folder).items()}
    results = []
    for work, (name, run) in works.items():
        ours, theirs = [], []
        for repetition in range(int(repetitions) + 1):
            start = time.perf_counter()
            run()
            elapsed = time.perf_counter() - start
            seconds = cairn.ask(work)
            if repetition > 0:  # The first one warms up.
                theirs.append(elapsed)
                ours.append(seconds)
        results.append({
            "work": work, "other": name, "other_ms": statistics.median(theirs) * 1e3,
            "cairn_ms": statistics.median(ours) * 1e3,
            "speed_of_cairn": statistics.median(b / a for a, b in zip(ours, theirs))})
    cairn.close()
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
