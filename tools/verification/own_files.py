"""Transcripts of every Keras on its own files: why a conversion promises less than all.

A cell of the matrix of conversions may promise less for a row only if the Keras that the profile is for
does no better with a file of that kind that it wrote itself, or the Keras that wrote the source with that
very file. `own_files.json` holds what each said and then lacked, by environment and layout, row by row;
it is made anew and compared with `verify_with_keras.py --only matrix --all`. What is neither stands in
`limits.json` with its reason: that is Cairn's own.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Callable, Iterable, Mapping

import generate_fixtures
import keras_environments as environments
from verification.contents import read_json
from verification.targets import SOURCES, TARGETS

TRANSCRIPTS = Path(__file__).with_name("own_files.json")
LIMITS = Path(__file__).with_name("limits.json")
Kind = tuple[str, str, str]
"""Environment, layout, row."""


def kinds(cell: str, row: str) -> tuple[Kind, Kind]:
    """The target's own file of the row, and the source itself."""
    family, profile = cell.split(" to ")
    target = TARGETS[profile]
    return ((target.environment, target.layout, row),
            (family.replace("_", ""), SOURCES[family], row))


def record(saved: Path, folder: Path, wanted: Iterable[Kind],
           lacks: Callable[[Mapping[str, Any], Mapping[str, Any], str], str],
           ) -> dict[str, dict[str, dict[str, Any]]]:
    """What each Keras makes of its own files, by `environment layout` and row.

    `lacks` tells what an answer of `load_converted` lacks of a truth.
    """
    transcripts: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    jobs: dict[str, list[tuple[Kind, Mapping[str, Any] | None, dict[str, str]]]] = defaultdict(list)
    for kind in sorted(set(wanted)):
        environment, layout, row = kind
        written = saved / generate_fixtures.ENVIRONMENTS[environment]
        truth_file = written / f"{row}.truth.json"
        job: dict[str, Any] = {"row": row, "layout": layout}
        if not truth_file.exists():
            jobs[environment].append((kind, None, job))
            continue
        truth = read_json(truth_file)
        job["trainsOn"] = bool(truth.get("trained"))
        if layout in truth["refused"]:
            transcripts[f"{environment} {layout}"][row] = {
                "lacks": f"cannot be saved: {_settled(truth['refused'][layout], saved)}"}
        else:
            jobs[environment].append(
                (kind, truth, job | {"file": str(written / truth["files"][layout])}))
    for environment, listed in jobs.items():
        asked, answered = (folder / f"own-{environment}-{word}.json" for word in ("jobs", "answers"))
        asked.write_text(json.dumps([job for _, _, job in listed]), "utf-8")
        environments.run(environment, "keras_side.load_converted",
                         ["--jobs", str(asked), "--answers", str(answered)])
        for ((_, layout, row), truth, _), answer in zip(listed, read_json(answered), strict=True):
            transcript: dict[str, Any]
            if "refused" in answer:
                verb = "cannot be made" if truth is None else "cannot be loaded"
                transcript = {"lacks": f"{verb}: {_settled(answer['refused'], saved)}"}
            else:
                transcript = {"lacks": "" if truth is None else lacks(truth, answer, layout)}
            if answer["said"]:
                transcript["said"] = [_settled(words, saved) for words in answer["said"][:3]]
            transcripts[f"{environment} {layout}"][row] = transcript
    return {kind: dict(sorted(rows.items())) for kind, rows in sorted(transcripts.items())}


def _settled(words: str, folder: Path) -> str:
    """Without what differs from run to run: folders, addresses, numbers of threads."""
    words = words.replace(str(folder), "").replace("\n", " ")
    return re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{12,}\b", "0x...", words)


def write(path: Path, content: Mapping[str, Any]) -> None:
    """As it is committed."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def unexplained(missing: Mapping[str, Mapping[str, str]], transcripts: Mapping[str, Any],
                limits: Mapping[str, Any]) -> list[str]:
    """Rows of cells that promise less without a transcript of a Keras that does, or a named limit."""
    found = []
    for cell, rows in missing.items():
        for row in rows:
            fails = any(transcripts.get(f"{environment} {layout}", {}).get(name, {}).get("lacks")
                        for environment, layout, name in kinds(cell, row))
            if not fails and cell.split(" to ")[1] not in limits.get(row, {}).get("profiles", ()):
                found.append(f"{cell}, {row}")
    return found
