"""Makes rows of the matrix: builds, trains, takes the truth, saves in every layout that Keras has.

Writes below the folder, for each row and each layout that this Keras can write:

  NAME.h5            whole model            NAME.weights.h5    weights
  NAME.legacy.h5     legacy weights         NAME.keras         archive
  NAME.directory     archive as a folder    NAME.sharded.weights.json  weights in shards
  NAME.truth.json    the truth, taken before; `refused` holds Keras's words where it cannot save

A row is one of the matrix, or `random-N` for what the seed N makes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np

from keras_side import plain_kernels  # noqa: F401  Before TensorFlow.
from keras_side import further_step, matrix_truth
from keras_side.generation import Generation, current
from keras_side.matrix_models import Row
from keras_side.matrix_options import ROWS
from keras_side.random_models import row as row_named

SEED = 20
BATCH = 4
LAYOUTS = {"weights": ".weights.h5", "legacy-weights": ".legacy.h5", "archive": ".keras",
           "sharded": ".sharded.weights.json", "directory": ".directory", "whole-model": ".h5"}
"""In the order of saving: Keras 3 drops the optimizer of a model whose whole-model file it saves."""

WITHOUT = {"legacy-weights": ("keras3",), "sharded": ("keras2", "tf_keras"),
           "directory": ("keras2", "tf_keras")}
"""Layouts that some Keras do not write."""


def make(generation: Generation, name: str, row: Row, folder: Path,
         layouts: list[str]) -> dict[str, Any]:
    """One row in some layouts; returns its truth."""
    keras = generation.keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(SEED)
    random = np.random.RandomState(SEED)
    set_policy(generation, row.policy or "float32")
    try:
        model = trained(generation, row, random)
        if row.prepare is not None:
            model = row.prepare(generation, model)
        if row.is_filled:
            fill(generation, model, random, row.is_centred)
        truth = {"name": name, **matrix_truth.describe(generation, model),
                 "outputs": outputs(generation, model)}
        if row.prepare is not None:
            truth["prepared"] = row.prepare.__name__
        truth |= save(generation, model, folder.resolve() / name, row, layouts)
        truth["modes"] = modes(generation, model)
        if row.trains_on:
            truth["rounding"] = rounding(generation, model)
            truth["trained"] = further_step.take(generation, model)
    finally:
        set_policy(generation, "float32")
    (folder / f"{name}.truth.json").write_text(json.dumps(truth, separators=(",", ":")) + "\n",
                                               "utf-8")
    return truth


def trained(generation: Generation, row: Row, random: np.random.RandomState) -> Any:
    """The model of a row after its steps."""
    model = row.build(generation)
    inputs = data(model, random)
    outputs = model(inputs)
    if row.optimizer is None:
        return model
    options = {key: value for key, value in row.optimizer.items()
               if key != "jit_compile" or generation.family != "keras3"}
    model.compile(generation.optimizer(row.optimizer_class, options), row.loss, run_eagerly=True)
    many = isinstance(outputs, (list, tuple))
    targets = [random.random_sample(tuple(each.shape)).astype(np.float32)
               for each in (outputs if many else [outputs])]
    for _ in range(row.steps):
        model.train_on_batch(inputs, targets if many else targets[0])
    return model


def data(model: Any, random: np.random.RandomState) -> Any:
    """Random inputs of the model's shapes."""
    if hasattr(model, "input_shape_for_data"):
        return random.random_sample((BATCH, *model.input_shape_for_data)).astype(np.float32)
    if not model.inputs:
        return random.random_sample((BATCH, 5)).astype(np.float32)
    arrays = []
    for each in model.inputs:
        shape = (BATCH, *each.shape[1:])
        kind = getattr(each.dtype, "name", each.dtype)
        if kind == "string":
            import tensorflow as tf
            arrays.append(tf.constant(random.choice(["cairn", "path", "river"], shape)))
        elif kind in ("int32", "int64"):
            arrays.append(random.randint(0, 11, shape).astype(kind))
        else:
            arrays.append(random.random_sample(shape).astype(np.float32))
    if any(not isinstance(each, np.ndarray) for each in arrays):
        import tensorflow as tf
        arrays = [tf.convert_to_tensor(each) for each in arrays]  # Keras 3 takes no mixture.
    return arrays if len(arrays) > 1 else arrays[0]


def outputs(generation: Generation, model: Any) -> list[dict[str, Any]]:
    """What the model answers to inputs that are always the same, output by output."""
    answer = model(data(model, np.random.RandomState(SEED + 2)), training=False)
    arrays = [generation.array(each)
              for each in (answer if isinstance(answer, (list, tuple)) else [answer])]
    return [{"dtype": each.dtype.name, "values": each.astype(np.float64).ravel().tolist()}
            for each in arrays]


