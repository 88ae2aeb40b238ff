"""Trains a 64-32-10 network on the digits with Keras 3, eagerly, and keeps every step's loss.

Batch 32, no shuffling, 3 epochs, Adagrad(0.05), the last fifth of the rows left out. Writes into
the folder initial.weights.h5 and initial.h5, final.weights.h5, and losses.h5 with `losses`, float32
(steps). The final weights of `Model.fit` from the same start must be the same bits.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from keras_side.digits_network import BATCH, build, compile_model, training_digits
from keras_side.files import create, write_dataset
from keras_side.generation import Generation, current
from keras_side.training import batches, train_step

EPOCHS = 3
SEED = 7


def network(generation: Generation) -> Any:
    """The compiled network with the weights that all runs start from."""
    generation.keras.utils.set_random_seed(SEED)
    generation.keras.backend.clear_session()
    model = build(generation, "plain")
    compile_model(generation, model, rate=0.05, ema=None)
    return model


def record(generation: Generation, digits: Path, folder: Path) -> None:
    """Trains step by step, saves, and compares with `fit`."""
    x, y = training_digits(digits)
    folder.mkdir(parents=True, exist_ok=True)
    model = network(generation)
    model.save_weights(str(folder / "initial.weights.h5"))
    losses = [train_step(generation, model, *batch)[0]
              for _ in range(EPOCHS) for batch in batches(x, y, BATCH)]
    model.save_weights(str(folder / "final.weights.h5"))
    with create(folder / "losses.h5") as file:
        write_dataset(file, "losses", np.array(losses, np.float32))

    fitted = network(generation)
    fitted.fit(x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    if not all(np.array_equal(a, b)
               for a, b in zip(model.get_weights(), fitted.get_weights(), strict=True)):
        raise AssertionError("the recorded loop and Model.fit end in different weights")
    network(generation).save(str(folder / "initial.h5"))
    print(f"{folder}: {len(losses)} losses from {losses[0]:.6f} to {losses[-1]:.6f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    record(current(), arguments.digits, arguments.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
