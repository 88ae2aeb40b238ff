"""What a process was doing when it was killed, from the system calls that it made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

PHASES = ("before the first save", "between saves", "laying out and filling", "synchronizing the file", "renaming",
          "synchronizing the folder", "removing an older one")
"""What a run that saves is doing; all but the first two are a save in flight."""

BEFORE, BETWEEN, FILLING, SYNCHRONIZING, RENAMING, FOLDER, REMOVING = PHASES

IN_FLIGHT = PHASES[2:]

CALLS = "statfs,openat,mkdir,pwrite64,pwritev,write,fsync,rename,renameat2,link,unlink,unlinkat,rmdir"
"""What strace must record."""

LEASE = ".cairn-lease"
"""The file by which a writer owns its folder; no checkpoint."""

CHECKPOINT = re.compile(r"step-(\d{12})(\.h5|\.weights\.h5|\.keras|\.weights\.json|)")
"""The name of a checkpoint, and its step."""

BEGUN = re.compile(rb"step-\d{12}[^\"\n]*\.tmp-")
"""What the recording of a process holds once it has begun a save."""

_LINE = re.compile(r"^(\d+)\s+(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)$")
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
_INSIDE = re.compile(r"\.tmp-[^/\"]*/")


def strace(log: Path) -> list[str]:
    """The command that another follows, and that records what it does in `log`."""
    return ["strace", "-f", "-y", "-s", "0", "-e", "signal=none", "-e", f"trace={CALLS}", "-o", str(log)]


@dataclass
class End:
    """What a process was doing at its end, and what it had done by then."""

    phase: str = BEFORE
    first: int | None = None
    """The first step that it began to save."""
    durable: int | None = None
    """The newest step that it had made durable."""


def end(log: Path, folder: Path) -> End:
    """The end of a process that saved into `folder`, from its recording."""
    watch = _Watch(str(folder))
    for name, arguments, finished in _calls(log):
        if str(folder) in arguments and LEASE not in arguments:
            watch.see(name, arguments, finished)
    return watch.end


def _calls(log: Path) -> Iterator[tuple[str, str, bool]]:
    """Name and arguments of every call, once when it is known to be under way and once when it has returned
    (calls that another thread did not interrupt only then). Calls that failed never return here."""
    unfinished: dict[str, tuple[str, str]] = {}
    for line in log.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        thread, text = found.groups()
        if resumed := _RESUMED.match(text):
            if thread in unfinished:
                name, arguments = unfinished.pop(thread)
                if "= -1" not in resumed[2]:
                    yield name, arguments, True
        elif call := _CALL.match(text):
            name, rest = call.groups()
            if re.search(r"\)\s+= \d+", rest):
                yield name, rest, True
            elif "= -1" not in rest:
                unfinished[thread] = (name, rest)
                yield name, rest, False


class _Watch:
    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.end = End()
        self.named: re.Match[str] | None = None

    def see(self, name: str, arguments: str, finished: bool) -> None:
        pending = ".tmp-" in arguments
        match name:
            case "statfs":
                # Whether there is room: asked before the file is laid out, in memory.
                self.end.phase = FILLING
            case "openat" | "mkdir" if pending and ("O_CREAT" in arguments or name == "mkdir"):
                self.end.phase = FILLING
                self.begin(arguments)
            case "pwrite64" | "pwritev" | "write" if pending:
                self.end.phase = FILLING
            case "fsync" if pending:
                # Several files of one checkpoint are synchronized one after another; then comes the name.
                self.end.phase = RENAMING if finished else SYNCHRONIZING
            case "fsync" if f"<{self.folder}>" in arguments and self.end.phase == FOLDER:
                self.synchronize_folder(finished)
            case "rename" | "renameat2" | "link" if pending:
                self.rename(arguments, finished)
            case "unlink" | "unlinkat" | "rmdir":
                self.remove(name, arguments, finished)

    def begin(self, arguments: str) -> None:
        step = re.search(r"step-(\d{12})", arguments)
        if step and self.end.first is None:
            self.end.first = int(step[1])

    def rename(self, arguments: str, finished: bool) -> None:
        target = Path(re.findall(r'"([^"]*)"', arguments)[1]).name
        if ".tmp-" in target:
            # A folder that is to go is put aside first.
            self.end.phase = REMOVING
        elif not finished:
            self.end.phase = RENAMING
        else:
            self.end.phase = FOLDER
            self.named = CHECKPOINT.fullmatch(target)

    def synchronize_folder(self, finished: bool) -> None:
        if not finished:
            return
        if self.named:
            self.end.durable = int(self.named[1])
            self.end.phase = BETWEEN
        else:
            # Shards have their names; the map that makes them a checkpoint follows.
            self.end.phase = FILLING

    def remove(self, name: str, arguments: str, finished: bool) -> None:
        if self.end.phase == BEFORE or "step-" not in arguments:
            return
        # The other name of a file that has just got its own goes, too: that removes nothing.
        if ".tmp-" in arguments and name != "rmdir" and not _INSIDE.search(arguments):
            return
        ends = finished and (".tmp-" not in arguments or name == "rmdir")
        self.end.phase = BETWEEN if ends else REMOVING
