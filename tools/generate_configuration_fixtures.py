#!/usr/bin/env python3
"""Write Fixtures/keras-<version>/configurations.json: configuration texts as Keras itself writes them.

Run with the Python of an environment that holds tensorflow-cpu 2.12.1 (Keras 2.12) or keras 3.15.1:

    python tools/generate_configuration_fixtures.py Fixtures

The file is one JSON object: name of a text -> the text, exactly as it stands in the file or attribute.
Names: `<case>/<kind>`, kind being

    model_config     attribute of a whole-model .h5 file
    training_config  attribute of the same file
    to_json          model.to_json()
    config.json      member of a .keras archive
    compile_config   the part of that member which is not the model
    trainables, names  (JSON lists) variables, for the tests of layer schemas
    tree             (JSON object) path of every `vars` group of a .weights.h5 file -> count of datasets
"""

import io
import json
import os
import sys
import tempfile
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import h5py
import numpy as np
import tensorflow as tf

try:
    import keras as keras3
    IS_KERAS_3 = keras3.__version__.startswith("3")
except ImportError:
    IS_KERAS_3 = False

if IS_KERAS_3:
    keras = keras3
    Adagrad = keras.optimizers.Adagrad
    optimizers = keras.optimizers
else:
    keras = tf.keras
    Adagrad = keras.optimizers.experimental.Adagrad
    optimizers = keras.optimizers.experimental

L = keras.layers
schedules = keras.optimizers.schedules
texts = {}


def fresh():
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)


def decode(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def part(text, key):
    """The text of a part of a JSON text, exactly as it stands there."""
    exact = json.dumps(json.loads(text)[key])
    if exact not in text:
        raise ValueError(f"{exact} does not stand in {text}")
    return exact


def record(case, model, kinds=("model_config", "training_config", "to_json", "config.json")):
    with tempfile.TemporaryDirectory() as folder:
        whole = os.path.join(folder, "m.h5")
        archive = os.path.join(folder, "m.keras")
        # The archive first: Keras 3 drops the optimizer from a live model's configuration
        # when it writes an .h5 file.
        if "config.json" in kinds or "compile_config" in kinds:
            if IS_KERAS_3:
                model.save(archive)
            else:
                model.save(archive, save_format="keras_v3")
            with zipfile.ZipFile(archive) as members:
                config = members.read("config.json").decode("utf-8")
                if "config.json" in kinds:
                    texts[f"{case}/config.json"] = config
                if "compile_config" in kinds:
                    texts[f"{case}/compile_config"] = part(config, "compile_config")
                if "tree" in kinds:
                    with h5py.File(io.BytesIO(members.read("model.weights.h5")), "r") as file:
                        tree = {}

                        def visit(path, item):
                            if path.endswith("vars") and isinstance(item, h5py.Group):
                                tree[path] = len(item)

                        file.visititems(visit)
                        texts[f"{case}/tree"] = json.dumps(tree)
        if "to_json" in kinds:
            texts[f"{case}/to_json"] = model.to_json()
        model.save(whole)
        with h5py.File(whole, "r") as file:
            for kind in ("model_config", "training_config"):
                if kind in kinds and kind in file.attrs:
                    texts[f"{case}/{kind}"] = decode(file.attrs[kind])
            if "names" in kinds:
                names = {
                    decode(name): [decode(n) for n in file["model_weights"][decode(name)].attrs["weight_names"]]
                    for name in file["model_weights"].attrs["layer_names"]
                }
                texts[f"{case}/names"] = json.dumps(names)


def compiled(model, optimizer=None, **options):
    options.setdefault("loss", "sparse_categorical_crossentropy")
    model.compile(optimizer=optimizer or Adagrad(0.05), **options)
    return model


# Models -----------------------------------------------------------------------------------------

fresh()
record("mlp", compiled(keras.Sequential([
    L.Input((64,)),
    L.Dense(32, activation="relu"),
    L.Dense(10, activation="softmax"),
], name="mlp"), metrics=["accuracy"]))

fresh()
record("image", compiled(keras.Sequential([
    keras.Input((8, 8)),
    L.Flatten(),
    L.Dense(16, use_bias=False, kernel_initializer="he_normal"),
    L.BatchNormalization(),
    L.Activation("relu"),
    L.Dropout(0.25),
    L.Dense(10),
    L.Softmax(),
]), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=False), metrics=["accuracy"]))

fresh()
record("text", compiled(keras.Sequential([
    keras.Input((12,), dtype="int32"),
    L.Embedding(50, 8),
    L.GlobalAveragePooling1D(),
    L.Dense(4, activation="tanh"),
    L.Dense(1, activation="sigmoid"),
], name="text"), loss="binary_crossentropy", metrics=["accuracy", "mse"]))

