#!/usr/bin/env python3
"""Makes the virtual environments in which real Keras runs, and runs modules inside them.

Seven environments, each with its own pinned requirements beside this file:

  keras2   TensorFlow 2.12.1 with Keras 2.12.0 (needs Python 3.11)
  keras3   Keras 3.15.1 on TensorFlow 2.21.0 (needs Python 3.11)
  tfkeras  tf_keras 2.21.0, the Keras 2 that goes on outside TensorFlow, on TensorFlow 2.21.0
  digits   scikit-learn, only to make Fixtures/digits.h5
  tensors  NumPy and safetensors, to open what Cairn exports
  torch    PyTorch for the processor, only to compare speeds
  schemas  jsonschema, to hold outputs against the schemas in Schemas/

They live in the git-ignored folder `.venv` of the repository, or in the folder that the environment
variable CAIRN_VENVS names. Making one is idempotent: a stamp file inside it holds the digest of the
requirements that it was made from, and nothing is done while the two agree.

  tools/keras_environments.py              makes keras2 and keras3
  tools/keras_environments.py keras3       makes one, prints the path of its interpreter
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Sequence

TOOLS = Path(__file__).resolve().parent
REPOSITORY = TOOLS.parent
NAMES = ("keras2", "keras3", "tfkeras", "digits", "tensors", "torch", "schemas")
PYTHON = "python3.11"
STAMP = "cairn-requirements.sha256"


class EnvironmentFailure(Exception):
    """An environment could not be made, or a module run inside one failed."""


def folder() -> Path:
    """The folder that holds the environments."""
    return Path(os.environ.get("CAIRN_VENVS", REPOSITORY / ".venv")).resolve()


def ensure(name: str) -> Path:
    """Makes the environment `name` if it is absent or out of date; returns its interpreter."""
    requirements = TOOLS / f"requirements-{name}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    root = folder() / name
    interpreter = root / "bin" / "python"
    root.parent.mkdir(parents=True, exist_ok=True)
    with open(root.parent / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = root / STAMP
        if stamp.exists() and stamp.read_text(encoding="utf-8").strip() == digest:
            return interpreter
        print(f"making the environment {name} in {root}", file=sys.stderr)
        if not interpreter.exists():
            _call([_base_interpreter(), "-m", "venv", str(root)])
        _call([str(interpreter), "-m", "pip", "install", "--quiet",
               "--disable-pip-version-check", "-r", str(requirements)])
        stamp.write_text(digest + "\n", encoding="utf-8")
    return interpreter


def version(name: str) -> str:
    """The Keras of an environment, such as `keras 2.12.0`, as its requirements pin it."""
    for line in (TOOLS / f"requirements-{name}.txt").read_text(encoding="utf-8").splitlines():
        package, _, number = line.partition("==")
        if package in ("keras", "tf_keras") and (package == "tf_keras") == (name == "tfkeras"):
            return f"{package} {number}"
    raise EnvironmentFailure(f"requirements-{name}.txt pins no Keras")


def run(name: str, module: str, arguments: Sequence[str] = ()) -> str:
    """Runs `python -m module` inside the environment; returns its standard output.

    TensorFlow's chatter on standard error is shown only when the module fails.
    """
    completed = subprocess.run(
        [str(ensure(name)), "-m", module, *arguments],
        env=_quiet_environment(), cwd=REPOSITORY, text=True, capture_output=True, check=False)
    if completed.returncode != 0:
        raise EnvironmentFailure(
            f"{module} in {name} ended with code {completed.returncode}\n"
            f"{completed.stdout}{completed.stderr}")
    return completed.stdout


def _base_interpreter() -> str:
    path = shutil.which(PYTHON)
    if path is None:
        raise EnvironmentFailure(
            f"{PYTHON} was not found on the PATH; TensorFlow 2.12 has no release for newer Python "
            "(Debian 12: apt-get install python3 python3-venv)")
    return path


def _quiet_environment() -> dict[str, str]:
    """CPU only, one fixed set of kernels, no log lines, the tools folder importable."""
    return {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(TOOLS),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",
    }


def _call(command: Sequence[str]) -> None:
    completed = subprocess.run(command, text=True, capture_output=True, check=False)
    if completed.returncode != 0:
        raise EnvironmentFailure(f"{' '.join(command)}\n{completed.stdout}{completed.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Make the virtual environments in which real Keras runs.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help=f"one or more of {', '.join(NAMES)} (default: keras2 keras3)")
    names = parser.parse_args().names or ["keras2", "keras3"]
    for unknown in set(names) - set(NAMES):
        parser.error(f"unknown environment {unknown!r}, expected one of {', '.join(NAMES)}")
    try:
        for name in names:
            print(ensure(name))
    except EnvironmentFailure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
