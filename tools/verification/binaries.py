"""Cairn's built executables, as a user runs them."""

from __future__ import annotations

import csv
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable


class CommandFailure(Exception):
    """A command ended with an unexpected exit code."""


@dataclass(frozen=True)
class Binaries:
    """The executables of one build, and the data set they train on."""

    folder: Path
    digits: Path

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that the build folder lacks."""
        return [name for name in names if not (self.folder / name).is_file()]

    def train(self, model: Path, output: Path, history: Path | None = None, *, epochs: int = 1,
              rate: float | None = None, ema: float | None = None) -> None:
        """`cairn train`, in the order of the file, on the first four fifths of the digits."""
        options: list[object] = ["--model", model, "--epochs", epochs, "--batch-size", 32,
                                 "--no-shuffle", "--validation-split", 0.2, "--seed", 3,
                                 "--output", output]
        options += [] if history is None else ["--history", history]
        options += [] if rate is None else ["--learning-rate", rate]
        options += [] if ema is None else ["--ema", ema]
        self._run("cairn", "train", self.digits, *options)

    def predict(self, model: Path, output: Path) -> None:
        """`cairn predict` on all digits."""
        self._run("cairn", "predict", self.digits, "--model", model, "--output", output)

    def show(self, file: Path) -> dict[str, Any]:
        """`checkpoint-inspect show --digests`, parsed."""
        return json.loads(self._run("checkpoint-inspect", "show", file, "--format", "json",
                                    "--digests"))

    def verify(self, file: Path) -> dict[str, Any]:
        """`checkpoint-inspect verify` of a checkpoint with digests, parsed."""
        return json.loads(self._run("checkpoint-inspect", "verify", file, "--format", "json",
                                    "--require-digests"))

    def restore(self, source: Path, target: Path, output: Path, *options: object) -> None:
        """`checkpoint-inspect restore`."""
        self._run("checkpoint-inspect", "restore", source, "--into", target, "-o", output, *options)

    def diff(self, before: Path, after: Path) -> None:
        """`checkpoint-inspect diff` of two checkpoints that are the same."""
        self._run("checkpoint-inspect", "diff", before, after)

    def convert(self, source: Path, output: Path, profile: str, *options: object) -> list[str]:
        """`checkpoint-inspect convert`; what it says that was lost."""
        said = self._run("checkpoint-inspect", "convert", source, output, "--to", profile, *options)
        return [line.removeprefix("lost: ") for line in said.splitlines()
                if line.startswith("lost: ")]

    def export(self, source: Path, output: Path) -> None:
        """`checkpoint-inspect export`."""
        self._run("checkpoint-inspect", "export", source, output)

    def apply_gradients(self, checkpoint: Path, gradients: Path, output: Path) -> None:
        """The test support's `apply-gradients`."""
        self._run("apply-gradients", checkpoint, "--gradients", gradients, "--output", output)

    def _run(self, name: str, *arguments: object) -> str:
        command = [str(self.folder / name), *map(str, arguments)]
        completed = subprocess.run(command, text=True, capture_output=True, check=False)
        if completed.returncode != 0:
            raise CommandFailure(f"{' '.join(command)} ended with code {completed.returncode}: "
                                 f"{completed.stderr.strip() or completed.stdout.strip()}")
        return completed.stdout


def losses_in(history: Path) -> list[float]:
    """The column `loss` of a training history."""
    with open(history, newline="", encoding="utf-8") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]
