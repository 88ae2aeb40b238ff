#!/usr/bin/env python3
"""Pulls the plug at every moment of a save, in every way that a disk allows.

  tools/check_crash_states.py --build-dir .build/release [--profile keras2-h5 ...]
                              [--figures tools/durability/figures/crash_states.json]

Records the system calls of a program that saves checkpoints one after another (strace), and builds
from them the states that a POSIX file system may leave if the power fails after any call: of what was
not synchronized each 4 KiB block, each size and each name may be there or not. In every state

- a checkpoint that Cairn takes for whole is, byte for byte, one that was saved;
- the newest of them is at least as new as the newest whose save had been reported durable.

Then takes out one synchronization after another, and demands that a state is found in which something
is lost: a check that cannot fail proves nothing.

Prints `N passed, N failed`; exit code 1 on any failure.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Iterator

from durability import figures
from durability.crash_states import states, tree_of
from durability.disk import Disk
from durability.judge import Cairn, checkpoints, digest, newest_first
from durability.system_calls import Operation, record
from keras_environments import REPOSITORY

PROFILES = ("keras2-h5", "keras2-weights", "keras3-archive", "keras3-sharded", "keras3-directory")
"""One of each way in which a checkpoint comes into being."""

SUFFIXES = {"keras2-h5": "step-000000000001.h5", "keras2-weights": "step-000000000001.weights.h5",
            "keras3-archive": "step-000000000001.keras", "keras3-sharded": "step-000000000001.weights.json",
            "keras3-directory": "step-000000000001"}
"""What the first checkpoint is called."""

TEMPLATE = REPOSITORY / "Fixtures" / "keras-2.12" / "mlp_ema.h5"
"""Gives the checkpoints their names and shapes."""


@dataclass
class Outcome:
    """What came of the crash states of one recording."""

    profile: str
    operations: int = 0
    states: int = 0
    lost: int = 0
    examples: list[str] = field(default_factory=list)


class Recording:
    """The system calls of one run of saves, and what it saved."""

    def __init__(self, profile: str, steps: int, replacing: bool, build: Path, work: Path) -> None:
        self.profile = profile + (", one in the place of another" if replacing else "")
        self.root = work / "disk"
        self.root.mkdir()
        # The store makes the folders above its own, too.
        folder = self.root / "runs" / "run"
        command = [str(build / "save-checkpoints"), str(folder), "--from", str(TEMPLATE), "--profile", profile,
                   "--steps", str(steps), "--keep-newest", "2", *(["--replacing"] if replacing else []),
                   *(["--max-shard-size", "3000"] if profile == "keras3-sharded" else [])]
        self.operations = record(command, self.root, work / "calls")
        self.suffix = SUFFIXES[profile]
        self.versions: dict[str, list[str]] = {}
        disk = self.disk()
        for number, operation in enumerate(self.operations):
            if operation.kind in ("rename", "link", "exchange"):
                self._remember(disk, number + 1)

    def disk(self, omitting: int | None = None) -> Disk:
        """The disk after all operations but `omitting`."""
        disk = Disk(str(self.root), {})
        disk.run(self.operations, omitting)
        return disk

    def _remember(self, disk: Disk, crash: int) -> None:
        """Whatever has a checkpoint's name while the program runs was saved whole: its last system call for the
        content lies before the one that gives the name."""
        every = {change.number for change in disk.pending_names(crash)}
        tree = tree_of(disk, crash, every, lambda _, states: states.content(None, None))
        for path, content in checkpoints(tree).items():
            versions = self.versions.setdefault(path, [])
            if digest(content) not in versions:
                versions.append(digest(content))

    def synchronizations(self) -> Iterator[tuple[int, Operation]]:
        """Those that a checkpoint needs to begin to exist, with their numbers: not those of what is removed,
        or put beside it, once it does."""
        is_named = stands = False
        for number, operation in enumerate(self.operations):
            if operation.kind in ("rename", "link", "exchange") and operation.target.endswith(self.suffix):
                is_named = True
            elif operation.kind == "report":
                is_named = stands = False
            elif operation.kind == "sync" and not stands:
                yield number, operation
                stands = is_named and operation.path.endswith("/run")

    def kind(self, number: int, operation: Operation) -> str:
        """What the synchronization is for, the same in every save."""
        name = re.sub(r"(-[0-9]+-[0-9a-f]+)?_[0-9]{5}", "_N", Path(operation.path).name.split(".tmp-")[0])
        before = self.operations[number - 1].kind
        return f"synchronizing {re.sub(r'step-[0-9]+', 'step', name)} after {before}"

    def reported(self, crash: int) -> tuple[str, int]:
        """The newest checkpoint that had been reported durable before operation `crash`, and how many times."""
        paths = [operation.data.decode().removeprefix("durable ") for operation in self.operations[:crash]
                 if operation.kind == "report"]
        names = [str(Path(path).resolve().relative_to(self.root.resolve())) for path in paths]
        return max(names, default=""), names.count(max(names, default=""))


def judge(recording: Recording, cairn: Cairn, seed: int, omitting: int | None = None,
          stop_at_first: bool = False) -> Outcome:
    """Goes through the crash states of a recording."""
    disk = recording.disk(omitting)
    generator = random.Random(seed)
    outcome = Outcome(recording.profile, operations=len(recording.operations))
    seen: set[str] = set()
    for crash in range(len(recording.operations) + 1):
        reported = recording.reported(crash)
        for tree in states(disk, crash, generator):
            key = f"{reported} {digest(tree)}"
            if key in seen:
                continue
            seen.add(key)
            outcome.states += 1
            problem = problem_of(tree, reported, recording, cairn)
            if problem:
                outcome.lost += 1
                if len(outcome.examples) < 3:
                    outcome.examples.append(f"after {crash} operations"
                                            + (f" ({recording.operations[crash - 1]})" if crash else "") + f": {problem}")
                if stop_at_first:
                    return outcome
    return outcome


def problem_of(tree: dict[str, bytes], reported: tuple[str, int], recording: Recording, cairn: Cairn) -> str | None:
    """What is lost in a state of the disk; nil if nothing is."""
    found = checkpoints(tree)
    newest = None
    for path in newest_first(found):
        if cairn.takes(path, found[path]):
            if digest(found[path]) not in recording.versions.get(path, ()):
                return f"{path} is taken for whole and is not what was saved"
            newest = newest or path
    name, count = reported
    if not name:
        return None
    if newest is None or newest < name:
        return f"{name} was reported durable; the newest found is {newest}"
    if newest == name and recording.versions[name].index(digest(found[name])) < count - 1:
        return f"{name} is older than the one that was reported durable"
    return None


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=REPOSITORY / ".build" / "release")
    parser.add_argument("--profile", action="append", help=f"by default {', '.join(PROFILES)}")
    parser.add_argument("--steps", type=int, default=8, help="checkpoints that are saved (default: 8)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--figures", type=Path, help="keep what was found, in the place of the same profiles' figures")
    return parser.parse_args()


def main() -> int:
    """Runs the checks."""
    options = parse()
    sys.stdout.reconfigure(line_buffering=True)
    passed = failed = total = 0
    found: list[dict[str, Any]] = []
    for profile, replacing in itertools.product(options.profile or PROFILES, (False, True)):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder).resolve()
            recording = Recording(profile, options.steps, replacing, options.build_dir.resolve(), work)
            cairn = Cairn(options.build_dir.resolve() / "checkpoint-inspect", work)
            outcome = judge(recording, cairn, options.seed)
            total += outcome.states
            print(f"{'ok' if outcome.lost == 0 else 'FAILED'}  {recording.profile}: {outcome.operations} operations, "
                  f"{outcome.states} states, {outcome.lost} lost")
            for example in outcome.examples:
                print(f"        {example}")
            passed, failed = (passed + 1, failed) if outcome.lost == 0 else (passed, failed + 1)
            kinds: dict[str, list[str]] = {}
            for number, operation in recording.synchronizations() if replacing else []:
                without = judge(recording, cairn, options.seed, omitting=number, stop_at_first=True)
                kinds.setdefault(recording.kind(number, operation), []).extend(without.examples[:1])
            for kind, examples in kinds.items():
                print(f"{'ok' if examples else 'FAILED'}  {recording.profile}, without {kind}: "
                      + (examples[0] if examples else "nothing is lost"))
                passed, failed = (passed + 1, failed) if examples else (passed, failed + 1)
            if cairn.endless:
                print(f"FAILED  {profile}: {cairn.endless} times verify came to no end")
                failed += 1
            found.append(asdict(outcome) | {"without": {kind: len(examples) for kind, examples in kinds.items()}})
    print(f"{total} states of the disk")
    print(f"{passed} passed, {failed} failed")
    if options.figures:
        again = {entry["profile"] for entry in found}
        kept = figures.read(options.figures).get("recordings", [])
        found = [entry for entry in kept if entry["profile"] not in again] + found
        figures.write(options.figures, {
            "circumstances": figures.circumstances(options.figures.parent) | {"seed": options.seed, "steps": options.steps},
            "recordings": found})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
