#!/usr/bin/env python3
"""Compares Cairn's dense Adagrad step with PyTorch's fused one and with eager Keras 3.

Installs both in virtual environments when they are not there yet (`tools/keras_environments.py`),
builds the benchmarks, and takes steps of Cairn and of the other in turn. The number that counts is the
median over the turns of the other's time divided by Cairn's: 1 is equal speed, more is faster.

    tools/compare_speed.py [--elements 16777216] [--repetitions 41] [torch] [keras]

Exit code 1 if Cairn is behind what it promises: 0.97 of PyTorch, 3 times Keras.
"""

from __future__ import annotations

import argparse
import json
import sys

import comparison
import keras_environments

PROMISES = {"torch": 0.97, "keras": 3.0}
ENVIRONMENTS = {"torch": "torch", "keras": "keras3"}


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the speed of a dense Adagrad step.")
    parser.add_argument("frameworks", nargs="*", metavar="FRAMEWORK",
                        help="torch or keras (default: both)")
    parser.add_argument("--elements", type=int, default=1 << 24)
    parser.add_argument("--repetitions", type=int, default=41)
    arguments = parser.parse_args()
    frameworks = arguments.frameworks or list(PROMISES)
    for unknown in set(frameworks) - set(PROMISES):
        parser.error(f"unknown framework {unknown!r}, expected torch or keras")
    program = comparison.build("Benchmarks") / "Benchmarks"
    kept = True
    try:
        for framework in frameworks:
            for threads in (1, 2):
                text = keras_environments.run(
                    ENVIRONMENTS[framework], "keras_side.step_speed",
                    [framework, str(program), str(arguments.elements), str(threads),
                     str(arguments.repetitions)])
                times = comparison.Times(**json.loads(text.strip().splitlines()[-1]))
                kept = comparison.judge_times(
                    f"a step with {threads} thread(s)", times, PROMISES[framework]) and kept
    except keras_environments.EnvironmentFailure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
