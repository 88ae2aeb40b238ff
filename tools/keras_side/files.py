"""HDF5 files whose bytes depend on their content alone, and bfloat16 in them.

Compact new-style groups, no time stamps anywhere: writing the same twice gives equal bytes.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

BFLOAT16 = np.dtype(tf.bfloat16.as_numpy_dtype)


def dtype_named(name: str) -> np.dtype:
    """The NumPy dtype that this TensorFlow takes for `name`, `bfloat16` included."""
    return np.dtype(tf.dtypes.as_dtype(name).as_numpy_dtype)


def create(path: Path) -> h5py.File:
    """A new file, its folder made if need be. (h5py 3.14 stamps groups unless told otherwise.)"""
    path.parent.mkdir(parents=True, exist_ok=True)
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_obj_track_times(False)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V18)
    return h5py.File(h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, creation, access))


def require_group(parent: h5py.Group, path: str) -> h5py.Group:
    """The group at `path`, made with its parents where absent."""
    group = parent
    for part in path.split("/"):
        if part not in group:
            creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
            creation.set_obj_track_times(False)
            h5py.h5g.create(group.id, part.encode(), gcpl=creation)
        group = group[part]
    return group


def write_dataset(parent: h5py.Group, path: str, value: np.ndarray) -> None:
    """Writes one contiguous dataset; bfloat16 as two opaque bytes, as Keras 3 does, with the
    attribute `dtype` that Keras 3 gives it."""
    folder, _, name = path.rpartition("/")
    group = require_group(parent, folder) if folder else parent
    if value.dtype == BFLOAT16:
        dataset = group.create_dataset(name, data=value.view("V2"), track_times=False)
        dataset.attrs["dtype"] = "bfloat16"
    else:
        group.create_dataset(name, data=value, track_times=False)
