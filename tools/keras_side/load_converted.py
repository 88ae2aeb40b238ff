"""Opens files of matrix rows, and says what the loaded Keras objects then hold, and what Keras said.

Reads a JSON list of jobs and writes a list with an answer for each. A job is `row`, `file` and `layout`;
without `file`, the row is only made, to hear whether this Keras can. `architecture` is a saved model into
which weights go instead of the row's own; `dtypes` and `slotDtypes` say in which dtypes the source held
what this Keras may hold in wider ones. An answer has `holds`, `outputs` and `modes`, as the truth of the matrix
has them, `trained` where that tells of a further step, or `refused` with Keras's words; and `said`,
its warnings.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, Mapping

import numpy as np

from keras_side import plain_kernels  # noqa: F401  Before TensorFlow.
import tensorflow as tf

from keras_side import further_step, matrix_truth
from keras_side.generation import Generation, current
from keras_side.random_models import PREFIX, row as row_named
from keras_side.save_matrix import SEED, modes, outputs, set_policy, trained


def load(generation: Generation, job: Mapping[str, Any]) -> Any:
    """The model as this Keras loads it: whole, or its weights into a model of the same making."""
    keras = generation.keras
    keras.backend.clear_session()
    row = row_named(job["row"])
    if generation.family != "keras3" and row.optimizer is not None:
        # A row of Keras 3's own reaches the other Keras without what that does not know.
        row = replace(row, optimizer={key: value for key, value in row.optimizer.items()
                                      if key != "gradient_accumulation_steps"})
    if generation.family == "keras3":
        # Which has one Adagrad, where Keras 2 has an old one and a new one.
        row = replace(row, optimizer_class=row.optimizer_class.removeprefix("legacy."))
    if job["layout"] in ("whole-model", "archive", "directory"):
        if not job["row"].startswith(PREFIX):
            row.build(generation)  # Registers classes of the row's own.
            keras.backend.clear_session()
        return keras.models.load_model(job["file"])
    if "architecture" in job:
        model = keras.models.load_model(job["architecture"])
        if job["architecture"].endswith(".h5") and model.optimizer is not None:
            # Keras 2 has made its metrics there, and would look for them among the weights.
            model.compile(model.optimizer, model.loss)
        kept = getattr(getattr(model, "optimizer", None), "variables", [])
        # The legacy classes have a method of that name.
        for variable in [*model.variables, *(kept() if callable(kept) else kept)]:
            variable.assign(np.zeros(variable.shape, generation.array(variable).dtype))
        model.load_weights(job["file"])
        return model
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


def in_source_dtypes(generation: Generation, model: Any, holds: dict[str, Any],
                     job: Mapping[str, Any]) -> None:
    """Describes what is held in a wider dtype than the source's by the source's, where that loses nothing.

    Keras 2 keeps the variables of BatchNormalization in float32 whatever the policy.
    """
    owned = {each.name: each.variable for each in matrix_truth.variables(generation, model)}
    for entry in holds["variables"]:
        narrow(generation, owned[entry["name"]], entry, job.get("dtypes", {}).get(entry["name"]))
    if holds["optimizer"] is None:
        return
    compiled = model.optimizer
    optimizer = getattr(compiled, "inner_optimizer", compiled)
    for entry in holds["optimizer"]["slots"]:
        slots = matrix_truth.slots(generation, optimizer, owned[entry["variable"]])
        key = f"{entry['slot']}/{entry['variable']}"
        narrow(generation, slots[entry["slot"]], entry, job.get("slotDtypes", {}).get(key))


def narrow(generation: Generation, variable: Any, entry: dict[str, Any], dtype: str | None) -> None:
    """Describes one tensor by another dtype if that holds the same numbers."""
    if dtype in (None, entry["dtype"]):
        return
    value = generation.array(variable)
    narrower = value.astype(tf.as_dtype(dtype).as_numpy_dtype)
    if np.array_equal(narrower.astype(value.dtype), value):
        entry |= matrix_truth.tensor(narrower)


def make(generation: Generation, job: Mapping[str, Any]) -> Any:
    """The trained model of a row, whether or not this Keras is one of those that have it."""
    generation.keras.backend.clear_session()
    row = row_named(job["row"])
    set_policy(generation, row.policy or "float32")
    try:
        model = trained(generation, row, np.random.RandomState(SEED))
        return model if row.prepare is None else row.prepare(generation, model)
    finally:
        set_policy(generation, "float32")


@contextmanager
def listening() -> Iterator[list[str]]:
    """What Keras warns of meanwhile, through `warnings` or a logger, each warning once."""
    said: list[str] = []

    class Ear(logging.Handler):
        """Keeps the words of warnings."""

        def emit(self, record: logging.LogRecord) -> None:
            words = record.getMessage()
            if not words.startswith("Mixed precision compatibility check"):
                said.append(words)

    ear = Ear(logging.WARNING)
    loggers = [logging.getLogger(name) for name in ("tensorflow", "absl")]
    for logger in loggers:
        logger.addHandler(ear)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            yield said
        said += [str(each.message) for each in caught if issubclass(each.category, UserWarning)]
        said[:] = list(dict.fromkeys(" ".join(words.split())[:300] for words in said))
    finally:
        for logger in loggers:
            logger.removeHandler(ear)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=Path, required=True)
    parser.add_argument("--answers", type=Path, required=True)
    arguments = parser.parse_args()
    generation = current()
    answers = []
    for job in json.loads(arguments.jobs.read_text("utf-8")):
        answer: dict[str, Any] = {}
        with listening() as said:
            try:
                model = (load if "file" in job else make)(generation, job)
                holds = matrix_truth.describe(generation, model)
                in_source_dtypes(generation, model, holds, job)
                answer = {"holds": holds, "outputs": outputs(generation, model),
                          "modes": modes(generation, model)}
                if job.get("trainsOn"):
                    answer["trained"] = further_step.take(generation, model)
            except Exception as error:  # Whatever Keras raises is the answer.
                answer = {"refused": f"{type(error).__name__}: {str(error).strip()[:300]}"}
        answers.append(answer | {"said": said})
    arguments.answers.write_text(json.dumps(answers), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
