"""Trains the cases of `descent_cases` and saves each of them at several steps.

Writes `<case>-<step>.<suffix>` and `pairs.json`: a list of the honest pairs, with what there is to know about
each. Prints how many.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_side.descent_cases import BATCH, CASES, LENGTH, MODELS, Case, batch, loss_of
from keras_side.generation import Generation, current


def optimizer(generation: Generation, case: Case) -> Any:
    """The case's optimizer."""
    arguments = dict(case.optimizer)
    name = "legacy.Adagrad" if arguments.pop("legacy", False) else "Adagrad"
    return generation.optimizer(name, arguments)


def set_policy(generation: Generation, name: str) -> None:
    """Sets the dtype of new layers."""
    if generation.family == "keras3":
        generation.keras.config.set_dtype_policy(name)
    else:
        generation.keras.mixed_precision.set_global_policy(name)


def train(generation: Generation, name: str, case: Case, folder: Path) -> list[Path]:
    """Trains one case, unless all is there; returns the files, in the order of the steps."""
    files = [folder / f"{name}-{stop}.{case.layout}" for stop in case.stops]
    if all(path.exists() for path in files):
        return files
    keras = generation.keras
    keras.backend.clear_session()
    keras.utils.set_random_seed(sum(map(ord, name)))
    set_policy(generation, case.policy)
    model = MODELS[case.model](keras)
    options: dict[str, Any] = {"run_eagerly": case.mode == "eager"}
    if case.mode == "xla":
        options["jit_compile"] = True
    if case.loss_weight != 1:
        options["loss_weights"] = [case.loss_weight]
    model.compile(optimizer(generation, case), loss_of(case.model), **options)
    random = np.random.RandomState(7)
    step = 0
    for stop, path in zip(case.stops, files):
        if case.mode == "fit":
            count = stop - step
            pieces = [batch(case.model, random) for _ in range(count)]
            model.fit(np.concatenate([x for x, _ in pieces]), np.concatenate([y for _, y in pieces]),
                      batch_size=BATCH, epochs=1, verbose=0)
            step = stop
        while step < stop:
            if step in case.rates:
                assign_rate(generation, model, case.rates[step])
            model.train_on_batch(*batch(case.model, random))
            step += 1
        if case.layout == "weights.h5":
            model.save_weights(str(path))
        else:
            model.save(str(path))
    return files


def assign_rate(generation: Generation, model: Any, rate: float) -> None:
    """Sets a rate as callbacks do."""
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if generation.family == "keras3":
        inner.learning_rate = rate
    else:
        generation.keras.backend.set_value(inner.learning_rate, rate)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    generation = current()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for name, case in CASES.items():
        if generation.family not in case.generations or name not in arguments.cases:
            continue
        files = train(generation, name, case, arguments.folder)
        for first, second in combinations(range(len(files)), 2):
            embeds = case.model in ("embedding", "recurrent")
            pairs.append({
                "case": name, "generation": generation.family, "first": files[first].name,
                "second": files[second].name, "steps": case.stops[second] - case.stops[first],
                "policy": case.policy, "decays": bool(case.optimizer.get("weight_decay")),
                "averages": bool(case.optimizer.get("use_ema")), "constrained": case.model == "constraint",
                "occurrences": BATCH * LENGTH if embeds else None, "model": case.model})
    (arguments.folder / "pairs.json").write_text(json.dumps(pairs, indent=1), "utf-8")
    print(len(pairs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
