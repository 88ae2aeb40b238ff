"""Writes what Cairn is to start from: an architecture, or a model trained for a few steps.

Into the folder: architecture.json always; with --steps also trained.h5 or trained.weights.h5 (the
layout that Cairn exchanges with this generation) and trained.truth.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from keras_side.digits_network import (
    BATCH, NETWORKS, build, compile_model, save, training_digits)
from keras_side.generation import Generation, current
from keras_side.training import batches, train_step
from keras_side.truth import describe

SEED = 11


def write(generation: Generation, arguments: argparse.Namespace) -> None:
    """Builds, trains if asked to, writes."""
    generation.keras.utils.set_random_seed(SEED)
    model = build(generation, arguments.network)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    (arguments.folder / "architecture.json").write_text(model.to_json(), "utf-8")
    if arguments.steps == 0:
        return
    compile_model(generation, model, rate=0.05, ema=arguments.ema)
    x, y = training_digits(arguments.digits)
    for _, batch in zip(range(arguments.steps), batches(x, y, BATCH)):
        train_step(generation, model, *batch)
    truth = json.dumps(describe(generation, model), indent=1)
    (arguments.folder / "trained.truth.json").write_text(truth, "utf-8")
    save(model, arguments.folder / f"trained{arguments.suffix}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=NETWORKS, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--digits", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--suffix", choices=(".h5", ".weights.h5"), default=".h5")
    parser.add_argument("--ema", type=float)
    write(current(), parser.parse_args())
    return 0


if __name__ == "__main__":
    sys.exit(main())
