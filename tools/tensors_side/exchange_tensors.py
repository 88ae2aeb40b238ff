"""Opens plain tensors with the libraries whose formats they are, and writes them anew with these.

Prints the digests of the tensors as JSON. Writes into the folder all.safetensors, all.npz, and
reordered.npz, compressed, big-endian and in Fortran's order of axes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file


def read(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file by name, without Cairn's metadata."""
    if path.suffix == ".safetensors":
        return load_file(path)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if name != "__metadata__"}


def reordered(value: np.ndarray) -> np.ndarray:
    """Equal elements, other bytes."""
    swapped = value.astype(value.dtype.newbyteorder(">"))
    return np.asfortranarray(swapped) if value.ndim > 1 else swapped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    tensors = read(arguments.file)
    save_file(tensors, arguments.folder / "all.safetensors")
    np.savez(arguments.folder / "all.npz", **tensors)
    np.savez_compressed(arguments.folder / "reordered.npz",
                        **{name: reordered(value) for name, value in tensors.items()})
    print(json.dumps({name: hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
                      for name, value in tensors.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
