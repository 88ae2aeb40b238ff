"""What a live model of any structure holds: the truth about the matrix.

Like `truth.py`, but models may be nested, layers may hold other objects, and the optimizer may wrap
another. Everything comes from objects in memory, before anything is saved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np

from keras_side.generation import Generation
from keras_side.truth import digest

Path = tuple[str, ...]

OWN_NAMES = {"depthwise_kernel": {"DepthwiseConv1D": "kernel", "DepthwiseConv2D": "kernel"}}
"""Names of Keras 2 that Keras 3 changed: Cairn's canonical names are those of Keras 3."""


@dataclass(frozen=True)
class Owned:
    """A variable, and the object that created it."""

    variable: Any
    path: Path
    """Names of layers from the outermost in, then the attributes inside a layer."""
    own_name: str

    @property
    def name(self) -> str:
        """The canonical name."""
        return "/".join(escaped(part) for part in (*self.path, self.own_name))


def escaped(part: str) -> str:
    """`/` and the backslash inside a name."""
    return part.replace("\\", "\\\\").replace("/", "\\/")


def describe(generation: Generation, model: Any) -> dict[str, Any]:
    """Versions, variables and optimizer (null for a model that was not compiled)."""
    owned = variables(generation, model)
    trainable = {id(each) for each in model.trainable_variables}
    compiled = getattr(model, "optimizer", None)
    return {
        "generation": generation.name,
        "family": generation.family,
        "versions": generation.versions(),
        "modelClass": type(model).__name__,
        "variables": [{
            "name": each.name,
            "kerasName": generation.raw_name(each.variable),
            "layer": "/".join(map(escaped, each.path)),
            "trainable": id(each.variable) in trainable,
            **tensor(generation.array(each.variable)),
        } for each in owned],
        "optimizer": None if compiled is None else _optimizer(generation, compiled, owned),
    }


def variables(generation: Generation, model: Any) -> list[Owned]:
    """Every variable once, in model order; fails if the walk misses one that Keras knows."""
    found: dict[int, Owned] = {}
    for path, item in objects(generation, model, ()):
        for variable in own_variables(generation, item):
            own = generation.own_name(variable)
            own = OWN_NAMES.get(own, {}).get(type(item).__name__, own)
            found.setdefault(id(variable), Owned(variable, path, own))
    expected = {id(variable) for variable in model.weights}
    if expected != found.keys():
        raise AssertionError(f"the walk found {len(found)} variables, Keras has {len(expected)}")
    return list(found.values())


def own_variables(generation: Generation, item: Any) -> list[Any]:
    """The variables that an object created itself, the trainable ones first."""
    kind = "variables" if generation.family == "keras3" else "weights"
    return [*getattr(item, f"_trainable_{kind}"), *getattr(item, f"_non_trainable_{kind}")]


