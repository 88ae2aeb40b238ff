#!/usr/bin/env python3
"""Kills programs that save all the time, at random moments, and takes them up again.

  tools/kill_saves.py --build-dir .build/release [--kills 1000] [--profile keras2-h5 ...] [--keras]
                      [--figures tools/durability/figures/kills.json]

`cairn train` saves after every step, in every profile that it knows; a store saves in those that hold no
optimizer. Each is killed (SIGKILL) at a random moment, taken up again, and killed again, until it has come to
its end. After every kill

- the newest checkpoint is undamaged (`checkpoint-inspect verify --require-digests`), and not older than the
  newest that the system calls show to have been made durable;
- the resumed program loads it, and goes on with the step after it;
- the result of every run has the bits of one that was never killed.

Real Keras opens a sample of what the kills left (--keras). The same harness then kills a writer that writes
over its file, as Cairn never does, and, with --keras, Keras itself: both must be caught losing their only
file. A harness that finds no fault proves nothing.

With --figures the findings are kept after each profile, and a profile that has them already is passed over,
so that a run that was stopped goes on. Prints how many kills hit which phase of a save and
`N passed, N failed`; exit code 1 on any failure.
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
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras_environments as environments
from durability import figures
from durability.phases import BEGUN, CHECKPOINT, IN_FLIGHT, PHASES, End, end, strace
from durability.victims import PROFILES, TEMPLATE, Victim, victim
from keras_environments import REPOSITORY
from verification.report import Report

SAMPLES = 2
"""Checkpoints of each profile that a Keras opens."""

LONGEST_SECONDS = 1.0
"""For which a program runs, on a machine that is busy, from its first save to its end."""

KERAS = {"keras2": "keras2", "tf-keras": "tfkeras", "keras3": "keras3"}
"""By the family in a profile's name, the environment of its Keras."""

LOSERS = (("keras2", "h5"), ("keras3", "keras"))
"""Each Keras, and the file that it writes over."""


