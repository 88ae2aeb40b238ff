"""Refusals of Cairn, judged by what they say.

`convert` may refuse only what stands in `refusals.json`: each entry there has a name, what the loss (or, where
nothing at all can be written, the error) reads like, the profiles or their beginnings to which that is granted,
what the written file then `lacks`, and the ground. What is refused is converted again with `--accept-loss`, and
that file is loaded and judged like any other for everything that the entry does not give up.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Iterable, Mapping

COMMITTED = json.loads(Path(__file__).with_name("refusals.json").read_text("utf-8"))
FORM = re.compile(r"cannot \w+ .+: expected .+, found .+; .+")
"""Operation and file, what was expected and found, and the cure: of every refusal."""
NEW_NAME = re.compile(r"^layer `(.*)`: `name` = .*: (.*): `([^`]*)` instead$")


def entries(profile: str, key: str, words: str) -> list[Mapping[str, Any]]:
    """The committed refusals that a loss or an error of a conversion to `profile` is one of."""
    return [each for each in COMMITTED if key in each and re.search(each[key], words)
            and any(profile == to or (to in PREFIXES and profile.startswith(f"{to}-"))
                    for to in each["to"])]


PREFIXES = ("keras2", "tf-keras", "keras3")


class Refusal:
    """One conversion that was refused, and what was lost when that was accepted."""

    def __init__(self, profile: str, words: str, losses: Iterable[str]) -> None:
        self.words = words
        self.losses = list(losses)
        key, said = ("loss", self.losses) if self.losses else ("error", [words])
        self.unknown = [each for each in said if not entries(profile, key, each)]
        self.reasons = {each["name"]: each for one in said for each in entries(profile, key, one)[:1]}

    @property
    def problem(self) -> str:
        """Why the refusal is none that may be; empty if it is one."""
        if not FORM.search(self.words):
            return f"a refusal of no form: {self.words}"
        untold = [each for each in self.losses if each not in self.words]
        if untold:
            return f"lost, and not told before: {untold[0]}"
        return f"refused without a committed ground: {self.unknown[0]}" if self.unknown else ""

    @property
    def lacks(self) -> set[str]:
        """What the written file may lack."""
        return {kind for each in self.reasons.values() for kind in each["lacks"]}

    def remaining(self, truth: Mapping[str, Any]) -> dict[str, Any]:
        """The truth without what was given up."""
        left = dict(truth)
        if self.lacks and "trained" in left:
            del left["trained"]
        optimizer = left["optimizer"]
        if "optimizer" in self.lacks:
            left["optimizer"] = optimizer = None
        if optimizer is not None and "gradient_accumulator" in self.lacks:
            optimizer = {**optimizer, "slots": [each for each in optimizer["slots"]
                                                if each["slot"] != "gradient_accumulator"]}
        if optimizer is not None and "lossScale" in self.lacks:
            optimizer = {key: value for key, value in optimizer.items() if key != "lossScale"}
        left["optimizer"] = optimizer
        if "names" in self.lacks:
            left = self.renamed(left)
        return left

    def renamed(self, truth: Mapping[str, Any]) -> dict[str, Any]:
        """The truth in the names that were given instead."""
        names = {match[1]: match[3] for match in map(NEW_NAME.match, self.losses) if match}
        def path(name: str) -> str:
            parts = re.split(r"(?<!\\)/", name)
            return "/".join(names.get(each.replace("\\/", "/"), each) for each in parts)
        optimizer = truth["optimizer"]
        if optimizer is not None:
            optimizer = {**optimizer, "slots": [
                {**each, "variable": path(each["variable"])} for each in optimizer["slots"]]}
        return {**truth, "optimizer": optimizer, "variables": [
            {**each, "name": path(each["name"])} for each in truth["variables"]]}
