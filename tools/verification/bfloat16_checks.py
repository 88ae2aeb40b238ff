"""bfloat16 as Keras 3 itself stores it: what `convert --bfloat16 native` writes, before real Keras 3."""

from __future__ import annotations

import json
from pathlib import Path

import keras_environments as environments
from verification.binaries import Binaries
from verification.contents import read_json
from verification.conversion_checks import missing, other_outputs
from verification.matrix_checks import files
from verification.report import Report
from verification.targets import TARGETS

ROW = "bfloat16"
PROFILES = ("keras3-weights", "keras3-archive", "keras3-sharded", "keras3-directory")


def check_bfloat16(report: Report, cairn: Binaries, saved: Path, folder: Path) -> None:
    """The row of pure bfloat16 by Keras 3, in every layout from which it reads it back."""
    folder.mkdir(parents=True)
    source = next(file for file in files(saved) if file.truth["name"] == ROW
                  and file.truth["family"] == "keras3" and file.layout == "archive")
    expected = sorted(each["sha256"] for each in source.truth["variables"])
    jobs = []
    for profile in PROFILES:
        target = TARGETS[profile]
        output = folder / f"{profile}{target.suffix}"
        cairn.convert(source.path, output, profile, *target.options, "--bfloat16", "native")
        stored = [each for each in cairn.show(output)["variables"] if each["role"] == "weight"]
        report.check(f"bfloat16 in {profile} has the bytes of Keras 3's variables",
                     expected == sorted(each["sha256"] for each in stored)
                     and {each["dtype"] for each in stored} == {"bfloat16"})
        jobs.append({"row": ROW, "file": str(output), "layout": target.layout})
    asked, answers = folder / "jobs.json", folder / "answers.json"
    asked.write_text(json.dumps(jobs), "utf-8")
    environments.run("keras3", "keras_side.load_converted",
                     ["--jobs", str(asked), "--answers", str(answers)])
    for profile, job, answer in zip(PROFILES, jobs, read_json(answers), strict=True):
        wrong = answer.get("refused") or missing(
            source.truth, answer["holds"], job["layout"]) or other_outputs(
            source.truth, answer["outputs"])
        report.check(f"bfloat16 in {profile} comes to Keras 3 bit for bit, slots included",
                     not wrong, wrong)
