"""What a checkpoint holds, from either side, in one shape that can be compared."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping


CANONICAL_SLOTS = {"m": "momentum", "v": "velocity", "vhat": "velocity_hat"}
"""Keras 2's words for slots that have another name in Cairn."""


@dataclass(frozen=True)
class Contents:
    """Digests of weights by name and of slots by (slot, owner), and the optimizer's numbers."""

    weights: dict[str, str]
    slots: dict[tuple[str, str], str]
    numbers: dict[str, float]

    @classmethod
    def shown(cls, report: Mapping[str, Any]) -> Contents:
        """From `checkpoint-inspect show --format json --digests`."""
        variables = report["variables"]
        optimizer = report.get("optimizer") or {}
        return cls(
            weights={entry["name"]: entry["sha256"] for entry in variables
                     if entry["role"] == "weight"},
            slots={(entry["slot"], entry["variable"]): entry["sha256"] for entry in variables
                   if entry["role"] == "slot"},
            numbers=_numbers(optimizer))

    @classmethod
    def told(cls, truth: Mapping[str, Any]) -> Contents:
        """From what Keras said about its live objects."""
        return cls(
            weights={entry["name"]: entry["sha256"] for entry in truth["variables"]},
            slots={(CANONICAL_SLOTS.get(entry["slot"], entry["slot"]), entry["variable"]):
                   entry["sha256"] for entry in truth["optimizer"]["slots"]},
            numbers=_numbers(truth["optimizer"]))


def dataset_digests(report: Mapping[str, Any]) -> dict[str, str]:
    """Digest by dataset path, as Cairn shows it."""
    return {"/" + entry["datasetPath"].lstrip("/"): entry["sha256"]
            for entry in report["variables"]}


def read_json(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text("utf-8"))


def _numbers(optimizer: Mapping[str, Any]) -> dict[str, float]:
    """Iterations and rate; the rate is float32 wherever it comes from."""
    numbers = {}
    if optimizer.get("iterations") is not None:
        numbers["iterations"] = optimizer["iterations"]
    if optimizer.get("learningRate") is not None:
        as_float32 = struct.pack("f", optimizer["learningRate"])
        numbers["learning rate"] = struct.unpack("f", as_float32)[0]
    return numbers
