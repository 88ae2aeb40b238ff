"""Corrupts the second files of honest pairs, and asks `checkpoint-inspect diff` what it says.

Prints one JSON object: how many corruptions of each kind were made, how many of them go beyond what an honest
training leaves room for, and how many were called impossible. What goes beyond is told here by NumPy, from the
formulas in the documentation, not by the binary.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Iterator

import h5py
import numpy as np

ROUNDOFF = 2.0**-24


def judge(binary: Path, first: Path, second: Path, pair: dict[str, Any]) -> str:
    """The verdict, or `trouble` if the binary refuses the file."""
    command = [str(binary), "diff", str(first), str(second), "--format", "json"]
    if pair["occurrences"]:
        command += ["--occurrences", str(pair["occurrences"])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        return "trouble"
    return json.loads(done.stdout)["descent"]["verdict"]


def entries(binary: Path, path: Path) -> dict[str, dict[str, Any]]:
    """The tensors of a file by name."""
    done = subprocess.run([str(binary), "show", str(path), "--format", "json"],
                          capture_output=True, text=True, check=True)
    return {entry["name"]: entry for entry in json.loads(done.stdout)["variables"]}


def read(path: Path, found: dict[str, dict[str, Any]]) -> dict[str, np.ndarray]:
    """The elements of the tensors in double."""
    with h5py.File(path) as file:
        return {name: np.asarray(file[entry["datasetPath"]][()], np.float64) for name, entry in found.items()}


class Pair:
    """One honest pair, and how far its weights may have gone."""

    def __init__(self, binary: Path, folder: Path, pair: dict[str, Any], rate: float, epsilon: float) -> None:
        self.binary, self.pair = binary, pair
        self.first, self.second = folder / pair["first"], folder / pair["second"]
        self.entries = entries(binary, self.second)
        self.before = read(self.first, entries(binary, self.first))
        self.after = read(self.second, self.entries)
        self.rate, self.epsilon, self.steps = rate, epsilon, pair["steps"]
        self.trained = [name for name, entry in self.entries.items()
                        if entry["role"] == "weight" and f"accumulator/{name}" in self.entries]

    def room(self, name: str, accumulator: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """The greatest distance from the first file's weight, by the formula of the documentation."""
        times = self.pair["occurrences"] if self.pair["generation"] == "keras3" and "embeddings" in name else None
        times = times or 1
        before = self.before[f"accumulator/{name}"] + self.epsilon
        after = np.maximum(accumulator + self.epsilon, before)
        share = -np.expm1(np.log(before / after) / self.steps)
        path = self.rate * self.steps * np.sqrt(times * (share + times * ROUNDOFF)) * (1 + 16 * ROUNDOFF)
        rounding = self.steps * times * ROUNDOFF
        return path + rounding * (np.abs(self.before[name]) + np.abs(weight) + path) / (2 - rounding)

    def goes_beyond(self, changed: dict[str, np.ndarray]) -> bool:
        """Whether an honest training has no room for these tensors in the second file."""
        for name in self.trained:
            weight = changed.get(name, self.after[name])
            accumulator = changed.get(f"accumulator/{name}", self.after[f"accumulator/{name}"])
            if np.any(accumulator < self.before[f"accumulator/{name}"]):
                return True
            if np.any(np.abs(weight - self.before[name]) > self.room(name, accumulator, weight)):
                return True
        return False


