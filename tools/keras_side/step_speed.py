"""Times one dense Adagrad step of another framework, in turn with one of Cairn's.

Runs in the environment of that framework. Cairn's benchmark program runs beside it and takes a step
whenever it is sent a line, so that whatever disturbs the machine meets both alike.

    python -m keras_side.step_speed torch|keras BENCHMARKS COUNT THREADS REPETITIONS
"""

from __future__ import annotations

import json
import sys
from typing import Callable

from keras_side import turns


def torch_step(count: int, threads: int) -> Callable[[], None]:
    """PyTorch's fused Adagrad."""
    import torch
    torch.set_num_threads(threads)
    parameter = torch.nn.Parameter(torch.ones(count))
    parameter.grad = torch.full((count,), 0.01)
    optimizer = torch.optim.Adagrad([parameter], lr=0.001, initial_accumulator_value=0.1,
                                    eps=1e-7, fused=True)
    return optimizer.step


def keras_step(count: int, threads: int) -> Callable[[], None]:
    """Keras 3 on TensorFlow, eager."""
    import keras
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    variable = keras.Variable(tf.ones(count), dtype="float32")
    gradient = tf.fill((count,), 0.01)
    optimizer = keras.optimizers.Adagrad(0.001)
    optimizer.build([variable])

    def step() -> None:
        optimizer.apply_gradients([(gradient, variable)])
        variable.value[0].numpy()  # Waits until the step is done.
    return step


REST_SECONDS = 0.02
FRAMEWORKS = {"torch": torch_step, "keras": keras_step}


def main() -> int:
    framework, program, count, threads, repetitions = sys.argv[1:]
    step = FRAMEWORKS[framework](int(count), int(threads))
    cairn = turns.Cairn(program, "serve", count, threads)
    # The other's threads spin for some milliseconds after their work, where Cairn's have to run.
    print(json.dumps(turns.take(
        cairn, "step", framework, step, int(repetitions), warm_ups=3, rest=REST_SECONDS)))
    cairn.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
