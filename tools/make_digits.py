#!/usr/bin/env python3
"""Makes Fixtures/digits.h5 from the 1,797 8x8 images of scikit-learn's `load_digits`.

Datasets `x`, float32 (1797, 64), pixel values / 16 in [0, 1], and `y`, int64 (1797), the digit.
The rows stand in the order of `RandomState(SEED).permutation`, so that the last fifth, which a
validation split takes away, holds writers of the first four fifths too. Chunked, shuffled and
compressed; equal runs give equal bytes.

Run by `tools/generate_fixtures.py digits`, inside the environment `digits`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import h5py
import numpy as np
import sklearn
from sklearn.datasets import load_digits

SEED = 2


def write(path: Path) -> None:
    """Writes the data set."""
    digits = load_digits()
    order = np.random.RandomState(SEED).permutation(len(digits.target))
    x = (digits.data[order] / 16).astype(np.float32)
    y = digits.target[order].astype(np.int64)
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        file.attrs["source"] = f"scikit-learn {sklearn.__version__}, sklearn.datasets.load_digits"
        file.attrs["permutation"] = f"numpy.random.RandomState({SEED}).permutation(1797)"
        file.attrs["permutation_seed"] = np.int64(SEED)
        filters = {"compression": "gzip", "compression_opts": 9, "shuffle": True,
                   "track_times": False}
        file.create_dataset("x", data=x, chunks=(600, 64), **filters)
        file.create_dataset("y", data=y, chunks=(len(y),), **filters)
    print(f"{path}: {len(y)} images, {path.stat().st_size} bytes")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    write(parser.parse_args().output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
