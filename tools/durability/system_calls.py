"""The system calls of a command that change files, as strace saw them."""

from __future__ import annotations

import codecs
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Whatever changes names, bytes or sizes, or makes them durable. A call of this list that `_operation`
# does not know ends the recording with an error: a model that misses a call would prove nothing.
CALLS = ("openat,open,creat,close,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fsync,fdatasync,"
         "sync,syncfs,sync_file_range,msync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,"
         "mkdir,mkdirat,rmdir,copy_file_range,sendfile,splice,io_uring_enter,io_submit")

_LINE = re.compile(r"^(\d+)\s+(.*)$", re.DOTALL)
_CALL = re.compile(r"^(\w+)\((.*)\)\s+=\s+(-?\d+)(.*)$", re.DOTALL)
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$", re.DOTALL)


@dataclass(frozen=True)
class Operation:
    """One completed call. `began` is the number of operations that had completed when it was made:
    a synchronization covers those and no others."""

    kind: str  # create, write, truncate, sync, rename, link, unlink, mkdir, rmdir, report
    path: str
    began: int
    target: str = ""
    offset: int = 0
    data: bytes = b""
    size: int = 0
    replaces: bool = True

    def __str__(self) -> str:
        name = Path(self.path).name
        if self.kind == "write":
            return f"write {name} [{self.offset}, {self.offset + len(self.data)})"
        if self.kind in ("rename", "link"):
            return f"{self.kind} {name} to {Path(self.target).name}"
        return f"{self.kind} {name if self.kind != 'report' else self.data.decode()}".strip()


def record(command: list[str], root: Path, log: Path) -> list[Operation]:
    """Runs `command` and returns what it did below `root`; `report` operations are its lines on
    standard output that begin with `durable `."""
    subprocess.run(["strace", "-f", "-y", "-xx", "-s", "16777216", "-e", "signal=none", "-e", f"trace={CALLS}",
                    "-o", str(log), *command], check=True, stdout=subprocess.PIPE)
    return _Recording(root).operations(log)


class _Recording:
    def __init__(self, root: Path) -> None:
        self.root = str(root.resolve())
        self.done: list[Operation] = []
        # Per file, where the next plain `write` goes.
        self.positions: dict[tuple[str, int], int] = {}

    def operations(self, log: Path) -> list[Operation]:
        unfinished: dict[str, tuple[str, int]] = {}
        with log.open() as lines:
            for line in lines:
                process, text = _LINE.match(line.rstrip("\n")).groups()
                began = len(self.done)
                resumed = _RESUMED.match(text)
                if text.endswith("<unfinished ...>"):
                    unfinished[process] = (text.removesuffix("<unfinished ...>").rstrip(), began)
                    continue
                if resumed:
                    start, began = unfinished.pop(process)
                    text = start + resumed[1]
                call = _CALL.match(text)
                if call and int(call[3]) >= 0:
                    self._add(call[1], _arguments(call[2]), int(call[3]), call[4], began)
        return self.done

    def _add(self, name: str, arguments: list[str], result: int, annotation: str, began: int) -> None:
        if name == "write" and re.match(r"1(<|$)", arguments[0]):
            for report in _string(arguments[1])[:result].split(b"\n"):
                if report.startswith(b"durable "):
                    self.done.append(Operation("report", self.root, began, data=report))
            return
        paths = self._paths(arguments)
        if name == "openat":
            path = paths[1]
            opened = _described(f"{result}{annotation.strip()}")
            if path is None or opened is None:
                return
            flags = arguments[2]
            self.positions[(opened, result)] = 0
            if "O_APPEND" in flags:
                raise ValueError(f"{name} with O_APPEND is not modelled: {path}")
            if "O_CREAT" in flags:
                self.done.append(Operation("create", path, began))
            if "O_TRUNC" in flags:
                self.done.append(Operation("truncate", path, began, size=0))
            return
        # It only tells the disk to begin; nothing is durable by it.
        if all(path is None for path in paths) or name in ("close", "sync_file_range"):
            return
        operation = self._operation(name, arguments, paths, result, began)
        if operation is None:
            raise ValueError(f"{name} is not modelled: {', '.join(arguments)[:200]}")
        self.done.append(operation)

    def _operation(self, name: str, arguments: list[str], paths: list[str | None], result: int,
                   began: int) -> Operation | None:
        match name:
            case "pwritev":
                pieces = [_string(argument.split("=", 1)[1]) for argument in arguments if "iov_base=" in argument]
                return Operation("write", paths[0], began, offset=int(arguments[-1]), data=b"".join(pieces)[:result])
            case "pwrite64":
                return Operation("write", paths[0], began, offset=int(arguments[3]), data=_string(arguments[1])[:result])
            case "write":
                key = (paths[0], int(arguments[0].split("<")[0]))
                offset = self.positions[key]
                self.positions[key] = offset + result
                return Operation("write", paths[0], began, offset=offset, data=_string(arguments[1])[:result])
            case "ftruncate" | "truncate":
                return Operation("truncate", paths[0], began, size=int(arguments[1]))
            case "fallocate" if arguments[1] == "0":
                return Operation("extend", paths[0], began, size=int(arguments[2]) + int(arguments[3]))
            case "fsync" | "fdatasync":
                return Operation("sync", paths[0], began)
            case "rename" | "link":
                return Operation(name, paths[0], began, target=paths[1])
            case "renameat" | "linkat":
                return Operation(name.removesuffix("at"), paths[1], began, target=paths[3])
            case "renameat2" if "EXCHANGE" in arguments[4]:
                return Operation("exchange", paths[1], began, target=paths[3])
            case "renameat2":
                return Operation("rename", paths[1], began, target=paths[3], replaces="NOREPLACE" not in arguments[4])
            case "unlink":
                return Operation("unlink", paths[0], began)
            case "unlinkat":
                return Operation("rmdir" if "AT_REMOVEDIR" in arguments[2] else "unlink", paths[1], began)
            case "mkdir" | "rmdir":
                return Operation(name, paths[0], began)
            case "mkdirat":
                return Operation("mkdir", paths[1], began)
        return None

    def _paths(self, arguments: list[str]) -> list[str | None]:
        """By argument, the path below the root that it names, if it names one. A relative path starts at
        the directory of the argument before it."""
        paths: list[str | None] = []
        for index, argument in enumerate(arguments):
            path = _described(argument)
            if path is None and argument.startswith('"'):
                path = _string(argument).decode(errors="replace")
                if not path.startswith("/") and index > 0:
                    folder = _described(arguments[index - 1])
                    path = None if folder is None else f"{folder}/{path}"
            below = path is not None and (path == self.root or path.startswith(self.root + "/"))
            paths.append(path.rstrip("/") if below and not path.endswith(" (deleted)") else None)
        return paths


def _described(argument: str) -> str | None:
    """The path that strace gives beside a descriptor."""
    found = re.match(r"^\w+<(.*?)>", argument)
    return codecs.decode(found[1], "unicode_escape").encode("latin-1").decode(errors="replace") if found else None


def _string(argument: str) -> bytes:
    if not argument.startswith('"') or argument.endswith("..."):
        raise ValueError(f"strace cut a string short: {argument[:80]}")
    return bytes.fromhex(argument[1:-1].replace("\\x", ""))


def _arguments(text: str) -> list[str]:
    """The arguments of a call; strings are hexadecimal, so a comma always parts two of them, but for
    those in braces and brackets, which no modelled call has."""
    return [argument.strip() for argument in text.split(",")]
