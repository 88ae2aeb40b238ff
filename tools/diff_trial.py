#!/usr/bin/env python3
"""Holds `checkpoint-inspect diff` against NumPy and h5diff: which elements differ.

  tools/diff_trial.py --build-dir .build/release [--seeds 3]

Random tensors of all dtypes, among them NaN, infinities, both zeros, subnormal numbers, neighbours of numbers,
scalars and tensors without elements, contiguous and compressed, with every kind of tolerance. Prints a line a
check and `N passed, N failed`; exit code 1 on any failure.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import keras_environments as environments
from keras_environments import REPOSITORY
from verification.report import Report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=REPOSITORY / ".build" / "release")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    binary = options.build_dir.resolve() / "checkpoint-inspect"
    report = Report()
    for seed in range(options.seeds):
        with report.section(f"seed {seed}"), tempfile.TemporaryDirectory() as work:
            checks = json.loads(environments.run("keras3", "keras_side.try_differences", [
                "--binary", str(binary), "--work", work, "--seed", str(seed)]))
            for name, holds, detail in checks:
                report.check(f"seed {seed}, {name}", holds, detail)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
