#!/usr/bin/env python3
"""Lets real Keras judge Cairn: interchange checks with the built executables.

  tools/verify_with_keras.py --build-dir .build/release [--all [--row NAME]]

1. A tenth of the optimizer traces is recorded again and compared with Fixtures/traces.
2. `checkpoint-inspect show` tells of every fixture that Keras wrote what the truth beside it says.
3. For Keras 2.12 (`.h5`) and Keras 3.15 (`.weights.h5`), with and without moving averages:
   Keras opens what `cairn train` wrote: weights, slots, counter and rate have equal bits; it
   trains on, and its gradients, applied by Cairn's optimizer, end in equal bits; an epoch's losses
   agree within 2e-6, the weights after it within 4e-6, predictions within 1e-6. The same for files
   written by Keras.
4. The layouts of several files: Keras 3 opens what `checkpoint-inspect convert` made of every
   fixture, as a folder and in shards, without a warning and with equal bits, slots included. NumPy and
   safetensors read what `export` wrote, and Cairn reads what they write.
5. The digests in Cairn's files are what their documentation says: a reader written from it alone
   finds every byte as documented, and the same root.
6. Models of every structure, saved by Keras 2.12, tf_keras 2.21 and Keras 3.15 in every layout that
   each can write: `show` tells names, shapes, dtypes, bytes, owners as Keras's live objects did. The
   rows in Fixtures/matrix; with --all every row, made anew, and each of them converted by Cairn to
   every profile and loaded by the Keras that the profile is for; where one arrives in part, the
   transcript of a Keras that does no better with its own file is made anew, too. Keras 3 loads bfloat16
   as `convert --bfloat16 native` writes it.
7. Only when asked for with `--only random`: models that nobody wrote by hand, `--count` of them from the
   seed `--seed` on, saved by every Keras in every layout, shown, converted to every profile, loaded,
   trained for a further step, converted back, compared and restored. A failure names its seed: `--seed N
   --count 1` makes that model alone. Limits of Keras, recognised by its own files, are counted.

Prints a line a check and `N passed, N failed` at the end; exit code 1 on any failure, 2 when it
cannot run. Makes the virtual environments that it needs (see keras_environments.py).
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

import generate_fixtures
import keras_environments as environments
from verification.bfloat16_checks import check_bfloat16
from verification.binaries import Binaries
from verification.conversion_checks import check_conversions
from verification.digest_checks import check_digests
from verification.exchange import CASES, Exchange
from verification.fixture_checks import check_fixtures
from verification.layouts import check_layouts
from verification.matrix_checks import check_matrix
from verification.random_checks import check_random
from verification.report import Report

KINDS = {
    "traces": (),
    "fixtures": ("checkpoint-inspect",),
    "layouts": ("checkpoint-inspect",),
    "digests": ("checkpoint-inspect",),
    "exchange": ("apply-gradients", "cairn", "checkpoint-inspect"),
    "matrix": ("checkpoint-inspect",),
    "random": ("checkpoint-inspect",),
}
"""The kinds of check and the executables that each needs."""


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path,
                        default=environments.REPOSITORY / ".build" / "release")
    parser.add_argument("--only", choices=KINDS, action="append",
                        help="run one kind of check; may be given more than once")
    parser.add_argument("--keep", type=Path, metavar="FOLDER",
                        help="work in this new folder and leave the files there")
    parser.add_argument("--all", action="store_true",
                        help="make and check every row of the matrix, not only those in Fixtures/")
    parser.add_argument("--record-conversions", action="store_true",
                        help="with --all: write the expected matrix of conversions anew")
    parser.add_argument("--row", action="append", metavar="NAME",
                        help="with --all: only this row of the matrix; may be given more than once")
    parser.add_argument("--seed", type=int,
                        help="what chooses the traces to record again, and the first random model")
    parser.add_argument("--count", type=int, default=4, help="random: how many models of every Keras")
    parser.add_argument("--fraction", type=float, default=1,
                        help="random: the part of the conversions that Keras loads (default: 1)")
    return parser.parse_args()


def verify(arguments: argparse.Namespace, folder: Path) -> int:
    """Runs the checks in `folder`; returns the exit code."""
    report = Report()
    fixtures = generate_fixtures.FIXTURES
    cairn = Binaries(arguments.build_dir.resolve(), fixtures / "digits.h5")
    kinds = arguments.only or [kind for kind in KINDS if kind != "random"]
    missing = cairn.missing(sorted({name for kind in kinds for name in KINDS[kind]}))
    if missing:
        print(f"error: {cairn.folder} lacks {', '.join(missing)}; build first", file=sys.stderr)
        return 2
    if "traces" in kinds:
        seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
        report.check("a tenth of the traces, recorded again, equals the files",
                     generate_fixtures.check_traces(fixtures, 0.1, seed), f"seed {seed}")
    if "fixtures" in kinds:
        check_fixtures(report, cairn, fixtures)
    if "layouts" in kinds:
        check_layouts(report, cairn, fixtures, folder / "layouts")
    if "digests" in kinds:
        check_digests(report, cairn, fixtures, folder / "digests")
    if "exchange" in kinds:
        for case in CASES:
            Exchange(case, cairn, report, folder / case.folder_name).run()
    if "matrix" in kinds:
        saved = fixtures / "matrix"
        if arguments.all:
            saved = folder / "matrix"
            for environment in generate_fixtures.ENVIRONMENTS:
                generate_fixtures.save_matrix(
                    saved, environment, [word for row in arguments.row or ()
                                         for word in ("--row", row)])
        check_matrix(report, cairn, saved)
        if arguments.row is None:
            with report.section("bfloat16 as Keras 3 stores it"):
                check_bfloat16(report, cairn, saved, folder / "bfloat16")
        if arguments.all:
            check_conversions(report, cairn, saved, folder / "converted",
                              arguments.record_conversions, arguments.row)
    if "random" in kinds:
        seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
        print(f"random models from seed {seed} on")
        check_random(report, cairn, folder / "random", seed, arguments.count, arguments.fraction)
    return report.finish()


def main() -> int:
    arguments = parse()
    try:
        for name in generate_fixtures.ENVIRONMENTS:
            environments.ensure(name)
        if arguments.keep is not None:
            arguments.keep.mkdir(parents=True)
            return verify(arguments, arguments.keep.resolve())
        with tempfile.TemporaryDirectory(prefix="cairn-verify-") as folder:
            return verify(arguments, Path(folder))
    except (environments.EnvironmentFailure, FileExistsError) as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
