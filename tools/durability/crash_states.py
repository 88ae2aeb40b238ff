"""The states in which a crash may leave a disk: corners first, then a random sample."""

from __future__ import annotations

import random
from typing import Callable, Iterator

from durability.disk import Disk, File, FileStates, Tree, file_states

RANDOM_STATES = 250
"""Random states after each operation."""


def states(disk: Disk, crash: int, generator: random.Random) -> Iterator[Tree]:
    """States after operation `crash - 1`; the same may come more than once."""
    pending = [change.number for change in disk.pending_names(crash)]
    choices = _name_choices(pending)
    for kept in choices:
        yield from _corners(disk, crash, kept)
    for _ in range(RANDOM_STATES):
        kept = {number for number in pending if generator.random() < 0.5}
        if generator.random() < 0.5:
            kept = set(pending)
        yield tree_of(disk, crash, kept, lambda _, states: states.random(generator))


def _name_choices(pending: list[int]) -> list[set[int]]:
    """All, none, each one alone, all but each one, and the first so many."""
    choices = [set(pending), set()]
    choices += [{number} for number in pending]
    choices += [set(pending) - {number} for number in pending]
    choices += [set(pending[:count]) for count in range(len(pending))]
    return [set(choice) for choice in dict.fromkeys(frozenset(choice) for choice in choices)]


def _corners(disk: Disk, crash: int, kept: set[int]) -> Iterator[Tree]:
    yield tree_of(disk, crash, kept, lambda _, states: states.content(None, None))
    yield tree_of(disk, crash, kept, lambda _, states: states.content({}, 0))
    yield tree_of(disk, crash, kept, lambda _, states: states.content({}, None))
    yield tree_of(disk, crash, kept, lambda _, states: states.content(None, 0))
    # Of every file that is not durable whole: one block too few, one block alone, one block not the latest.
    names = disk.names(crash, kept)
    for file in dict.fromkeys(item for item in names.values() if isinstance(item, File)):
        blocks = file_states(file, crash).blocks
        for block, writes in blocks.items():
            others = {other: len(blocks[other]) for other in blocks if other != block}
            for choice in (others, {block: len(writes)}, others | {block: len(writes) - 1}):
                yield tree_of(disk, crash, kept, lambda item, states: states.content(
                    choice if item is file else None, None))


def tree_of(disk: Disk, crash: int, kept: set[int], choose: Callable[[File, FileStates], bytes]) -> Tree:
    """The tree if the changes of names `kept` happened and each file holds what `choose` makes of it."""
    names = disk.names(crash, kept)
    # A file may have two names; it has one content.
    contents = {item: choose(item, file_states(item, crash))
                for item in dict.fromkeys(names.values()) if isinstance(item, File)}
    return {path: contents.get(item, b"") for path, item in names.items()}
