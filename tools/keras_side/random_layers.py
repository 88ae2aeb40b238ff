"""Random layers: for a tensor of a shape, a layer that takes it, with random options.

Every choice comes from a `Draw` and from shapes alone, so that each Keras makes the same of a seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Sequence

import numpy as np

from keras_side.generation import Generation

Shape = tuple[int, ...]
"""Without the batch."""

WORDS = ("dense", "dense_1", "Dense", "layers", "vars", "optimizer", "cell", "kernel", "bias", "0", "10",
         "2", "a", "a_b", "b", "model_weights", "optimizer_weights", "top_level_model_weights",
         "cairn", "layer_names", "forward_layer", "a.b", "a-b", "a>b", "x_", "iteration",
         "accumulator", "Adagrad", "sequential", "model", "lstm_cell", "query", "A", "name",
         "output", "average", "batch_normalization", "dropout_7", "add", "layer", "metrics")
SLASHED = ("block", "block/a", "block/b", "a/b", "a", "a/b/c", "a_b", "block/a/kernel", "back\\slash",
           "model/dense")
UNICODE = ("Größe 数", "a:b c%", "模型", "e\u0301", "#0", "tab\there", '"quoted"', "back\\slash",
           "*", "a?[b]", "=", "~tilde", "emoji 🪨", " ", "line\nbreak")
ACTIVATIONS = ("tanh", "relu", "sigmoid", "elu", "selu", "softplus", "softsign", "swish", "linear",
               "softmax", "gelu", "exponential")


class Draw(random.Random):
    """A source of choices."""

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.random() < probability

    def pick(self, items: Iterable[Any]) -> Any:
        """One of several."""
        return self.choice(list(items))

    def options(self, probability: float, **makers: Sequence[Any]) -> dict[str, Any]:
        """Some of the options, each with one of its values."""
        return {name: self.pick(values) for name, values in makers.items()
                if self.chance(probability)}


@dataclass
class Making:
    """What the layers of one random model have in common."""

    generation: Generation
    draw: Draw
    words: Sequence[str] = ()
    """Names that layers may be given; none leaves them to Keras."""
    dtypes: Sequence[str] = ()
    """Dtypes or policies that single layers may be given."""
    taken: set[str] = field(default_factory=set)
    """Names that layers of the present model have."""

    @property
    def layers(self) -> Any:
        return self.generation.keras.layers

    def name(self) -> dict[str, str]:
        """A name for a layer, or the one that Keras gives."""
        if not self.words or self.draw.chance(0.4):
            return {}
        word = self.draw.pick(self.words)
        if word in self.taken:
            return {}
        self.taken.add(word)
        return {"name": word}

    def common(self) -> dict[str, Any]:
        """Options that every layer has."""
        options: dict[str, Any] = self.name()
        if self.dtypes and self.draw.chance(0.25):
            options["dtype"] = self.draw.pick(self.dtypes)
        if self.draw.chance(0.07):
            options["trainable"] = False
        return options

    def kernel(self, activation: bool = True) -> dict[str, Any]:
        """Options of layers with a kernel and a bias."""
        k, draw = self.generation.keras, self.draw
        options = draw.options(0.3, use_bias=(False, True), kernel_initializer=(
            "he_normal", "orthogonal", "glorot_normal", k.initializers.RandomNormal(0.0, 0.3, seed=5),
            k.initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=2)))
        options |= draw.options(0.12, kernel_regularizer=("l2", k.regularizers.L1L2(0.01, 0.02)),
                                bias_initializer=("ones", k.initializers.Constant(0.25)),
                                bias_regularizer=(k.regularizers.L2(0.125),))
        if activation:
            options |= draw.options(0.4, activation=ACTIVATIONS)
        return options | self.common()

    def norm(self) -> dict[str, Any]:
        """Options of normalizations."""
        return self.draw.options(0.4, scale=(False, True), center=(False, True),
                                 epsilon=(1e-3, 1e-5)) | self.common()


Maker = Callable[[Making, Shape], Any]


def dense(m: Making, shape: Shape) -> Any:
    if m.draw.chance(0.1):
        return m.layers.Dense(shape[-1], kernel_constraint=m.generation.keras.constraints.MaxNorm(3),
                              **m.kernel())
    return m.layers.Dense(m.draw.randint(1, 6), **m.kernel())


def einsum(m: Making, shape: Shape) -> Any:
    width = m.draw.randint(2, 5)
    axes = {"bias_axes": "z"} if m.draw.chance(0.6) else {}
    letters = "bcde"[:len(shape)]
    return m.layers.EinsumDense(
        f"a{letters},{letters[-1]}z->a{letters[:-1]}z", (*shape[:-1], width),
        **axes, **m.draw.options(0.4, activation=ACTIVATIONS), **m.common())


def batch_normalization(m: Making, shape: Shape) -> Any:
    axis = {"axis": m.draw.randint(1, len(shape))} if m.draw.chance(0.3) else {}
    return m.layers.BatchNormalization(**axis, **m.draw.options(0.3, momentum=(0.9, 0.5)), **m.norm())


def layer_normalization(m: Making, shape: Shape) -> Any:
    axis = {"axis": [1, 2]} if len(shape) > 1 and m.draw.chance(0.3) else {}
    return m.layers.LayerNormalization(**axis, **m.norm())


def group_normalization(m: Making, shape: Shape) -> Any:
    groups = m.draw.pick(each for each in (-1, 1, 2, 3) if each < 0 or shape[-1] % each == 0)
    return m.layers.GroupNormalization(groups, **m.norm())


def normalization(m: Making, shape: Shape) -> Any:
    if m.draw.chance(0.4):
        return m.layers.Normalization(mean=0.5, variance=2.0, **m.name())
    layer = m.layers.Normalization(**m.name())
    layer.adapt(np.random.RandomState(1).random_sample((16, *shape)).astype(np.float32))
    return layer


def p_relu(m: Making, shape: Shape) -> Any:
    axes = list(range(1, len(shape)))
    shared = {"shared_axes": axes[:m.draw.randint(1, len(axes))]} if axes and m.draw.chance(0.7) else {}
    return m.layers.PReLU(**shared, **m.common())


def attention(m: Making, shape: Shape) -> Any:
    return m.layers.MultiHeadAttention(
        m.draw.randint(1, 3), m.draw.randint(1, 4),
        **m.draw.options(0.3, value_dim=(2, 3), use_bias=(False,), dropout=(0.25,), output_shape=(4,)),
        **m.common())


def plain_attention(m: Making, shape: Shape) -> Any:
    if m.draw.chance(0.5):
        return m.layers.Attention(use_scale=m.draw.chance(0.7),
                                  **m.draw.options(0.3, score_mode=("dot", "concat")), **m.common())
    return m.layers.AdditiveAttention(**m.draw.options(0.3, use_scale=(False, True)), **m.common())


def recurrent_options(m: Making, returns: bool | None) -> dict[str, Any]:
    options = m.draw.options(0.25, use_bias=(False,), dropout=(0.25,), go_backwards=(True,),
                             unroll=(True,), recurrent_activation=("sigmoid", "tanh"))
    options["return_sequences"] = m.draw.chance(0.6) if returns is None else returns
    return options


def recurrent(m: Making, shape: Shape, returns: bool | None = None, is_inner: bool = False) -> Any:
    kind = m.draw.pick(("LSTM", "GRU", "SimpleRNN"))
    options = recurrent_options(m, returns)
    if kind == "SimpleRNN":
        options.pop("recurrent_activation", None)
    if is_inner:
        options.pop("go_backwards", None)
    own = m.draw.options(0.3, reset_after=(False,)) if kind == "GRU" else {}
    own |= m.draw.options(0.3, unit_forget_bias=(False,)) if kind == "LSTM" else {}
    return getattr(m.layers, kind)(m.draw.randint(1, 4), **options, **own, **m.common())


def cell(m: Making) -> Any:
    kind = m.draw.pick(("LSTMCell", "GRUCell", "SimpleRNNCell"))
    return getattr(m.layers, kind)(
        m.draw.randint(1, 4), **m.draw.options(0.3, use_bias=(False,), dropout=(0.2,)),
        **({"trainable": False} if m.draw.chance(0.05) else {}))


def cells(m: Making, shape: Shape) -> Any:
    inner = [cell(m) for _ in range(m.draw.randint(1, 3))]
    return m.layers.RNN(inner[0] if len(inner) == 1 and m.draw.chance(0.7) else inner,
                        return_sequences=m.draw.chance(0.6), **m.common())


def bidirectional(m: Making, shape: Shape) -> Any:
    merge = m.draw.options(0.3, merge_mode=("sum", "mul", "ave", "concat"))
    if m.draw.chance(0.3):
        kind, units, returns = m.draw.pick(("LSTM", "GRU")), m.draw.randint(1, 4), m.draw.chance(0.6)
        make = getattr(m.layers, kind)
        return m.layers.Bidirectional(
            make(units, return_sequences=returns),
            backward_layer=make(units, return_sequences=returns, go_backwards=True,
                                use_bias=m.draw.chance(0.6)), **merge, **m.common())
    return m.layers.Bidirectional(recurrent(m, shape, is_inner=True), **merge, **m.common())


def time_distributed(m: Making, shape: Shape) -> Any:
    inner_shape = shape[1:]
    makers = {1: (dense, layer_normalization, batch_normalization, block),
              2: (dense, convolution_1d, recurrent, bidirectional),
              3: (convolution_2d, depthwise_2d)}[len(inner_shape)]
    return m.layers.TimeDistributed(m.draw.pick(makers)(m, inner_shape), **m.common())


def block(m: Making, shape: Shape) -> Any:
    """A small model as a layer."""
    outer, m.taken = m.taken, set()
    k = m.generation.keras
    layers = [k.Input(shape=shape), m.layers.Dense(shape[-1], **m.kernel())]
    for _ in range(m.draw.randint(0, 2)):
        layers.append(m.draw.pick((batch_normalization, dense, layer_normalization))(m, shape))
    m.taken = outer
    return k.Sequential(layers, **m.name())


def convolution(kind: str, rank: int) -> Maker:
    """A maker of convolutions that keep an image at least as large as before."""
    def make(m: Making, shape: Shape) -> Any:
        options: dict[str, Any] = {"padding": "same"}
        if kind in ("Conv", "Separable") and m.draw.chance(0.2):
            options["dilation_rate"] = 2
        elif m.draw.chance(0.2):
            options["strides"] = 2
        if kind == "Depthwise":
            if m.draw.chance(0.3):
                options["depth_multiplier"] = 2
            kernel = m.kernel()
            for key in ("kernel_initializer", "kernel_regularizer"):
                if key in kernel:
                    kernel[key.replace("kernel", "depthwise")] = kernel.pop(key)
            return getattr(m.layers, f"DepthwiseConv{rank}D")(m.draw.randint(1, 3), **options, **kernel)
        if kind == "Separable":
            if m.draw.chance(0.3):
                options["depth_multiplier"] = 2
            kernel = m.kernel()
            for key in ("kernel_initializer", "kernel_regularizer"):
                if key in kernel:
                    kernel[key.replace("kernel", m.draw.pick(("depthwise", "pointwise")))] = \
                        kernel.pop(key)
            return getattr(m.layers, f"SeparableConv{rank}D")(
                m.draw.randint(1, 4), m.draw.randint(1, 3), **options, **kernel)
        if kind == "Transpose":
            return getattr(m.layers, f"Conv{rank}DTranspose")(
                m.draw.randint(1, 3), m.draw.randint(1, 3), **options, **m.kernel())
        filters = m.draw.randint(1, 4)
        return getattr(m.layers, f"Conv{rank}D")(
            filters, m.draw.randint(1, 3), **options, **m.kernel())
    return make


convolution_1d, convolution_2d, convolution_3d = (convolution("Conv", rank) for rank in (1, 2, 3))
depthwise_2d = convolution("Depthwise", 2)


def memory(rank: int) -> Maker:
    """A maker of convolutional LSTMs."""
    def make(m: Making, shape: Shape) -> Any:
        return getattr(m.layers, f"ConvLSTM{rank}D")(
            m.draw.randint(1, 3), m.draw.randint(1, 2), padding="same",
            return_sequences=m.draw.chance(0.5), **m.draw.options(0.3, use_bias=(False,)), **m.common())
    return make


def weightless(kind: str, *arguments: Any, **options: Any) -> Maker:
    """A maker of a layer that has no weights."""
    return lambda m, shape: getattr(m.layers, kind)(*arguments, **options, **m.common())


def seeded(kind: str, *arguments: Any) -> Maker:
    """A maker of a layer that draws numbers while it is trained."""
    return lambda m, shape: getattr(m.layers, kind)(
        *arguments, **m.draw.options(0.5, seed=(3, 2**31 - 1)), **m.common())


def named(kind: str, **options: Any) -> Maker:
    """A maker of a layer of preprocessing, which is given nothing but a name."""
    return lambda m, shape: getattr(m.layers, kind)(**options, **m.name())


def activation(m: Making, shape: Shape) -> Any:
    return m.layers.Activation(m.draw.pick(ACTIVATIONS), **m.common())


EVERYWHERE: tuple[Maker, ...] = (
    dense, dense, einsum, batch_normalization, batch_normalization, layer_normalization,
    group_normalization, normalization, p_relu, activation, seeded("Dropout", 0.25),
    seeded("GaussianNoise", 0.1), seeded("AlphaDropout", 0.2),
    weightless("UnitNormalization"), weightless("Rescaling", 0.5, offset=0.25),
    weightless("ReLU", 6.0, 0.125), weightless("ELU", 0.5), weightless("LeakyReLU", 0.25),
    weightless("Softmax"), weightless("ActivityRegularization", 0.01, 0.02))
BY_RANK: Mapping[int, tuple[Maker, ...]] = {
    1: (dense, dense, block, block, weightless("RepeatVector", 3)),
    2: (convolution_1d, convolution("Separable", 1), convolution("Depthwise", 1),
        convolution("Transpose", 1), recurrent, recurrent, recurrent, cells, cells, bidirectional,
        bidirectional, time_distributed, time_distributed, attention, attention, plain_attention,
        weightless("SpatialDropout1D", 0.25), weightless("MaxPooling1D", 2, padding="same"),
        weightless("GlobalAveragePooling1D"), weightless("Flatten"), weightless("ZeroPadding1D", 1),
        weightless("Permute", (2, 1)), weightless("Masking", 0.5), weightless("UpSampling1D", 2)),
    3: (convolution_2d, convolution_2d, convolution("Separable", 2), depthwise_2d,
        convolution("Transpose", 2), memory(1), time_distributed, weightless("SpatialDropout2D", 0.25),
        weightless("MaxPooling2D", 2, padding="same"), weightless("AveragePooling2D", 2, padding="same"),
        weightless("GlobalMaxPooling2D"), weightless("Flatten"), weightless("ZeroPadding2D", 1),
        named("RandomFlip", mode="horizontal", seed=1), named("RandomRotation", factor=0.1, seed=1),
        named("RandomZoom", height_factor=0.1, seed=1), named("CenterCrop", height=2, width=2),
        named("Resizing", height=3, width=3)),
    4: (convolution_3d, convolution("Transpose", 3), memory(2), memory(2), time_distributed,
        weightless("MaxPooling3D", 2, padding="same"), weightless("GlobalAveragePooling3D"),
        weightless("Flatten"), weightless("SpatialDropout3D", 0.25)),
}
TAKES_TWO = ("MultiHeadAttention", "Attention", "AdditiveAttention")


def any_layer(m: Making, shape: Shape, is_chained: bool = False) -> Any:
    """A layer for a tensor of a shape; `is_chained` leaves out those that are called with several."""
    while True:
        maker = m.draw.pick(EVERYWHERE if m.draw.chance(0.4) else BY_RANK[len(shape)])
        if is_chained and maker in (attention, plain_attention):
            continue
        if int(np.prod(shape)) > 200 and maker in (einsum, p_relu) or max(shape) > 24:
            maker = weightless("Flatten") if len(shape) > 1 else dense
        return maker(m, shape)


def called(m: Making, layer: Any, tensor: Any) -> Any:
    """What the layer makes of a tensor."""
    kind = type(layer).__name__
    if kind == "MultiHeadAttention":
        return layer(tensor, tensor)
    return layer([tensor, tensor]) if kind in TAKES_TWO else layer(tensor)


def entrance(m: Making, kind: str) -> tuple[Shape, str, list[Any]]:
    """An input's shape and dtype, and the layers that make numbers of it."""
    layers, draw = m.layers, m.draw
    if kind == "tokens":
        return (draw.randint(2, 5),), "int32", [layers.Embedding(
            11, draw.randint(1, 5), **draw.options(0.4, mask_zero=(True,)), **m.common())]
    if kind == "strings":
        table = layers.StringLookup(vocabulary=["cairn", "stone", "path"], num_oov_indices=1)
        return (3,), "string", [table, layers.Embedding(5, draw.randint(1, 4), **m.common())]
    if kind == "codes":
        return (4,), "int32", [layers.CategoryEncoding(11, output_mode="multi_hot")]
    shapes = {"line": (draw.randint(1, 6),), "sequence": (draw.randint(2, 4), draw.randint(1, 5)),
              "image": (draw.randint(2, 5), draw.randint(2, 5), draw.randint(1, 4)),
              "film": (2, draw.randint(2, 3), draw.randint(2, 3), draw.randint(1, 2))}
    return shapes[kind], "float32", []
