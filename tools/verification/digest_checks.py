"""The digests in Cairn's files before a reader that knows their documentation only."""

from __future__ import annotations

import json
from pathlib import Path

import keras_environments as environments
from verification.binaries import Binaries
from verification.report import Report

PROFILES = {"keras2-weights": "k2.weights.h5", "tf-keras-weights": "tfk.weights.h5",
            "keras3-h5": "k3.h5", "keras3-weights": "k3.weights.h5"}
"""By profile, the name of a file that is one HDF5 file."""


def check_digests(report: Report, cairn: Binaries, fixtures: Path, folder: Path) -> None:
    """A model with averages in each layout of one file."""
    saved = fixtures / "keras-2.12" / "mlp_ema.h5"
    folder.mkdir(parents=True)
    files = [folder / name for name in PROFILES.values()]
    for profile, file in zip(PROFILES, files):
        cairn.convert(saved, file, profile)
    with report.section("digests"):
        told = json.loads(environments.run("keras3", "keras_side.read_digests", list(map(str, files))))
        for file, found in zip(files, told):
            verified = cairn.verify(file)
            report.check(f"{file.name}: a reader of the documentation finds the same root",
                         verified["roots"] == [found["root"]])
            tensors = [item for item in verified["items"] if item["subject"] == "tensor"]
            report.check(f"{file.name}: and the same tensors covered",
                         len(tensors) == len(found["covered"]))
