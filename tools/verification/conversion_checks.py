"""Files of the matrix, converted by Cairn for every Keras, as that Keras then loads them.

The expected matrix stands in `conversion_matrix.json`: `rows`, how many models each Keras saved, and
`missing`, by source and target the rows that do not arrive whole, each with the reason. Every other
row must have every variable equal, answer alike, and, where the layout has an optimizer, have every
slot, the counter and the rate. The README shows it as a table (`matrix_table.py`).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Mapping

import keras_environments as environments
from verification import matrix_table
from verification.binaries import Binaries, CommandFailure
from verification.contents import read_json
from verification.matrix_checks import File, files
from verification.report import Report

EXPECTED = Path(__file__).with_name("conversion_matrix.json")
TARGETS = {
    "keras2-h5": ("keras2", "whole-model", ".h5"),
    "keras2-weights-h5": ("keras2", "legacy-weights", ".h5"),
    "keras2-weights": ("keras2", "weights", ".weights.h5"),
    "keras2-archive": ("keras2", "archive", ".keras"),
    "tf-keras-h5": ("tfkeras", "whole-model", ".h5"),
    "tf-keras-archive": ("tfkeras", "archive", ".keras"),
    "tf-keras-weights-h5": ("tfkeras", "legacy-weights", ".h5"),
    "tf-keras-weights": ("tfkeras", "weights", ".weights.h5"),
    "keras3-h5": ("keras3", "whole-model", ".h5"),
    "keras3-weights": ("keras3", "weights", ".weights.h5"),
    "keras3-archive": ("keras3", "archive", ".keras"),
}
"""Profile: whose environment loads it, and what it is."""
SOURCES = {"keras2": "whole-model", "tf_keras": "archive", "keras3": "archive"}
"""What is converted: a layout that holds everything."""


class Conversions:
    """All conversions of a folder of saved rows."""

    def __init__(self, cairn: Binaries, saved: Path, folder: Path) -> None:
        self.cairn = cairn
        self.folder = folder
        self.sources = [file for file in files(saved)
                        if SOURCES[file.truth["family"]] == file.layout]
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)
        """By `source profile`, the rows: empty for whole, else what is missing."""

    def run(self) -> None:
        """Converts everything, then lets each Keras load what was made for it."""
        jobs: dict[str, list[tuple[str, File, dict[str, str]]]] = defaultdict(list)
        for profile, (environment, layout, suffix) in TARGETS.items():
            for file in self.sources:
                cell = f"{file.truth['family']} to {profile}"
                output = self.folder / cell.replace(" ", "-") / f"{file.truth['name']}{suffix}"
                output.parent.mkdir(parents=True, exist_ok=True)
                try:
                    # Legacy weights have no place for an optimizer, whoever writes them.
                    options = ["--accept-loss"] if layout == "legacy-weights" else []
                    self.cairn.convert(file.path, output, profile, *options)
                except CommandFailure as failure:
                    words = str(failure).split("checkpoint-inspect: ")[-1]
                    for path in (file.path, output):
                        words = words.replace(str(path), path.name)
                    self.outcomes[cell][file.truth["name"]] = f"Cairn: {words}"
                    continue
                jobs[environment].append((cell, file, {
                    "row": file.truth["name"], "file": str(output), "layout": layout}))
        for environment, listed in jobs.items():
            self.load(environment, listed)

    def load(self, environment: str, jobs: list[tuple[str, File, dict[str, str]]]) -> None:
        """One process of Keras for all its files."""
        asked = self.folder / f"{environment}-jobs.json"
        answers = self.folder / f"{environment}-answers.json"
        asked.write_text(json.dumps([job for _, _, job in jobs]), "utf-8")
        environments.run(environment, "keras_side.load_converted",
                         ["--jobs", str(asked), "--answers", str(answers)])
        for (cell, file, job), answer in zip(jobs, read_json(answers), strict=True):
            self.outcomes[cell][job["row"]] = \
                f"Keras: {answer['refused'].replace(str(self.folder), '')}" if "refused" in answer \
                else missing(file.truth, answer["holds"], job["layout"]) \
                or other_outputs(file.truth, answer["outputs"])


TOLERANCE = {"float64": 2e-6, "float32": 4e-6, "float16": 4e-3, "bfloat16": 3e-2}
"""Of outputs, relative to those above one. Rounding differs between the kernels of two TensorFlows, and
already between a model and its own file loaded again: 2.1e-6 in the row `attention` of Keras 2."""


def other_outputs(truth: Mapping[str, Any], found: list[Mapping[str, Any]]) -> str:
    """How the loaded model answers to the same inputs, in words; empty if alike."""
    expected = truth["outputs"]
    if [each["dtype"] for each in found] != [each["dtype"] for each in expected]:
        return f"outputs {[each['dtype'] for each in found]}"
    difference = 0.0
    for one, other in zip(expected, found, strict=True):
        for old, new in zip(one["values"], other["values"], strict=True):
            difference = max(difference, abs(old - new) / max(1, abs(old)))
            if difference > TOLERANCE[one["dtype"]]:
                return f"outputs differ by {difference:.2g}"
    return ""


def missing(truth: Mapping[str, Any], holds: Mapping[str, Any], layout: str) -> str:
    """What the loaded objects lack, in words; empty if nothing."""
    found = {each["name"]: each["sha256"] for each in holds["variables"]}
    expected = {each["name"]: each["sha256"] for each in truth["variables"]}
    unequal = [name for name in expected if found.get(name) != expected[name]]
    if unequal:
        return f"{len(unequal)} of {len(expected)} variables, first {unequal[0]}"
    if layout == "legacy-weights" or truth["optimizer"] is None:
        return ""
    if holds["optimizer"] is None:
        return "the optimizer"
    found, expected = (
        {(each["slot"], each["variable"]): each["sha256"] for each in side["optimizer"]["slots"]}
        for side in (holds, truth))
    unequal = [key for key in expected if found.get(key) != expected[key]]
    if unequal:
        return f"{len(unequal)} of {len(expected)} slots"
    numbers = ["iterations", *(["learningRate"] if layout != "weights" else [])]
    return ", ".join(key for key in numbers
                     if holds["optimizer"][key] != truth["optimizer"][key])


def record(totals: Mapping[str, int], missing: Mapping[str, Mapping[str, str]]) -> None:
    """Writes the expected matrix anew."""
    content = {"rows": dict(sorted(totals.items())), "missing": missing}
    EXPECTED.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def check_conversions(report: Report, cairn: Binaries, saved: Path, folder: Path,
                      is_recording: bool = False) -> None:
    """One check a cell: exactly the expected rows do not arrive whole."""
    conversions = Conversions(cairn, saved, folder)
    conversions.run()
    found = {cell: {row: words for row, words in sorted(rows.items()) if words}
             for cell, rows in sorted(conversions.outcomes.items())}
    totals = Counter(file.truth["family"] for file in conversions.sources)
    if is_recording:
        record(totals, found)
    everything = read_json(EXPECTED)
    wrong = matrix_table.problem(matrix_table.README.read_text("utf-8"), everything)
    report.check("the README shows the expected matrix of conversions", not wrong, wrong)
    report.check_equal("models of each Keras", totals, everything["rows"])
    expected = everything["missing"]
    for cell, rows in found.items():
        whole = len(conversions.outcomes[cell]) - len(rows)
        unexpected = sorted(rows.keys() ^ expected.get(cell, {}).keys())
        report.check(f"converted, {cell}: {whole} of {len(conversions.outcomes[cell])} rows whole",
                     not unexpected, "; ".join(
                         f"{row}: {rows.get(row, 'arrives whole now')}" for row in unexpected[:4]))
