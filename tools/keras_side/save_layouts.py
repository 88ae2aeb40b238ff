"""Saves one of the fixture models, trained as `save_model` trains it, in the layouts of several files.

Writes NAME.weights.json with its shards and the folder NAME.directory. The truth about both is
NAME.truth.json, as `save_model` writes it: the training is the same to the bit.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from keras_side.generation import current
from keras_side.models import MODELS
from keras_side.save_model import train

SHARD_BYTES = 2000
"""Small enough for a group of variables to be spread over two shards."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    generation = current()
    example = train(generation, arguments.model)
    folder = arguments.folder.resolve()  # Keras puts the assets of a relative folder elsewhere.
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(f"{arguments.model}_0*.weights.h5"):
        stale.unlink()
    example.model.save_weights(str(folder / f"{arguments.model}.weights.json"),
                               max_shard_size=SHARD_BYTES / 1024**3)
    directory = folder / f"{arguments.model}.directory"
    shutil.rmtree(directory, ignore_errors=True)
    example.model.save(str(directory), zipped=False)
    # The time of saving would differ the next time.
    metadata = json.loads((directory / "metadata.json").read_text("utf-8"))
    metadata["date_saved"] = "2024-05-06@07:08:09"
    (directory / "metadata.json").write_text(json.dumps(metadata), "utf-8")
    print(f"{folder / arguments.model}: {sorted(each.name for each in directory.iterdir())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
