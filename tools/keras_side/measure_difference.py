"""Prints, as JSON, the largest absolute difference between two sets of numbers.

  --weights final.h5 --file cairn.h5 --architecture a.json [--ema M]
      weights by canonical name, and those of cairn.h5 when Keras opens it
  --arrays a.h5:name b.h5:name
      two datasets
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import h5py
import numpy as np

from keras_side.digits_network import load
from keras_side.generation import current
from keras_side.truth import weights


def weights_difference(arguments: argparse.Namespace) -> float:
    """Between a file of weights by canonical name and a model that Keras opens."""
    generation = current()
    model = load(generation, arguments.file, arguments.architecture, arguments.ema)
    with h5py.File(arguments.weights, "r") as expected:
        return max(_largest(generation.array(variable), expected[text["name"]][()])
                   for variable, text in weights(generation, model))


def arrays_difference(first: str, second: str) -> float:
    """Between two datasets, each given as FILE:DATASET."""
    values = []
    for location in (first, second):
        file, _, name = location.rpartition(":")
        with h5py.File(file, "r") as opened:
            values.append(opened[name][()])
    return _largest(*values)


def _largest(first: np.ndarray, second: np.ndarray) -> float:
    if first.shape != second.shape:
        raise ValueError(f"shapes {first.shape} and {second.shape} differ")
    return float(np.max(np.abs(first.astype(np.float64) - second.astype(np.float64))))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--architecture", type=Path)
    parser.add_argument("--ema", type=float)
    parser.add_argument("--arrays", nargs=2, metavar="FILE:DATASET")
    arguments = parser.parse_args()
    difference = (arrays_difference(*arguments.arrays) if arguments.arrays
                  else weights_difference(arguments))
    print(json.dumps(difference))
    return 0


if __name__ == "__main__":
    sys.exit(main())
