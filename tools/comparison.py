"""What the comparisons of speed share: building Cairn's programs, and judging what was measured."""

from __future__ import annotations

import statistics
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_PACKAGE = REPOSITORY / "tools" / "Benchmarks"


def build(*products: str) -> Path:
    """Builds programs for release; returns the folder in which they are."""
    for product in products:
        subprocess.run(["swift", "build", "-c", "release", "--quiet", "--package-path",
                        str(_PACKAGE), "--product", product], check=True)
    return _PACKAGE / ".build" / "release"


def build_standalone(product: str) -> Path:
    """Builds a program that needs no library at run time; returns its path."""
    folder = REPOSITORY / ".build" / "standalone"
    subprocess.run(["swift", "build", "-c", "release", "--quiet", "--static-swift-stdlib",
                    "-Xswiftc", "-static-executable", "--package-path", str(REPOSITORY),
                    "--scratch-path", str(folder), "--product", product],
                   stderr=subprocess.DEVNULL, check=True)  # The linker warns of glibc's own names.
    return folder / "release" / product


@dataclass
class Times:
    """Milliseconds of Cairn and of another program, which worked in turn."""

    other: str
    others: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """The median over the turns of the other's time divided by Cairn's."""
        return statistics.median(b / a for a, b in zip(self.own, self.others))


def judge_times(title: str, times: Times, promise: float) -> bool:
    """Says how fast Cairn is, and whether that is what it promises."""
    print(f"{title}: {times.other} {statistics.median(times.others):.1f} ms, "
          f"Cairn {statistics.median(times.own):.1f} ms, "
          f"{times.speed:.2f} times as fast (promised: {promise})")
    return times.speed >= promise


def judge_limit(title: str, found: float, limit: float, unit: str) -> bool:
    """Says what Cairn takes, and whether that is at most what it promises."""
    print(f"{title}: {found:.2f} {unit} (promised: at most {limit:g})")
    return found <= limit
