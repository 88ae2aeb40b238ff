"""Reads the digests of HDF5 files that Cairn wrote, by their documentation alone, and holds them against
the files' bytes: `Sources/Checkpoints/Checkpoints.docc/Digests.md`.

Prints a JSON list with, for each file, its Merkle root and the datasets that are covered. Fails on the
first byte that is not as documented.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from pathlib import Path

import h5py
import numpy as np

CRC_TABLE: list[int] = []
for byte in range(256):
    remainder = byte
    for _ in range(8):
        remainder = remainder >> 1 ^ (0x82F63B78 if remainder & 1 else 0)
    CRC_TABLE.append(remainder)


def crc32c(data: bytes) -> bytes:
    """RFC 3720, appendix B.4, little-endian."""
    state = 0xFFFFFFFF
    for value in data:
        state = state >> 8 ^ CRC_TABLE[(state ^ value) & 0xFF]
    return struct.pack("<I", state ^ 0xFFFFFFFF)


DIGESTS = {1: (4, crc32c), 2: (32, lambda data: hashlib.sha256(data).digest())}
"""By algorithm: bytes of a digest, and how it is computed."""


def tree(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + tree(leaves[:half]) + tree(leaves[half:])).digest()


DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16",
          "uint32", "uint64", "bool"]
"""By number in an outline, from 1 on. h5py shows bfloat16 as opaque bytes."""


def padded(count: int) -> int:
    return (count + 7) // 8 * 8


def all_groups(file: h5py.File) -> set[str]:
    groups: set[str] = set()

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Group):
            groups.add(f"/{name}")

    file.visititems(note)
    return groups


def check_outline(outline: bytes, size: int, structure: bytes, names: list[str],
                  file: h5py.File) -> None:
    """The outline against what libhdf5 says of the file."""
    require(outline[:size] == structure, "the outline belongs to the structure")
    position = padded(size)
    for name in names:
        number, rank = struct.unpack("<II", outline[position:position + 8])
        position += 8
        shape = struct.unpack(f"<{rank}Q", outline[position:position + 8 * rank])
        position += 8 * rank
        dtype = "|V2" if DTYPES[number - 1] == "bfloat16" else DTYPES[number - 1]
        require(file[name].dtype == dtype and file[name].shape == shape, f"outline of {name}")
    count, = struct.unpack("<Q", outline[position:position + 8])
    position += 8
    groups = set()
    for _ in range(count):
        length, = struct.unpack("<Q", outline[position:position + 8])
        groups.add(outline[position + 8:position + 8 + length].decode("utf-8"))
        position += 8 + padded(length)
    require(position == len(outline), "length of the outline")
    for name in [*names, "/cairn/digests", *groups]:
        while name := name.rpartition("/")[0]:
            groups.add(name)
    require(groups == all_groups(file), "groups")


def require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


def check(path: Path) -> dict[str, object]:
    """A file without user block."""
    data = path.read_bytes()
    mark = data[-32:]
    magic, version, start, length, checksum = struct.unpack("<8sIQQ4s", mark)
    require(magic == b"CAIRNEND" and version == 1 and checksum == crc32c(mark[:28]), "end mark")
    table = data[start:start + length]
    (magic, version, algorithm, block, content, offset, table_length, record_count,
     digest_count) = struct.unpack("<8sIIQQQQQQ", table[:64])
    require(magic == b"CAIRNDIG" and version in (1, 2) and block == 1 << 20, "head")
    require((content, offset, table_length) == (len(data) - 32, start, length), "places")
    size, digest = DIGESTS[algorithm]
    digests = table[length - digest_count * size:]
    position, taken, leaves = 96, 0, [table[:64]]
    extents, structure_digest, covered = [(start, start + length)], b"", []
    with h5py.File(path, "r") as file:
        require(bytes(file["cairn/digests"][...]) == table, "the dataset is what the mark leads to")
        for _ in range(record_count):
            kind, name_length, first, count = struct.unpack("<IIQQ", table[position:position + 24])
            name = table[position + 24:position + 24 + name_length].decode("utf-8")
            end = position + 24 + (name_length + 7) // 8 * 8
            blocks = (count + block - 1) // block if kind == 1 else 1
            own = [digests[(taken + i) * size:(taken + i + 1) * size] for i in range(blocks)]
            if kind == 0:
                structure_digest = own[0]
            elif kind == 1:
                elements = np.asarray(file[name]).tobytes()
                require(elements == data[first:first + count], name)
                require(own == [digest(elements[i * block:(i + 1) * block])
                                for i in range(blocks)], name)
                if count:
                    extents.append((first, first + count))
                covered.append(name)
            leaves.append(table[position:end] + tree(own))
            position, taken = end, taken + blocks
        outline = table[position:length - digest_count * size]
        if version > 1:
            leaves.append(outline)
            check_outline(outline, size, structure_digest, covered, file)
        require(version > 1 or not outline, "length")
    structure, position = b"", 0
    for first, end in sorted(extents):
        structure += data[position:first]
        position = end
    require(digest(structure + data[position:content]) == structure_digest, "structure")
    require(tree(leaves) == table[64:96], "root")
    return {"root": table[64:96].hex(), "covered": covered}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    print(json.dumps([check(path) for path in parser.parse_args().files]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
