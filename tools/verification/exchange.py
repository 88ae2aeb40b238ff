"""Cairn's files opened and trained on by real Keras, and the other way round."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import keras_environments as environments
from verification.binaries import Binaries, losses_in
from verification.contents import Contents, dataset_digests, read_json
from verification.report import Report

LOSS_LIMIT = 2e-6
WEIGHT_LIMIT = 4e-6
PREDICTION_LIMIT = 1e-6


@dataclass(frozen=True)
class Case:
    """One generation of Keras, one network, with or without moving averages."""

    environment: str
    network: str
    ema: float | None

    @property
    def suffix(self) -> str:
        """The layout that Cairn exchanges with this generation."""
        return ".h5" if self.environment == "keras2" else ".weights.h5"

    @property
    def name(self) -> str:
        averages = "" if self.ema is None else f", averages {self.ema}"
        return f"{self.environment}, {self.network}{averages}"

    @property
    def folder_name(self) -> str:
        return f"{self.environment}-{self.network}-{'plain' if self.ema is None else 'averages'}"

    @property
    def ema_options(self) -> list[str]:
        return [] if self.ema is None else ["--ema", str(self.ema)]

    @property
    def is_deterministic(self) -> bool:
        """Whether two engines given equal weights and rows must compute equal losses."""
        return self.network == "plain"


CASES = tuple(Case(environment, network, ema)
              for environment in ("keras2", "keras3")
              for network, ema in (("plain", None), ("plain", 0.9), ("normalized", 0.9)))


@dataclass(frozen=True)
class Exchange:
    """Everything that the checks of one case share."""

    case: Case
    cairn: Binaries
    report: Report
    folder: Path

    @property
    def architecture(self) -> Path:
        return self.folder / "architecture.json"

    def run(self) -> None:
        """Both directions."""
        self.folder.mkdir(parents=True)
        with self.report.section(f"{self.case.name}: Keras writes a network"):
            self._keras("write_network", "--network", self.case.network, "--steps", "8",
                        "--suffix", self.case.suffix, "--folder", str(self.folder),
                        *self.case.ema_options)
        with self.report.section(f"{self.case.name}: from Cairn to Keras"):
            self.from_cairn()
        with self.report.section(f"{self.case.name}: from Keras to Cairn"):
            self.from_keras()

    def from_cairn(self) -> None:
        """Cairn trains and saves; Keras opens the file, tells what it holds, and trains on."""
        saved = self.folder / f"cairn{self.case.suffix}"
        self.cairn.train(self.architecture, saved, epochs=2, rate=0.05, ema=self.case.ema)
        session = self._continue_in_keras(saved, "from-cairn")
        before = read_json(session / "before.json")
        shown = self.cairn.show(saved)
        label = f"{self.case.name}: Keras opens Cairn's file"
        self._check_contents(label, Contents.shown(shown), Contents.told(before))
        self.report.check_equal(
            f"{label}, and h5py alone reads the bytes that Cairn shows",
            {path: digest for path, digest in before["datasets"].items()
             if path in dataset_digests(shown)}, dataset_digests(shown))
        self._check_same_steps(f"{self.case.name}: equal gradients on Cairn's file", saved, session)
        self._check_predictions(f"{self.case.name}: Cairn's file", saved, session)
        if self.case.is_deterministic:
            self._check_training(f"{self.case.name}: an epoch on Cairn's file", saved, session)

    def from_keras(self) -> None:
        """Keras trains and saves; Cairn shows the file, applies gradients to it, trains on."""
        saved = self.folder / f"trained{self.case.suffix}"
        truth = Contents.told(read_json(self.folder / "trained.truth.json"))
        session = self._continue_in_keras(saved, "from-keras")
        completed = self._with_architecture(saved)
        self._check_contents(f"{self.case.name}: Cairn opens Keras's file",
                             Contents.shown(self.cairn.show(completed)), truth)
        self._check_same_steps(f"{self.case.name}: equal gradients on Keras's file", completed,
                               session)
        self._check_predictions(f"{self.case.name}: Keras's file", completed, session)
        if self.case.is_deterministic:
            self._check_training(f"{self.case.name}: an epoch on Keras's file", completed, session)

    # Parts of both directions.

    def _check_contents(self, label: str, cairn: Contents, keras: Contents) -> None:
        self.report.check_equal(f"{label}, weights", cairn.weights, keras.weights)
        self.report.check_equal(f"{label}, slots", cairn.slots, keras.slots)
        self.report.check_equal(f"{label}, numbers", cairn.numbers, keras.numbers)

    def _check_same_steps(self, label: str, saved: Path, session: Path) -> None:
        """Keras's recorded gradients, applied by Cairn to the same file, end in the same bits.

        What is not trained (moving statistics of a normalization) moves in Keras's forward pass
        alone and is left out.
        """
        stepped = session / f"stepped{self.case.suffix}"
        self.cairn.apply_gradients(saved, session / "gradients.h5", stepped)
        found = Contents.shown(self.cairn.show(stepped))
        after = read_json(session / "after.json")
        trainable = {entry["name"] for entry in after["variables"] if entry["trainable"]}
        told = Contents.told(after)
        self.report.check_equal(f"{label}, weights",
                                {name: digest for name, digest in found.weights.items()
                                 if name in trainable},
                                {name: told.weights[name] for name in trainable})
        self.report.check_equal(f"{label}, slots", found.slots, told.slots)
        self.report.check_equal(f"{label}, numbers", found.numbers, told.numbers)

    def _check_predictions(self, label: str, saved: Path, session: Path) -> None:
        answers = session / "cairn-predictions.h5"
        self.cairn.predict(saved, answers)
        difference = self._measure("--arrays", f"{answers}:predictions",
                                   f"{session / 'predictions.h5'}:predictions")
        self.report.check_at_most(f"{label}, predictions", difference, PREDICTION_LIMIT)

    def _check_training(self, label: str, saved: Path, session: Path) -> None:
        """One epoch by Cairn from the file, against Keras's eager epoch from the same file."""
        trained = session / f"cairn-trained{self.case.suffix}"
        history = session / "history.csv"
        self.cairn.train(saved, trained, history)
        found, expected = losses_in(history), read_json(session / "losses.json")
        if self.report.check(f"{label}, number of steps", len(found) == len(expected),
                             f"{len(found)} and {len(expected)}"):
            difference = max(abs(a - b) for a, b in zip(found, expected))
            self.report.check_at_most(f"{label}, losses", difference, LOSS_LIMIT)
        difference = self._measure(
            "--weights", str(session / "final.h5"), "--file", str(trained),
            "--architecture", str(self.architecture), *self.case.ema_options)
        self.report.check_at_most(f"{label}, final weights", difference, WEIGHT_LIMIT)

    def _with_architecture(self, saved: Path) -> Path:
        """A file that Cairn can train: weights alone are restored into one that has a model."""
        if self.case.suffix == ".h5":
            return saved
        completed = self.folder / "completed.weights.h5"
        self.cairn.restore(saved, self.folder / f"cairn{self.case.suffix}", completed)
        return completed

    def _continue_in_keras(self, saved: Path, name: str) -> Path:
        session = self.folder / name
        self._keras("continue_training", "--file", str(saved), "--folder", str(session),
                    "--architecture", str(self.architecture), *self.case.ema_options)
        return session

    def _keras(self, module: str, *arguments: str) -> str:
        return environments.run(self.case.environment, f"keras_side.{module}",
                                [*arguments, "--digits", str(self.cairn.digits)])

    def _measure(self, *arguments: str) -> float:
        return json.loads(environments.run(
            self.case.environment, "keras_side.measure_difference", arguments))
