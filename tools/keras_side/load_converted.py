"""Opens files that Cairn converted, and says what the loaded Keras objects then hold.

Reads a JSON list of jobs (`row`, `file`, `layout`) and writes a list with an answer for each:
`holds` and `outputs`, as the truth of the matrix has them, or `refused` with Keras's words.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from keras_side import matrix_truth
from keras_side.generation import Generation, current
from keras_side.matrix_options import ROWS
from keras_side.save_matrix import SEED, outputs, set_policy, trained


def load(generation: Generation, job: Mapping[str, Any]) -> Any:
    """The model as this Keras loads it: whole, or its weights into a model of the same making."""
    keras = generation.keras
    keras.backend.clear_session()
    row = ROWS[job["row"]]
    if generation.family != "keras3" and row.optimizer is not None:
        # A row of Keras 3's own reaches the other Keras without what that does not know.
        row = replace(row, optimizer={key: value for key, value in row.optimizer.items()
                                      if key != "gradient_accumulation_steps"})
    if job["layout"] in ("whole-model", "archive"):
        row.build(generation)  # Registers classes of the row's own.
        keras.backend.clear_session()
        return keras.models.load_model(job["file"])
    set_policy(generation, row.policy or "float32")
    try:
        # Not a step of training: Keras 2 would then ask for its metrics, which no conversion has.
        model = trained(generation, replace(row, steps=0), np.random.RandomState(SEED + 1))
        if row.optimizer is not None and hasattr(model.optimizer, "build"):
            model.optimizer.build(model.trainable_variables)
        model.load_weights(job["file"])
    finally:
        set_policy(generation, "float32")
    return model


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=Path, required=True)
    parser.add_argument("--answers", type=Path, required=True)
    arguments = parser.parse_args()
    generation = current()
    answers = []
    for job in json.loads(arguments.jobs.read_text("utf-8")):
        try:
            model = load(generation, job)
            answers.append({"holds": matrix_truth.describe(generation, model),
                            "outputs": outputs(generation, model)})
        except Exception as error:  # Whatever Keras raises is the answer.
            answers.append({"refused": f"{type(error).__name__}: {str(error).strip()[:300]}"})
    arguments.answers.write_text(json.dumps(answers), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
