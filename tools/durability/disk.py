"""A disk that promises what POSIX promises: what is not synchronized may be there, or not, or in part.

Bytes reach the disk in blocks of 4 KiB, each at some moment after a write and without any order among
blocks; a file's size on its own; names one change at a time, in any order across names. `sync` of a file
makes its bytes and size durable, `sync` of a folder the names in it: nothing else is durable.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass, field

from durability.system_calls import Operation

BLOCK = 4096


@dataclass(eq=False)
class File:
    """A file's changes, each with the number of the operation that made it."""

    initial: bytes = b""
    changes: list[tuple[int, str, int, bytes]] = field(default_factory=list)  # number, kind, offset or size, data
    synchronized: list[tuple[int, int]] = field(default_factory=list)  # number, covers changes before


@dataclass(eq=False)
class Folder:
    """The names in a folder as they are, and when they were made durable."""

    names: dict[str, File | Folder] = field(default_factory=dict)
    initial: dict[str, File | Folder] = field(default_factory=dict)
    synchronized: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class NameChange:
    """One change of names; renames change two at once."""

    number: int
    folders: tuple[Folder, ...]
    removed: tuple[tuple[Folder, str], ...]
    added: tuple[tuple[Folder, str, File | Folder], ...]


Tree = dict[str, bytes]
"""Contents by path below the root; a folder's path ends in `/`."""


class Disk:
    """All that happened, and what may be left of it if the power fails after any operation."""

    def __init__(self, root: str, initial: Tree) -> None:
        self.root = root
        self.top = Folder()
        self.name_changes: list[NameChange] = []
        self.operations: list[Operation] = []
        for path, content in initial.items():
            folder, name = self._parent(f"{root}/{path}")
            if path.endswith("/"):
                folder.names[name] = Folder()
            else:
                folder.names[name] = File(content)
        self._remember(self.top)

    def _remember(self, folder: Folder) -> None:
        folder.initial = dict(folder.names)
        for child in folder.names.values():
            if isinstance(child, Folder):
                self._remember(child)

    def run(self, operations: list[Operation], omitting: int | None = None) -> None:
        """Takes the operations; that of the number `omitting` is taken for one that did nothing."""
        for number, operation in enumerate(operations):
            self.operations.append(operation)
            if number != omitting:
                self._run(number, operation)

    # Operations

    def _run(self, number: int, operation: Operation) -> None:
        match operation.kind:
            case "create":
                folder, name = self._parent(operation.path)
                if name not in folder.names:
                    self._rename(number, added=[(folder, name, File())])
            case "mkdir":
                folder, name = self._parent(operation.path)
                self._rename(number, added=[(folder, name, Folder())])
            case "unlink" | "rmdir":
                self._rename(number, removed=[self._parent(operation.path)])
            case "link":
                self._rename(number, added=[(*self._parent(operation.target), self._find(operation.path))])
            case "rename":
                found = self._find(operation.path)
                self._rename(number, removed=[self._parent(operation.path)],
                             added=[(*self._parent(operation.target), found)])
            case "exchange":
                first, second = self._find(operation.path), self._find(operation.target)
                self._rename(number, added=[(*self._parent(operation.path), second),
                                            (*self._parent(operation.target), first)])
            case "write":
                self._find(operation.path).changes.append((number, "write", operation.offset, operation.data))
            case "truncate" | "extend":
                self._find(operation.path).changes.append((number, operation.kind, operation.size, b""))
            case "sync":
                self._find(operation.path).synchronized.append((number, operation.began))
            case "report":
                pass
            case kind:
                raise ValueError(f"the disk does not know {kind}")

    def _rename(self, number: int, *, removed: list = (), added: list = ()) -> None:
        for folder, name in removed:
            del folder.names[name]
        for folder, name, found in added:
            folder.names[name] = found
        folders = {id(entry[0]): entry[0] for entry in [*removed, *added]}
        self.name_changes.append(NameChange(number, tuple(folders.values()), tuple(removed), tuple(added)))

    def _parent(self, path: str) -> tuple[Folder, str]:
        parts = path.removeprefix(self.root).strip("/").split("/")
        folder = self.top
        for part in parts[:-1]:
            folder = folder.names[part]
        return folder, parts[-1]

    def _find(self, path: str) -> File | Folder:
        if path == self.root:
            return self.top
        folder, name = self._parent(path)
        return folder.names[name]

    # What may be left

    def pending_names(self, crash: int) -> list[NameChange]:
        """The changes of names made before operation `crash` that are not durable."""
        return [change for change in self.name_changes if change.number < crash
                and not all(change.number < _covered(folder, crash) for folder in change.folders)]

    def names(self, crash: int, kept: set[int]) -> dict[str, File | Folder]:
        """By path, what has a name if of the pending changes those of the numbers `kept` happened."""
        pending = {change.number for change in self.pending_names(crash)}
        entries: dict[int, dict[str, File | Folder]] = {}

        def of(folder: Folder) -> dict[str, File | Folder]:
            return entries.setdefault(id(folder), dict(folder.initial))

        for change in self.name_changes:
            if change.number >= crash or change.number in pending and change.number not in kept:
                continue
            for folder, name in change.removed:
                of(folder).pop(name, None)
            for folder, name, found in change.added:
                of(folder)[name] = found

        found: dict[str, File | Folder] = {}

        def visit(folder: Folder, prefix: str) -> None:
            for name, child in of(folder).items():
                found[f"{prefix}{name}" + ("/" if isinstance(child, Folder) else "")] = child
                if isinstance(child, Folder):
                    visit(child, f"{prefix}{name}/")

        visit(self.top, "")
        return found


