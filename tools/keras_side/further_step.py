"""One further step of training that depends on nothing but the model, its optimizer and the data.

The model answers as it does when it is not trained, so that no dropout draws numbers; the loss and the
optimizer are those that it was compiled with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from keras_side import matrix_truth
from keras_side.generation import Generation

SEED = 23


def take(generation: Generation, model: Any) -> dict[str, Any] | None:
    """The loss before the step, and all variables after it by name; null without an optimizer.

    In place of both `refused` with Keras's words, where it cannot.
    """
    from keras_side.save_matrix import data  # Which imports this module.
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not model.trainable_variables:
        return None
    random = np.random.RandomState(SEED)
    inputs = data(model, random)
    try:
        with tf.GradientTape() as tape:
            answers = model(inputs, training=False)
            many = isinstance(answers, (list, tuple))
            targets = [tf.constant(random.random_sample(tuple(each.shape)), tf.float32)
                       for each in (answers if many else [answers])]
            loss = model.compute_loss(x=inputs, y=targets if many else targets[0], y_pred=answers)
            scaled = optimizer.scale_loss(loss) if generation.family == "keras3" else loss
        trainable = model.trainable_variables
        if generation.family == "keras3":
            optimizer.apply(tape.gradient(
                scaled, generation.variables_to_differentiate(trainable)), trainable)
        else:
            optimizer.minimize(loss, trainable, tape=tape)
    except Exception as error:  # Whatever Keras raises is the answer.
        return {"refused": f"{type(error).__name__}: {str(error).strip()[:300]}"}
    return {"loss": float(np.asarray(loss, np.float64)), "variables": {
        each.name: generation.array(each.variable).astype(np.float64).ravel().tolist()
        for each in matrix_truth.variables(generation, model)}}
