"""Every file of the matrix as Cairn shows it, against the truth taken from Keras's live objects.

A file that tells names and order (whole models, archives of models whose configuration lists their
layers) must agree in everything. A file that cannot (weights without architecture) must agree in all
values, must say in a note what it leaves open, and must not tie a slot to a wrong variable.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

from verification.binaries import Binaries, CommandFailure
from verification.contents import CANONICAL_SLOTS, read_json
from verification.report import Report

TENSOR = ("shape", "dtype", "byteCount", "sha256")
UNPROVEN = "unproven"
GUESSED_NAMES = "names of layers"


@dataclass(frozen=True)
class File:
    """One file, and what Keras said before it wrote it."""

    path: Path
    layout: str
    truth: Mapping[str, Any]

    @property
    def label(self) -> str:
        return f"{self.truth['generation']} {self.truth['name']} {self.layout}"

    @property
    def is_handmade(self) -> bool:
        """Whether the model's configuration does not list its layers."""
        return self.truth["modelClass"] not in ("Sequential", "Functional")


def files(folder: Path) -> Iterator[File]:
    """Every saved file below the folder."""
    for truth_file in sorted(folder.rglob("*.truth.json")):
        truth = read_json(truth_file)
        if isinstance(truth.get("files"), dict):
            for layout, name in truth["files"].items():
                yield File(truth_file.with_name(name), layout, truth)


def check_matrix(report: Report, cairn: Binaries, folder: Path) -> None:
    """One check a file."""
    for file in files(folder):
        try:
            problems = list(Comparison(file, cairn.show(file.path)).problems())
        except CommandFailure as failure:
            problems = [str(failure)]
        detail = "; ".join(problems[:4])
        if len(problems) > 4:
            detail += f"; and {len(problems) - 4} more"
        report.check(f"{file.label}", not problems, detail)