fresh()
record("options", compiled(keras.Sequential([
    keras.Input((6, 3), batch_size=4, name="pixels"),
    L.Flatten(name="flat"),
    L.Dense(5, activation="linear", name="first", trainable=False,
            kernel_initializer=keras.initializers.TruncatedNormal(0.0, 0.1),
            bias_initializer=keras.initializers.Constant(0.5)),
    L.ReLU(max_value=6.0, negative_slope=0.125, threshold=0.25),
    L.BatchNormalization(axis=-1, momentum=0.9, epsilon=1e-5, center=False, scale=True,
                         gamma_initializer="ones",
                         moving_mean_initializer=keras.initializers.RandomUniform(-0.1, 0.1, seed=3)),
    L.Dropout(0.5, seed=7, noise_shape=None),
    L.Activation("gelu"),
    L.Dense(3, kernel_initializer=keras.initializers.VarianceScaling(
        2.0, "fan_out", "untruncated_normal", seed=11), bias_initializer="random_normal"),
], name="options"), loss="mse"))

fresh()
record("activations", keras.Sequential([keras.Input((4,))] + [
    L.Dense(4, activation=name) for name in
    ["relu", "sigmoid", "tanh", "softmax", "linear", "elu", "selu", "softplus", "softsign", "swish",
     "gelu", "exponential", "hard_sigmoid"]]), kinds=("model_config", "to_json", "config.json"))

fresh()
record("initializers", keras.Sequential([keras.Input((4,))] + [
    L.Dense(4, kernel_initializer=value) for value in [
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
        "zeros", "ones", "random_uniform", "random_normal", "truncated_normal", "identity", "orthogonal",
        "variance_scaling", keras.initializers.Constant(0.25), keras.initializers.GlorotUniform(seed=5),
        keras.initializers.Identity(gain=2.0)]]), kinds=("model_config", "to_json", "config.json"))

fresh()
model = keras.Sequential([L.Dense(3, activation="relu"), L.Dense(2)], name="late")
model.build((None, 5))
record("late", compiled(model, loss="mse"))

fresh()
record("empty_config", keras.Sequential([L.Dense(3), L.Dense(2)], name="unbuilt"), kinds=("to_json",)) \
    if False else texts.update({"unbuilt/to_json": keras.Sequential(
        [L.Dense(3), L.Dense(2)], name="unbuilt").to_json()})

fresh()
inputs = keras.Input((4,), name="a")
hidden = L.Dense(3, name="shared")(inputs)
record("functional", compiled(keras.Model(inputs, L.Dense(2)(hidden), name="graph"), loss="mse"))

fresh()
record("unsupported", compiled(keras.Sequential([
    keras.Input((4,)),
    L.Dense(3, kernel_regularizer="l2", name="regular"),
    L.Dense(3, bias_constraint="non_neg", name="bound"),
    L.Dense(2, dtype="mixed_float16", name="half"),
    L.LayerNormalization(name="norm"),
]), loss="mse"))

# Layer classes: variables, their order, the tree of a weights file -------------------------------

for case, shape, layers in [
    ("dense_family", (6,), [L.Dense(4), L.BatchNormalization(), L.Dense(4, use_bias=False),
                            L.BatchNormalization(center=False), L.BatchNormalization(scale=False),
                            L.LayerNormalization(), L.LayerNormalization(center=False), L.Dropout(0.1),
                            L.Dropout(0.1), L.PReLU(), L.ReLU(), L.EinsumDense("ab,bc->ac", 4, bias_axes="c")
                            if IS_KERAS_3 else L.EinsumDense("ab,bc->ac", 4, bias_axes="c"),
                            L.GroupNormalization(2), L.UnitNormalization(), L.Normalization(), L.Dense(2)]),
    ("convolutions", (16, 16, 4), [L.Conv2D(4, 3, padding="same"), L.Conv2DTranspose(4, 3, padding="same"),
                                   L.DepthwiseConv2D(3, padding="same"), L.SeparableConv2D(4, 3, padding="same"),
                                   L.Conv2D(4, 3, use_bias=False), L.SeparableConv2D(4, 3, use_bias=False),
                                   L.DepthwiseConv2D(3, use_bias=False),
                                   L.MaxPooling2D(), L.Flatten(), L.Dense(2)]),
    ("volumes", (8, 8, 8, 2), [L.Conv3D(2, 3), L.Conv3DTranspose(2, 3), L.GlobalAveragePooling3D(), L.Dense(2)]),
    ("sequences", (8, 4), [L.Conv1D(4, 3, padding="same"), L.SeparableConv1D(4, 3, padding="same"),
                           L.DepthwiseConv1D(3, padding="same"), L.Conv1DTranspose(4, 3, padding="same"),
                           L.LSTM(3, return_sequences=True), L.GRU(3, return_sequences=True),
                           L.GRU(3, reset_after=False, return_sequences=True),
                           L.SimpleRNN(3, return_sequences=True, use_bias=False),
                           L.Bidirectional(L.LSTM(3, return_sequences=True)),
                           L.TimeDistributed(L.Dense(3)),
                           L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True),
                           L.GlobalAveragePooling1D(), L.Dense(2)]),
    ("movies", (3, 6, 6, 2), [L.ConvLSTM2D(2, 3), L.Flatten(), L.Dense(2)]),
]:
    fresh()
    record(case, compiled(keras.Sequential([keras.Input(shape)] + layers), loss="mse"),
           kinds=("config.json", "names", "tree"))

