"""The other rows of the matrix: optimizers, dtypes, names and histories of models."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from keras_side import matrix_models as models
from keras_side.generation import Generation
from keras_side.matrix_models import ARCHITECTURES, KERAS2_FAMILY, Row


def subclassed(g: Generation) -> Any:
    """Children under attributes whose order differs between Keras, a list, a variable of its own."""
    keras = g.keras

    class Subclassed(keras.Model):
        """Registered nowhere: its configuration lists no layers."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.zed = keras.layers.Dense(4, activation="tanh", name="entrance")
            self.blocks = [keras.layers.Dense(4, name="step"), keras.layers.Dense(4, name="stair")]
            self.alpha = keras.layers.Dense(4, name="exit")
            self.norm = keras.layers.BatchNormalization(name="norm")
            self.gain = self.add_weight(name="gain", shape=(), initializer="ones")

        def call(self, x: Any, training: bool = False) -> Any:
            x = self.zed(x)
            for block in self.blocks:
                x = block(x)
            return self.gain * self.alpha(self.norm(x, training=training))

        def get_config(self) -> dict[str, Any]:
            return {"name": self.name}

        @property
        def input_shape_for_data(self) -> tuple[int, ...]:
            return (4,)

    return Subclassed(name="handmade")


def custom_layer(g: Generation) -> Any:
    """A layer of a class that nobody else knows, between two that everybody does."""
    keras = g.keras
    # Keras 2 takes no name twice.
    keras.utils.get_custom_objects().pop("matrix>Scale", None)

    @keras.utils.register_keras_serializable("matrix")
    class Scale(keras.layers.Layer):
        """Two variables, of which the second is not trained."""

        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(name="factor", shape=(shape[-1],), initializer="ones")
            self.count = self.add_weight(name="count", shape=(), initializer="zeros",
                                         trainable=False)
            super().build(shape)

        def call(self, x: Any) -> Any:
            return x * self.factor

    layers = keras.layers
    return keras.Sequential([keras.Input(shape=(4,)), layers.Dense(4, activation="tanh"),
                             Scale(name="scale"), layers.Dense(4)])


def many_layers(g: Generation) -> Any:
    """Names so long that every list of names is split over several attributes."""
    layers = g.keras.layers

    def name(kind: str, index: int) -> str:
        return f"{kind}_{index:03}_".ljust(240, "x")

    block = g.keras.Sequential(
        [g.keras.Input(shape=(1,)), *(layers.Dense(1, name=name("dense", i)) for i in range(140))],
        name="block")
    return g.keras.Sequential(
        [g.keras.Input(shape=(1,)), block,
         *(layers.Activation("linear", name=name("line", i)) for i in range(280)),
         layers.Dense(1, name="last")], name="many_layers")


def eleven(g: Generation) -> Any:
    """More than ten of a kind: `10` sorts before `2`."""
    layers = g.keras.layers
    return g.keras.Sequential(
        [g.keras.Input(shape=(3,)), *(layers.Dense(3) for _ in range(12))])


def unicode_names(g: Generation) -> Any:
    layers = g.keras.layers
    return g.keras.Sequential(
        [g.keras.Input(shape=(4,)), layers.Dense(4, name="Größe 数"),
         layers.Dense(4, name="a:b c%")], name="模型 é")


def slash_names(g: Generation) -> Any:
    """Layers whose groups lie inside each other."""
    layers = g.keras.layers
    return g.keras.Sequential(
        [g.keras.Input(shape=(4,)), layers.Dense(4, name="block"), layers.Dense(4, name="block/a"),
         layers.LayerNormalization(name="block/b"), layers.Dense(4, name="block/a/c")])


def same_flat_names(g: Generation) -> Any:
    """`a/b` in a nested model and `a_b` outside: slots of equal names in Keras 3's whole models."""
    layers = g.keras.layers
    inner = g.keras.Sequential([g.keras.Input(shape=(4,)), layers.Dense(4, name="b")], name="a")
    return g.keras.Sequential(
        [g.keras.Input(shape=(4,)), inner, layers.Dense(4, name="a_b")], name="m")


def half_frozen(g: Generation) -> Any:
    """Averages and accumulators of half the layers look like accumulators of all of them."""
    layers = g.keras.layers
    return g.keras.Sequential(
        [g.keras.Input(shape=(4,)), layers.Dense(4, trainable=False), layers.Dense(4)])