class FileStates:
    """What a file may hold after a crash: by block, how many of its pending writes were kept."""

    def __init__(self, file: File, crash: int) -> None:
        covered = _covered(file, crash)
        self.image = bytearray(file.initial)
        self.blocks: dict[int, list[tuple[int, bytes]]] = {}
        self.sizes: list[int] = []
        for number, kind, offset, data in file.changes:
            if number >= crash:
                break
            if number < covered:
                self._apply_durably(kind, offset, data)
            else:
                self._add_pending(kind, offset, data)

    def _apply_durably(self, kind: str, offset: int, data: bytes) -> None:
        if kind == "truncate":
            del self.image[offset:]
        size = offset + len(data) if kind == "write" else offset
        self.image.extend(bytes(max(0, size - len(self.image))))
        self.image[offset:offset + len(data)] = data

    def _add_pending(self, kind: str, offset: int, data: bytes) -> None:
        size = self.sizes[-1] if self.sizes else len(self.image)
        if kind == "truncate":
            if offset < size:
                # The blocks beyond are gone; if they come back they are zeros.
                for block in range(offset // BLOCK, -(-max(size, offset) // BLOCK)):
                    start = max(offset, block * BLOCK)
                    self._add_to_block(block, start, bytes((block + 1) * BLOCK - start))
            self.sizes.append(offset)
            return
        end = offset + len(data) if kind == "write" else offset
        if end > size:
            self.sizes.append(end)
        position = 0
        while position < len(data):
            block = (offset + position) // BLOCK
            count = min(len(data) - position, (block + 1) * BLOCK - offset - position)
            self._add_to_block(block, offset + position, data[position:position + count])
            position += count

    def _add_to_block(self, block: int, offset: int, data: bytes) -> None:
        self.blocks.setdefault(block, []).append((offset, data))

    def content(self, kept: dict[int, int] | None, sizes: int | None) -> bytes:
        """The bytes if of each block so many of its writes were kept (all, where `kept` is None; none, where
        it has no entry) and of the size so many changes (all, for None)."""
        image = bytearray(self.image)
        for block, writes in self.blocks.items():
            for offset, data in writes[:len(writes) if kept is None else kept.get(block, 0)]:
                image.extend(bytes(max(0, offset + len(data) - len(image))))
                image[offset:offset + len(data)] = data
        applied = self.sizes if sizes is None else self.sizes[:sizes]
        size = applied[-1] if applied else len(self.image)
        del image[size:]
        image.extend(bytes(size - len(image)))
        return bytes(image)

    def random(self, generator: random.Random) -> bytes:
        """One of the possible contents."""
        share = generator.choice((0.1, 0.5, 0.9, 1.0))
        kept = {block: len(writes) if generator.random() < share else generator.randint(0, len(writes))
                for block, writes in self.blocks.items()}
        return self.content(kept, generator.choice((None, generator.randint(0, len(self.sizes)))))


@functools.lru_cache(maxsize=64)
def file_states(file: File, crash: int) -> FileStates:
    """What `file` may hold after a crash before operation `crash`."""
    return FileStates(file, crash)


def _covered(item: File | Folder, crash: int) -> int:
    """The changes of lower numbers are durable."""
    return max((covers for number, covers in item.synchronized if number < crash), default=0)
