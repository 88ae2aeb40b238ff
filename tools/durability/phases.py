"""In which phase of a save a process was when it was killed, from the last system calls that it made."""

from __future__ import annotations

import re
from pathlib import Path

PHASES = ("before the first save", "between saves", "laying out and filling", "synchronizing the file", "renaming",
          "synchronizing the folder", "removing an older one")
"""What a run that saves is doing; all but the first two are a save in flight."""

IN_FLIGHT = PHASES[2:]

CALLS = "statfs,openat,mkdir,pwrite64,write,fsync,rename,renameat2,link,unlink,unlinkat,rmdir"
"""What strace must record."""

LEASE = ".cairn-lease"
"""The file by which a writer owns its folder; no checkpoint."""

_CALL = re.compile(r"^\d+\s+(\w+)\((.*)$")
_FINISHED = re.compile(r"\)\s+= -?\d+")
_RESUMED = re.compile(r"^\d+\s+<\.\.\. (\w+) resumed>")


def strace(log: Path) -> list[str]:
    """The command that another follows, and that records what it does in `log`."""
    return ["strace", "-f", "-y", "-s", "0", "-e", "signal=none", "-e", f"trace={CALLS}", "-o", str(log)]


def phase_at_end(log: Path, folder: Path) -> str:
    """The phase at the end of the recording."""
    phase = PHASES[0]
    for line in log.read_text(errors="replace").splitlines():
        call = _CALL.match(line)
        if not call or str(folder) not in line or "= -1" in line or LEASE in line:
            if _RESUMED.match(line):
                phase = _after_resumption(phase, _RESUMED.match(line)[1])
            continue
        name, rest = call.groups()
        finished = _FINISHED.search(rest) is not None
        pending = ".tmp-" in rest
        if name == "statfs":
            # Whether there is room: asked before the file is laid out, in memory.
            phase = "laying out and filling"
        elif name in ("openat", "mkdir") and pending and ("O_CREAT" in rest or name == "mkdir"):
            phase = "laying out and filling"
        elif name in ("pwrite64", "write") and pending:
            phase = "laying out and filling"
        elif name == "fsync" and pending:
            phase = "synchronizing the file" if not finished else phase_after_file(phase)
        elif name in ("rename", "renameat2", "link") and pending:
            phase = "renaming" if not finished else "synchronizing the folder"
        elif name == "fsync" and phase == "synchronizing the folder":
            phase = "synchronizing the folder" if not finished else "between saves"
        elif name in ("unlink", "unlinkat", "rmdir") and not pending and "step-" in rest:
            phase = "removing an older one" if not finished else "between saves"
    return phase


def phase_after_file(phase: str) -> str:
    """Several files of one checkpoint are synchronized one after another; then comes the name."""
    return "renaming" if phase != "before the first save" else phase


def _after_resumption(phase: str, call: str) -> str:
    if call == "fsync":
        return {"synchronizing the file": "renaming", "synchronizing the folder": "between saves"}.get(phase, phase)
    if call in ("rename", "renameat2", "link") and phase == "renaming":
        return "synchronizing the folder"
    if call in ("unlink", "unlinkat", "rmdir") and phase == "removing an older one":
        return "between saves"
    return phase
