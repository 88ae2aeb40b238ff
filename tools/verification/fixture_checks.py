"""Files that Keras wrote, as they lie in Fixtures/, against the truth beside them."""

from __future__ import annotations

from pathlib import Path

from verification.binaries import Binaries
from verification.contents import Contents, dataset_digests, read_json
from verification.report import Report

SUPPORTED = (("keras-2.12", ".h5"), ("keras-3.15", ".h5"), ("keras-3.15", ".weights.h5"))
"""Generation and layout pairs that Cairn reads."""


def check_fixtures(report: Report, cairn: Binaries, fixtures: Path) -> None:
    """Every fixture in a supported layout."""
    for generation, suffix in SUPPORTED:
        for truth_file in sorted((fixtures / generation).glob("*.truth.json")):
            saved = truth_file.with_name(truth_file.name.replace(".truth.json", suffix))
            with report.section(f"{generation}/{saved.name}"):
                check_fixture(report, cairn, saved, read_json(truth_file))


def check_fixture(report: Report, cairn: Binaries, saved: Path, truth: dict) -> None:
    """Weights, slots, counter and rate of one file."""
    label = f"{saved.parent.name}/{saved.name} as Cairn shows it"
    shown = cairn.show(saved)
    found, expected = Contents.shown(shown), Contents.told(truth)
    report.check_equal(f"{label}, weights", found.weights, expected.weights)
    report.check_equal(f"{label}, numbers", found.numbers, expected.numbers)
    if saved.name.endswith(".weights.h5"):
        # Without a model configuration the owners of slots may be unknown; their places are not.
        # (Of Adagrad; other rules have orders of their own, which the whole-model files prove.)
        if truth["optimizer"]["className"] == "Adagrad":
            datasets = {path: digest for path, digest in dataset_digests(shown).items()
                        if path.startswith("/optimizer/vars/")}
            report.check_equal(f"{label}, slots by place",
                               {path: datasets.get(path) for path in slot_places(truth)},
                               slot_places(truth))
        report.check(f"{label}, no slot under another variable",
                     all(expected.slots.get(key) == digest for key, digest in found.slots.items()),
                     f"{len(found.slots)} of {len(expected.slots)} tied")
    elif expected.slots:
        report.check_equal(f"{label}, slots", found.slots, expected.slots)
    else:
        # Keras 3's SGD without momentum keeps none.
        report.check(f"{label}, no slots", not found.slots, f"{len(found.slots)} found")


def slot_places(truth: dict) -> dict[str, str]:
    """Keras 3's order: counter, rate, all averages, all accumulators."""
    slots = truth["optimizer"]["slots"]
    ordered = [entry for kind in ("average", "accumulator") for entry in slots
               if entry["slot"] == kind]
    return {f"/optimizer/vars/{index}": entry["sha256"] for index, entry in enumerate(ordered, 2)}
