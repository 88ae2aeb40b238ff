"""What the long checks found: files that they write themselves, and from which the report is made."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from keras_environments import REPOSITORY

FOLDER = Path(__file__).with_name("figures")


def circumstances(work: Path) -> dict[str, Any]:
    """Under which a figure was found: what else it depends on."""
    return {
        "commit": _said("git", "-C", str(REPOSITORY), "describe", "--always", "--dirty", "--abbrev=12"),
        "system": f"{platform.system()} {platform.release()}",
        "fileSystem": _said("df", "--output=fstype", str(work)).split()[-1],
        "processors": os.cpu_count(),
        "date": _said("date", "+%Y-%m-%d"),
    }


def read(path: Path) -> dict[str, Any]:
    """What an earlier run found; nothing if there was none."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def write(path: Path, figures: dict[str, Any]) -> None:
    """In the place of what an earlier run found."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    aside.replace(path)


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
