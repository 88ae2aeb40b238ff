"""Times one dense Adagrad step of another framework, in turn with one of Cairn's.

Runs in the environment of that framework. Cairn's benchmark program runs beside it and takes a step
whenever it is sent a line, so that whatever disturbs the machine meets both alike.

    python -m keras_side.step_speed torch|keras BENCHMARKS COUNT THREADS REPETITIONS
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from typing import Callable


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


class Cairn:
    """Cairn's benchmark program, taking steps on request."""

    def __init__(self, program: str, count: int, threads: int) -> None:
        self._process = subprocess.Popen(
            [program, "serve", str(count), str(threads)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)

    def step(self) -> float:
        """Takes one step; returns its seconds, as the program measured them."""
        self._process.stdin.write("step\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline()) * 1e-9

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def main() -> int:
    framework, program, count, threads, repetitions = sys.argv[1:]
    step = FRAMEWORKS[framework](int(count), int(threads))
    cairn = Cairn(program, int(count), int(threads))
    ours, theirs = [], []
    for repetition in range(int(repetitions) + 3):
        start = time.perf_counter()
        step()
        elapsed = time.perf_counter() - start
        # The other's threads spin for some milliseconds after their work, where Cairn's have to run.
        time.sleep(REST_SECONDS)
        seconds = cairn.step()
        time.sleep(REST_SECONDS)
        if repetition >= 3:  # The first ones warm up.
            theirs.append(elapsed)
            ours.append(seconds)
    cairn.close()
    ratios = [other / own for other, own in zip(theirs, ours)]
    print(json.dumps({
        "framework": framework, "elements": int(count), "threads": int(threads),
        "cairn_ms": statistics.median(ours) * 1e3, "other_ms": statistics.median(theirs) * 1e3,
        "speed_of_cairn": statistics.median(ratios)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
