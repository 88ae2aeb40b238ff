"""What must be true of a disk's content after a crash."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from durability.disk import Tree

CHECKPOINT_NAME = "step-"


def checkpoints(tree: Tree) -> dict[str, Tree]:
    """By path below the root, the content of each checkpoint in the tree: its file, or its folder's files, or
    its map and the shards that the map names."""
    found: dict[str, Tree] = {}
    for path in tree:
        folder, name = _split(path.rstrip("/"))
        if not name.startswith(CHECKPOINT_NAME) or ".tmp-" in name or name.endswith(".h5") and "_0" in name:
            continue
        if path.endswith("/"):
            found[path.rstrip("/")] = {other.removeprefix(path): content for other, content in tree.items()
                                       if other.startswith(path)}
        elif name.endswith(".weights.json"):
            found[path] = {other.removeprefix(folder): tree[other] for other in [path, *_shards(tree, path)]
                           if other in tree}
        else:
            found[path] = {name: tree[path]}
    return found


def newest_first(found: dict[str, Tree]) -> list[str]:
    """Paths of checkpoints; their steps have equally many digits."""
    return sorted(found, reverse=True)


def _shards(tree: Tree, path: str) -> list[str]:
    folder, _ = _split(path)
    try:
        listed = json.loads(tree[path])["weight_map"].values()
    except (ValueError, KeyError, AttributeError):
        return []
    names = {name for names in listed for name in (names if isinstance(names, list) else [names])}
    return sorted(f"{folder}{name}" for name in names)


def _split(path: str) -> tuple[str, str]:
    folder, slash, name = path.rpartition("/")
    return folder + slash, name


def digest(content: Tree) -> str:
    """One number for the content of a checkpoint."""
    sha = hashlib.sha256()
    for name, data in sorted(content.items()):
        sha.update(f"{name}\0{len(data)}\0".encode())
        sha.update(data)
    return sha.hexdigest()


@dataclass
class Cairn:
    """Asks Cairn whether a checkpoint is whole; equal content is asked about once. `endless` counts the
    answers that never came."""

    inspect: Path
    scratch: Path

    def __post_init__(self) -> None:
        self.verdicts: dict[tuple[str, str], bool] = {}
        self.endless = 0

    def takes(self, path: str, content: Tree) -> bool:
        """Whether `checkpoint-inspect verify` finds every tensor and text of the checkpoint undamaged."""
        name = _split(path)[1]
        key = (name, digest(content))
        if key not in self.verdicts:
            self.verdicts[key] = self._ask(name, content)
        return self.verdicts[key]

    def _ask(self, name: str, content: Tree) -> bool:
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            for file, data in content.items():
                target = Path(folder, file) if file in (name,) or name.endswith(".json") else Path(folder, name, file)
                target.parent.mkdir(parents=True, exist_ok=True)
                if not file.endswith("/") and file:
                    target.write_bytes(data)
            try:
                asked = subprocess.run([self.inspect, "verify", "--require-digests", Path(folder, name)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10, check=False)
            except subprocess.TimeoutExpired:
                self.endless += 1
                return False
            return asked.returncode == 0
