"""Trains one of the fixture models for a few steps and saves it, with the truth about it.

Writes NAME.weights.h5, NAME.h5 and NAME.truth.json into the folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from keras_side.generation import Generation, current
from keras_side.models import MODELS, Example
from keras_side.truth import describe

STEPS = 5
BATCH = 8
SEED = 20


def train(generation: Generation, name: str) -> Example:
    """Builds and trains, always to the same bits."""
    generation.keras.utils.set_random_seed(SEED)
    example = MODELS[name](generation, np.random.RandomState(SEED))
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        example.model.train_on_batch(example.x[rows], example.y[rows])
    return example


def make(generation: Generation, name: str, folder: Path) -> None:
    """Builds, trains, describes, saves."""
    example = train(generation, name)
    truth = {"files": [f"{name}.h5", f"{name}.weights.h5"], **describe(generation, example.model),
             "modelJSON": example.model.to_json(), "predictions": predictions(example)}
    folder.mkdir(parents=True, exist_ok=True)
    # Keras 3 drops the optimizer from the live model when it saves the whole model: that last.
    example.model.save_weights(str(folder / f"{name}.weights.h5"))
    example.model.save(str(folder / f"{name}.h5"))
    (folder / f"{name}.truth.json").write_text(json.dumps(truth, indent=1) + "\n", "utf-8")
    print(f"{folder / name}: {len(truth['variables'])} variables")


def predictions(example: Example) -> dict[str, Any]:
    """What the model answers to its first four rows, out of training mode."""
    x = example.x[:4]
    return {"inputs": x.tolist(), "inputDtype": x.dtype.name,
            "outputs": np.asarray(example.model(x, training=False)).tolist()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    make(current(), arguments.model, arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
