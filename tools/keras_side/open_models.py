"""Opens each of the given models with Keras; prints, as JSON, by path, what went wrong, or null."""

from __future__ import annotations

import json
import sys
import warnings

from keras_side.generation import current


def problem(path: str) -> str | None:
    """What Keras says of the file; a warning, too, is something wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            model = current().keras.models.load_model(path)
            if not model.optimizer or int(model.optimizer.iterations) < 1:
                return "it came without its optimizer's state"
    except Exception as error:  # whatever Keras raises is the answer
        return f"{type(error).__name__}: {error}"[:300]
    return None


def main() -> int:
    print(json.dumps({path: problem(path) for path in sys.argv[1:]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
