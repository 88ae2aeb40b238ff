"""One line a check, counted; a failure that stops a section is one failed check."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from typing import Any, Iterator, Mapping

from keras_environments import EnvironmentFailure
from verification.binaries import CommandFailure


class Report:
    """Prints and counts."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.is_quiet = False
        """Whether checks that pass are only counted."""

    def check(self, name: str, condition: bool, detail: str = "") -> bool:
        """One check; `detail` says what was found."""
        self.passed += bool(condition)
        self.failed += not condition
        if not (condition and self.is_quiet):
            print(f"{'passed' if condition else 'FAILED'}  {name}{': ' + detail if detail else ''}",
                  flush=True)
        return bool(condition)

    def check_equal(self, name: str, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> bool:
        """Two mappings, entry by entry; names what differs. Nothing to compare is a failure."""
        differing = [f"{_label(key)} {_word(key, found, expected)}"
                     for key in sorted(found.keys() | expected.keys(), key=str)
                     if key not in found or key not in expected or found[key] != expected[key]]
        if not expected:
            differing = ["nothing was expected: the check is void"]
        detail = f"{len(expected)} equal" if not differing else "; ".join(differing[:6])
        if len(differing) > 6:
            detail += f"; and {len(differing) - 6} more"
        return self.check(name, not differing, detail)

    def check_at_most(self, name: str, value: float, limit: float) -> bool:
        """A measured difference against its limit (NaN fails)."""
        return self.check(name, value <= limit, f"{value:.3g}, allowed {limit:.3g}")

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """A group of checks; what goes wrong between them fails the group and not the run."""
        try:
            yield
        except (CommandFailure, EnvironmentFailure) as failure:
            self.check(name, False, str(failure).strip())
        except Exception:  # Whatever a broken file or answer leads to: show it, go on, fail.
            self.check(name, False, traceback.format_exc().strip())

    def finish(self) -> int:
        """The closing line; the exit code."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.failed == 0 and self.passed > 0 else 1


def _label(key: Any) -> str:
    return "/".join(key) if isinstance(key, tuple) else str(key)


def _word(key: Any, found: Mapping[Any, Any], expected: Mapping[Any, Any]) -> str:
    if key not in found:
        return "is missing"
    if key not in expected:
        return "is too many"
    return f"differs ({found[key]}, expected {expected[key]})"