fresh()
inputs = keras.Input((6, 4))
attended = L.MultiHeadAttention(2, 3, name="mha")(inputs, inputs)
record("attention", compiled(keras.Model(inputs, L.Dense(2)(attended)), loss="mse"),
       kinds=("config.json", "names", "tree"))

fresh()
inner = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(3)], name="inner")
record("nested", compiled(keras.Sequential([keras.Input((4,)), L.Dense(4), inner, L.Dense(2)], name="outer"),
                          loss="mse"), kinds=("model_config", "to_json", "config.json", "names", "tree"))

# Optimizers -------------------------------------------------------------------------------------


def optimizer_case(case, optimizer, **options):
    fresh()
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)], name="s")
    options.setdefault("loss", "mse")
    record(f"optimizer/{case}", compiled(model, optimizer, **options), kinds=("training_config", "compile_config"))


fresh()
optimizer_case("default", Adagrad())
optimizer_case("rate", Adagrad(0.05))
optimizer_case("rate_0.3", Adagrad(0.3))
optimizer_case("rate_1", Adagrad(1.0))
optimizer_case("rate_1e-7", Adagrad(1e-7))
optimizer_case("numbers", Adagrad(0.25, initial_accumulator_value=0.0, epsilon=1e-10, weight_decay=0.004))
optimizer_case("average", Adagrad(0.05, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=3))
optimizer_case("clipnorm", Adagrad(0.05, clipnorm=1.0))
optimizer_case("clipvalue", Adagrad(0.05, clipvalue=0.5))
optimizer_case("global_clipnorm", Adagrad(0.05, global_clipnorm=2.5))
optimizer_case("name", Adagrad(0.05, name="mine"))
optimizer_case("adam", optimizers.Adam(0.01))
optimizer_case("adam_default", optimizers.Adam())
optimizer_case("adam_options", optimizers.Adam(0.01, 0.8, 0.99, 1e-5, True, use_ema=True, ema_overwrite_frequency=3))
optimizer_case("adamw", optimizers.AdamW())
optimizer_case("adamw_options", optimizers.AdamW(0.01, 0.1, 0.8, 0.99, 1e-5, True, clipnorm=1.0))
optimizer_case("sgd", optimizers.SGD(0.01, momentum=0.9))
optimizer_case("sgd_default", optimizers.SGD())
optimizer_case("sgd_options", optimizers.SGD(schedules.CosineDecay(0.1, 100, 0.1), momentum=0.5, nesterov=True,
                                             weight_decay=0.01))
optimizer_case("rmsprop", optimizers.RMSprop())
optimizer_case("rmsprop_options", optimizers.RMSprop(0.01, 0.8, 0.5, 1e-5, True, ema_overwrite_frequency=3))
optimizer_case("adadelta", optimizers.Adadelta(0.01))
if IS_KERAS_3:
    optimizer_case("accumulation", Adagrad(0.05, gradient_accumulation_steps=4))
    optimizer_case("loss_scale", Adagrad(0.05, loss_scale_factor=128.0))
    optimizer_case("wrapped", keras.optimizers.LossScaleOptimizer(Adagrad(0.05)))
