#!/usr/bin/env python3
"""Damages checkpoints at random and asks `checkpoint-inspect doctor` about them.

Every mutant is examined, and every other one rescued with the undamaged file as the older one. The run
fails when doctor
- crashes, hangs, or ends with anything but 0, 1 or 2 and at most one line on standard error;
- calls a tensor intact whose bytes are not those of the undamaged file;
- writes a rescue that does not open, or that keeps an intact tensor with other bytes.

    tools/damage_checkpoints.py --count 2000 .build/debug/checkpoint-inspect Fixtures/keras-2.12/mlp.h5

Files of Keras are converted first, so that they have digests; --plain takes them as they are, where nothing
can prove a tensor intact, and the share of damaged ones that look plausible is what is measured.
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile

PROFILES = {"tf-keras-h5": ".h5", "keras2-weights": ".weights.h5", "keras3-archive": ".keras"}


def run(program, *arguments, seconds=120):
    process = subprocess.run(
        [program, *arguments], capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL)
    return process.returncode, process.stdout.decode(), process.stderr.decode()


def mutate(data, random):
    """A damaged copy, and what was done to it."""
    data = bytearray(data)
    kind = random.choice(["bit", "bits", "byte", "zeros", "noise", "cut", "shift", "head", "swap"])
    size = len(data)
    place = random.randrange(size)
    if kind == "bit":
        data[place] ^= 1 << random.randrange(8)
    elif kind == "bits":
        for _ in range(random.randrange(2, 64)):
            data[random.randrange(size)] ^= 1 << random.randrange(8)
    elif kind == "byte":
        data[place] = random.choice([0, 0xFF, random.randrange(256)])
    elif kind in ("zeros", "noise"):
        length = random.choice([8, 64, 512, 4096])
        place -= place % min(length, 512)
        end = min(size, place + length)
        data[place:end] = bytes(end - place) if kind == "zeros" else random.randbytes(end - place)
    elif kind == "cut":
        del data[place:]
    elif kind == "shift":
        length = random.randrange(1, 64)
        if random.random() < 0.5:
            del data[place:place + length]
        else:
            data[place:place] = random.randbytes(length)
    elif kind == "head":
        data[:random.randrange(1, 2048)] = b""
    elif kind == "swap":
        other = random.randrange(size)
        length = min(512, size - max(place, other))
        data[place:place + length], data[other:other + length] = (
            data[other:other + length], data[place:place + length])
    return bytes(data), kind


class Original:
    """An undamaged checkpoint and the bytes of its tensors."""

    def __init__(self, program, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = file.read()
        code, output, errors = run(program, "show", path, "--digests", "--format", "json")
        assert code == 0, errors
        variables = json.loads(output)["variables"]
        self.digests = {v["datasetPath"]: v["sha256"] for v in variables}
        self.names = {v["datasetPath"]: v["name"] for v in variables}
        code, output, errors = run(program, "verify", path, "--format", "json")
        places = {
            item["name"]: (item.get("fileOffset"), item["byteCount"])
            for item in json.loads(output)["items"] if item["subject"] == "tensor"}
        self.places = {path: places[name] for path, name in self.names.items() if name in places}


def examine(program, original, mutant, data, counts, rescue):
    """What is wrong with doctor's answer; None when nothing is."""
    try:
        code, output, errors = run(program, "doctor", mutant, "--format", "json")
    except subprocess.TimeoutExpired:
        return "it hangs"
    if code not in (0, 1, 2):
        return f"exit code {code}: {errors}"
    if code == 2:
        if errors.count("\n") != 1 or not errors.startswith("checkpoint-inspect: "):
            return f"not one line: {errors}"
        counts["refused"] += 1
        return None
    report = json.loads(output)
    verdicts = {t["datasetPath"]: t["verdict"] for t in report["tensors"]}
    for path, (offset, count) in original.places.items():
        verdict = verdicts.get(path, "not mentioned")
        counts["tensors"] += 1
        counts[verdict] += 1
        if offset is None:
            continue
        expected = original.data[offset:offset + count]
        # Content that has moved as a whole is still the same tensor.
        differs = data[offset:offset + count] != expected
        counts["changed in place"] += differs
        if differs and verdict == "plausible":
            counts["changed, yet plausible"] += 1
        if verdict == "intact" and differs and expected not in data:
            return f"{path} is called intact"
    if code == 0 and any(
            data[o:o + c] != original.data[o:o + c] for o, c in original.places.values()
            if o is not None) and any(v == "intact" for v in verdicts.values()):
        return "nothing wrong is found"
    if rescue:
        return check_rescue(program, original, mutant, verdicts, counts)
    return None


def check_rescue(program, original, mutant, verdicts, counts):
    output = mutant + ".saved" + original.path[original.path.index("."):]
    try:
        code, _, errors = run(
            program, "doctor", mutant, "--rescue", output, "--fill-from", original.path)
        if code != 0:
            counts["rescues refused"] += 1
            return None if code == 2 and errors.count("\n") == 1 else f"rescue: {code} {errors}"
        counts["rescues"] += 1
        code, shown, errors = run(program, "show", output, "--digests", "--format", "json")
        if code != 0:
            return f"the rescue does not open: {errors}"
        found = {v["datasetPath"]: v["sha256"] for v in json.loads(shown)["variables"]}
        for path, digest in original.digests.items():
            if verdicts.get(path) == "intact" and found.get(path) != digest:
                return f"{path} was rescued with other bytes"
        code, _, errors = run(program, "verify", output)
        if code != 0:
            return f"the rescue is damaged: {errors}"
        counts["rescues like the original"] += found == original.digests
    finally:
        if os.path.exists(output):
            os.remove(output)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the built checkpoint-inspect")
    parser.add_argument("checkpoints", nargs="+")
    parser.add_argument("--count", type=int, default=500, help="mutants of each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="do not convert the files first")
    parser.add_argument("--keep", help="keep mutants with which something is wrong in this folder")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        originals = []
        for number, path in enumerate(options.checkpoints):
            if options.plain:
                originals.append(Original(program, path))
                continue
            for profile, suffix in PROFILES.items():
                converted = f"{folder}/original-{number}-{profile}{suffix}"
                code, _, errors = run(program, "convert", path, converted, "--to", profile)
                if code == 0:
                    originals.append(Original(program, converted))
                else:
                    print(f"{path} as {profile}: {errors.strip()}", file=sys.stderr)
        for original in originals:
            source = random.Random(f"{options.seed} {os.path.basename(original.path)}")
            counts = collections.Counter()
            for number in range(options.count):
                data, kind = mutate(original.data, source)
                name = os.path.basename(original.path)
                mutant = f"{folder}/mutant{name[name.index('.'):]}"
                with open(mutant, "wb") as file:
                    file.write(data)
                problem = examine(program, original, mutant, data, counts, number % 2 == 0)
                if problem:
                    failures += 1
                    print(f"{name}, mutant {number} ({kind}): {problem}", flush=True)
                    if options.keep:
                        os.makedirs(options.keep, exist_ok=True)
                        os.replace(mutant, f"{options.keep}/{number}-{name}")
            print(f"{os.path.basename(original.path)}: {options.count} mutants, {dict(counts)}", flush=True)
    print(f"{failures} failures")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
