"""Files of the matrix, converted by Cairn for every Keras, as that Keras then loads them.

The expected matrix stands in `conversion_matrix.json`: `rows`, how many models each Keras saved, and
`missing`, by source and target the rows that do not arrive whole, each with the reason. Every other
row must have every variable equal, answer alike, and, where the layout has an optimizer, have every
slot, the counter and the rate. The README shows it as a table (`matrix_table.py`).
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Callable, Collection, Mapping

import keras_environments as environments
from verification import matrix_table, own_files
from verification.binaries import Binaries, CommandFailure
from verification.contents import read_json
from verification.matrix_checks import File, files
from verification.refusals import Refusal
from verification.report import Report
from verification.targets import SOURCES, TARGETS, Target

EXPECTED = Path(__file__).with_name("conversion_matrix.json")
HALF_POLICIES = ("float16", "bfloat16")
"""Policies under which Keras 2 keeps the variables of BatchNormalization in float32, and Keras 3 does not:
their weights belong to the model that the translated configuration makes, not to one made by the same
code."""

MADE_FROZEN = ("frozen_wrapped_model", "frozen_wrappers")
"""Rows of which the same code trains other variables in Keras 3 than in Keras 2."""


class Conversions:
    """All conversions of a folder of saved rows."""

    def __init__(self, cairn: Binaries, saved: Path, folder: Path,
                 sources: list[File] | None = None,
                 is_loaded: Callable[[File, str], bool] = lambda file, profile: True,
                 accepts_losses: bool = False) -> None:
        self.cairn = cairn
        self.folder = folder
        self.sources = sources if sources is not None else [
            file for file in files(saved) if SOURCES[file.truth["family"]] == file.layout]
        self.is_loaded = is_loaded
        self.accepts_losses = accepts_losses
        self.refusals: dict[str, dict[str, Refusal]] = defaultdict(dict)
        """What was refused, by the same keys as `outcomes`, if losses are accepted then. An outcome is
        then that of the file that was written with the loss, where one was."""
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)
        """By `source profile`, the rows: empty for whole, else what is missing."""

    def run(self) -> None:
        """Converts everything, then lets each Keras load what was made for it."""
        jobs: dict[str, list[tuple[str, File, dict[str, str]]]] = defaultdict(list)
        for profile, target in TARGETS.items():
            for file in self.sources:
                cell = f"{file.truth['family']} to {profile}"
                output = self.folder / cell.replace(" ", "-") / f"{file.truth['name']}{target.suffix}"
                output.parent.mkdir(parents=True, exist_ok=True)
                options = [each for each in target.options
                           if not self.accepts_losses or each != "--accept-loss"]
                try:
                    self.cairn.convert(file.path, output, profile, *options)
                except CommandFailure as failure:
                    words = str(failure).split("checkpoint-inspect: ")[-1]
                    for path in (file.path, output):
                        words = words.replace(str(path), path.name)
                    self.outcomes[cell][file.truth["name"]] = f"Cairn: {words}"
                    if not self.accepts_losses or not self.accept(file, output, profile, cell, words):
                        continue
                if self.is_loaded(file, profile):
                    jobs[target.environment].append((cell, file, self.job(file, output, target)))
        for listed in jobs.values():  # Without the architecture, the weights have no model.
            listed[:] = [each for each in listed
                         if Path(each[2].get("architecture", each[2]["file"])).exists()]
        for environment, listed in jobs.items():
            self.load(environment, listed)

    def accept(self, file: File, output: Path, profile: str, cell: str, words: str) -> bool:
        """Whether what was refused is written when the loss is accepted."""
        losses: list[str] = []
        try:
            losses = self.cairn.convert(
                file.path, output, profile,
                *{**dict.fromkeys(TARGETS[profile].options), "--accept-loss": None, "--force": None})
        except CommandFailure:
            pass
        self.refusals[cell][file.truth["name"]] = Refusal(profile, words, losses)
        return bool(losses)

    def job(self, file: File, output: Path, target: Target) -> dict[str, Any]:
        """What `load_converted` is asked."""
        row = file.truth["name"]
        job = {"row": row, "file": str(output), "layout": target.layout,
               "dtypes": {each["name"]: each["dtype"] for each in file.truth["variables"]},
               "trainsOn": bool(file.truth.get("trained")),
               "slotDtypes": {f"{each['slot']}/{each['variable']}": each["dtype"]
                              for each in (file.truth["optimizer"] or {"slots": []})["slots"]}}
        if needs_architecture(file, target):
            layout, suffix = ARCHITECTURES[target.environment]
            job["architecture"] = str(
                self.folder / f"{file.truth['family']}-to-{layout}" / f"{row}{suffix}")
        return job

    def load(self, environment: str, jobs: list[tuple[str, File, dict[str, str]]]) -> None:
        """One process of Keras for all its files."""
        asked = self.folder / f"{environment}-jobs.json"
        answers = self.folder / f"{environment}-answers.json"
        asked.write_text(json.dumps([job for _, _, job in jobs]), "utf-8")
        environments.run(environment, "keras_side.load_converted",
                         ["--jobs", str(asked), "--answers", str(answers)])
        for (cell, file, job), answer in zip(jobs, read_json(answers), strict=True):
            is_own = environment == file.truth["family"].replace("_", "")
            refusal = self.refusals[cell].get(job["row"])
            truth = file.truth if refusal is None else refusal.remaining(file.truth)
            self.outcomes[cell][job["row"]] = \
                f"Keras: {answer['refused'].replace(str(self.folder), '')}" if "refused" in answer \
                else missing(truth, answer["holds"], job["layout"]) \
                or other_outputs(truth, answer["outputs"], TOLERANCE if is_own else ACROSS) \
                or (holds_model(job) and other_modes(truth, answer)) \
                or other_step(truth, answer, job["layout"], is_own)


ARCHITECTURES = {"keras2": ("keras2-h5", ".h5"), "tfkeras": ("tf-keras-archive", ".keras"),
                 "keras3": ("keras3-archive", ".keras")}
"""The profile that each Keras is given a model in: Keras 2 cannot read all of its own archives."""


WEIGHTS = ("weights", "legacy-weights", "sharded")
"""Layouts that hold no model: they are loaded into one that the row's code, or another file, makes."""