class Comparison:
    """One file's truth and what Cairn shows."""

    def __init__(self, file: File, shown: Mapping[str, Any]) -> None:
        self.file = file
        self.truth = file.truth
        self.shown = shown
        self.notes = " ".join(shown["notes"])
        self.weights = [each for each in shown["variables"] if each["role"] == "weight"]
        self.slots = [each for each in shown["variables"] if each["role"] == "slot"]
        self.others = [each for each in shown["variables"]
                       if each["role"] not in ("weight", "slot")
                       and each["datasetPath"].lstrip("/").startswith("optimizer")]
        self.expected = expected_weights(file)
        if len(self.expected) < len(self.truth["variables"]):
            self.weights = [each for each in self.weights if each["shape"] != [6, 4]
                            or each["sha256"] in {one["sha256"] for one in self.expected}]
        self.tells_names = not file.is_handmade and file.layout in (
            "whole-model", "archive", "directory")

    def problems(self) -> Iterator[str]:
        """What does not agree, in words."""
        if self.shown["layout"] != self.file.layout:
            yield f"layout {self.shown['layout']}"
        expected = {"keras2": "keras-2", "tf_keras": "tf-keras", "keras3": "keras-3"}
        if self.shown["dialect"] != expected[self.truth["family"]]:
            yield f"dialect {self.shown['dialect']}"
        for row, family, layout, words in NOTES:
            matches = (row, family, layout) == (
                self.truth["name"], family and self.truth["family"], self.file.layout)
            if matches and words not in self.notes:
                yield f"no note says: {words}"
        yield from self.weight_problems()
        yield from self.tie_problems()
        if self.truth["optimizer"] is not None and self.file.layout != "legacy-weights":
            yield from self.optimizer_problems(self.truth["optimizer"])

    def weight_problems(self) -> Iterator[str]:
        """Values always; names and order where the file tells them."""
        if self.tells_names:
            nameless = {each["sha256"] for each in self.weights
                        if re.search(r"(^|/)#\d+$", each["name"])}
            yield from _differences(
                "weight", [_named(each, each["sha256"] not in nameless) for each in self.weights],
                [_named(each, each["sha256"] not in nameless) for each in self.expected])
            if nameless and self.truth["name"] != "custom_layer":
                yield f"{len(nameless)} variables have no name"
            if self.truth["name"] not in OTHER_ORDER and (
                    [each["layer"] for each in self.weights]
                    != [each["layer"] for each in self.expected]):
                yield "the order of the weights differs"
            return
        yield from _differences("weight", map(_tensor, self.weights), map(_tensor, self.expected))
        told = {each["sha256"]: each["name"] for each in self.expected}
        wrong = [(each["name"], told.get(each["sha256"])) for each in self.weights
                 if each["name"] in told.values() and told.get(each["sha256"]) != each["name"]]
        if wrong and GUESSED_NAMES not in self.notes:
            yield f"wrong names without a note: {wrong[:2]}"
        if self.file.layout == "legacy-weights" or self.truth["family"] == "keras3":
            layers = {each["name"]: each["layer"].split("/")[0] for each in self.expected}
            strayed = [each["name"] for each in self.weights if each["sha256"] in told
                       and each["layer"].split("/")[0] != layers[told[each["sha256"]]]]
            if strayed and not self.file.is_handmade:
                yield f"wrong layers: {strayed[:3]}"

    def tie_problems(self) -> Iterator[str]:
        """Each tie must be one that Keras has, judged by the owner's bytes and not by its name."""
        names = {each["sha256"]: each["name"] for each in self.expected}
        shown = {each["name"]: each["sha256"] for each in self.weights}
        truth = {(CANONICAL_SLOTS.get(each["slot"], each["slot"]), each["variable"]): each["sha256"]
                 for each in (self.truth["optimizer"] or {"slots": []})["slots"]}
        for each in self.slots:
            owner = names.get(shown.get(each["variable"], ""))
            if owner is None and self.truth["name"] == "lora":
                owner = each["variable"]  # The merged kernel.
            if truth.get((each["slot"], owner)) != each["sha256"]:
                yield f"WRONG TIE: {each['name']}, whose owner Keras calls {owner}"

    def optimizer_problems(self, truth: Mapping[str, Any]) -> Iterator[str]:
        """Its numbers, and that every slot is there, tied or noted."""
        if not self.stores_optimizer():
            if self.slots or self.others:
                yield "optimizer variables where Keras stores none"
            return
        optimizer = self.shown["optimizer"] or {}
        expected_class = truth["className"]
        if self.file.layout in ("archive", "directory") and expected_class.startswith("LossScale") \
                and (self.truth["family"] == "keras3" or self.truth.get("prepared") != "resave"):
            # What `compile` was given; Keras wraps it by itself. Keras 2 knows no better than what it
            # loaded, and saves the wrapper.
            expected_class = truth.get("innerClassName", "Adagrad")
        if self.tells_names and self.tells_class() and optimizer.get("className") != expected_class:
            yield f"optimizer {optimizer.get('className')}, expected {expected_class}"
        if optimizer.get("iterations") != truth["iterations"]:
            yield f"iterations {optimizer.get('iterations')}, expected {truth['iterations']}"
        rate = optimizer.get("learningRate")
        stores_rate = self.tells_names or self.truth["family"] == "keras3"
        expected_rate = self.expected_rate(truth)
        if expected_rate is not None and (rate is not None or stores_rate) and (
                rate is None or abs(rate - expected_rate) > 1e-9):
            yield f"rate {rate}, expected {expected_rate}"
        slots = Counter(each["sha256"] for each in truth["slots"])
        found = Counter(each["sha256"] for each in [*self.slots, *self.others] if "sha256" in each)
        missing = slots - found
        if missing:
            yield f"{missing.total()} slots are not shown"
        open_slots = slots - Counter(each["sha256"] for each in self.slots)
        is_known = self.tells_class() and truth.get("innerClassName", "Adagrad") in KNOWN_CLASSES
        has_order = self.truth["name"] not in OPEN_TIES \
            and self.truth.get("prepared") not in ("freeze", "thaw")
        if self.tells_names and is_known and has_order and open_slots:
            yield f"{open_slots.total()} of {slots.total()} slots are not tied"
        if open_slots and UNPROVEN not in self.notes:
            yield "slots left open without a note"

    def expected_rate(self, truth: Mapping[str, Any]) -> float | None:
        """Keras 2 writes a rate's variable nowhere: what stands in the configuration is what it was
        when saved."""
        return truth["learningRate"]

    def tells_class(self) -> bool:
        """Keras 3 loses the optimizer's configuration when it saved the whole model before."""
        return self.truth["name"] != "whole_model_first" or self.file.layout == "whole-model"

    def stores_optimizer(self) -> bool:
        """Keras 2's v3 layouts leave out the legacy classes."""
        is_legacy = self.truth["name"] in ("legacy_adagrad", "mixed_precision_legacy") \
            or self.truth["optimizer"].get("isLegacy", False)
        return not is_legacy or self.file.layout == "whole-model"


