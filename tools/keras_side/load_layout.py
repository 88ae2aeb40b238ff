"""Opens a checkpoint in the layouts of several files with real Keras 3, and says what it then holds.

A folder is loaded as a model. A `.weights.json` is loaded into the model of `--model`, all of whose
variables are zeroed before. Prints the truth as JSON; any warning of Keras is an error.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path

import numpy as np

from keras_side.generation import current
from keras_side.truth import describe


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    generation = current()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = generation.keras.models.load_model(arguments.model or arguments.file)
        if arguments.model is not None:
            for variable in [*model.weights, *model.optimizer.variables]:
                variable.assign(np.zeros(variable.shape, variable.dtype))
            model.load_weights(arguments.file)
    print(json.dumps(describe(generation, model)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