def needs_architecture(file: File, target: Target) -> bool:
    """Whether weights belong to the model that the translated configuration makes, not to one that the
    other Keras makes by the same code."""
    if target.layout not in WEIGHTS:
        return False
    if file.truth["name"].startswith("random-"):
        # What Keras names by itself it names otherwise in each generation.
        return file.truth["family"].replace("_", "") != target.environment
    if file.truth["name"] in MADE_FROZEN:
        return (file.truth["family"] == "keras3") != (target.environment == "keras3")
    return (file.truth["name"] in HALF_POLICIES and file.truth["family"] != "keras3"
            and target.environment == "keras3" and target.layout != "legacy-weights")


TOLERANCE = {"float64": 2e-6, "float32": 2e-6, "float16": 4e-3, "bfloat16": 3e-2}
"""Of outputs, relative to those above one."""
ACROSS = {**TOLERANCE, "float32": 4e-6}
"""The same between two Keras, whose formulas round differently: LayerNormalization by 3.6e-6."""


ROUNDINGS = 4
"""How often the spread of a model's outputs under one rounding of its variables two Keras may differ by:
they round at every layer. A normalization over few elements divides by little more than its epsilon."""


def coarsest(truth: Mapping[str, Any], tolerance: Mapping[str, float]) -> float:
    """What the coarsest dtype inside a model, and its condition, allow for; 0 if the truth does not tell."""
    told = truth.get("rounding")
    return max(tolerance[told["dtype"]], ROUNDINGS * told["spread"]) if told else 0.0


def other_outputs(truth: Mapping[str, Any], found: list[Mapping[str, Any]],
                  tolerance: Mapping[str, float] = TOLERANCE) -> str:
    """How the loaded model answers to the same inputs, in words; empty if alike."""
    expected = truth["outputs"]
    if [each["dtype"] for each in found] != [each["dtype"] for each in expected]:
        return f"outputs {[each['dtype'] for each in found]}"
    difference = 0.0
    for one, other in zip(expected, found, strict=True):
        for old, new in zip(one["values"], other["values"], strict=True):
            if not (math.isfinite(old) and math.isfinite(new)):
                if str(old) != str(new):
                    return f"outputs {old} and {new}"
                continue
            difference = max(difference, abs(old - new) / max(1, abs(old)))
            if difference > max(tolerance[one["dtype"]], coarsest(truth, tolerance)):
                return f"outputs differ by {difference:.2g}"
    return ""


def holds_model(job: Mapping[str, Any]) -> bool:
    """Whether what is loaded was made of a configuration that Cairn wrote, and not by the row's code."""
    return "architecture" in job or job["layout"] not in WEIGHTS


