"""Lets Cairn's benchmark program and another work in turn, so that what disturbs the machine meets both."""

from __future__ import annotations

import subprocess
import time
from typing import Callable


class Cairn:
    """Cairn's benchmark program, which works whenever it is sent a line."""

    def __init__(self, program: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [program, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)

    def ask(self, work: str) -> float:
        """Lets it do the work; returns its milliseconds, as the program measured them."""
        self._process.stdin.write(work + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline()) * 1e-6

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def take(cairn: Cairn, work: str, other: str, run: Callable[[], None], repetitions: int,
         warm_ups: int, rest: float = 0) -> dict[str, object]:
    """The milliseconds of both: what `comparison.Times` is made of. `rest` in seconds, after each."""
    own: list[float] = []
    others: list[float] = []
    for repetition in range(warm_ups + repetitions):
        start = time.perf_counter()
        run()
        elapsed = (time.perf_counter() - start) * 1e3
        time.sleep(rest)
        milliseconds = cairn.ask(work)
        time.sleep(rest)
        if repetition >= warm_ups:
            others.append(elapsed)
            own.append(milliseconds)
    return {"other": other, "others": others, "own": own}
