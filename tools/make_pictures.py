#!/usr/bin/env python3
"""Makes the pictures of the documentation: pages of `checkpoint-inspect --html` in a headless Chromium.

  tools/make_pictures.py --build-dir .build/release

Trains the digits, lets show, diff and log write their pages, and puts screenshots of them into
Sources/Inspection/Inspection.docc/Resources. Needs what `tools/install-dependencies --browser` installs.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from keras_environments import REPOSITORY
from verification.browser import Browser

RESOURCES = REPOSITORY / "Sources" / "Inspection" / "Inspection.docc" / "Resources"
CHOSEN = '.row[data-name="dense/kernel"]'


def make_pages(build: Path, folder: Path) -> None:
    """The commands are those that the documentation shows."""
    def run(program: str, *arguments: str) -> None:
        outcome = subprocess.run([build / program, *arguments], cwd=folder, stdout=subprocess.DEVNULL)
        if outcome.returncode > 1:
            raise SystemExit(f"{program} {arguments[0]} ended with {outcome.returncode}")

    run("cairn", "train", str(REPOSITORY / "Fixtures" / "digits.h5"), "--epochs", "30", "--ema", "0.9", "--seed", "1",
        "--checkpoints", "run", "--save-every-steps", "27", "--keep-newest", "60", "--output", "model.h5")
    run("checkpoint-inspect", "show", "model.h5", "--statistics", "--health", "--html", "show.html")
    run("checkpoint-inspect", "diff", "run/step-000000000135.h5", "model.h5", "--html", "diff.html")
    run("checkpoint-inspect", "log", "run", "--html", "log.html")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, default=REPOSITORY / ".build" / "release")
    build = parser.parse_args().build_dir.resolve()
    RESOURCES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, Browser(1180, 860) as browser:
        folder = Path(name)
        make_pages(build, folder)
        for page in ("show", "diff", "log"):
            browser.open(folder / f"{page}.html")
            if page != "log":
                browser.click(CHOSEN)
            browser.screenshot(RESOURCES / f"page-{page}.png")


if __name__ == "__main__":
    main()