def corruptions(pair: Pair, random: np.random.RandomState) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Kinds of corruption and the tensors that they change."""
    shapes: dict[tuple[int, ...], list[str]] = {}
    for name in pair.trained:
        shapes.setdefault(pair.after[name].shape, []).append(name)
        slot = f"accumulator/{name}"
        for key, kind in ((slot, "permuted accumulator"), (name, "permuted weights")):
            flat = pair.after[key].ravel()
            yield kind, {key: flat[random.permutation(flat.size)].reshape(pair.after[key].shape)}
        moved = pair.after[name].copy()
        index = tuple(random.randint(0, extent) for extent in moved.shape)
        moved[index] += pair.rate * np.sqrt(pair.steps) * random.choice([-1, 1]) * 10.0 ** random.uniform(-2, 1)
        yield "one weight moved", {name: moved}
    for names in shapes.values():
        for first, second in zip(names, names[1:]):
            one, other = f"accumulator/{first}", f"accumulator/{second}"
            yield "swapped accumulators", {one: pair.after[other], other: pair.after[one]}
            yield "swapped weights", {first: pair.after[second], second: pair.after[first]}


def write(path: Path, found: dict[str, dict[str, Any]], tensors: dict[str, np.ndarray]) -> None:
    """Puts tensors in the place of others."""
    with h5py.File(path, "r+") as file:
        for name, value in tensors.items():
            file[found[name]["datasetPath"]][...] = value


def try_corruptions(pairs: list[Pair], work: Path, random: np.random.RandomState) -> dict[str, dict[str, int]]:
    """How many of each kind were made, go beyond the room, and were found."""
    counts: dict[str, Counter[str]] = {}

    def attempt(job: tuple[int, Pair, str, dict[str, np.ndarray]]) -> tuple[str, bool, bool]:
        number, pair, kind, tensors = job
        path = work / f"corrupt-{number}{pair.second.suffix}"
        shutil.copyfile(pair.second, path)
        write(path, pair.entries, tensors)
        # As the file has them: rounded.
        stored = {name: np.asarray(value.astype(np.float32), np.float64) for name, value in tensors.items()}
        verdict = judge(pair.binary, pair.first, path, pair.pair)
        path.unlink()
        return kind, pair.goes_beyond(stored), verdict == "impossible"

    jobs = [(number, pair, kind, tensors) for number, (pair, kind, tensors) in enumerate(
        (pair, kind, tensors) for pair in pairs for kind, tensors in corruptions(pair, random))]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for kind, beyond, found in pool.map(attempt, jobs):
            count = counts.setdefault(kind, Counter(made=0, beyond=0, found=0, foundBeyond=0))
            count.update(made=1, beyond=int(beyond), found=int(found), foundBeyond=int(beyond and found))
    return {kind: dict(count) for kind, count in counts.items()}


def try_flips(pairs: list[Pair], work: Path, random: np.random.RandomState, number: int) -> dict[str, dict[str, int]]:
    """Flips single bits of the tensors that training changes, all bits alike; what was found, by the bit."""
    counts: dict[str, Counter[str]] = {}
    places = []
    for pair in pairs:
        with h5py.File(pair.second) as file:
            for name, entry in pair.entries.items():
                dataset = file[entry["datasetPath"]]
                owner = name.removeprefix("accumulator/")
                if dataset.id.get_offset() is not None and (owner in pair.trained or name == "iteration"):
                    places.append((pair, name, dataset.id.get_offset(), dataset.id.get_storage_size(), dataset.dtype))
    sizes = np.array([size for _, _, _, size, _ in places], np.float64)

    def attempt(job: tuple[int, int, int]) -> tuple[str, str]:
        number, index, bit = job
        pair, name, offset, _, dtype = places[index]
        path = work / f"flip-{number}{pair.second.suffix}"
        shutil.copyfile(pair.second, path)
        with open(path, "r+b") as file:
            file.seek(offset + bit // 8)
            byte = file.read(1)[0]
            file.seek(offset + bit // 8)
            file.write(bytes([byte ^ (1 << bit % 8)]))
        verdict = judge(pair.binary, pair.first, path, pair.pair)
        path.unlink()
        return label(name, bit % (8 * dtype.itemsize), dtype), verdict

    jobs = []
    for each in range(number):
        index = random.choice(len(places), p=sizes / sizes.sum())
        jobs.append((each, index, random.randint(0, 8 * places[index][3])))
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for kind, verdict in pool.map(attempt, jobs):
            counts.setdefault(kind, Counter(made=0, found=0)).update(
                made=1, found=int(verdict in ("impossible", "trouble")))
    return {kind: dict(count) for kind, count in counts.items()}


def label(name: str, bit: int, dtype: np.dtype) -> str:
    """Which part of which number a bit is."""
    if name == "iteration":
        return "counter"
    tensor = "accumulator" if name.startswith("accumulator/") else "weight"
    bits = np.finfo(dtype)
    part = "sign" if bit == 8 * dtype.itemsize - 1 else "exponent" if bit >= bits.nmant else "fraction"
    return f"{tensor}, {part}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--jobs", type=Path, required=True,
                        help="a JSON list of honest pairs with `folder`, `rate` and `epsilon`")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--flips", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random = np.random.RandomState(arguments.seed)
    pairs = [Pair(arguments.binary, Path(pair["folder"]), pair, pair["rate"], pair["epsilon"])
             for pair in json.loads(arguments.jobs.read_text("utf-8"))]
    print(json.dumps({"corruptions": try_corruptions(pairs, arguments.work, random),
                      "flips": try_flips(pairs, arguments.work, random, arguments.flips)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