def other_modes(truth: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Which outputs change otherwise when the model is trained, in words; empty if the same ones do."""
    one, other = truth.get("modes"), answer.get("modes")
    return f"modes: training changes outputs {other}, expected {one}" if other and one != other else ""


STEP = {"float64": 2e-6, "float32": 2e-5, "float16": 1e-2, "bfloat16": 1e-1}
"""Of weights after a further step, relative to those above one."""


def other_step(truth: Mapping[str, Any], answer: Mapping[str, Any], layout: str,
               is_own: bool) -> str:
    """What a further step of training makes of the loaded model otherwise, in words; empty if alike.

    Between two Keras only what both compute alike counts: not repeated rows of an Embedding, and not
    the start of averages and of accumulated gradients. Nor does a step count whose loss is scaled in one
    of the two alone: Keras 2 forgets its scale, and what it wraps an optimizer in by itself.
    """
    expected, found = truth.get("trained"), answer.get("trained")
    if not expected or layout == "legacy-weights" or "refused" in expected:
        return ""
    if not found or "refused" in found:
        return f"no further step: {found and found['refused']}"
    scales = [(side["optimizer"] or {}).get("lossScale") for side in (truth, answer["holds"])]
    if not is_own or scales[0] != scales[1]:
        return ""  # Under another scale other gradients overflow, and the step is left out.
    dtypes = {each["name"]: each["dtype"] for each in truth["variables"]}
    lowest = max([STEP[each["dtype"]] for each in truth["outputs"]] +
                 [STEP.get(dtype, 0) for dtype in dtypes.values()] + [coarsest(truth, STEP)])
    loss = [expected["loss"], found["loss"]]
    if all(map(math.isfinite, loss)) and abs(loss[0] - loss[1]) > lowest * max(1, abs(loss[0])):
        return f"loss {loss[1]} before a further step, expected {loss[0]}"
    for name, values in expected["variables"].items():
        for old, new in zip(values, found["variables"][name], strict=True):
            if not (math.isfinite(old) and math.isfinite(new)):
                if str(old) != str(new):
                    return f"{name} {new} after a further step, expected {old}"
            elif abs(old - new) > lowest * max(1, abs(old)):
                return f"{name} differs by {abs(old - new):.2g} after a further step"
    return ""


def missing(truth: Mapping[str, Any], holds: Mapping[str, Any], layout: str,
            is_own: bool = False) -> str:
    """What the loaded objects lack, in words; empty if nothing.

    `is_own`: whether the file is Keras's own. Only then can Keras 2 be asked for its loss scale.
    """
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
    numbers = ["iterations"]
    if tells_rate(layout):
        numbers.append("learningRate")
    if "lossScale" in truth["optimizer"] and (is_own or truth["family"] == "keras3"):
        numbers.append("lossScale")
    return ", ".join(key for key in numbers
                     if holds["optimizer"].get(key) != truth["optimizer"][key])


def lacks(truth: Mapping[str, Any], answer: Mapping[str, Any], layout: str) -> str:
    """What Keras lacks of its own file, in words; empty if nothing."""
    return missing(truth, answer["holds"], layout, is_own=True) \
        or other_outputs(truth, answer["outputs"]) or other_modes(truth, answer) \
        or other_step(truth, answer, layout, True)


def with_others(found: Mapping[str, Mapping[str, Any]], recorded: Mapping[str, Mapping[str, Any]],
                only: Collection[str]) -> dict[str, dict[str, Any]]:
    """What was found of some rows, among what is recorded of all."""
    return {key: dict(sorted({
        **{row: each for row, each in recorded.get(key, {}).items() if row not in only},
        **found.get(key, {})}.items())) for key in sorted({*recorded, *found})}


def tells_rate(layout: str) -> bool:
    """Weights alone hold no rate in Keras 2, and the model that takes them up has one."""
    return layout not in ("weights", "sharded")


def check_conversions(report: Report, cairn: Binaries, saved: Path, folder: Path,
                      is_recording: bool = False, only: Collection[str] | None = None) -> None:
    """One check a cell: exactly the expected rows do not arrive whole, for the reasons that stand in the
    transcripts.

    `only` are the rows that were saved, where those are not all: what is recorded of others stays.
    """
    conversions = Conversions(cairn, saved, folder)
    conversions.run()
    found = {cell: {row: words for row, words in sorted(rows.items()) if words}
             for cell, rows in sorted(conversions.outcomes.items())}
    totals = dict(Counter(file.truth["family"] for file in conversions.sources))
    transcripts = own_files.record(
        saved, folder, {kind for cell, rows in found.items() for row in rows
                        for kind in own_files.kinds(cell, row)}, lacks)
    everything = read_json(EXPECTED)
    recorded = read_json(own_files.TRANSCRIPTS)
    if only is not None:
        totals = everything["rows"]
        found = with_others(found, everything["missing"], only)
        transcripts = with_others(transcripts, recorded, only)
    if is_recording:
        everything = {"rows": dict(sorted(totals.items())), "missing": found}
        recorded = transcripts
        own_files.write(EXPECTED, everything)
        own_files.write(own_files.TRANSCRIPTS, recorded)
    wrong = matrix_table.problem(matrix_table.README.read_text("utf-8"), everything)
    report.check("the README shows the expected matrix of conversions", not wrong, wrong)
    report.check_equal("models of each Keras", totals, everything["rows"])
    expected = everything["missing"]
    for cell, rows in found.items():
        count = everything["rows"][cell.split(" to ")[0]]
        unexpected = sorted(rows.keys() ^ expected.get(cell, {}).keys())
        report.check(f"converted, {cell}: {count - len(rows)} of {count} rows whole",
                     not unexpected, "; ".join(
                         f"{row}: {rows.get(row, 'arrives whole now')}" for row in unexpected[:4]))
    for kind, rows in recorded.items():
        report.check_equal(
            f"what Keras lacks of its own files, {kind}",
            {row: each["lacks"] for row, each in transcripts.get(kind, {}).items()},
            {row: each["lacks"] for row, each in rows.items()})
