#!/usr/bin/env python3
"""Makes Fixtures/hdf5: files with everything that the HDF5 module reads but does not write itself.

Usage: generate_hdf5_fixtures.py DIRECTORY      needs h5py (3.14.0 was used) and numpy

The files are deterministic: a second run gives the same bytes.
"""

import os
import sys

import h5py
import numpy as np


def layouts(path):
    """Storage layouts and filters."""
    with h5py.File(path, "w") as file:
        grid = np.arange(60, dtype="<f4").reshape(20, 3)
        file.create_dataset("chunked", data=grid, chunks=(8, 2))
        file.create_dataset("gzip", data=grid, chunks=(8, 3), compression="gzip")
        file.create_dataset("shuffled", data=grid, chunks=(8, 3), compression="gzip", shuffle=True)
        file.create_dataset("checksummed", data=grid, chunks=(8, 3), fletcher32=True)
        file.create_dataset("lzf", data=grid, chunks=(8, 3), compression="lzf")
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        compact.set_obj_track_times(False)
        space = h5py.h5s.create_simple((4,))
        dataset = h5py.h5d.create(
            file.id, b"compact", h5py.h5t.IEEE_F32LE, space, dcpl=compact)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([1, 2, 3, 4], dtype="<f4"))

        file.create_dataset("never_written", shape=(3,), dtype="<f4", fillvalue=2.5)


def types(path):
    """Byte orders and element types."""
    with h5py.File(path, "w") as file:
        for kind in ("f2", "f4", "f8", "i2", "i4", "i8", "u4"):
            file.create_dataset(f"big_endian/{kind}", data=np.array([1, 2, 300], dtype=f">{kind}"))
        file.create_dataset("null", data=h5py.Empty("<f4"))
        file.create_dataset("bool", data=np.array([True, False, True]))
        file.create_dataset("half", data=np.array([0.5, -2, 65504], dtype="<f2"))
        file.create_dataset("bfloat16", data=np.array([b"\x80\x3f", b"\x00\xc0"], dtype="V2"))
        file.create_dataset("strings", data=["a", "", "ä€"], dtype=h5py.string_dtype())
        file.create_dataset("fixed_strings", data=np.array([b"ab", b"", b"abcd"], dtype="S4"))
        file.create_dataset("complex", data=np.array([1 + 2j], dtype="c8"))
        file.create_dataset("color", data=1, dtype=h5py.enum_dtype({"RED": 0, "BLUE": 1}, "i1"))
        file.create_dataset("long_double", data=np.zeros(1, dtype=np.longdouble))


def attributes(path):
    """Attributes of every kind."""
    with h5py.File(path, "w") as file:
        attrs = file.attrs
        attrs["variable_utf8"] = "tensorflow ä€"
        attrs.create("variable_ascii", "keras", dtype=h5py.string_dtype("ascii"))
        attrs.create("variable_array", ["a", "", "ccc"], dtype=h5py.string_dtype("ascii"))
        attrs.create("variable_none", [], shape=(0,), dtype=h5py.string_dtype("ascii"))
        attrs["fixed_array"] = np.array([b"dense/kernel:0", b"b"], dtype="S14")
        attrs["fixed_scalar"] = np.bytes_(b"scalar")
        attrs["empty"] = []
        attrs["null"] = h5py.Empty("f4")
        attrs["int32"] = np.int32(-5)
        attrs["int64_array"] = np.array([1, -2, 3], dtype="<i8")
        attrs["uint64_huge"] = np.uint64(2**64 - 1)
        attrs["float32"] = np.float32(0.1)
        attrs["big_endian"] = np.array([1, 256], dtype=">i4")
        attrs["bool"] = True
        attrs["matrix"] = np.arange(6, dtype="<f8").reshape(2, 3)
        attrs["complex"] = np.complex64(1)
        space_padded = h5py.h5t.C_S1.copy()
        space_padded.set_size(5)
        space_padded.set_strpad(h5py.h5t.STR_SPACEPAD)
        attribute = h5py.h5a.create(
            file.id, b"space_padded", space_padded, h5py.h5s.create(h5py.h5s.SCALAR))
        attribute.write(np.array(b"ab   ", dtype="S5"), mtype=space_padded)


def links(path):
    """Links and storage that lead out of the file, beside what does not."""
    with h5py.File(path, "w") as file:
        group = file.create_group("group")
        group.create_dataset("values", data=np.array([1, 2], dtype="<f4"))
        file["hard"] = group
        group["parent"] = file["/"]
        file["soft"] = h5py.SoftLink("/group")
        file["dangling"] = h5py.SoftLink("/nowhere")
        file["external"] = h5py.ExternalLink("layouts.h5", "/compact")
        file["named_type"] = np.dtype("<f4")
        file.create_dataset(
            "external_storage", shape=(2,), dtype="<f4", external=[("outside.bin", 0, 8)])
        layout = h5py.VirtualLayout(shape=(2,), dtype="<f4")
        layout[:] = h5py.VirtualSource("layouts.h5", "compact", shape=(4,))[:2]
        file.create_virtual_dataset("virtual", layout)


def latest(path):
    """The newest format that HDF5 1.10 reads, with attributes and links stored apart."""
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for index in range(12):
            file.attrs[f"name{index}"] = index
            file.create_group(f"member_{index}")
        file.create_dataset("values", data=np.array([1, 2, 3], dtype="<f8"))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1], exist_ok=True)
    for make in (layouts, types, attributes, links, latest):
        make(os.path.join(sys.argv[1], f"{make.__name__}.h5"))


if __name__ == "__main__":
    main()
