#!/usr/bin/env python3
"""Tries the judgement of `checkpoint-inspect diff` on descents against real Keras.

  tools/descent_trial.py --build-dir .build/release [--folder PAIRS] [--flips 10000] [--report FILE.md]

Keras 2.12, tf_keras 2.21 and Keras 3.15 train the cases of `keras_side/descent_cases.py`; any two checkpoints of
one training are an honest pair. None may be called impossible, and of those in float32 without decay at most one
in twenty not provable. Then the second files are corrupted: accumulators permuted, slots and weights of equal
shape swapped, weights moved, bits flipped. Of what leaves the room that honest training has, 99 in 100 must be
called impossible.

Prints a table and `N passed, N failed`; exit code 1 on any failure. Pairs in --folder are used again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import keras_environments as environments
from keras_environments import REPOSITORY
from verification.report import Report

ENVIRONMENTS = {"keras2": "Keras 2.12", "tfkeras": "tf_keras 2.21", "keras3": "Keras 3.15"}
CORRUPTED_CASES = ("rate-0.05", "convolution", "embedding", "noisy", "clipvalue-mlp")
"""With a constant rate, so that NumPy can tell the room by one formula."""


def judge(binary: Path, folder: Path, pair: dict[str, Any]) -> dict[str, Any]:
    """What the binary says about the descent of a pair."""
    command = [str(binary), "diff", str(folder / pair["first"]), str(folder / pair["second"]), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        return {"verdict": "trouble", "obstacles": [done.stderr.strip()], "contradictions": []}
    return json.loads(done.stdout)["descent"]


def group(pair: dict[str, Any]) -> str:
    """What a pair counts as."""
    if pair["policy"] in ("float16", "bfloat16"):
        return "16-bit weights"
    if pair["constrained"]:
        return "constrained weights"
    if pair["decays"]:
        return "weight decay"
    if pair["averages"]:
        return "moving averages"
    return "float64" if pair["policy"] == "float64" else "float32, plain"


def train(folder: Path) -> list[dict[str, Any]]:
    """Trains the pairs that are not there yet; returns all."""
    pairs = []
    for environment in ENVIRONMENTS:
        home = folder / environment
        if not (home / "pairs.json").exists():
            environments.run(environment, "keras_side.train_pairs", ["--folder", str(home)])
        for pair in json.loads((home / "pairs.json").read_text("utf-8")):
            pairs.append({**pair, "folder": str(home)})
    return pairs


def try_honest(report: Report, binary: Path, pairs: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Judges every pair; counts verdicts by group."""
    table: dict[str, Counter[str]] = {}
    for pair in pairs:
        descent = judge(binary, Path(pair["folder"]), pair)
        pair["verdict"] = descent["verdict"]
        table.setdefault(group(pair), Counter())[descent["verdict"]] += 1
        if descent["verdict"] in ("impossible", "trouble"):
            words = [each["sentence"] for each in descent["contradictions"]] + descent["obstacles"]
            report.check(f"{pair['generation']} {pair['case']} {pair['first']} {pair['second']}", False,
                         "; ".join(words[:3]))
    honest = sum(table.values(), Counter())
    report.check(f"no false alarm on {sum(honest.values())} honest pairs",
                 honest["impossible"] == 0 and honest["trouble"] == 0 and sum(honest.values()) >= 200)
    plain = table["float32, plain"] + table.get("moving averages", Counter())
    share = plain["notProvable"] / sum(plain.values())
    report.check_at_most("share of float32 pairs without decay that are not provable", share, 0.05)
    return table


def try_corrupted(report: Report, binary: Path, pairs: list[dict[str, Any]], work: Path, flips: int) -> dict[str, Any]:
    """Corrupts pairs with a constant rate."""
    rates = {"rate-0.05": 0.05, "convolution": 0.1, "embedding": 0.1, "noisy": 0.2, "clipvalue-mlp": 0.1}
    jobs = [{**pair, "rate": rates[pair["case"]], "epsilon": 1e-7} for pair in pairs
            if pair["case"] in CORRUPTED_CASES]
    path = work / "jobs.json"
    path.write_text(json.dumps(jobs), "utf-8")
    found = json.loads(environments.run("keras3", "keras_side.corrupt_pairs", [
        "--binary", str(binary), "--jobs", str(path), "--work", str(work), "--flips", str(flips)]))
    for kind, count in found["corruptions"].items():
        share = count["foundBeyond"] / count["beyond"] if count["beyond"] else 0
        report.check(f"{kind}: {count['foundBeyond']} of {count['beyond']} beyond the room are found"
                     f" ({count['made']} made, {count['found']} found)", share >= 0.99)
    return found


def markdown(table: dict[str, Counter[str]], found: dict[str, Any]) -> str:
    """The report."""
    lines = ["# Trial of the judgement on descents", "",
             "Written by `tools/descent_trial.py`. Honest pairs of checkpoints, trained by "
             + ", ".join(ENVIRONMENTS.values()) + ":", "",
             "| pairs | consistent | not provable | impossible |", "|---|--:|--:|--:|"]
    for name, count in sorted(table.items()):
        lines.append(f"| {name} | {count['consistent']} | {count['notProvable']} |"
                     f" {count['impossible'] + count['trouble']} |")
    lines += ["", "Corruptions of the second file, in float32 without decay. *Beyond the room* is what honest"
              " training has no room for, told by NumPy:", "",
              "| corruption | made | beyond the room | of these found | found in all |", "|---|--:|--:|--:|--:|"]
    for kind, count in sorted(found["corruptions"].items()):
        share = f"{count['foundBeyond'] / count['beyond']:.1%}" if count["beyond"] else ""
        lines.append(f"| {kind} | {count['made']} | {count['beyond']} | {share} | {count['found'] / count['made']:.1%} |")
    lines += ["", "Single random bits, flipped in weights, accumulators and the counter, without any digest:", "",
              "| bit | flipped | found |", "|---|--:|--:|"]
    total = Counter()
    for kind, count in sorted(found["flips"].items()):
        total.update(count)
        lines.append(f"| {kind} | {count['made']} | {count['found'] / count['made']:.1%} |")
    lines.append(f"| all | {total['made']} | {total['found'] / total['made']:.1%} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=REPOSITORY / ".build" / "release")
    parser.add_argument("--folder", type=Path, help="where the pairs are, or are to be kept")
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--report", type=Path, help="a Markdown file to be written")
    options = parser.parse_args()
    binary = options.build_dir.resolve() / "checkpoint-inspect"
    report = Report()
    with tempfile.TemporaryDirectory() as work:
        pairs = train((options.folder or Path(work) / "pairs").resolve())
        table = try_honest(report, binary, pairs)
        found = try_corrupted(report, binary, pairs, Path(work), options.flips)
    text = markdown(table, found)
    print(text)
    if options.report:
        options.report.write_text(text, "utf-8")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
