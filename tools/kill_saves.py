#!/usr/bin/env python3
"""Kills runs that save all the time, at random moments, and takes them up again.

  tools/kill_saves.py --build-dir .build/release [--kills 1000] [--format h5 ...] [--keras] [--report FILE]

`cairn train` saves after every step. It is killed (SIGKILL) at a random moment, and resumed, and killed
again, until it has come to its end. After every kill the newest checkpoint must be found and be
undamaged; at the end of every run its result must have the bits of one that was never killed. Real Keras
opens a sample of what the kills left (--keras).

The same harness then kills a writer that writes over its file, as Cairn never does, and, with --keras,
Keras itself: both must be caught losing their only file. A harness that finds no fault proves nothing.

Prints how many kills hit which phase of a save and `N passed, N failed`; exit code 1 on any failure.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import keras_environments as environments
from durability.phases import IN_FLIGHT, PHASES, phase_at_end, strace
from keras_environments import REPOSITORY
from verification.report import Report

FORMATS = ("h5", "weights.h5", "keras")
OPTIONS = ("--epochs", "2", "--batch-size", "16", "--ema", "0.9", "--seed", "5", "--save-every-steps", "1",
           "--keep-newest", "2")
TEMPLATE = REPOSITORY / "Fixtures" / "keras-2.12" / "mlp_ema.h5"
SAMPLE = 20
"""Files that a Keras opens."""


class Harness:
    """Kills, and counts."""

    def __init__(self, options: argparse.Namespace, report: Report) -> None:
        self.build = options.build_dir.resolve()
        self.keras = options.keras
        self.report = report
        self.random = random.Random(options.seed)
        self.histogram: Counter[str] = Counter()
        self.figures: list[dict[str, object]] = []

    def tool(self, name: str) -> str:
        """The path of an executable."""
        return str(self.build / name)

    def kill(self, command: list[str], folder: Path, log: Path, longest: float,
             name: bytes = b"step-") -> tuple[bool, str]:
        """Runs `command` for a random time; whether it was killed, and in which phase. `name` is how the files
        that it saves begin."""
        log.unlink(missing_ok=True)
        process = subprocess.Popen([*strace(log), *command], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        # Most kills are to hit saves, not the start of the program.
        if self.random.random() < 0.9:
            self.wait_for_save(log, process, name)
        try:
            process.wait(self.random.uniform(0.0, longest))
            if process.returncode != 0:
                raise RuntimeError(f"{' '.join(command)} ended with code {process.returncode}: {process.stderr.read()}")
            return False, ""
        except subprocess.TimeoutExpired:
            # The run, not strace, which then tells what it was doing.
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            process.wait()
        return True, phase_at_end(log, folder)

    @staticmethod
    def wait_for_save(log: Path, process: subprocess.Popen[str], name: bytes) -> None:
        """Waits until a process has begun its first save, or has ended."""
        while process.poll() is None:
            if log.exists() and name in log.read_bytes():
                return
            time.sleep(0.002)

    # Cairn

    def check_runs(self, format: str, kills: int, work: Path) -> None:
        """Kills runs of `cairn train` until there were so many kills."""
        reference = work / f"reference.{format}"
        folder, output, log = work / "run", work / f"result.{format}", work / "calls"
        began = time.monotonic()
        self.train(format, work / "reference", reference)
        whole = time.monotonic() - began
        done = runs = bad_checkpoints = bad_results = 0
        histogram: Counter[str] = Counter()
        samples: list[Path] = []
        problems: list[str] = []
        while done < kills:
            shutil.rmtree(folder, ignore_errors=True)
            output.unlink(missing_ok=True)
            runs += 1
            while True:
                resumable = any(self.checkpoints(folder))
                command = [self.tool("cairn"), "resume", str(folder)] if resumable else self.command(
                    format, folder, output)
                killed, phase = self.kill(command, folder, log, longest=whole / 4)
                if not killed:
                    break
                done += 1
                histogram[phase] += 1
                problem = self.problem(folder, phase)
                if output.exists():  # it was done, and only had not ended yet
                    break
                if problem:
                    bad_checkpoints += 1
                    problems.append(problem)
                elif len(samples) < SAMPLE and self.random.random() < 0.2 and any(self.checkpoints(folder)):
                    kept = work / f"sample-{len(samples)}.{format}"
                    shutil.copy(self.checkpoints(folder)[-1], kept)
                    samples.append(kept)
            if self.run("checkpoint-inspect", "diff", reference, output) != 0:
                bad_results += 1
                problems.append(f"run {runs} did not end in the bits of the one that was never killed")
        self.histogram += histogram
        in_flight = sum(histogram[phase] for phase in IN_FLIGHT) / done
        self.report.check(f"{format}: the newest checkpoint after each of {done} kills", bad_checkpoints == 0,
                          "; ".join(problems[:3]) or f"found and undamaged, {in_flight:.0%} while a save was in flight")
        self.report.check(f"{format}: the end of each of {runs} killed runs", bad_results == 0,
                          f"{bad_results} differ from the run that was never killed")
        self.figures.append({"writer": "Cairn", "format": format, "kills": done, "runs": runs,
                             "lost": bad_checkpoints, "different": bad_results, "inFlight": round(in_flight, 3),
                             "phases": dict(histogram)})
        if self.keras:
            self.check_samples(format, samples)

    def command(self, format: str, folder: Path, output: Path) -> list[str]:
        """A run from its start."""
        return [self.tool("cairn"), "train", *OPTIONS, "--checkpoint-format", format, "--checkpoints", str(folder),
                "--output", str(output)]

    def train(self, format: str, folder: Path, output: Path) -> None:
        """A run that nobody disturbs."""
        subprocess.run([*strace(folder.parent / "calls"), *self.command(format, folder, output)], check=True,
                       stdout=subprocess.DEVNULL)

    @staticmethod
    def checkpoints(folder: Path) -> list[Path]:
        """The checkpoints of a run, the newest last; none of one that has no folder yet."""
        if not folder.exists():
            return []
        return sorted(path for path in folder.iterdir() if path.name.startswith("step-") and ".tmp-" not in path.name)

    def problem(self, folder: Path, phase: str) -> str | None:
        """What is wrong with the newest checkpoint that a kill left."""
        found = self.checkpoints(folder)
        if not found:
            return None if phase in (PHASES[0], *IN_FLIGHT[:3]) else f"nothing is left of a run killed {phase}"
        code = self.run("checkpoint-inspect", "verify", "--require-digests", found[-1])
        return None if code == 0 else f"killed while {phase}, verify of {found[-1].name} ends with code {code}"

    def run(self, name: str, *arguments: object) -> int:
        """An executable's exit code."""
        return subprocess.run([self.tool(name), *map(str, arguments)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode

    def check_samples(self, format: str, samples: list[Path]) -> None:
        """Lets Keras open what kills left."""
        name = "keras2" if format == "h5" else "keras3"
        if format == "weights.h5":
            return
        said = json.loads(environments.run(name, "keras_side.open_models", list(map(str, samples))))
        opened = [path for path, problem in said.items() if problem is None]
        self.report.check(f"{format}: real Keras opens {len(samples)} of what the kills left",
                          len(opened) == len(samples) > 0, f"{len(opened)} opened")

    # Writers that lose their file

    def check_overwriting(self, kills: int, work: Path) -> None:
        """A writer that writes over its only file must be caught."""
        folder = work / "overwriting"
        folder.mkdir()
        path = folder / "only.h5"
        command = [self.tool("save-checkpoints"), str(folder), "--from", str(TEMPLATE), "--profile", "keras2-h5",
                   "--steps", "100000", "--in-place"]
        lost = 0
        for _ in range(kills):
            self.kill(command, folder, work / "calls", longest=0.4, name=b"only")
            lost += path.exists() and self.run("checkpoint-inspect", "verify", "--require-digests", path) != 0
        self.report.check(f"a writer without another name and a rename loses its file in some of {kills} kills",
                          lost > 0, f"{lost} lost")
        self.figures.append({"writer": "over its file", "format": "h5", "kills": kills, "lost": lost})

    def check_keras(self, kills: int, work: Path) -> None:
        """Keras's own `model.save`, killed while it saves."""
        for name, format in (("keras2", "h5"), ("keras3", "keras")):
            left: list[Path] = []
            for number in range(kills):
                path = work / f"{name}-{number}.{format}"
                left.append(path)
                self.kill_keras(name, path)
            said = json.loads(environments.run(name, "keras_side.open_models", list(map(str, left))))
            lost = [path for path, problem in said.items() if problem is not None]
            self.report.check(f"{name} was killed {kills} times while saving .{format}", len(said) == kills,
                              f"{len(lost)} times its only file was lost")
            self.figures.append({"writer": name, "format": format, "kills": kills, "lost": len(lost)})

    def kill_keras(self, name: str, path: Path) -> None:
        """Kills a Keras that saves over one file, again and again, at a random moment after its first save."""
        process = subprocess.Popen(
            [str(environments.ensure(name)), "-m", "keras_side.save_again_and_again", str(path)],
            cwd=REPOSITORY, env=os.environ | {"PYTHONPATH": str(environments.TOOLS), "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout.readline() == "saved\n"
        time.sleep(self.random.uniform(0, 0.5))
        process.kill()
        process.wait()


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=REPOSITORY / ".build" / "release")
    parser.add_argument("--kills", type=int, default=1000, help="of `cairn train`, all formats together")
    parser.add_argument("--format", action="append", choices=FORMATS)
    parser.add_argument("--keras", action="store_true", help="let real Keras open samples, and kill it, too")
    parser.add_argument("--keras-kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def main() -> int:
    """Runs the checks."""
    options = parse()
    report = Report()
    harness = Harness(options, report)
    formats = options.format or FORMATS
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder).resolve()
        for index, format in enumerate(formats):
            kills = options.kills // len(formats) + (index < options.kills % len(formats))
            part = work / format
            part.mkdir()
            harness.check_runs(format, kills, part)
        harness.check_overwriting(max(30, options.kills // 20), work)
        if options.keras:
            harness.check_keras(options.keras_kills, work)
    total = sum(harness.histogram.values())
    print(f"{total} kills of Cairn by phase:")
    for phase in PHASES:
        print(f"  {phase:<26} {harness.histogram[phase]:6}  {'#' * round(60 * harness.histogram[phase] / total)}")
    share = sum(harness.histogram[phase] for phase in IN_FLIGHT) / total
    report.check("at least 60 % of the kills hit a save in flight", share >= 0.6, f"{share:.0%}")
    missed = [phase for phase in IN_FLIGHT if not harness.histogram[phase]]
    report.check("every phase of a save was hit", not missed or options.kills < 500, ", ".join(missed))
    if options.report:
        options.report.write_text(json.dumps(harness.figures, indent=2) + "\n")
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
