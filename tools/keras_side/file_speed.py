"""Times how other programs save and load files, in turn with Cairn doing the same.

Runs in the environment of Keras 3. Cairn's benchmark program runs beside it and works whenever it is
sent a line, so that whatever disturbs the machine meets both alike.

    python -m keras_side.file_speed many|large BENCHMARKS FOLDER REPETITIONS

Prints one line of JSON: for each comparison the milliseconds of both.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Callable

from keras_side import turns

SIZES = {"many": (20_000, 64, 64), "large": (16, 4096, 4096)}


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
    cairn = turns.Cairn(program, "files", folder, *SIZES[kind])
    # Each is asked for once before anything is timed, so that the files are there.
    cairn.ask("save weights")
    cairn.ask("save archive")
    if kind == "many":
        works = {"load weights": ("h5py", lambda: read_all(folder / "x.weights.h5"))}
    else:
        works = {work: ("Keras", run) for work, run in keras_work(folder).items()}
    results = {work: turns.take(cairn, work, name, run, int(repetitions), warm_ups=1)
               for work, (name, run) in works.items()}
    cairn.close()
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
