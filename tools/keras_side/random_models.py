"""Random models of a seed: the rows of the matrix that nobody wrote by hand.

The row `random-17` is made of the seed 17, alike by every Keras: chains, graphs with several inputs and
outputs, layers and models called twice, models in models, models of a class of their own with layers under
attributes, in lists and in dictionaries, any layer class with any options, names that clash or have odd
characters, layers frozen or renamed at any time, any policy and any optimizer.
"""

from __future__ import annotations

from typing import Any, Mapping

from keras_side.generation import Generation
from keras_side.matrix_models import ALL, KERAS2_FAMILY, Row
from keras_side.matrix_options import ROWS, freeze, resave, thaw
from keras_side.random_layers import (
    SLASHED, UNICODE, WORDS, Draw, Making, Shape, any_layer, called, entrance)

PREFIX = "random-"
INPUTS = ("line", "line", "sequence", "sequence", "image", "film", "tokens", "strings", "codes")
SCHEDULES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5,
                          "staircase": True, "name": "stairs"}),
    ("PiecewiseConstantDecay", {"boundaries": [1, 3], "values": [0.1, 0.05, 0.01]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 5, "power": 0.5, "cycle": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 3, "decay_rate": 0.5}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "alpha": 0.125}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 3, "t_mul": 2.0}))
OTHER_OPTIMIZERS: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.5, "nesterov": True}),
    ("RMSprop", {"momentum": 0.5, "centered": True}), ("RMSprop", {}), ("Adam", {}),
    ("Adam", {"amsgrad": True}), ("AdamW", {"weight_decay": 0.01}), ("Nadam", {}), ("Adamax", {}),
    ("Adadelta", {}), ("Ftrl", {}))

ATTRIBUTES = ("alpha", "zed", "blocks", "table", "a_1", "_hidden", "layer", "B", "dense", "vars_1")
"""Under which models of a class of their own keep layers."""


def row(name: str) -> Row:
    """The row of a name: of the matrix, or random.

    - Raises: `KeyError` for a name that is neither.
    """
    if name in ROWS:
        return ROWS[name]
    seed = name.removeprefix(PREFIX)
    if seed == name or not seed.isdecimal():
        raise KeyError(name)
    return random_row(int(seed))


def random_row(seed: int) -> Row:
    """The row of a seed."""
    draw = Draw(f"row {seed}")
    words, families, dtypes = draw.choices(
        ((), WORDS, SLASHED, UNICODE), (4, 5, 1, 1))[0], ALL, ()
    if words is SLASHED:
        families = KERAS2_FAMILY
    elif words is UNICODE:
        families = ("keras3",)
    if draw.chance(0.15):
        dtypes = draw.pick((("float16", "float32"), ("mixed_float16",), ("float64",),
                            ("mixed_bfloat16", "float32")))
    policy = draw.choices((None, "mixed_float16", "mixed_bfloat16", "float64", "float16"),
                          (20, 3, 1, 1, 1))[0]
    options, optimizer_class = optimizer(draw, families)
    return Row(
        build=lambda g: Builder(g, seed, words, dtypes).model(), families=families,
        optimizer=options, optimizer_class=optimizer_class, policy=policy,
        steps=draw.choices((0, 1, 2, 3), (1, 2, 3, 3))[0],
        is_centred=True, trains_on=True,
        prepare=draw.choices((None, resave, freeze, thaw), (34, 4, 1, 1))[0])


def optimizer(draw: Draw, families: tuple[str, ...]) -> tuple[dict[str, Any] | None, str]:
    """An optimizer's options and class; no options for a model that is not compiled."""
    if draw.chance(0.04):
        return None, "Adagrad"
    options: dict[str, Any] = {"learning_rate": draw.pick((0.05, 0.1, 0.001))}
    if draw.chance(0.3):
        schedule, arguments = draw.pick(SCHEDULES)
        options["learning_rate"] = {"schedule": schedule, "arguments": arguments}
    if families == KERAS2_FAMILY and draw.chance(0.4):
        options |= draw.options(0.3, initial_accumulator_value=(0.0, 0.5), clipnorm=(1.0,))
        return options, "legacy.Adagrad"
    if draw.chance(0.4):
        options |= {"use_ema": True, **draw.options(0.5, ema_momentum=(0.9, 0.5),
                                                    ema_overwrite_frequency=(2, 100))}
    options |= draw.options(0.2, weight_decay=(0.004, 0.1), name=("mine", "a_b", "SGD", "vars"))
    if draw.chance(0.4):
        options |= draw.pick(({"clipnorm": 0.5}, {"clipvalue": 0.25}, {"global_clipnorm": 1.0}))
    if families == ("keras3",):
        options |= draw.options(0.4, gradient_accumulation_steps=(2, 3))
    elif draw.chance(0.3):
        options["jit_compile"] = False
    if draw.chance(0.25):
        name, own = draw.pick(OTHER_OPTIMIZERS)
        return options | own, name
    return options | draw.options(
        0.3, initial_accumulator_value=(0.0, 0.5), epsilon=(1e-3, 1e-10)), "Adagrad"


