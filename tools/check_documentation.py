#!/usr/bin/env python3
"""Builds the documentation of every library module by DocC and fails on what it complains of.

  tools/check_documentation.py

Links that lead nowhere or to two things, and parameters that no declaration has, are faults. Parameters that
go without saying are none. Uses the package's debug build. Exit code 1 on any fault.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
MODULES = ["Tensors", "KerasConfiguration", "Optimizers", "HDF5", "Checkpoints", "Inspection", "Training"]
SELF_EVIDENT = re.compile(r"Parameters? .* (is|are) missing documentation")


def symbol_graphs() -> Path:
    """The folder into which the package's public declarations are written."""
    outcome = subprocess.run(
        ["swift", "package", "dump-symbol-graph", "--minimum-access-level", "public"],
        cwd=REPOSITORY, capture_output=True, text=True)
    found = re.search(r"Files written to (.*)", outcome.stdout + outcome.stderr)
    if outcome.returncode != 0 or not found:
        raise SystemExit(f"no symbol graphs:\n{outcome.stdout}{outcome.stderr}")
    return Path(found[1].strip())


def faults(module: str, graphs: Path) -> list[str]:
    """What DocC says of a module, a line each with its place."""
    own = [path for path in graphs.iterdir() if re.match(rf"{module}(@\w+)?\.symbols\.json$", path.name)]
    if not own:
        return [f"{module} has no symbol graph"]
    catalog = REPOSITORY / "Sources" / module / f"{module}.docc"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "graphs")
        folder.mkdir()
        for path in own:
            shutil.copy(path, folder)
        outcome = subprocess.run(
            ["docc", "convert", *([catalog] if catalog.is_dir() else []), "--fallback-display-name", module,
             "--fallback-bundle-identifier", module, "--additional-symbol-graph-dir", folder,
             "--output-dir", Path(name, "output")],
            cwd=REPOSITORY, capture_output=True, text=True)
    said = re.findall(r"^((?:warning|error): .*)\n(?: *--> (.*))?", outcome.stdout + outcome.stderr, re.MULTILINE)
    if outcome.returncode != 0 and not said:
        return [f"docc ended with {outcome.returncode}: {outcome.stderr.strip()}"]
    return [f"{place or module}: {what}" for what, place in said if not SELF_EVIDENT.search(what)]


def main() -> None:
    graphs = symbol_graphs()
    found = [line for module in MODULES for line in faults(module, graphs)]
    print(*found, f"{len(MODULES)} modules, {len(found)} faults", sep="\n")
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":
    main()
