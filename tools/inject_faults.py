#!/usr/bin/env python3
"""Lets every system call of a save fail in turn.

  tools/inject_faults.py --build-dir .build/release [--profile keras2-h5 ...]

A folder holds the checkpoint of step 1; a program saves step 2 into it, and one of its system calls
fails (strace injects the error): no space, quota, input/output error, read-only file system. Whichever
call it is, the program says so in one line and ends with a code other than 0, or has done what it was asked
for; the checkpoint of step 1 stays whole, that of step 2 exists whole or not at all, and nothing
half-written stays. Interrupted calls and short writes must not be noticed at all, nor file systems without
hard links, and without a rename that refuses to replace: there, too, a second writer is refused.

Prints `N passed, N failed`; exit code 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from keras_environments import REPOSITORY, TOOLS
from verification.report import Report

PROFILES = ("keras2-h5", "keras3-archive", "keras3-sharded", "keras3-directory")
TEMPLATE = REPOSITORY / "Fixtures" / "keras-2.12" / "mlp_ema.h5"
FAULTS = {
    "openat": ("EROFS", "ENOSPC", "EMFILE"),
    "mkdir": ("EROFS", "EDQUOT"),
    "pwrite64": ("ENOSPC", "EIO", "EDQUOT"),
    "pwritev": ("ENOSPC", "EIO", "EDQUOT"),
    "write": ("ENOSPC", "EIO"),
    "ftruncate": ("ENOSPC",),
    "fallocate": ("ENOSPC",),
    "fsync": ("EIO", "ENOSPC"),
    "rename": ("EIO", "EROFS"),
    "renameat2": ("EIO",),
    "link": ("EIO", "ENOSPC"),
}
LINKLESS = {
    "hard links": ("link:error=EPERM",),
    "hard links, as some networks say it": ("link:error=EOPNOTSUPP",),
    "hard links and a rename that refuses to replace": ("link:error=EPERM", "renameat2:error=EINVAL"),
}
"""What file systems may lack, and what the calls end with then."""

INTERRUPTED = ("pwrite64", "pwritev", "write", "fsync", "openat", "ftruncate")


class Injector:
    """One profile's saves."""

    def __init__(self, profile: str, build: Path, work: Path, report: Report) -> None:
        self.profile, self.build, self.work, self.report = profile, build, work, report
        self.before = work / "before"
        self.folder = work / "run"
        subprocess.run(self.command(self.before, 1), check=True, stdout=subprocess.DEVNULL)
        self.first = [path.name for path in self.before.iterdir()]

    def command(self, folder: Path, step: int) -> list[str]:
        """Saves one step."""
        return [str(self.build / "save-checkpoints"), str(folder), "--from", str(TEMPLATE), "--profile", self.profile,
                "--first-step", str(step), "--steps", str(step)]

    def save(self, *strace: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Saves step 2 beside step 1, with a fault."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.before, self.folder)
        prefix = ["strace", "-f", "-y", "-s", "0", "-o", str(self.work / "calls"), *strace] if strace else []
        return subprocess.run([*prefix, *self.command(self.folder, 2)], capture_output=True, text=True,
                              env=environment, check=False)

    def calls(self) -> dict[str, list[int]]:
        """By system call, the numbers of those that concern the folder, counted from 1 in each thread as
        strace counts."""
        self.save("-e", f"trace={','.join(FAULTS)}")
        counts: Counter[tuple[str, str]] = Counter()
        found: dict[str, set[int]] = {}
        for line in (self.work / "calls").read_text().splitlines():
            call = re.match(r"^(\d+)\s+(\w+)\((.*)$", line)
            if call and call[2] in FAULTS:
                counts[call[1], call[2]] += 1
                if str(self.folder) in call[3] and "O_RDONLY|O_NONBLOCK" not in call[3]:
                    found.setdefault(call[2], set()).add(counts[call[1], call[2]])
        return {name: sorted(numbers) for name, numbers in found.items()}

    def check(self) -> None:
        """Every fault in every call."""
        calls = self.calls()
        self.report.check(f"{self.profile}: a save makes calls that can fail", len(calls) >= 4, str(
            {name: len(numbers) for name, numbers in calls.items()}))
        for name, numbers in calls.items():
            for error in FAULTS[name]:
                wrong = [problem for number in numbers if (problem := self.problem(
                    self.save("-e", f"trace={name}", "-e", f"inject={name}:error={error}:when={number}"), number))]
                self.report.check(f"{self.profile}: {error} of each of {len(numbers)} {name}", not wrong,
                                  "; ".join(wrong[:3]))
            if name in INTERRUPTED:
                wrong = [f"call {number}" for number in numbers if not self.is_saved(
                    self.save("-e", f"trace={name}", "-e", f"inject={name}:error=EINTR:when={number}"))]
                self.report.check(f"{self.profile}: an interruption of each of {len(numbers)} {name} is not noticed",
                                  not wrong, "; ".join(wrong[:3]))
        self.check_file_systems()
        library = self.work / "short_writes.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, TOOLS / "durability" / "short_writes.c"], check=True)
        self.report.check(f"{self.profile}: short writes are not noticed",
                          self.is_saved(self.save(environment={"LD_PRELOAD": str(library)})))

    def check_file_systems(self) -> None:
        """File systems that lack something: saves go on, and there is one writer."""
        for missing, faults in LINKLESS.items():
            injected = ["-e", "trace=link,renameat2", *(part for fault in faults for part in ("-e", f"inject={fault}"))]
            self.report.check(f"{self.profile}: saves without {missing}", self.is_saved(self.save(*injected)))
            self.report.check(f"{self.profile}: a second writer without {missing}", *self.second_writer(injected))

    def second_writer(self, strace: list[str]) -> tuple[bool, str]:
        """Whether a writer is refused while another one saves, and what it says."""
        shutil.rmtree(self.folder, ignore_errors=True)
        prefix = ["strace", "-f", "-o", str(self.work / "calls"), *strace]
        first = subprocess.Popen([*prefix, *self.command(self.folder, 1)[:-1], "1000000", "--keep-newest", "2"],
                                 stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            assert first.stdout.readline().startswith("began")
            second = subprocess.run([*prefix, *self.command(self.folder, 2)], capture_output=True, text=True, check=False)
            return second.returncode != 0 and "saves checkpoints there" in second.stderr, second.stderr.strip()[-200:]
        finally:
            os.killpg(first.pid, signal.SIGKILL)
            first.communicate()

    def problem(self, ended: subprocess.CompletedProcess[str], number: int) -> str | None:
        """What is wrong after a save with a fault; nil if nothing is."""
        names = [path.name for path in self.folder.iterdir()]
        if missing := [name for name in self.first if name not in names and not name.startswith(".")]:
            return f"call {number}: {', '.join(missing)} is gone"
        if left := [name for name in names if ".tmp-" in name]:
            return f"call {number}: {', '.join(left)} is left"
        if not self.is_whole(1):
            return f"call {number}: step 1 is damaged"
        if ended.returncode == 0:
            return None if self.is_whole(2) else f"call {number}: it ended with 0, and step 2 is not there"
        if ended.returncode < 0:
            return f"call {number}: it crashed with signal {-ended.returncode}"
        lines = [line for line in ended.stderr.splitlines() if line]
        if len(lines) != 1:
            return f"call {number}: {len(lines)} lines on standard error"
        if self.steps(2) and not self.is_whole(2):
            return f"call {number}: step 2 is there in part"
        return None

    def is_saved(self, ended: subprocess.CompletedProcess[str]) -> bool:
        """Whether the save did what it was asked for."""
        return ended.returncode == 0 and self.is_whole(1) and self.is_whole(2)

    def steps(self, step: int) -> list[Path]:
        """What has the name of a step, but for its shards."""
        return [path for path in self.folder.iterdir() if re.fullmatch(
            rf"step-0*{step}(\.h5|\.weights\.h5|\.keras|\.weights\.json|)", path.name)]

    def is_whole(self, step: int) -> bool:
        """Whether a step is there, and verified."""
        found = self.steps(step)
        return len(found) == 1 and subprocess.run(
            [self.build / "checkpoint-inspect", "verify", "--require-digests", found[0]], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False).returncode == 0


def main() -> int:
    """Runs the checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=REPOSITORY / ".build" / "release")
    parser.add_argument("--profile", action="append", help=f"by default {', '.join(PROFILES)}")
    options = parser.parse_args()
    report = Report()
    for profile in options.profile or PROFILES:
        with tempfile.TemporaryDirectory() as folder:
            Injector(profile, options.build_dir.resolve(), Path(folder).resolve(), report).check()
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
