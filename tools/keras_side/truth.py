"""What a live Keras model holds, as JSON: the truth that a file written from it must tell.

Taken from the objects in memory, never read back from a file.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from keras_side.generation import Generation


def digest(value: np.ndarray) -> str:
    """SHA-256 over the little-endian bytes in row-major order."""
    little = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(little.tobytes()).hexdigest()


def describe(generation: Generation, model: Any) -> dict[str, Any]:
    """Weights and optimizer of a flat, compiled model whose optimizer is built."""
    variables = weights(generation, model)
    optimizer = model.optimizer
    return {
        "generation": generation.name,
        "versions": generation.versions(),
        "variables": [description for _, description in variables],
        "optimizer": {
            "className": type(optimizer).__name__,
            "iterations": int(optimizer.iterations.numpy()),
            "learningRate": generation.rate_used_next(optimizer),
            "configuration": generation.configuration(optimizer),
            "slots": slots(generation, model),
        },
    }


def weights(generation: Generation, model: Any) -> list[tuple[Any, dict[str, Any]]]:
    """Each variable with its description: layers in model order, creation order inside a layer."""
    trainable = {id(variable) for variable in model.trainable_variables}
    found = []
    for layer in model.layers:
        for variable in layer.weights:
            value = generation.array(variable)
            found.append((variable, {
                "name": f"{layer.name}/{generation.own_name(variable)}",
                "kerasName": generation.raw_name(variable),
                "layer": layer.name,
                "trainable": id(variable) in trainable,
                **_tensor(value),
            }))
    return found


def slots(generation: Generation, model: Any) -> list[dict[str, Any]]:
    """Each slot variable with its owner, in the order of the trainable variables."""
    names = {id(variable): description["name"]
             for variable, description in weights(generation, model)}
    return [{"slot": slot, "variable": names[id(variable)], **_tensor(value)}
            for variable in model.trainable_variables
            for slot, value in generation.slots(model.optimizer, variable).items()]


def _tensor(value: np.ndarray) -> dict[str, Any]:
    return {"shape": list(value.shape), "dtype": value.dtype.name, "byteCount": value.nbytes,
            "sha256": digest(value)}