UNITS = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Unit roundoffs."""
DISTURBANCES = 8


def rounding(generation: Generation, model: Any) -> dict[str, Any]:
    """The coarsest dtype that a layer computes in, and how far the outputs move, relative to those above
    one, when every variable is changed by up to a unit roundoff of that dtype: what no two ways of
    computing the same formulas can be asked to agree in."""
    owned = [each.variable for each in matrix_truth.variables(generation, model)]
    dtypes = {getattr(item, "compute_dtype", None)
              for _, item in matrix_truth.objects(generation, model, ())}
    dtype = max((each for each in dtypes if each in UNITS), key=UNITS.__getitem__, default="float32")
    values = [generation.array(each) for each in owned]
    expected = [np.asarray(each["values"]) for each in outputs(generation, model)]
    random = np.random.RandomState(SEED + 3)
    spread = 0.0
    for _ in range(DISTURBANCES):
        for variable, value in zip(owned, values):
            if value.dtype.kind in "fV":
                factor = 1 + UNITS[dtype] * random.uniform(-1, 1, value.shape)
                variable.assign((value.astype(np.float64) * factor).astype(value.dtype))
        for one, other in zip(expected, outputs(generation, model)):
            moved = np.abs(one - other["values"]) / np.maximum(1, np.abs(one))
            spread = max([spread, *moved[np.isfinite(moved)]])
    for variable, value in zip(owned, values):
        variable.assign(value)
    return {"dtype": dtype, "spread": float(spread)}


TRIALS = 12
"""Of what draws random numbers, so that one that never shows is out of the question."""


def modes(generation: Generation, model: Any) -> list[bool]:
    """Of each output, whether the model answers otherwise when it is trained."""
    variables = [each.variable for each in matrix_truth.variables(generation, model)]
    values = [generation.array(each) for each in variables]
    inputs = data(model, np.random.RandomState(SEED + 2))

    def answers(is_training: bool) -> list[np.ndarray]:
        found = model(inputs, training=is_training)
        return [generation.array(each).astype(np.float64)
                for each in (found if isinstance(found, (list, tuple)) else [found])]

    expected = answers(False)
    differs = [False] * len(expected)
    for _ in range(TRIALS):
        for index, (one, other) in enumerate(zip(expected, answers(True))):
            differs[index] |= not np.array_equal(one, other, equal_nan=True)
        for variable, value in zip(variables, values):
            variable.assign(value)
    return differs


def fill(generation: Generation, model: Any, random: np.random.RandomState,
         is_centred: bool = False) -> None:
    """Random numbers into every variable and slot that holds fractions: no two are equal. All are
    positive, or, if centred, only variances and slots."""
    owned = matrix_truth.variables(generation, model)
    variables = [each.variable for each in owned]
    on_both_sides = {id(each.variable) for each in owned
                     if is_centred and not each.own_name.endswith("variance")}
    compiled = getattr(model, "optimizer", None)
    if compiled is not None:
        optimizer = getattr(compiled, "inner_optimizer", compiled)
        for each in owned:
            variables += matrix_truth.slots(generation, optimizer, each.variable).values()
    for variable in variables:
        value = generation.array(variable)
        if value.dtype.kind in "fV":
            lowest = -0.5 if id(variable) in on_both_sides else 0.25
            variable.assign((random.random_sample(value.shape) + lowest).astype(value.dtype))
    for layer in getattr(model, "layers", []):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()  # What is computed with are copies of these variables.


def save(generation: Generation, model: Any, stem: Path, row: Row,
         layouts: list[str]) -> dict[str, Any]:
    """Saves what can be saved: `files` by layout, and `refused` with Keras's words."""
    files: dict[str, str] = {}
    refused: dict[str, str] = {}
    if row.whole_model_first:
        layouts = layouts[::-1]
    for layout in layouts:
        if generation.family in WITHOUT.get(layout, ()):
            continue
        path = stem.with_name(stem.name + LAYOUTS[layout])
        remove(path)
        try:
            writer(generation, model, layout)(str(path))
            files[layout] = path.name
        except Exception as error:  # Whatever Keras raises is the answer.
            remove(path)
            refused[layout] = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return {"files": files, "refused": refused}


def remove(path: Path) -> None:
    """A file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def writer(generation: Generation, model: Any, layout: str) -> Callable[[str], None]:
    """The call that writes the layout."""
    if layout == "sharded":
        return lambda path: model.save_weights(path, max_shard_size=shard_byte_count(model) / 2**30)
    if layout == "directory":
        return lambda path: model.save(path, zipped=False)
    if layout in ("weights", "legacy-weights"):
        return model.save_weights
    if generation.family == "keras2":
        form = "keras_v3" if layout == "archive" else "h5"
        return lambda path: model.save(path, save_format=form)
    return model.save


def shard_byte_count(model: Any) -> int:
    """Room for the largest variable and half of another: Keras has no larger ones than a shard."""
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer is not None else [])]
    return max([8 * int(np.prod(each.shape)) for each in variables], default=8) * 3 // 2


def set_policy(generation: Generation, policy: str) -> None:
    """The global dtype policy; `float64` and the like are policies, too."""
    keras = generation.keras
    keras.mixed_precision.set_global_policy(policy)
    keras.backend.set_floatx("float32")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--row", action="append", metavar="NAME", help="default: all of the matrix")
    parser.add_argument("--tolerant", action="store_true",
                        help="exit with 0 even where a row cannot be made")
    parser.add_argument("--layout", action="append", choices=LAYOUTS, help="default: all")
    arguments = parser.parse_args()
    layouts = [layout for layout in LAYOUTS if layout in (arguments.layout or LAYOUTS)]
    generation = current()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in arguments.row or ROWS:
        row = row_named(name)
        if generation.family not in row.families:
            continue
        try:
            truth = make(generation, name, row, arguments.folder, layouts)
        except Exception as error:  # A row that cannot be made must not hide the others.
            print(json.dumps({"row": name, "failed": f"{type(error).__name__}: {error}"}))
            failed = True
            continue
        print(json.dumps({"row": name, "variables": len(truth["variables"]),
                          "files": truth["files"], "refused": truth["refused"]}))
    return 1 if failed and not arguments.tolerant else 0


if __name__ == "__main__":
    sys.exit(main())
