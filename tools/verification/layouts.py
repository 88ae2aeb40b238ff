"""Layouts of several files before real Keras 3, and exports before the libraries whose formats they are."""

from __future__ import annotations

import json
from pathlib import Path

import keras_environments as environments
from verification.binaries import Binaries
from verification.contents import Contents, read_json
from verification.report import Report

SHARD_SIZE = "1K"


def check_layouts(report: Report, cairn: Binaries, fixtures: Path, folder: Path) -> None:
    """Every model that either Keras wrote."""
    for generation in ("keras-2.12", "keras-3.15"):
        for truth_file in sorted((fixtures / generation).glob("*.truth.json")):
            saved = truth_file.with_name(truth_file.name.replace(".truth.json", ".h5"))
            work = folder / f"{generation}-{saved.stem}"
            with report.section(f"{generation}/{saved.name}"):
                work.mkdir(parents=True)
                check_layout(report, cairn, saved, read_json(truth_file), work)
                check_export(report, cairn, saved, read_json(truth_file), work)


def check_layout(
        report: Report, cairn: Binaries, saved: Path, truth: dict, work: Path) -> None:
    """The same as a folder and as shards, the latter written twice over each other."""
    label = f"{saved.parent.name}/{saved.name}"
    model, weights = work / "model", work / "x.weights.json"
    cairn.convert(saved, model, "keras3-directory")
    cairn.convert(saved, weights, "keras3-sharded", "--max-shard-size", "1M")
    cairn.convert(saved, weights, "keras3-sharded", "--max-shard-size", SHARD_SIZE, "--force")
    for what, arguments in (("as a folder", [str(model)]),
                            ("in shards", [str(weights), "--model", str(model)])):
        told = json.loads(environments.run("keras3", "keras_side.load_layout", arguments))
        found, expected = Contents.told(told), Contents.told(truth)
        # SGD without momentum keeps a velocity in Keras 2, which nothing reads, and none in Keras 3.
        has_slots = bool(expected.slots) and truth["optimizer"]["configuration"].get("momentum") != 0
        for kind in ("weights", "slots", "numbers") if has_slots else ("weights", "numbers"):
            report.check_equal(f"{label} {what} in Keras 3, {kind}", getattr(found, kind),
                               getattr(expected, kind))


def check_export(
        report: Report, cairn: Binaries, saved: Path, truth: dict, work: Path) -> None:
    """Both formats, there and back."""
    label = f"{saved.parent.name}/{saved.name}"
    expected = Contents.told(truth)
    digests = expected.weights | {f"{slot}/{owner}": digest
                                  for (slot, owner), digest in expected.slots.items()}
    for suffix in (".safetensors", ".npz"):
        exported, written = work / f"exported{suffix}", work / f"written{suffix}"
        cairn.export(saved, exported)
        written.mkdir()
        read = json.loads(environments.run("tensors", "tensors_side.exchange_tensors",
                                           [str(exported), "--folder", str(written)]))
        report.check_equal(f"{label} as {suffix} in Python",
                           {name: read.get(name) for name in digests}, digests)
        for file in sorted(written.iterdir()):
            found = Contents.shown(cairn.show(file))
            report.check_equal(f"{label} as {file.name} by Python, weights", found.weights,
                               expected.weights)
            if expected.slots:
                report.check_equal(f"{label} as {file.name} by Python, slots", found.slots,
                                   expected.slots)
