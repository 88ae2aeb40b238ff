"""Opens each of the given checkpoints with Keras; prints, as JSON, by path, what went wrong, or null."""

from __future__ import annotations

import argparse
import json
import warnings
from typing import Any

import numpy as np

from keras_side.digits_network import compile_model
from keras_side.generation import current


def problem(path: str, model_path: str | None) -> str | None:
    """What Keras says of the file; a warning, too, is something wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            if model_path and not is_model(path):
                architecture = current().keras.models.load_model(model_path).to_json()
                return problem_of_weights(path, current().keras.models.model_from_json(architecture))
            model = current().keras.models.load_model(path)
            if not model.optimizer or int(model.optimizer.iterations) < 1:
                return "it came without its optimizer's state"
    except Exception as error:  # whatever Keras raises is the answer
        return f"{type(error).__name__}: {error}"[:300]
    return None


def is_model(path: str) -> bool:
    """Whether a file holds an architecture where Keras looks for it."""
    if path.endswith((".weights.h5", ".weights.json")):
        return False
    if not path.endswith(".h5"):
        return True
    import h5py

    with h5py.File(path) as file:
        return "model_config" in file.attrs


def problem_of_weights(path: str, model: Any) -> str | None:
    """Loads weights into a model that has none of them yet."""
    holds_optimizer = path.endswith((".weights.h5", ".weights.json"))
    if holds_optimizer:
        # With a learning rate that is not the file's.
        compile_model(current(), model, rate=0.75, ema=0.9)
    for variable in model.weights:
        variable.assign(np.full(variable.shape, 123))
    model.load_weights(path)
    if holds_optimizer and int(model.optimizer.iterations) < 1:
        return "it came without its optimizer's state"
    left = [variable.name for variable in model.weights if np.all(np.asarray(variable) == 123)]
    return f"it gave no values to {', '.join(left)}" if left else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="the model into which files of weights alone are loaded")
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    print(json.dumps({path: problem(path, arguments.model) for path in arguments.paths}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
