"""Programs of Cairn that save all the time, to be killed and taken up again, one for each profile."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from durability.phases import CHECKPOINT
from keras_environments import REPOSITORY

WITHOUT_OPTIMIZER = ("keras2-weights-h5", "tf-keras-weights-h5")
"""Profiles that have no place for an optimizer: no run can be resumed from them, but a store saves them."""

PROFILES = ("keras2-h5", "keras2-weights", "keras2-archive", "tf-keras-h5", "tf-keras-weights", "tf-keras-archive",
            "keras3-h5", "keras3-weights", "keras3-archive", "keras3-sharded", "keras3-directory", *WITHOUT_OPTIMIZER)

TEMPLATE = REPOSITORY / "Fixtures" / "keras-2.12" / "mlp_ema.h5"


class Victim(ABC):
    """A series of saves in one profile; its files lie in `work`."""

    def __init__(self, profile: str, build: Path, work: Path) -> None:
        self.profile, self.build, self.work = profile, build, work
        self.folder = work / "run"

    @abstractmethod
    def command(self, newest: Path | None) -> list[str]:
        """Begins, or goes on from the newest checkpoint."""

    @property
    @abstractmethod
    def result(self) -> Path:
        """What a series leaves that has come to its end; nothing is there before."""

    def checkpoints(self) -> list[Path]:
        """What has a checkpoint's name, the newest last; none of a series that has no folder yet."""
        if not self.folder.exists():
            return []
        return sorted(path for path in self.folder.iterdir() if CHECKPOINT.fullmatch(path.name))

    def files(self, checkpoint: Path) -> list[Path]:
        """A checkpoint's own file or folder, and its shards."""
        base = checkpoint.name.removesuffix(".weights.json")
        if base == checkpoint.name:
            return [checkpoint]
        return [checkpoint, *(path for path in checkpoint.parent.glob(f"{base}*.weights.h5") if ".tmp-" not in path.name)]

    def run(self, program: str, *arguments: object) -> int:
        """An executable's exit code."""
        return subprocess.run([str(self.build / program), *map(str, arguments)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode


class Training(Victim):
    """`cairn train`, and `cairn resume`: a network with averages, dropout, shuffling and validation."""

    OPTIONS = ("--epochs", "2", "--batch-size", "48", "--ema", "0.9", "--seed", "5", "--save-every-steps", "1",
               "--keep-newest", "2")

    def command(self, newest: Path | None) -> list[str]:
        if newest:
            return [str(self.build / "cairn"), "resume", str(self.folder)]
        shards = ["--max-shard-size", "24K"] if self.profile == "keras3-sharded" else []
        return [str(self.build / "cairn"), "train", *self.OPTIONS, "--checkpoint-format", self.profile, *shards,
                "--checkpoints", str(self.folder), "--output", str(self.result)]

    @property
    def result(self) -> Path:
        return self.work / "result.h5"


class Storing(Victim):
    """A `CheckpointStore` alone, whose numbers follow from the step."""

    LAST = 60

    def command(self, newest: Path | None) -> list[str]:
        first = int(CHECKPOINT.fullmatch(newest.name)[1]) + 1 if newest else 1
        return [str(self.build / "save-checkpoints"), str(self.folder), "--from", str(TEMPLATE), "--profile", self.profile,
                "--first-step", str(min(first, self.LAST)), "--steps", str(self.LAST), "--keep-newest", "2"]

    @property
    def result(self) -> Path:
        return self.folder / f"step-{self.LAST:012}.h5"


def victim(profile: str, build: Path, work: Path) -> Victim:
    """The victim of a profile."""
    return (Storing if profile in WITHOUT_OPTIMIZER else Training)(profile, build, work)