class Builder:
    """Makes the model of a seed for one Keras."""

    def __init__(self, generation: Generation, seed: int, words: Any, dtypes: Any) -> None:
        self.draw = Draw(f"model {seed}")
        self.keras = generation.keras
        self.making = Making(generation, self.draw, words, dtypes)
        self.is_handmade = Draw(f"form {seed}").chance(0.1)

    def model(self) -> Any:
        """The whole model, some of its layers frozen or renamed."""
        draw = self.draw
        make = draw.choices((self.chain, self.graph), (3, 5))[0]
        model = self.handmade() if self.is_handmade else make(0)
        if draw.chance(0.25):
            self.freeze(model)
        if draw.chance(0.1):
            self.rename(model)
        return model

    # MARK: Structures

    def chain(self, depth: int, shape: Shape | None = None) -> Any:
        """A Sequential model, with or without an input layer."""
        draw, making = self.draw, self.making
        named = making.name()
        outer, making.taken = making.taken, set()
        first: list[Any] = []
        dtype = "float32"
        if shape is None:
            shape, dtype, first = entrance(making, draw.pick(INPUTS))
        is_deferred = dtype == "float32" and depth == 0 and draw.chance(0.15)
        model = self.keras.Sequential(**named)
        if not is_deferred:
            model.add(self.keras.Input(shape=shape, dtype=dtype))
        for layer in first:
            model.add(layer)
            shape = self.shape(model.output_shape)
        for _ in range(draw.randint(1, 6 - 2 * depth)):
            if depth < 2 and draw.chance(0.15):
                layer = draw.choices((self.chain, self.graph), (2, 1))[0](depth + 1, shape)
            else:
                layer = any_layer(making, shape, is_chained=True)
            model.add(layer)
            if is_deferred:
                model.build((None, *shape))
                is_deferred = False
            shape = self.shape(model.output_shape)
        making.taken = outer
        return model

    def graph(self, depth: int, shape: Shape | None = None) -> Any:
        """A Functional model; one input and one output where it is a layer of another."""
        draw, making, keras = self.draw, self.making, self.keras
        named = making.name()
        outer, making.taken = making.taken, set()
        inputs, pool = [], []
        for index in range(1 if shape is not None else draw.choices((1, 2, 3), (6, 3, 1))[0]):
            own, dtype, first = (shape, "float32", []) if shape is not None else \
                entrance(making, draw.pick(INPUTS))
            inputs.append(keras.Input(
                shape=own, dtype=dtype, **({"name": f"in_{index}"} if draw.chance(0.5) else {})))
            tensor = inputs[-1]
            for layer in first:
                tensor = layer(tensor)
            pool.append(tensor)
        used: set[int] = set()
        layers: list[tuple[Any, Shape]] = []
        for _ in range(draw.randint(2, 11 - 4 * depth)):
            tensor = draw.pick(pool[-3:])
            used.add(id(tensor))
            pool.append(self.further(depth, tensor, pool, used, layers))
        for each in pool[:len(inputs)]:
            if id(each) not in used:  # Every input leads somewhere.
                pool.append(called(making, any_layer(making, self.shape(each.shape)), each))
        ends = self.ends(pool, used, inputs)
        if shape is not None or draw.chance(0.4):
            ends = [self.joined(ends)]
        making.taken = outer
        return keras.Model(inputs if len(inputs) > 1 else inputs[0],
                           ends if len(ends) > 1 else ends[0], **named)

    def handmade(self) -> Any:
        """A model of a class of its own, which calls its layers one after another, under whatever attributes
        they are kept."""
        draw, making, keras = self.draw, self.making, self.keras
        own, dtype, first = entrance(making, draw.pick(("line", "sequence", "image")))
        tensor = keras.Input(shape=own, dtype=dtype)
        order: list[Any] = []
        parts: dict[str, Any] = {}
        names = [*ATTRIBUTES]
        for _ in range(draw.randint(1, 4)):
            found = []
            for _ in range(draw.randint(1, 3)):
                if draw.chance(0.15):
                    found.append(self.chain(2, self.shape(tensor.shape)))
                else:
                    found.append(any_layer(making, self.shape(tensor.shape), is_chained=True))
                tensor = found[-1](tensor)
            order += found
            name = names.pop(draw.randint(0, len(names) - 1))
            keys = sorted(("left", "zero", "Odd")[:len(found)], reverse=draw.chance(0.5))
            parts[name] = found[0] if len(found) == 1 and draw.chance(0.7) else \
                draw.pick((found, dict(zip(keys, found))))

        class Handmade(keras.Model):
            """Registered nowhere: its configuration lists no layers."""

            def __init__(self) -> None:
                super().__init__(**making.name())
                for name, part in parts.items():
                    setattr(self, name, part)

            def call(self, x: Any, training: Any = None) -> Any:
                for layer in order:
                    x = layer(x)
                return x

            def get_config(self) -> dict[str, Any]:
                return {"name": self.name}

            @property
            def input_shape_for_data(self) -> Shape:
                return own

        return Handmade()

    def further(self, depth: int, tensor: Any, pool: list[Any], used: set[int],
                layers: list[tuple[Any, Shape]]) -> Any:
        """A tensor made of another, by a new layer, one that was called before, or a model."""
        draw, making, shape = self.draw, self.making, self.shape(tensor.shape)
        again = [each for each, own in layers if own == shape]
        if again and draw.chance(0.35):
            return called(making, draw.pick(again), tensor)
        alike = [each for each in pool if self.shape(each.shape) == shape and each is not tensor]
        if alike and draw.chance(0.3):
            other = draw.pick(alike)
            used.add(id(other))
            merge = draw.pick(("Add", "Multiply", "Average", "Maximum", "Concatenate", "Subtract"))
            return getattr(making.layers, merge)(**making.name())([tensor, other])
        if depth < 2 and draw.chance(0.2):
            layer = draw.choices((self.chain, self.graph), (1, 1))[0](depth + 1, shape)
        else:
            layer = any_layer(making, shape)
        layers.append((layer, shape))
        return called(making, layer, tensor)

    def ends(self, pool: list[Any], used: set[int], inputs: list[Any]) -> list[Any]:
        """The tensors that nothing was made of."""
        own = {id(each) for each in inputs}
        return [each for each in pool if id(each) not in used and id(each) not in own]

    def joined(self, tensors: list[Any]) -> Any:
        """One tensor of several."""
        making = self.making
        if len(tensors) == 1:
            return tensors[0]
        flat = [each if len(each.shape) == 2 else making.layers.Flatten()(each) for each in tensors]
        return making.layers.Dense(self.draw.randint(1, 4), **making.kernel())(
            making.layers.Concatenate(**making.name())(flat))

    @staticmethod
    def shape(shape: Any) -> Shape:
        """Without the batch."""
        return tuple(int(each) for each in tuple(shape)[1:])

    # MARK: What happens to layers

    def freeze(self, model: Any) -> None:
        """Some layers at any depth; sometimes everything, and some of it thawed again."""
        draw = self.draw
        if draw.chance(0.15):
            model.trainable = False
            for layer in model.layers:
                if draw.chance(0.5):
                    layer.trainable = True
            return
        for layer in self.inner(model):
            if draw.chance(0.25):
                layer.trainable = False

    def rename(self, model: Any) -> None:
        """Some layers of a chain, after they made their variables. (Keras 2 leaves the calls of renamed
        layers out of a graph's configuration, and then loads it forever.)"""
        if type(model).__name__ != "Sequential":
            return
        taken = {each.name for each in model.layers}
        for layer in model.layers:
            name = f"{layer.name}_r"
            if not self.draw.chance(0.3) or name in taken:
                continue
            taken.add(name)
            if self.making.generation.family == "keras3":
                layer.name = name
            else:
                layer._name = name

    def inner(self, model: Any) -> list[Any]:
        """The layers of a model and of those inside."""
        found = []
        for layer in model.layers:
            found += [layer, *(self.inner(layer) if hasattr(layer, "layers") else [])]
        return found