else:
    optimizer_case("two_clips", Adagrad(0.05, clipnorm=1.0, clipvalue=0.5))
    fresh()
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)], name="s")
    record("optimizer/legacy", compiled(model, keras.optimizers.legacy.Adagrad(0.05), loss="mse"),
           kinds=("training_config",))
    fresh()
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)], name="s")
    record("optimizer/legacy_clip", compiled(
        model, keras.optimizers.legacy.Adagrad(0.05, decay=0.01, clipnorm=1.0), loss="mse"),
        kinds=("training_config",))

    for case, optimizer in [
        ("sgd", keras.optimizers.legacy.SGD()),
        ("sgd_options", keras.optimizers.legacy.SGD(0.1, 0.5, True, decay=0.25)),
        ("rmsprop", keras.optimizers.legacy.RMSprop()),
        ("rmsprop_options", keras.optimizers.legacy.RMSprop(0.1, 0.75, 0.5, 1e-5, True, clipnorm=1.0)),
        ("adam", keras.optimizers.legacy.Adam()),
        ("adam_options", keras.optimizers.legacy.Adam(0.1, 0.75, 0.5, 1e-5, True, decay=0.5)),
    ]:
        fresh()
        model = keras.Sequential([keras.Input((2,)), L.Dense(1)], name="s")
        record(f"optimizer/legacy_{case}", compiled(model, optimizer, loss="mse"), kinds=("training_config",))

optimizer_case("exponential", Adagrad(schedules.ExponentialDecay(0.1, 100, 0.96)))
optimizer_case("exponential_named", Adagrad(schedules.ExponentialDecay(0.1, 100, 0.96, True, name="n")))
optimizer_case("piecewise", Adagrad(schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.05, 0.01])))
optimizer_case("polynomial", Adagrad(schedules.PolynomialDecay(0.1, 100, 0.01, 0.5, True)))
optimizer_case("inverse_time", Adagrad(schedules.InverseTimeDecay(0.1, 100, 0.5)))
optimizer_case("cosine", Adagrad(schedules.CosineDecay(0.1, 100, 0.1)))
optimizer_case("restarts", Adagrad(schedules.CosineDecayRestarts(0.1, 100)))
if IS_KERAS_3:
    optimizer_case("warmup", Adagrad(schedules.CosineDecay(0.01, 100, 0.1, warmup_target=0.1, warmup_steps=10)))

# Losses and metrics -----------------------------------------------------------------------------

for loss in ["mse", "mae", "categorical_crossentropy", "binary_crossentropy", "mean_squared_error"]:
    optimizer_case(f"loss/{loss}", Adagrad(0.05), loss=loss)
for case, loss in [
    ("mse", keras.losses.MeanSquaredError()),
    ("binary", keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)),
    ("categorical", keras.losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="sum")),
    ("binary_logits", keras.losses.BinaryCrossentropy(from_logits=True)),
    ("categorical_logits", keras.losses.CategoricalCrossentropy(from_logits=True)),
    ("sparse_logits", keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
    ("sparse", keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=3)),
]:
    optimizer_case(f"loss/object_{case}", Adagrad(0.05), loss=loss)
optimizer_case("metrics", Adagrad(0.05), loss="mse", metrics=["mae", keras.metrics.MeanSquaredError(name="m")],
               weighted_metrics=["mse"], loss_weights=[2.0])
optimizer_case("named_metrics", Adagrad(0.05), loss="mse", metrics=[
    keras.metrics.MeanSquaredError(name="m"), keras.metrics.SparseCategoricalAccuracy(name="s")])
optimizer_case("accuracies", Adagrad(0.05), loss="binary_crossentropy", metrics=["acc", "accuracy", "binary_accuracy"])

# Python's JSON ----------------------------------------------------------------------------------

numbers = [0.0, -0.0, 1.0, -1.5, 0.1, 1e-05, 1e-04, 0.0001, 0.00012345, 1e-07, 1.5e-07, 123456789.0, 1e15, 1e16,
           1e17, 1.5e16, 9007199254740993.0, 123456789012345680.0, 5e-324, 2.2250738585072014e-308,
           1.7976931348623157e+308, 1e22, 1e21, 1e100, 0.05000000074505806, float(np.float32(0.3)), 1 / 3, 100.0,
           1e-10, 12345678.9, float("inf"), float("-inf"), float("nan")]
texts["python/numbers"] = json.dumps(numbers)
texts["python/bits"] = json.dumps(["%016x" % int(np.float64(v).view(np.uint64)) for v in numbers])
texts["python/strings"] = json.dumps({
    "plain": "a/b", "escapes": "\"\\\b\f\n\r\t\x00\x1f\x7f", "umlaut": "äöü€", "astral": "😀𝄞", "lone": "\ud800x",
    "": []}, )
texts["python/nested"] = json.dumps({"a": [], "b": {}, "c": [1, [2, {"d": None}]], "t": True, "f": False})

version = "3.15" if IS_KERAS_3 else "2.12"
path = os.path.join(sys.argv[1], f"keras-{version}", "configurations.json")
os.makedirs(os.path.dirname(path), exist_ok=True)
with open(path, "w") as file:
    json.dump(texts, file, indent=1)
    file.write("\n")
print(path, len(texts), "texts", os.path.getsize(path), "bytes")
