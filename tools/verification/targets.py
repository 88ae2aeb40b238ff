"""What files of the matrix are converted from, and to what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Whose environment loads what the profile is, and how it is asked for."""

    environment: str
    layout: str
    suffix: str
    options: tuple[str, ...] = ()


TARGETS = {
    "keras2-h5": Target("keras2", "whole-model", ".h5"),
    # Legacy weights have no place for an optimizer, whoever writes them.
    "keras2-weights-h5": Target("keras2", "legacy-weights", ".h5", ("--accept-loss",)),
    "keras2-weights": Target("keras2", "weights", ".weights.h5"),
    "keras2-archive": Target("keras2", "archive", ".keras"),
    "tf-keras-h5": Target("tfkeras", "whole-model", ".h5"),
    "tf-keras-archive": Target("tfkeras", "archive", ".keras"),
    "tf-keras-weights-h5": Target("tfkeras", "legacy-weights", ".h5", ("--accept-loss",)),
    "tf-keras-weights": Target("tfkeras", "weights", ".weights.h5"),
    "keras3-h5": Target("keras3", "whole-model", ".h5"),
    "keras3-weights": Target("keras3", "weights", ".weights.h5"),
    "keras3-archive": Target("keras3", "archive", ".keras"),
    # Every layer's variables are spread over several files.
    "keras3-sharded": Target("keras3", "sharded", ".weights.json", ("--max-shard-size", "64")),
    "keras3-directory": Target("keras3", "directory", ""),
}
SOURCES = {"keras2": "whole-model", "tf_keras": "archive", "keras3": "archive"}
"""What is converted: a layout that holds everything."""
