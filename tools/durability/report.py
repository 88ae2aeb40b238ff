#!/usr/bin/env python3
"""The report on durability, made from what the long checks found, so that it cannot rot.

  tools/durability/report.py            prints it
  tools/durability/report.py --check    exit code 1 unless report.md, and the README, hold exactly it
  tools/durability/report.py --write    writes both

The figures in `figures/` are written by the checks themselves; the report says by which commands.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Iterator

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from durability import figures
from durability.phases import IN_FLIGHT, PHASES
from durability.victims import PROFILES
from keras_environments import REPOSITORY

README = REPOSITORY / "README.md"
BEGIN, END = "<!-- durability: begin -->", "<!-- durability: end -->"
REPORT = Path(__file__).with_name("report.md")
KILLS, CRASHES, STALL = (figures.FOLDER / name for name in ("kills.json", "crash_states.json", "stall.txt"))
REQUIRED = {"kills": 1000, "per profile": 50, "in flight": 0.6, "crash states": 10_000}


def report() -> str:
    """The whole text."""
    kills, crashes = figures.read(KILLS), figures.read(CRASHES)
    lines = ["# What proves that nothing is lost", "",
             "Made by `tools/durability/report.py --write` from what the programs below found and wrote into",
             "[`figures/`](figures). Each can be run again; kills and states are drawn from a seed."]
    if kills:
        lines += ["", "## Killed at random moments", "", *killed(kills)]
    if crashes:
        lines += ["", "## A loss of power after any system call", "", *crashed(crashes)]
    if STALL.exists():
        lines += ["", "## What a save in the background costs those who train", "",
                  "`swift run -c release --package-path tools/Benchmarks Benchmarks stall | tee"
                  " tools/durability/figures/stall.txt`:", "", "```", STALL.read_text("utf-8").strip(), "```"]
    return "\n".join(lines) + "\n"


def killed(found: dict[str, Any]) -> Iterator[str]:
    """The kills, by profile and phase."""
    entries = sorted(found["cairn"], key=lambda entry: PROFILES.index(entry["profile"]))
    total = sum(entry["kills"] for entry in entries)
    flight = sum(entry["phases"][phase] for entry in entries for phase in IN_FLIGHT)
    runs = sum(entry["runs"] for entry in entries)
    yield (f"`tools/kill_saves.py --build-dir .build/release --keras --figures tools/durability/figures/kills.json`"
           f" ({circumstances(found)})")
    yield ""
    yield (f"{total:,} times SIGKILL at a random moment of a program that saves after every step, {flight / total:.0%} of"
           f" them while a save was in flight. After each the newest checkpoint was undamaged and not older than the newest"
           f" that the recorded system calls show to have been durable, and the run was taken up from it: lost"
           f" {sum(entry['lost'] for entry in entries)} times. Of the {runs} runs so killed"
           f" {sum(entry['different'] for entry in entries)} ended in other bits than the one that nobody killed.")
    opened = [entry["opened"] for entry in entries if "opened" in entry]
    if opened:
        yield (f"Real Keras (2.12, tf_keras 2.21 and 3.15, each in the profiles that are for it) opened"
               f" {sum(item['opened'] for item in opened)} of {sum(item['files'] for item in opened)} of what the kills left.")
    yield ""
    yield "| profile | kills | runs | lost | " + " | ".join(PHASES) + " |"
    yield "|---|" + "--:|" * (3 + len(PHASES))
    for entry in entries:
        yield (f"| `{entry['profile']}` | {entry['kills']} | {entry['runs']} | {entry['lost']} | "
               + " | ".join(str(entry["phases"][phase]) for phase in PHASES) + " |")
    sums = {phase: sum(entry["phases"][phase] for entry in entries) for phase in PHASES}
    yield (f"| all | {total} | {runs} | {sum(entry['lost'] for entry in entries)} | "
           + " | ".join(str(sums[phase]) for phase in PHASES) + " |")
    yield ""
    yield ("`keras2-weights-h5` and `tf-keras-weights-h5` have no place for an optimizer, so no run can be resumed from them:"
           " there a store is killed whose numbers follow from the step. The same harness on others:")
    yield ""
    yield "| writer | kills | only file lost |"
    yield "|---|--:|--:|"
    for entry in found["others"]:
        yield f"| {entry['writer']} | {entry['kills']} | {entry['lost']} |"


def crashed(found: dict[str, Any]) -> Iterator[str]:
    """The states of the disk, by profile, and what the missing synchronizations lost."""
    entries = found["recordings"]
    yield (f"`tools/check_crash_states.py --build-dir .build/release --figures tools/durability/figures/crash_states.json`"
           f" ({circumstances(found)})")
    yield ""
    yield (f"{sum(entry['states'] for entry in entries):,} states that a POSIX file system may leave, blocks of 4 KiB, sizes"
           f" and names synchronized or not: {sum(entry['lost'] for entry in entries)} lost. Then each synchronization was"
           f" taken out, in each of the {found['circumstances']['steps']} saves; the last column counts in how many of them"
           f" something is lost then.")
    yield ""
    yield "| saves | system calls | states | lost | without |"
    yield "|---|--:|--:|--:|---|"
    for entry in entries:
        without = "; ".join(f"{kind}: {count}" for kind, count in entry["without"].items())
        yield (f"| {entry['profile']} | {entry['operations']} | {entry['states']} | {entry['lost']} | {without} |")


def summary() -> str:
    """A few lines for the README."""
    kills, crashes = figures.read(KILLS), figures.read(CRASHES)
    entries, recordings = kills["cairn"], crashes["recordings"]
    total = sum(entry["kills"] for entry in entries)
    flight = sum(entry["phases"][phase] for entry in entries for phase in IN_FLIGHT)
    lines = ["| | tried | lost |", "|---|---|--:|",
             f"| states of the disk after a loss of power | {sum(entry['states'] for entry in recordings):,}, in"
             f" {len({entry['profile'].split(',')[0] for entry in recordings})} profiles |"
             f" {sum(entry['lost'] for entry in recordings)} |",
             f"| Cairn, killed at random moments | {total:,} times in {len(entries)} profiles, {flight / total:.0%} while a save"
             f" was in flight | {sum(entry['lost'] + entry['different'] for entry in entries)} |"]
    lines += [f"| {entry['writer']}, killed by the same harness | {entry['kills']} times | {entry['lost']} |"
              for entry in kills["others"]]
    return "\n".join([BEGIN, *lines, END])


def circumstances(found: dict[str, Any]) -> str:
    """In words."""
    said = found["circumstances"]
    return (f"{said['date']}, commit {said['commit']}, {said['system']}, {said['fileSystem']},"
            f" {said['processors']} processors, seed {said['seed']}")


def problems() -> Iterator[str]:
    """What the figures do not prove."""
    kills, crashes = figures.read(KILLS), figures.read(CRASHES)
    entries = kills.get("cairn", [])
    total = sum(entry["kills"] for entry in entries)
    if total < REQUIRED["kills"]:
        yield f"{total} kills, expected {REQUIRED['kills']}"
    yield from (f"{entry['profile']}: {entry['kills']} kills" for entry in entries
                if entry["kills"] < REQUIRED["per profile"])
    flight = sum(entry["phases"][phase] for entry in entries for phase in IN_FLIGHT)
    if flight < REQUIRED["in flight"] * total:
        yield f"{flight} of {total} kills while a save was in flight"
    yield from (f"no kill while {phase}" for phase in IN_FLIGHT if not any(entry["phases"][phase] for entry in entries))
    yield from (f"{entry['profile']}: something was lost" for entry in entries if entry["lost"] or entry["different"])
    if not any(entry["lost"] for entry in kills.get("others", [])[:1]):
        yield "the harness did not catch the writer that writes over its file"
    states = sum(entry["states"] for entry in crashes.get("recordings", []))
    if states < REQUIRED["crash states"]:
        yield f"{states} states of the disk, expected {REQUIRED['crash states']}"
    for entry in crashes.get("recordings", []):
        if entry["lost"]:
            yield f"{entry['profile']}: {entry['lost']} states lose something"
        yield from (f"{entry['profile']}: nothing is lost without {kind}"
                    for kind, count in entry["without"].items() if not count)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="compare with report.md, and with what is required")
    action.add_argument("--write", action="store_true", help="write report.md")
    options = parser.parse_args()
    if options.write:
        REPORT.write_text(report(), "utf-8")
        text = README.read_text("utf-8")
        README.write_text(text.split(BEGIN)[0] + summary() + text.split(END)[1], "utf-8")
        return 0
    if not options.check:
        print(report(), end="")
        return 0
    found = [*problems()]
    if not REPORT.exists() or REPORT.read_text("utf-8") != report():
        found.append("report.md is another: tools/durability/report.py --write")
    if summary() not in README.read_text("utf-8"):
        found.append("the table in README.md is another: tools/durability/report.py --write")
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