def objects(generation: Generation, item: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """The object, then those inside it, in the order of Keras's flat lists of weights."""
    keras = generation.keras
    yield path, item
    if isinstance(item, keras.Model):
        for layer in item.layers:
            yield from objects(generation, layer, (*path, layer.name))
    elif hasattr(item, "forward_layer"):
        for name in ("forward_layer", "backward_layer"):
            yield from objects(generation, getattr(item, name), (*path, name))
    elif isinstance(item, keras.layers.StackedRNNCells):
        counts: dict[str, int] = {}
        for cell in item.cells:
            kind = _snake_case(type(cell).__name__)
            number = counts[kind] = counts.get(kind, -1) + 1
            yield from objects(generation, cell,
                                (*path, f"{kind}_{number}" if number else kind))
    elif isinstance(item, keras.layers.MultiHeadAttention):
        for name in ("query", "key", "value", "output"):
            yield from objects(generation, getattr(item, f"_{name}_dense"), (*path, name))
    elif hasattr(item, "cell"):
        yield from objects(generation, item.cell, (*path, "cell"))
    elif isinstance(item, keras.layers.Wrapper):
        yield from objects(generation, item.layer, (*path, "layer"))


def _snake_case(class_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=.)(?=[A-Z][a-z])", "_", class_name).lower()


def _optimizer(generation: Generation, compiled: Any, owned: list[Owned]) -> dict[str, Any]:
    optimizer = getattr(compiled, "inner_optimizer", compiled)
    truth: dict[str, Any] = {
        "className": type(compiled).__name__,
        "innerClassName": type(optimizer).__name__,
        "isLegacy": hasattr(optimizer, "_get_hyper"),
        "iterations": int(generation.counter(optimizer).numpy()),
        "learningRate": rate(generation, optimizer),
        "slots": [{"slot": slot, "variable": each.name, **tensor(generation.array(value))}
                  for each in owned
                  for slot, value in slots(generation, optimizer, each.variable).items()],
    }
    if compiled is not optimizer:
        counter, scale = (
            (compiled.step_counter, compiled.dynamic_scale) if generation.family == "keras3"
            else (compiled.dynamic_counter, compiled.loss_scale))
        truth["lossScale"] = {"stepCounter": int(counter.numpy()),
                              "dynamicScale": float(scale.numpy())}
    return truth


def rate(generation: Generation, optimizer: Any) -> float | None:
    """The rate in force; null under a schedule, of which a file holds the parameters only."""
    if hasattr(optimizer, "_get_hyper"):  # The legacy classes.
        return float(optimizer._get_hyper("learning_rate").numpy())
    held = optimizer._learning_rate
    if isinstance(held, generation.keras.optimizers.schedules.LearningRateSchedule):
        return None
    return float(np.asarray(held.numpy()))


def slots(generation: Generation, optimizer: Any, variable: Any) -> dict[str, Any]:
    """The slot variables of one variable, by Cairn's names."""
    if hasattr(optimizer, "get_slot_names"):
        names = [name for name in optimizer.get_slot_names() if name]
        return {name: optimizer.get_slot(variable, name) for name in names
                if variable.ref() in {ref for ref in _legacy_refs(optimizer, name, variable)}}
    lists = (
        ("average", "_model_variables_moving_average"),
        ("gradient_accumulator", "_accumulated_gradients"), ("accumulator", "_accumulators"),
        ("momentum", "momentums"), ("velocity", "_velocities"), ("m", "_momentums"), ("m", "_m"),
        ("vhat", "_velocity_hats"), ("average_gradient", "_average_gradients"),
        # Of classes that Cairn does not know.
        ("norm", "_u"), ("linear", "_linears"), ("gradients", "_accumulated_grads"),
        ("deltas", "_accumulated_delta_vars"))
    index = _index(generation, optimizer, variable)
    found: dict[str, Any] = {}
    for slot, attribute in lists:
        values = getattr(optimizer, attribute, None) or []
        if index is not None and index < len(values):
            found[slot] = values[index]
    return found


def _legacy_refs(optimizer: Any, name: str, variable: Any) -> list[Any]:
    created = {each.name for each in optimizer.weights}
    own = variable.name.removesuffix(":0")
    return [variable.ref()] if any(f"{own}/{name}" in each for each in created) else []


def _index(generation: Generation, optimizer: Any, variable: Any) -> int | None:
    """The place of a variable in the optimizer's lists; None if it is not trained."""
    if generation.family == "keras3":
        built = getattr(optimizer, "_trainable_variables", None) or []
        return next((i for i, each in enumerate(built) if each is variable), None)
    return getattr(optimizer, "_index_dict", {}).get(optimizer._var_key(variable))


def tensor(value: np.ndarray) -> dict[str, Any]:
    """Shape, dtype, bytes and their digest."""
    if value.dtype.kind == "V" or value.dtype.name == "bfloat16":
        return {"shape": list(value.shape), "dtype": "bfloat16", "byteCount": value.nbytes,
                "sha256": digest(np.ascontiguousarray(value).view("<u2"))}
    return {"shape": list(value.shape), "dtype": value.dtype.name, "byteCount": value.nbytes,
            "sha256": digest(value)}
