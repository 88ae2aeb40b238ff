#!/usr/bin/env python3
"""Makes what stands in Fixtures/ from real Keras and scikit-learn, with pinned versions.

  tools/generate_fixtures.py all             makes everything anew
  tools/generate_fixtures.py digits          Fixtures/digits.h5
  tools/generate_fixtures.py traces          Fixtures/traces/: optimizer steps of every Keras
  tools/generate_fixtures.py models          Fixtures/keras-*/: models saved by Keras
  tools/generate_fixtures.py configurations  Fixtures/keras-*/: optimizers' configurations as JSON
  tools/generate_fixtures.py losses          Fixtures/losses/: a training run, loss by loss
  tools/generate_fixtures.py layers          Fixtures/layers/: layers of every class as JSON
  tools/generate_fixtures.py matrix          Fixtures/matrix/: some rows of the matrix of models
  tools/generate_fixtures.py descent         Fixtures/descent/: states of one training each

  tools/generate_fixtures.py traces --check --fraction 0.1 [--seed N]
      records a part of the traces again, chosen by a seed (random unless given, always printed),
      and compares bit for bit with the committed files; exit code 1 on drift.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Sequence

import keras_environments as environments

FIXTURES = environments.REPOSITORY / "Fixtures"
GENERATIONS = {"keras2": "keras-2.12", "keras3": "keras-3.15"}
MODELS = ("mlp", "mlp_ema", "embedding", "flatten", "sgd", "sgd_nesterov", "rmsprop", "adam",
          "adamw")
KINDS = ("digits", "traces", "models", "configurations", "losses", "layers", "matrix",
         "descent")
ENVIRONMENTS = {**GENERATIONS, "tfkeras": "tf_keras-2.21"}
MATRIX_FILES = {
    "keras2": {"custom_layer": ["archive"],
               "frozen_inner_layer": ["whole-model"], "frozen_wrapped": ["whole-model"],
               "legacy_adagrad": ["whole-model"], "mixed_precision": ["whole-model", "weights"],
               "mixed_precision_legacy": ["whole-model"], "slash_names": ["whole-model"],
               "subclassed": ["weights"]},
    "tfkeras": {"custom_layer": ["archive"], "mixed_precision": ["archive"],
                "nested_twice": ["archive"], "resaved": ["archive"], "subclassed": ["weights"]},
    "keras3": {"bfloat16": ["archive", "weights"], "custom_layer": ["archive", "whole-model"],
               "gradient_accumulation": ["whole-model"],
               "mixed_precision": ["archive", "weights"], "subclassed": ["weights"],
               "unicode_names": ["archive"]},
}
"""The committed rows and layouts; `verify_with_keras.py --all` makes every row in every one."""
DESCENTS = {
    "keras2": {"convolution": (3, 30)}, "tfkeras": {"clipnorm-mlp": (3, 4)},
    "keras3": {"noisy": (1, 2, 10), "embedding": (4, 30), "averages-overwrite": (3, 30)}}
"""The committed steps of some cases in `keras_side/descent_cases.py`; `descent_trial.py` trains all."""


def make_digits(folder: Path) -> None:
    """Fixtures/digits.h5."""
    print(environments.run("digits", "make_digits", ["--output", str(folder / "digits.h5")]),
          end="")


def make_traces(folder: Path) -> None:
    """Fixtures/traces/*."""
    for environment in ENVIRONMENTS:
        print(environments.run(environment, "keras_side.record_traces",
                               ["--folder", str(folder / "traces")]), end="")


def check_traces(folder: Path, fraction: float, seed: int) -> bool:
    """Records a part of the traces again; true if all of it equals the files."""
    print(f"recording {fraction:.0%} of the traces again, seed {seed}")
    equal = True
    for environment in ENVIRONMENTS:
        try:
            print(environments.run(
                environment, "keras_side.record_traces",
                ["--folder", str(folder / "traces"), "--check", "--fraction", str(fraction),
                 "--seed", str(seed)]), end="")
        except environments.EnvironmentFailure as failure:
            print(failure)
            equal = False
    return equal


def make_models(folder: Path) -> None:
    """Fixtures/keras-*/*. A process for each model, so that names do not depend on the order."""
    for environment, generation in GENERATIONS.items():
        for model in MODELS:
            print(environments.run(
                environment, "keras_side.save_model",
                ["--model", model, "--folder", str(folder / generation)]), end="")
    print(environments.run(
        "keras3", "keras_side.save_layouts",
        ["--model", "mlp_ema", "--folder", str(folder / GENERATIONS["keras3"])]), end="")


def make_configurations(folder: Path) -> None:
    """Fixtures/keras-*/optimizer_*.json."""
    for environment, generation in GENERATIONS.items():
        print(environments.run(environment, "keras_side.record_configurations",
                               ["--folder", str(folder / generation)]), end="")


def make_losses(folder: Path) -> None:
    """Fixtures/losses/*, by Keras 3."""
    print(environments.run(
        "keras3", "keras_side.record_losses",
        ["--digits", str(folder / "digits.h5"), "--folder", str(folder / "losses")]), end="")


def make_layers(folder: Path) -> None:
    """Fixtures/layers/*.json."""
    for environment in ENVIRONMENTS:
        print(environments.run(environment, "keras_side.record_layers",
                               ["--folder", str(folder / "layers")]), end="")


def make_matrix(folder: Path) -> None:
    """Fixtures/matrix/*: the committed rows."""
    for environment, rows in MATRIX_FILES.items():
        for row, layouts in rows.items():
            options = [each for layout in layouts for each in ("--layout", layout)]
            save_matrix(folder / "matrix", environment, ["--row", row, *options])


def make_descents(folder: Path) -> None:
    """Fixtures/descent/*: some states of some trainings."""
    for environment, cases in DESCENTS.items():
        home = folder / "descent" / ENVIRONMENTS[environment]
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as work:
            environments.run(environment, "keras_side.train_pairs", ["--folder", work, "--cases", *cases])
            for case, steps in cases.items():
                for step in steps:
                    shutil.copyfile(Path(work) / f"{case}-{step}.h5", home / f"{case}-{step}.h5")
        print(f"{home}: {', '.join(cases)}")


def save_matrix(folder: Path, environment: str, options: Sequence[str] = ()) -> None:
    """Rows of the matrix, all of them unless `options` choose, by one Keras into its own folder."""
    print(environments.run(environment, "keras_side.save_matrix",
                           ["--folder", str(folder / ENVIRONMENTS[environment]), *options]), end="")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=(*KINDS, "all"))
    parser.add_argument("--folder", type=Path, default=FIXTURES, help="default: Fixtures/")
    parser.add_argument("--check", action="store_true", help="traces: compare, write nothing")
    parser.add_argument("--fraction", type=float, default=1.0, help="with --check: default 1")
    parser.add_argument("--seed", type=int, help="with --check: what chooses the part")
    arguments = parser.parse_args()
    if arguments.check and arguments.what != "traces":
        parser.error("--check is for traces")
    if not 0 < arguments.fraction <= 1:
        parser.error(f"--fraction must be in (0, 1], received {arguments.fraction}")
    return arguments


def main() -> int:
    arguments = parse()
    folder = arguments.folder.resolve()
    try:
        if arguments.check:
            seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
            return 0 if check_traces(folder, arguments.fraction, seed) else 1
        folder.mkdir(parents=True, exist_ok=True)
        makers = {"digits": make_digits, "traces": make_traces, "models": make_models,
                  "configurations": make_configurations, "losses": make_losses,
                  "layers": make_layers, "matrix": make_matrix, "descent": make_descents}
        for kind in KINDS if arguments.what == "all" else [arguments.what]:
            makers[kind](folder)
    except environments.EnvironmentFailure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
