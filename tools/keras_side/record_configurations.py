"""Records what this environment's Keras writes into files about optimizers, and what it refuses.

The files `optimizer_configurations.json` and `optimizer_refusals.json`
are described in `Fixtures/README.md`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Mapping

import h5py
import numpy as np

from keras_side.configuration_table import CASES, TRIALS, Case
from keras_side.generation import Generation, current
from keras_side.trace_table import KERAS2


def plain(value: Any) -> Any:
    """NumPy and TensorFlow scalars as Python numbers."""
    return value.item() if hasattr(value, "item") else value.numpy().item()


def text_of(value: Any) -> str:
    """`value` as Python writes JSON."""
    return json.dumps(value, default=plain)


def record_case(generation: Generation, case: Case) -> dict[str, Any]:
    """The configuration of one optimizer in all forms that this Keras writes."""
    generation.keras.backend.clear_session()
    optimizer = generation.optimizer(case.optimizer, case.arguments)
    for name, value in case.attributes.items():
        setattr(optimizer, name, value)
    get_config = text_of(optimizer.get_config())
    again = type(optimizer).from_config(json.loads(get_config))
    if text_of(again.get_config()) != get_config:
        raise ValueError(f"{case.name} does not survive from_config: {get_config}")
    entry = {"name": case.name, "optimizer": case.optimizer, "arguments": dict(case.arguments)}
    if case.attributes:
        entry["attributes"] = dict(case.attributes)
    return entry | {"get_config": get_config} | saved_forms(generation, optimizer)


def saved_forms(generation: Generation, optimizer: Any) -> dict[str, str]:
    """What stands about the optimizer in a whole-model .h5 file and in a .keras archive."""
    keras = generation.keras
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="s")
    model.compile(optimizer, "mse")
    options = {"save_format": "keras_v3"} if generation.arithmetic == KERAS2 else {}
    with tempfile.TemporaryDirectory() as folder:
        archive, whole = Path(folder, "m.keras"), Path(folder, "m.h5")
        # The archive first: Keras 3 drops the optimizer from a live model's configuration
        # when it writes an .h5 file.
        model.save(archive if not options else str(archive), **options)
        with zipfile.ZipFile(archive) as members:
            in_archive = members.read("config.json").decode()
        model.save(str(whole))
        with h5py.File(whole, "r") as file:
            in_whole = str(file.attrs["training_config"])
    return {"h5": part(in_whole, "optimizer_config"),
            "keras": part(in_archive, "compile_config", "optimizer")}


def part(text: str, *path: str) -> str:
    """The text of a part of a JSON text, exactly as it stands there."""
    value: Any = json.loads(text)
    for key in path:
        value = value[key]
    exact = json.dumps(value)
    if exact not in text:
        raise ValueError(f"{exact} does not stand in {text}")
    return exact


def record_trial(generation: Generation, optimizer: str,
                 arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a constructor says to `arguments`: an error, or the configuration that it makes."""
    generation.keras.backend.clear_session()
    given = {name: _value(value) for name, value in arguments.items()}
    entry: dict[str, Any] = {"optimizer": optimizer, "arguments": dict(arguments)}
    try:
        made = generation.optimizer_class(optimizer)(**given)
    except Exception as error:  # Whatever it is, it is what Keras says.
        lines = str(error).splitlines() or [""]
        return entry | {"error": type(error).__name__, "message": lines[0]}
    return entry | {"get_config": text_of(made.get_config())}


def _value(value: Any) -> Any:
    if isinstance(value, Mapping) and "numpy" in value:
        return np.dtype(value["numpy"]).type(value["value"])
    return value


def write(path: Path, generation: Generation, entries: list[dict[str, Any]]) -> None:
    """Writes a JSON array with one entry a line, the versions in front."""
    head = json.dumps({"generation": generation.name, "versions": generation.versions()})
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head[:-1]}, "entries": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{path}: {len(entries)} entries")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    folder = parser.parse_args().folder
    generation = current()
    write(folder / "optimizer_configurations.json", generation,
          [record_case(generation, case) for case in CASES
           if generation.arithmetic in case.arithmetics])
    write(folder / "optimizer_refusals.json", generation,
          [record_trial(generation, optimizer, arguments) for optimizer, arguments in TRIALS])
    return 0


if __name__ == "__main__":
    sys.exit(main())