NOTES = (
    ("averages_in_weights", None, "whole-model", "equal their moving averages"),
    ("averages_in_weights", None, "archive", "equal their moving averages"),
    ("bfloat16", None, "whole-model", "cannot read it back"),
    ("bfloat16", "keras2", "archive", "cannot read it back"),
    ("int8", "keras3", "archive", "Keras drops its whole state"),
    ("legacy_adagrad", None, "archive", "leaves the state of its legacy optimizer classes out"),
    ("lora", "keras3", "archive", "merged into the kernel"),
    ("mixed_precision", "keras2", "whole-model", "scales its loss"),
    ("mixed_precision", "tf_keras", "whole-model", "scales its loss"),
    ("sequential", "keras2", "weights", "class of its optimizer"),
    ("sequential", "keras3", "whole-model", "restores only the counter and the rate"),
    ("sequential", "tf_keras", "weights", "class of its optimizer"),
    ("short_loss", "keras3", "whole-model", "short name `mse`"),
    ("thawed", None, "archive", "frozen or thawed in between"),
    ("whole_model_first", "keras3", "archive", "compile_config names no optimizer"),
)
"""Row, family (any if None), layout: traps of Keras that the reader must tell in these words."""

KNOWN_CLASSES = frozenset({"Adagrad", "SGD", "RMSprop", "Adam", "AdamW"})
"""Optimizers whose slots Cairn knows by name."""

OPEN_TIES = frozenset({"lora", "int8", "thawed", "frozen_after_training",
                       "frozen_wrapped"})
"""Rows in which Keras's own order does not tell the owners, or a class is unknown."""

OTHER_ORDER = frozenset({"lora", "int8"})
"""Rows in which Keras numbers the variables of a layer otherwise than its lists."""


def expected_weights(file: File) -> list[dict[str, Any]]:
    """The truth about the model's variables, in model order.

    The v3 layouts hold the product of LoRA's matrices merged into the kernel, and no matrices: the
    truth cannot know its bytes.
    """
    variables = list(file.truth["variables"])
    if file.truth["name"] == "lora" and file.layout != "whole-model":
        return [each for each in variables
                if each["layer"] != "left" or each["name"] == "left/bias"]
    return variables


def _named(each: Mapping[str, Any], has_name: bool) -> tuple:
    keys = ("name", "layer") if has_name else ("layer",)
    return tuple(str(each[key]) for key in (*keys, *TENSOR))


def _tensor(each: Mapping[str, Any]) -> tuple:
    return tuple(str(each[key]) for key in TENSOR)


def _differences(what: str, found: Any, expected: Any) -> Iterator[str]:
    found, expected = Counter(found), Counter(expected)
    for each in sorted((expected - found).elements()):
        yield f"{what} missing: {' '.join(each)[:150]}"
    for each in sorted((found - expected).elements()):
        yield f"{what} too many: {' '.join(each)[:150]}"
