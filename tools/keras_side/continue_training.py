"""Opens a saved model in real Keras, says what it holds, and trains it for one epoch on the digits.

Writes into the folder:
  before.json      the live objects after loading, and the digests of the file's datasets by h5py
  predictions.h5   dataset `predictions`: the loaded model's answers to all rows
  gradients.h5     /<step>/<variable>: the gradients of the first steps
  after.json       the live objects after those steps
  losses.json      every step's loss before its update
  final.h5         /<variable>: the weights at the end of the epoch
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from keras_side.digits_network import BATCH, load, training_digits
from keras_side.files import create, write_dataset
from keras_side.generation import Generation, current
from keras_side.training import batches, train_step
from keras_side.truth import describe, digest, weights


def dataset_digests(path: Path) -> dict[str, str]:
    """SHA-256 of each dataset of a file, read by h5py alone."""
    digests: dict[str, str] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            digests["/" + name] = digest(np.asarray(item[()]))

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return digests


def epoch(generation: Generation, model: Any, arguments: argparse.Namespace) -> list[float]:
    """Trains one epoch; keeps the first steps' gradients and the state after them."""
    names = {id(variable): text["name"] for variable, text in weights(generation, model)}
    losses: list[float] = []
    with create(arguments.folder / "gradients.h5") as file:
        for step, batch in enumerate(batches(*training_digits(arguments.digits), BATCH)):
            loss, gradients = train_step(generation, model, *batch)
            losses.append(float(loss))
            if step < arguments.gradient_steps:
                for variable, gradient in zip(model.trainable_variables, gradients):
                    write_dataset(file, f"{step}/{names[id(variable)]}", gradient.numpy())
            if step + 1 == arguments.gradient_steps:
                _write_json(arguments.folder / "after.json", describe(generation, model))
    return losses


def run(generation: Generation, arguments: argparse.Namespace) -> None:
    """The whole session."""
    arguments.folder.mkdir(parents=True, exist_ok=True)
    model = load(generation, arguments.file, arguments.architecture, arguments.ema)
    _write_json(arguments.folder / "before.json",
                {**describe(generation, model), "datasets": dataset_digests(arguments.file)})
    with h5py.File(arguments.digits, "r") as digits:
        predictions = np.asarray(model(digits["x"][:], training=False))
    with create(arguments.folder / "predictions.h5") as file:
        write_dataset(file, "predictions", predictions)
    losses = epoch(generation, model, arguments)
    _write_json(arguments.folder / "losses.json", losses)
    with create(arguments.folder / "final.h5") as file:
        for variable, text in weights(generation, model):
            write_dataset(file, text["name"], generation.array(variable))


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1), "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--architecture", type=Path, required=True)
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--gradient-steps", type=int, default=6)
    parser.add_argument("--ema", type=float, help="what a file of weights alone cannot say")
    run(current(), parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