class Harness:
    """Kills, and looks at what is left."""

    def __init__(self, options: argparse.Namespace, report: Report) -> None:
        self.build = options.build_dir.resolve()
        self.keras = options.keras
        self.report = report
        self.seed = options.seed
        self.random = random.Random(options.seed)

    def kill(self, command: list[str], log: Path, longest: float, begun: Any = BEGUN) -> bool:
        """Runs `command` for a random time; whether it was killed before its end."""
        log.unlink(missing_ok=True)
        process = subprocess.Popen([*strace(log), *command], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        # Most kills are to hit saves, not the start of the program.
        if self.random.random() < 0.9:
            while process.poll() is None and not (log.exists() and begun.search(log.read_bytes())):
                time.sleep(0.002)
        else:
            while process.poll() is None and not (log.exists() and log.stat().st_size):
                time.sleep(0.002)
        try:
            process.wait(self.random.uniform(0.0, longest))
            if process.returncode != 0:
                raise RuntimeError(f"{' '.join(command)} ended with code {process.returncode}: {process.stderr.read()}")
            return False
        except subprocess.TimeoutExpired:
            # The run, not strace, which then tells what it was doing.
            while process.poll() is None:
                for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                    with suppress(ProcessLookupError):  # it has just ended by itself
                        os.kill(int(child), signal.SIGKILL)
                time.sleep(0.002)
            return process.returncode != 0

    # Cairn

    def check_profile(self, profile: str, kills: int, work: Path) -> dict[str, Any]:
        """Kills the writer of a profile until there were so many kills; what came of it."""
        self.random = random.Random(f"{self.seed} {profile}")
        reference = self.whole_run(profile, work / "reference")
        series = _Series(self, victim(profile, self.build, work / "killed"), reference, kills)
        series.run()
        done = sum(series.histogram.values())
        in_flight = sum(series.histogram[phase] for phase in IN_FLIGHT) / done
        self.report.check(f"{profile}: the newest checkpoint after each of {done} kills", series.bad == 0,
                          "; ".join(series.problems[:3])
                          or f"found and undamaged, {in_flight:.0%} while a save was in flight")
        self.report.check(f"{profile}: the end of each of {series.runs} killed runs", series.different == 0,
                          f"{series.different} differ from the run that was never killed")
        found = {"profile": profile, "kills": done, "runs": series.runs, "lost": series.bad,
                 "different": series.different, "phases": {phase: series.histogram[phase] for phase in PHASES}}
        if self.keras:
            opened = self.check_samples(profile, series.samples, reference, work)
            found["opened"] = {"by": opened[0], "files": len(series.samples), "opened": opened[1]}
        return found

    def whole_run(self, profile: str, work: Path) -> Victim:
        """A run that nobody disturbs, under the same watch."""
        work.mkdir(parents=True)
        undisturbed = victim(profile, self.build, work)
        began = time.monotonic()
        subprocess.run([*strace(work / "calls"), *undisturbed.command(None)], check=True, stdout=subprocess.DEVNULL)
        self.longest = min((time.monotonic() - began) / 4, LONGEST_SECONDS)
        return undisturbed

    def check_samples(self, profile: str, samples: list[Path], reference: Victim, work: Path) -> tuple[str, int]:
        """Lets the Keras of a profile open what kills left; its name, and how many it opened."""
        family = next(family for family in KERAS if profile.startswith(family))
        # Weights alone are loaded into a model that Keras has from another file.
        model = work / ("model.keras" if family == "keras3" else "model.h5")
        to = f"{family}-archive" if family == "keras3" else f"{family}-h5"
        source = TEMPLATE if "weights-h5" in profile else reference.result
        subprocess.run([str(self.build / "checkpoint-inspect"), "convert", source, model, "--to", to], check=True,
                       stdout=subprocess.DEVNULL)
        said = json.loads(environments.run(KERAS[family], "keras_side.open_models", [
            "--model", str(model), *map(str, samples)]))
        problems = [problem for problem in said.values() if problem]
        self.report.check(f"{profile}: real Keras opens {len(samples)} of what the kills left",
                          not problems and len(said) == len(samples) > 0, "; ".join(problems))
        return family, len(said) - len(problems)

    # Writers that lose their file

    def check_overwriting(self, kills: int, work: Path) -> dict[str, Any]:
        """A writer that writes over its only file must be caught."""
        folder = work / "overwriting"
        folder.mkdir()
        path = folder / "only.h5"
        command = [str(self.build / "save-checkpoints"), str(folder), "--from", str(TEMPLATE), "--profile", "keras2-h5",
                   "--steps", "100000", "--in-place"]
        lost = 0
        for _ in range(kills):
            self.kill(command, work / "calls", longest=0.4, begun=_Name(b"only"))
            lost += path.exists() and subprocess.run(
                [self.build / "checkpoint-inspect", "verify", "--require-digests", path], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, check=False).returncode != 0
        self.report.check(f"a writer without another name and a rename loses its file in some of {kills} kills",
                          lost > 0, f"{lost} lost")
        return {"writer": "a writer over its only file", "kills": kills, "lost": lost}

    def check_keras(self, name: str, format: str, kills: int, work: Path) -> dict[str, Any]:
        """Keras's own `model.save`, killed while it saves."""
        left: list[Path] = []
        for number in range(kills):
            path = work / f"{name}-{number}.{format}"
            left.append(path)
            self.kill_keras(name, path)
        said = json.loads(environments.run(name, "keras_side.open_models", list(map(str, left))))
        lost = [path for path, problem in said.items() if problem is not None]
        version = environments.version(name)
        self.report.check(f"{version} was killed {kills} times while saving .{format}", len(said) == kills,
                          f"{len(lost)} times its only file was lost")
        return {"writer": f"{version}, `model.save` over one `.{format}`", "kills": kills, "lost": len(lost)}

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


class _Name:
    """Finds a name in a recording."""

    def __init__(self, name: bytes) -> None:
        self.name = name

    def search(self, content: bytes) -> bool:
        return self.name in content


class _Series:
    """Runs of one profile, each killed until it has come to its end."""

    def __init__(self, harness: Harness, victim: Victim, reference: Victim, kills: int) -> None:
        self.harness, self.victim, self.reference, self.kills = harness, victim, reference, kills
        self.log = victim.work / "calls"
        self.histogram: Counter[str] = Counter()
        self.runs = self.bad = self.different = 0
        self.problems: list[str] = []
        self.samples: list[Path] = []

    def run(self) -> None:
        while sum(self.histogram.values()) < self.kills:
            shutil.rmtree(self.victim.work, ignore_errors=True)
            self.victim.work.mkdir()
            self.runs += 1
            self.run_once()
            if self.victim.run("checkpoint-inspect", "diff", self.reference.result, self.victim.result) != 0:
                self.different += 1
                self.problems.append(f"run {self.runs} did not end in the bits of the one that was never killed")

    def run_once(self) -> None:
        """One run from its start to its end, with all kills on the way."""
        durable = 0
        while True:
            newest = next(reversed(self.victim.checkpoints()), None)
            killed = self.harness.kill(self.victim.command(newest), self.log, self.harness.longest)
            ended = end(self.log, self.victim.folder)
            self.check_start(newest, ended)
            if not killed:
                return
            self.histogram[ended.phase] += 1
            durable = max(durable, ended.durable or 0)
            if problem := self.problem(durable):
                self.bad += 1
                self.problems.append(f"killed while {ended.phase}: {problem}")
            elif len(self.samples) < min(SAMPLES, SAMPLES * sum(self.histogram.values()) // self.kills):
                self.take_sample()
            if self.is_done():  # it only had not ended yet
                return

    def is_done(self) -> bool:
        return self.victim.result.exists()

    def check_start(self, newest: Path | None, ended: End) -> None:
        """A process that was taken up goes on where the newest checkpoint stands, and nowhere else."""
        before = int(CHECKPOINT.fullmatch(newest.name)[1]) if newest else 0
        # The last step is saved once more, when the epoch has ended.
        if ended.first is not None and ended.first not in (before, before + 1):
            self.bad += 1
            self.problems.append(f"resumed from step {before}, it saved step {ended.first} first")

    def problem(self, durable: int) -> str | None:
        """What is wrong with the newest checkpoint that a kill left."""
        found = self.victim.checkpoints()
        if not found:
            return f"step {durable} was durable, and nothing is there" if durable else None
        newest = int(CHECKPOINT.fullmatch(found[-1].name)[1])
        if newest < durable:
            return f"step {durable} was durable, and the newest is step {newest}"
        code = self.victim.run("checkpoint-inspect", "verify", "--require-digests", found[-1])
        return f"verify of {found[-1].name} ends with code {code}" if code else None

    def take_sample(self) -> None:
        """Keeps the newest checkpoint for Keras."""
        found = self.victim.checkpoints()
        if not found:
            return
        folder = self.reference.work / f"sample-{len(self.samples)}"
        folder.mkdir()
        for path in self.victim.files(found[-1]):
            (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / path.name)
        self.samples.append(folder / found[-1].name)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=REPOSITORY / ".build" / "release")
    parser.add_argument("--kills", type=int, default=1000, help="of Cairn, all profiles together")
    parser.add_argument("--profile", action="append", choices=PROFILES)
    parser.add_argument("--keras", action="store_true", help="let real Keras open samples, and kill it, too")
    parser.add_argument("--keras-kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures", type=Path, help="keep what was found, and go on from what is there")
    return parser.parse_args()


def main() -> int:
    """Runs the checks."""
    options = parse()
    report = Report()
    harness = Harness(options, report)
    profiles = options.profile or PROFILES
    kept = figures.read(options.figures) if options.figures else {}
    found: list[dict[str, Any]] = kept.setdefault("cairn", [])
    others: list[dict[str, Any]] = kept.setdefault("others", [])

    def keep() -> None:
        if options.figures:
            figures.write(options.figures, kept)

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder).resolve()
        kept["circumstances"] = figures.circumstances(work) | {"seed": options.seed}
        for index, profile in enumerate(profiles):
            if any(entry["profile"] == profile for entry in found):
                continue
            kills = options.kills // len(profiles) + (index < options.kills % len(profiles))
            found.append(harness.check_profile(profile, kills, work / profile))
            keep()
            shutil.rmtree(work / profile)
        if not others:
            others.append(harness.check_overwriting(max(30, options.kills // 20), work))
            keep()
        for name, format in LOSERS[len(others) - 1:] if options.keras else ():
            others.append(harness.check_keras(name, format, options.keras_kills, work))
            keep()
    histogram = Counter({phase: sum(entry["phases"][phase] for entry in found) for phase in PHASES})
    total = sum(histogram.values())
    print(f"{total} kills of Cairn by phase:")
    for phase in PHASES:
        print(f"  {phase:<26} {histogram[phase]:6}  {'#' * round(60 * histogram[phase] / total)}")
    share = sum(histogram[phase] for phase in IN_FLIGHT) / total
    report.check("at least 60 % of the kills hit a save in flight", share >= 0.6, f"{share:.0%}")
    missed = [phase for phase in IN_FLIGHT if not histogram[phase]]
    report.check("every phase of a save was hit", not missed or options.kills < 500, ", ".join(missed))
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
