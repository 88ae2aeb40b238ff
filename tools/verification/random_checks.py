"""Models that nobody wrote by hand, through everything that is done with files of the matrix.

For each seed every Keras makes, trains and saves the row `random-SEED`. Of each model are checked:

- every file, as `show` tells it, against the truth of the live objects;
- its conversion to every profile: the Keras that the profile is for loads it, every variable is equal, the
  model answers alike, training changes the same outputs, and a further step of it has the same loss and
  leads to the same weights;
- `diff` finds the original and each conversion that names its tensors the same, and a conversion back to the
  original's profile has every bit and the configuration of the original;
- every other file of it with an architecture, converted likewise, is the same by `diff`;
- `restore` by rules exchanges two layers of the same shapes, with their slots, and moves nothing else.

Where something does not arrive, the Keras concerned is asked what it makes of a file of that kind that it
wrote itself: if it does no better, that is counted as its limit. A refusal has to name file, object, what
was expected, what was found, and a cure, and to be one of the committed ones (`refusals.py`); with
`--accept-loss` the file is then written and has to hold everything else. Refusals are counted by reason.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Iterator, Mapping

import generate_fixtures
import keras_environments as environments
from verification import own_files
from verification.binaries import Binaries, CommandFailure
from verification.conversion_checks import ACROSS, TOLERANCE, Conversions, lacks
from verification.matrix_checks import File, check_matrix, files
from verification.refusals import FORM
from verification.report import Report
from verification.targets import TARGETS

BATCH = 20
"""Models that one process of Keras makes or loads: it starts slowly."""
WITH_ARCHITECTURE = ("whole-model", "archive", "directory")
PROFILES = {"keras2": {"whole-model": "keras2-h5", "archive": "keras2-archive"},
            "tf_keras": {"archive": "tf-keras-archive", "whole-model": "tf-keras-h5"},
            "keras3": {"archive": "keras3-archive", "whole-model": "keras3-h5"}}
"""What a model is converted from, by preference, and how its own profile is called."""


def check_random(report: Report, cairn: Binaries, folder: Path, seed: int, count: int,
                 fraction: float = 1) -> None:
    """Checks the models of `count` seeds from `seed` on; what fails is reported with its seed.

    Keras loads a `fraction` of the conversions, which takes most of the time.
    """
    report.is_quiet = True
    tally: Counter[str] = Counter()
    limits: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    for first in range(seed, seed + count, BATCH):
        names = [f"random-{each}" for each in range(first, min(first + BATCH, seed + count))]
        work = folder / names[0]
        with report.section(f"{names[0]} to {names[-1]}"):
            RandomModels(report, cairn, work, names, fraction, tally, limits, refusals).run()
        if report.failed == 0:
            shutil.rmtree(work)
        print(f"random models up to {names[-1]}: {report.passed} checks passed, "
              f"{report.failed} failed", flush=True)
    report.is_quiet = False
    for words, number in limits.most_common():
        print(f"limit   {number:4} {words}")
    for reason, number in refusals.most_common():
        print(f"refused {number:4} {reason}")
    report.check("random models", report.failed == 0, ", ".join(
        f"{number} {what}" for what, number in sorted(tally.items())))


class RandomModels:
    """The models of some seeds."""

    def __init__(self, report: Report, cairn: Binaries, folder: Path, names: list[str],
                 fraction: float, tally: Counter[str], limits: Counter[str],
                 refusals: Counter[str]) -> None:
        self.report = report
        self.cairn = cairn
        self.saved = folder / "saved"
        self.folder = folder / "converted"
        self.names = names
        self.fraction = fraction
        self.tally = tally
        self.limits = limits
        self.refusals = refusals

    def run(self) -> None:
        """Everything."""
        self.save()
        self.tally["files"] += sum(1 for _ in files(self.saved))
        check_matrix(self.report, self.cairn, self.saved)
        conversions = Conversions(
            self.cairn, self.saved, self.folder, sources(self.saved),
            lambda file, profile: random.Random(file.label + profile).random() < self.fraction,
            accepts_losses=True)
        self.tally["sources"] += len(conversions.sources)
        conversions.run()
        self.judge(conversions)
        for file in conversions.sources:
            with self.report.section(f"{file.label}, without Keras"):
                self.check_diffs(file, conversions)
                self.check_restore(file)

    def save(self) -> None:
        """Every Keras makes every row that it can."""
        for environment in generate_fixtures.ENVIRONMENTS:
            words = [word for name in self.names for word in ("--row", name)]
            home = self.saved / generate_fixtures.ENVIRONMENTS[environment]
            for line in environments.run(environment, "keras_side.save_matrix",
                                         ["--folder", str(home), "--tolerant", *words]).splitlines():
                if not line.startswith("{"):
                    continue
                row = json.loads(line)
                self.tally["models" if "files" in row else "not made"] += 1
                if "failed" in row:
                    self.limit(f"{environment} cannot make: {row['failed']}")
                for layout, reason in row.get("refused", {}).items():
                    self.limit(f"{environment} cannot save {layout}: {reason}")

    def limit(self, words: str) -> None:
        """Counts one limit of Keras, whatever names it tells."""
        settled = re.sub(r"(['\"`]).*?\1", "'...'", words)
        self.limits[re.sub(r"\d+", "N", settled)[:160]] += 1

    def judge(self, conversions: Conversions) -> None:
        """Each conversion arrived, or some Keras cannot do it, or the refusal is a good one."""
        incomplete = {(cell, row): words for cell, rows in conversions.outcomes.items()
                      for row, words in rows.items() if words}
        layouts = {(file.truth["family"], file.truth["name"]): file.layout
                   for file in conversions.sources}
        transcripts = own_files.record(
            self.saved, self.folder, {kind for cell, row in incomplete
                                      for kind in kinds(cell, row, layouts)}, lacks)
        for cell, rows in conversions.outcomes.items():
            for row, words in rows.items():
                self.tally["conversions"] += 1
                name = f"{row}, {cell}"
                refusal = conversions.refusals[cell].get(row)
                if refusal is not None:
                    self.tally["refusals"] += 1
                    self.report.check(f"{name}: refused", not refusal.problem, refusal.problem)
                    for reason in refusal.reasons:
                        self.refusals[reason] += 1
                    if words.startswith("Cairn: "):
                        continue  # Nothing of it can be written.
                if not words:
                    self.report.check(name, True)
                    continue
                own = [transcripts.get(f"{environment} {layout}", {}).get(row, {}).get("lacks", "")
                       for environment, layout, row in kinds(cell, row, layouts)]
                given_up = refusal.lacks if refusal is not None else set()
                is_limit = lacking(words) <= lacking(own[0]) | lacking(own[1]) | given_up
                if is_limit:
                    self.tally["limits of Keras"] += 1
                    self.limit(f"{cell}: {words[:90]} [own: {own[0][:60]} | {own[1][:60]}]")
                self.report.check(name, is_limit, f"{words} [own: {own[0]} | {own[1]}]")

    # MARK: Without Keras

    def check_diffs(self, file: File, conversions: Conversions) -> None:
        """The original against all that was made of it."""
        family, name = file.truth["family"], file.truth["name"]
        profile = PROFILES[family][file.layout]
        original = self.cairn.show(file.path)
        for other in TARGETS:
            converted = self.converted(file, other)
            if not converted.exists():
                continue
            if name in conversions.refusals[f"{family} to {other}"]:
                continue  # It was written with a loss.
            self.expect_same(f"{name}, {family} to {other}: diff", file.path, converted)
            back = self.folder / f"back{file.path.suffix}"
            if not self.convert(f"{name}, {family} to {other} and back", converted, back, profile,
                                limit=f"{family} from {other} back"):
                continue
            self.tally["round trips"] += 1
            problems = list(differences(original, self.cairn.show(back)))
            self.report.check(f"{name}, {family} to {other} and back", not problems,
                              "; ".join(problems[:3]))
        for other in files(self.saved):
            if (other.truth["family"], other.truth["name"]) != (family, name) \
                    or other.layout == file.layout or other.layout not in WITH_ARCHITECTURE:
                continue
            made = self.folder / f"other{file.path.suffix}"
            if not self.convert(f"{other.label} to {profile}", other.path, made, profile,
                                limit=f"{family} {other.layout} to {profile}"):
                continue
            self.expect_same(f"{other.label} to {profile}: diff", other.path, made)

    def convert(self, name: str, source: Path, target: Path, profile: str, limit: str) -> bool:
        """Whether Cairn converts; a refusal, which must be a whole one, counts under `limit`."""
        try:
            self.cairn.convert(source, target, profile, "--force")
        except CommandFailure as failure:
            words = str(failure).split("checkpoint-inspect: ")[-1]
            self.report.check(name, FORM.search(words) is not None, words)
            self.limit(f"{limit}: {words}")
            return False
        return True

    def expect_same(self, name: str, one: Path, other: Path) -> None:
        """`diff` finds no difference."""
        self.tally["diffs"] += 1
        try:
            self.cairn.diff(one, other)
        except CommandFailure as failure:
            self.report.check(name, False, " ".join(str(failure).split())[-400:])
        else:
            self.report.check(name, True)

    def converted(self, file: File, profile: str) -> Path:
        """Where a conversion lies."""
        name = f"{file.truth['family']}-to-{profile}"
        return self.folder / name / f"{file.truth['name']}{TARGETS[profile].suffix}"

    def check_restore(self, file: File) -> None:
        """Two layers of equal shapes exchange their weights and slots; nothing else moves."""
        shown = self.cairn.show(file.path)
        weights = {each["name"]: each for each in shown["variables"] if each["role"] == "weight"}
        by_layer: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
        for each in weights.values():
            by_layer[each["layer"]][each["name"].removeprefix(each["layer"] + "/")] = each
        slots = {(each["slot"], each["variable"]): each for each in shown["variables"]
                 if each["role"] == "slot"}

        def form(layer: str) -> Any:
            return sorted((name, each["shape"], each["dtype"],
                           sorted(slot for slot, owner in slots if owner == each["name"]))
                          for name, each in by_layer[layer].items())

        choice = random.Random(file.label)
        pairs = [(one, other) for one in by_layer for other in by_layer
                 if one != other and form(one) == form(other)
                 and not set("*?[\\=") & set(one + other)]
        if not pairs:
            return
        one, other = choice.choice(pairs)
        output = self.folder / f"restored{file.path.suffix}"
        self.tally["restores"] += 1
        taken = [each["name"] for layer in (one, other) for each in by_layer[layer].values()]
        taken += [each["name"] for (_, owner), each in slots.items() if owner in taken]
        only = [word for name in taken for word in ("--only", name)]
        self.cairn.restore(file.path, file.path, output, *only, "--rename", f"{one}/*={other}/*",
                           "--rename", f"{other}/*={one}/*", "--force")
        restored = {each["name"]: each.get("sha256")
                    for each in self.cairn.show(output)["variables"]}
        expected = {each["name"]: each.get("sha256") for each in shown["variables"]}
        for source, goal in ((one, other), (other, one)):
            for name, each in by_layer[source].items():
                target = f"{goal}/{name}"
                expected[target] = each["sha256"]
                for (slot, owner), value in slots.items():
                    if owner == each["name"]:
                        expected[slots[slot, target]["name"]] = value["sha256"]
        self.report.check_equal(f"{file.label}: {one} and {other} exchanged", restored, expected)


def lacking(words: str) -> set[str]:
    """What is said to be lacking, in a few words that can be compared."""
    kinds = ("variables", "slots", "optimizer", "iterations", "learningRate", "lossScale", "outputs",
             "modes", "further step")
    if words.startswith(("Keras: ", "cannot be ")):
        return {"everything", *kinds}
    return {kind for kind in kinds if kind in words} or ({words} if words else set())


def sources(saved: Path) -> list[File]:
    """What is converted: of each model a file that tells everything."""
    found: dict[tuple[str, str], File] = {}
    for file in files(saved):
        family = file.truth["family"]
        preferred = list(PROFILES[family])
        key = (family, file.truth["name"])
        if file.layout in preferred and (key not in found or preferred.index(file.layout)
                                         < preferred.index(found[key].layout)):
            found[key] = file
    return list(found.values())


def kinds(cell: str, row: str, layouts: Mapping[tuple[str, str], str]) -> list[own_files.Kind]:
    """The target's own file of the row, and the source itself."""
    family, profile = cell.split(" to ")
    target = TARGETS[profile]
    return [(target.environment, target.layout, row),
            (family.replace("_", ""), layouts[family, row], row)]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What a conversion and its way back changed."""
    keys = ("name", "role", "slot", "variable", "layer", "shape", "dtype", "sha256")
    one, other = (Counter(tuple(str(each.get(key)) for key in keys) for each in side["variables"]
                          if not each["datasetPath"].startswith("/metrics/"))
                  for side in (before, after))
    for each in sorted((one - other).elements()):
        yield f"missing: {' '.join(each)[:200]}"
    for each in sorted((other - one).elements()):
        yield f"too many: {' '.join(each)[:200]}"
    for key in ("layout", "dialect", "model"):
        if before[key] != after[key]:
            yield f"{key}: {first_difference(before[key], after[key])}"
    if (before["optimizer"] is None) != (after["optimizer"] is None):
        yield "the optimizer"
    elif before["optimizer"] is not None:
        for key in ("className", "iterations", "learningRate", "configuration"):
            if before["optimizer"][key] != after["optimizer"][key]:
                yield f"optimizer {key}: " + first_difference(
                    before["optimizer"][key], after["optimizer"][key])


def first_difference(one: Any, other: Any, path: str = "") -> str:
    """Where two JSON values differ first, in words."""
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            return f"{path}: keys {sorted(set(one) ^ set(other)) or 'in another order'}"
        for key in one:
            if one[key] != other[key]:
                return first_difference(one[key], other[key], f"{path}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other)):
            if left != right:
                return first_difference(left, right, f"{path}[{index}]")
    return f"{path}: {str(one)[:80]} became {str(other)[:80]}"
