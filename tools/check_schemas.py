#!/usr/bin/env python3
"""Holds the schemas in Schemas/, and what checkpoint-inspect prints, against the library jsonschema.

  tools/check_schemas.py --build-dir .build/release

Each schema must be valid for its draft (2020-12), each command's `--format json` valid for the command's schema: on
fixtures of all generations of Keras, on one state in every layout, on damaged copies, and where a command
refuses. So that this says something, every output is also spoiled key by key, and none of these may pass. The
tests of the package hold outputs against the same schemas by a validator of their own; this one is somebody
else's. Prints `N passed, N failed`; exit code 1 on any failure.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import keras_environments
from keras_environments import REPOSITORY
from verification.report import Report

FIXTURES = REPOSITORY / "Fixtures"
SCHEMAS = REPOSITORY / "Schemas"
LAYOUTS = {
    "archive.keras": ["--to", "keras3-archive"],
    "weights.weights.h5": ["--to", "keras3-weights"],
    "shards.weights.json": ["--to", "keras3-sharded", "--max-shard-size", "100"],
    "directory": ["--to", "keras3-directory"],
    "keras2.h5": ["--to", "keras2-h5", "--accept-loss"],
    "legacy.h5": ["--to", "keras2-weights-h5", "--accept-loss"],
}


class Outputs:
    """Runs the program and keeps what it prints, by schema."""

    def __init__(self, program: Path, work: Path, folder: Path) -> None:
        self.program, self.work, self.folder = program, work, folder
        self.commands: dict[str, str] = {}

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.program, *map(str, arguments)], cwd=self.work, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def make(self, *arguments: object) -> None:
        outcome = self.run(*arguments)
        if outcome.returncode != 0:
            raise RuntimeError(f"{arguments}: exit code {outcome.returncode}: {outcome.stderr}")

    def take(self, schema: str, *arguments: object) -> None:
        words = [*arguments]
        # Behind a -- stands a command of one's own.
        place = words.index("--") if "--" in words else len(words)
        words[place:place] = ["--format", "json"]
        outcome = self.run(*words)
        name = f"{schema}/{len(self.commands):03}.json"
        self.commands[name] = " ".join(map(str, arguments))
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(outcome.stdout, encoding="utf-8")


def prepare(outputs: Outputs) -> list[str]:
    """One training state in every layout, damaged copies, a run; the names of the whole checkpoints."""
    work = outputs.work
    for fixture, name in [("noisy-1", "before.h5"), ("noisy-10", "whole.h5")]:
        (work / name).write_bytes((FIXTURES / f"descent/keras-3.15/{fixture}.h5").read_bytes())
    for name, options in LAYOUTS.items():
        outputs.make("convert", "whole.h5", name, *options)
    for name in ["plain.safetensors", "plain.npz"]:
        outputs.make("export", "whole.h5", name)
    weights = bytearray((work / "weights.weights.h5").read_bytes())
    (work / "half.weights.h5").write_bytes(weights[:len(weights) // 2])
    weights[len(weights) // 2] ^= 1
    (work / "turned.weights.h5").write_bytes(weights)
    (work / "empty.h5").write_bytes(b"")
    archive = (work / "plain.npz").read_bytes()
    (work / "cut.npz").write_bytes(archive[:-2000])
    (work / "run").mkdir()
    for name in ["before.h5", "whole.h5", "half.weights.h5"]:
        (work / "run" / name).write_bytes((work / name).read_bytes())
    return ["whole.h5", *LAYOUTS, "plain.safetensors", "plain.npz"]


def collect(outputs: Outputs, names: list[str]) -> None:
    fixtures = [path for generation in ("keras-2.12", "keras-3.15")
                for path in sorted((FIXTURES / generation).glob("*.h5"))
                # Parts of sharded weights are no checkpoints.
                if not path.name.partition(".")[0][-5:].isdigit()]
    for path in [*fixtures, *names]:
        outputs.take("show", "show", path, "--statistics", "--health", "--digests")
        outputs.take("verify", "verify", path)
        outputs.take("doctor", "doctor", path)
    for name in names:
        outputs.take("show", "show", name)
        outputs.take("numbers", "show", name, "dense/kernel[0:2, ...]")
        outputs.take("diff", "diff", "before.h5", name)
        outputs.take("diff", "diff", name, name)
        outputs.take("merge", "merge", "before.h5", "before.h5", name, "-o", "x.h5", "--dry-run")
        outputs.take("restore", "restore", name, "--into", "before.h5", "-o", "x.h5", "--dry-run")
    for name in ["half.weights.h5", "turned.weights.h5", "empty.h5", "cut.npz"]:
        outputs.take("doctor", "doctor", name)
    for name in ["half.weights.h5", "cut.npz", "turned.weights.h5"]:
        suffix = name.partition(".")[2]
        outputs.take("doctor", "doctor", name, "--rescue", f"rescue-of-{name}", "--fill-from",
                     {"npz": "plain.npz"}.get(suffix, "weights.weights.h5"))
    outputs.take("verify", "verify", "turned.weights.h5")
    outputs.take("verify", "verify", "run")
    outputs.take("merge", "merge", "before.h5", "whole.h5", "legacy.h5", "-o", "x.h5", "--dry-run")
    outputs.take("restore", "restore", FIXTURES / "keras-3.15/flatten.h5", "--into", "whole.h5",
                 "-o", "x.h5")
    for folder in ["run", "."]:
        outputs.take("log", "log", folder)
        outputs.take("log", "log", folder, "--no-tensors")
        outputs.take("log", "watch", folder, "--timeout", "0.05")
        for check in ["nan", "frozen", "impossible-step"]:
            outputs.take("bisect", "bisect", folder, "--check", check)
        outputs.take("bisect", "bisect", folder, "--check", "metric", "--metric", "loss",
                     "--above", "1")
        outputs.take("bisect", "bisect", folder, "--", "test", "!", "-e", "{}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Check schemas and outputs with jsonschema.")
    parser.add_argument("--build-dir", type=Path, default=REPOSITORY / ".build/debug")
    program = parser.parse_args().build_dir.resolve() / "checkpoint-inspect"
    report = Report()
    with tempfile.TemporaryDirectory() as folder, report.section("schemas"):
        work, printed = Path(folder, "work"), Path(folder, "outputs")
        work.mkdir()
        printed.mkdir()
        outputs = Outputs(program, work, printed)
        collect(outputs, prepare(outputs))
        found = json.loads(keras_environments.run(
            "schemas", "schemas_side.validate", [str(SCHEMAS), str(printed)]))
        for name, problem in found["schemas"].items():
            report.check(f"Schemas/{name}.json is valid for its draft", not problem, problem or "")
            used = sum(output.startswith(f"{name}/") for output in found["outputs"])
            report.check(f"Schemas/{name}.json has outputs", used > 0, f"{used}")
        for name, command in outputs.commands.items():
            problems = found["outputs"].get(name, ["it was not looked at"])
            report.check(f"{name.partition('/')[0]}: {command}", not problems,
                         "; ".join(problems[:3]))
        unnoticed = {f"{outputs.commands[name]}: {what}" for name, mutants in found["mutants"].items()
                     for what in mutants["unnoticed"]}
        tried = sum(mutants["tried"] for mutants in found["mutants"].values())
        report.check("every spoiled output is refused", tried > 0 and not unnoticed,
                     "; ".join(sorted(unnoticed)[:5]) or f"{tried} of them")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
