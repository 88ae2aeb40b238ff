#!/usr/bin/env python3
"""The table of conversions in the README, made from the expected matrix, so that it cannot rot.

  tools/verification/matrix_table.py            prints the table
  tools/verification/matrix_table.py --check    exit code 1 unless the README holds exactly it
  tools/verification/matrix_table.py --write    puts it into the README
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Mapping

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from verification import own_files
from verification.contents import read_json

EXPECTED = Path(__file__).with_name("conversion_matrix.json")
README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- conversions: begin -->", "<!-- conversions: end -->"
SOURCES = {"keras2": "Keras 2", "tf_keras": "tf_keras", "keras3": "Keras 3"}


def table(expected: Mapping[str, Any]) -> str:
    """One line a profile, one column a Keras that wrote the source."""
    totals, cells = expected["rows"], expected["missing"]
    profiles = list(dict.fromkeys(cell.split(" to ")[1] for cell in cells))
    lines = ["| to \\ from | " + " | ".join(SOURCES.values()) + " |",
             "|---|" + "---|" * len(SOURCES)]
    for profile in profiles:
        words = []
        for family in SOURCES:
            rows = cells[f"{family} to {profile}"]
            refused = sum(reason.startswith("Cairn:") for reason in rows.values())
            partly = len(rows) - refused
            words.append(f"{totals[family] - len(rows)}"
                         + (f", {partly} in part" if partly else "")
                         + (f", {refused} refused" if refused else ""))
        lines.append(f"| `{profile}` | " + " | ".join(words) + " |")
    return "\n".join(lines)


def section(expected: Mapping[str, Any]) -> str:
    """What stands between the marks."""
    totals = ", ".join(f"{expected['rows'][family]} of {name}" for family, name in SOURCES.items())
    return f"{BEGIN}\nModels: {totals}.\n\n{table(expected)}\n{END}"


def problem(readme: str, expected: Mapping[str, Any]) -> str:
    """Why the README does not agree with the expected matrix, or that not with the transcripts; empty
    if all agree."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        return f"README.md must have the marks {BEGIN} and {END} once"
    if section(expected) not in readme:
        return "the table in README.md is another: tools/verification/matrix_table.py --write"
    open_cells = own_files.unexplained(
        expected["missing"], read_json(own_files.TRANSCRIPTS), read_json(own_files.LIMITS))
    if open_cells:
        return (f"{len(open_cells)} rows promise less, and no Keras does by a transcript: "
                + "; ".join(open_cells[:5]))
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare with the README")
    action.add_argument("--write", action="store_true", help="change the README")
    arguments = parser.parse_args()
    expected, readme = read_json(EXPECTED), README.read_text("utf-8")
    if arguments.write:
        before, after = readme.split(BEGIN)[0], readme.split(END)[1]
        README.write_text(before + section(expected) + after, "utf-8")
    elif arguments.check:
        found = problem(readme, expected)
        if found:
            print(f"error: {found}", file=sys.stderr)
            return 1
    else:
        print(table(expected))
    return 0


if __name__ == "__main__":
    sys.exit(main())