def resave(g: Generation, model: Any) -> Any:
    """The model as it comes back from its own archive or, in Keras 2, whole-model file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ("model.keras" if g.family == "keras3" else "model.h5")
        model.save(str(file))
        return g.keras.models.load_model(str(file))


def lora(g: Generation, model: Any) -> Any:
    """LoRA on one layer after training; the optimizer is not asked."""
    model.get_layer("left").enable_lora(2)
    return model


def quantize(g: Generation, model: Any) -> Any:
    """int8 kernels."""
    model.quantize("int8")
    return model


def thaw(g: Generation, model: Any) -> Any:
    """The first layer is thawed after training: the optimizer has no slots for it."""
    model.layers[0].trainable = True
    return model


def freeze(g: Generation, model: Any) -> Any:
    """The first layer is frozen after training: the optimizer has slots for it still."""
    model.layers[0].trainable = False
    return model


def override_rate(g: Generation, model: Any) -> Any:
    """A rate that differs from the configured one, as callbacks set it."""
    model.optimizer.learning_rate.assign(0.25)
    return model


def finish_averages(g: Generation, model: Any) -> Any:
    """What `fit` does at its end with `use_ema`."""
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return model


SCHEDULE = {"schedule": "ExponentialDecay",
            "arguments": {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}}
RATE = {"learning_rate": 0.05}
AVERAGES = {**RATE, "use_ema": True, "ema_momentum": 0.9}
KERAS3 = ("keras3",)

OPTIONS: dict[str, Row] = {
    "subclassed": Row(subclassed),
    "custom_layer": Row(custom_layer),
    "many_layers": Row(many_layers, steps=1),
    "eleven": Row(eleven),
    "unicode_names": Row(unicode_names, KERAS3),
    "slash_names": Row(slash_names, KERAS2_FAMILY),
    "same_flat_names": Row(same_flat_names),
    "averages": Row(models.nested_functional, optimizer=AVERAGES),
    "averages_in_weights": Row(models.sequential, optimizer=AVERAGES, is_filled=False,
                               prepare=finish_averages),
    "short_loss": Row(models.sequential, loss="mse"),
    "schedule": Row(models.sequential, optimizer={"learning_rate": SCHEDULE}),
    "averages_schedule": Row(models.attention, optimizer={**AVERAGES, "learning_rate": SCHEDULE}),
    "gradient_accumulation": Row(models.sequential, KERAS3, steps=3, optimizer={
        **AVERAGES, "gradient_accumulation_steps": 2}),
    "gradient_accumulation_alone": Row(models.branches, KERAS3, steps=3, optimizer={
        **RATE, "gradient_accumulation_steps": 2}),
    "half_frozen": Row(half_frozen, optimizer=AVERAGES),
    "named_optimizer": Row(models.sequential, optimizer={**RATE, "name": "mine"}),
    "other_rate": Row(models.sequential, prepare=override_rate),
    "legacy_adagrad": Row(models.nested_sequential, KERAS2_FAMILY,
                          optimizer_class="legacy.Adagrad"),
    "adam": Row(models.sequential, optimizer={"learning_rate": 0.01}, optimizer_class="Adam"),
    "momentum": Row(models.branches, optimizer={"learning_rate": 0.01, "momentum": 0.9},
                    optimizer_class="SGD"),
    "mixed_precision": Row(models.sequential, policy="mixed_float16"),
    "mixed_precision_averages": Row(models.branches, policy="mixed_float16", optimizer=AVERAGES),
    "mixed_precision_legacy": Row(models.branches, KERAS2_FAMILY, policy="mixed_float16",
                                  optimizer_class="legacy.Adagrad"),
    "mixed_bfloat16": Row(models.sequential, policy="mixed_bfloat16"),
    "float16": Row(models.sequential, policy="float16"),
    "bfloat16": Row(models.sequential, policy="bfloat16"),
    "float64": Row(models.branches, policy="float64"),
    "uncompiled": Row(models.sequential, optimizer=None),
    "untrained": Row(models.sequential, steps=0),
    "resaved": Row(models.nested_sequential, prepare=resave),
    "thawed": Row(models.frozen_layer, prepare=thaw),
    "frozen_after_training": Row(models.sequential, prepare=freeze),
    "whole_model_first": Row(models.sequential, KERAS3, whole_model_first=True),
    "lora": Row(models.branches, KERAS3, prepare=lora),
    "int8": Row(models.sequential, KERAS3, prepare=quantize),
}


ROWS: dict[str, Row] = {**ARCHITECTURES, **OPTIONS}
