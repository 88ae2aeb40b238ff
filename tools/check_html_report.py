#!/usr/bin/env python3
"""Opens the HTML reports of `checkpoint-inspect` in a real headless Chromium and clicks through them.

  tools/check_html_report.py --build-dir .build/release [--pictures FOLDER]

Pages are made of committed fixtures, of a file whose names are hostile markup, and of a generated model of 100
layers (whose page must stay below 2 MB). Nothing may be complained of in the browser's console, nothing
be asked of any network, everything be seen in the light theme and in the dark one. With --pictures the
screenshots stay there to be looked at. Prints `N passed, N failed`; exit code 1 on any failure.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from keras_environments import REPOSITORY
from verification.browser import Browser
from verification.report import Report

FIXTURES = REPOSITORY / "Fixtures"
PAGE_LIMIT = 2_000_000  # bytes


def write_safetensors(path: Path, tensors: dict[str, tuple[list[int], list[float]]]) -> None:
    """A file of float32 tensors, by the format's own rules."""
    header, content = {}, b""
    for name, (shape, values) in tensors.items():
        data = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(content), len(content) + len(data)]}
        content += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


class Checker:
    def __init__(self, build: Path, work: Path, pictures: Path, browser: Browser, report: Report) -> None:
        self.inspect, self.work, self.pictures = build / "checkpoint-inspect", work, pictures
        self.browser, self.report = browser, report

    def open(self, name: str, *arguments: object) -> Path:
        """Runs the command with `--html`, and opens what it writes."""
        page = self.work / f"{name}.html"
        outcome = subprocess.run(
            [self.inspect, *map(str, arguments), "--html", page], capture_output=True, text=True)
        if outcome.returncode > 1 or not page.exists():
            raise RuntimeError(f"{name}: exit code {outcome.returncode}: {outcome.stderr.strip()}")
        self.browser.open(page)
        self.browser.wait("document.querySelector('h1')")
        return page

    def check(self, name: str, holds: object, found: object = "") -> None:
        self.report.check(name, bool(holds), "" if holds else str(found))

    def look(self, name: str) -> None:
        """In both themes; then the console must be silent."""
        for theme in ("light", "dark"):
            self.browser.click("#theme")
            background = self.browser.run("return getComputedStyle(document.body).backgroundColor")
            brightness = sum(int(part) for part in background[4:-1].split(",")[:3])
            self.check(f"{name} has a {theme} theme", (brightness > 384) == (theme == "light"), background)
            self.browser.screenshot(self.pictures / f"{name}-{theme}.png")
        self.browser.click("#theme")
        problems = self.browser.problems()
        self.check(f"{name} leaves the console silent", not problems, problems)
        loaded = self.browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
        self.check(f"{name} loads nothing", not loaded, loaded)

    def tensors_shown(self) -> list[str]:
        return self.browser.run(
            "return [...document.querySelectorAll('.row')].filter((row) => row.checkVisibility())"
            ".map((row) => row.dataset.name)")

    def show(self) -> None:
        path = FIXTURES / "keras-3.15" / "mlp.h5"
        self.open("show", "show", path, "--statistics")
        listed = json.loads(subprocess.run(
            [self.inspect, "show", path, "--format", "json"], capture_output=True, text=True, check=True).stdout)
        names = [variable["name"] for variable in listed["variables"]]
        self.check("show lists every tensor", sorted(self.tensors_shown()) == sorted(names), self.tensors_shown())
        self.browser.type("#search", "KERNEL")
        self.check("the search narrows the tree",
                   sorted(self.tensors_shown()) == sorted(name for name in names if "kernel" in name))
        self.browser.type("#search", " ")
        self.browser.click("#close-all")
        self.check("layers fold", self.tensors_shown() == [])
        self.browser.click("#open-all")
        self.browser.click("[data-name='dense/kernel']")
        heading = self.browser.run("return document.querySelector('.detail h2').textContent")
        self.check("a click shows a tensor", heading == "dense/kernel", heading)
        self.check("with a heatmap", self.browser.run("return document.querySelectorAll('.detail .heatmap canvas').length") == 2)
        bars = self.browser.run("return document.querySelectorAll('.detail svg .bar').length")
        self.check("and a histogram", bars > 4, bars)
        colours = self.browser.run(
            "const c = document.querySelector('.heatmap canvas'); const d = c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data; const seen = new Set();"
            "for (let i = 0; i < d.length; i += 4) seen.add(d.slice(i, i + 3).join()); return seen.size")
        self.check("that is drawn", colours > 20, colours)
        self.look("show")

    def diff(self) -> None:
        before, after = FIXTURES / "keras-2.12" / "mlp.h5", FIXTURES / "keras-3.15" / "mlp.h5"
        self.open("diff", "diff", before, after)
        self.browser.click("[data-name='dense/kernel']")
        self.check("diff shows a change", self.browser.run("return document.querySelectorAll('.detail .heatmap').length") >= 1)
        self.browser.click("#only-changed")
        shown = self.tensors_shown()
        equal = [name for name in shown if self.browser.run(
            "return document.querySelector(`[data-name='${arguments[0]}'] .good`) !== null", name)]
        self.check("diff can leave out what is equal", shown and not equal, equal)
        self.look("diff")

    def hostile(self) -> None:
        name = "</script><img src=x onerror=alert(1)>/<b>kernel"
        path = self.work / "hostile.safetensors"
        write_safetensors(path, {name: ([2, 2], [1.0, float("nan"), float("inf"), -1.0])})
        self.open("hostile", "show", path, "--statistics")
        self.check("hostile names are text", self.browser.run(
            "return document.querySelectorAll('img, b').length === 0 && document.body.textContent.includes('onerror')"))
        self.browser.click(".row")
        self.look("hostile")

    def large(self) -> None:
        layers = {}
        for index in range(100):
            for part, shape in (("kernel", [96, 64]), ("bias", [64])):
                count = shape[0] * (shape[1] if len(shape) > 1 else 1)
                values = [((index + 7) * (place % 97) % 89 - 44) / 50 for place in range(count)]
                layers[f"layer_{index}/{part}"] = (shape, values)
                layers[f"accumulator/layer_{index}/{part}"] = (shape, [abs(value) for value in values])
        path = self.work / "large.safetensors"
        write_safetensors(path, layers)
        page = self.open("large", "show", path, "--statistics")
        self.check("the page of 100 layers is below 2 MB", page.stat().st_size < PAGE_LIMIT, page.stat().st_size)
        self.check("and lists them all", len(self.tensors_shown()) == len(layers))
        self.browser.type("#search", "layer_42/")
        self.check("and finds one", len(self.tensors_shown()) == 4, self.tensors_shown())
        self.look("large")

    def run_of_checkpoints(self) -> None:
        folder = self.write_run()
        self.open("log", "log", folder)
        rows = self.browser.run("return document.querySelectorAll('#run tbody tr').length")
        self.check("log has a row for each checkpoint", rows == len(list(folder.iterdir())), rows)
        self.check("log draws curves over the steps", self.browser.run("return document.querySelectorAll('svg .curve').length") >= 2)
        self.browser.run("document.querySelectorAll('svg .point')[1].dispatchEvent(new MouseEvent('click'))")
        self.check("a point leads to its checkpoint", self.browser.run(
            "return document.querySelectorAll('#run tr[aria-current]').length") == 1)
        self.look("log")

    def write_run(self) -> Path:
        folder = self.work / "run"
        saver = self.inspect.parent / "save-checkpoints"
        subprocess.run(
            [saver, folder, "--from", FIXTURES / "keras-2.12" / "mlp_ema.h5", "--profile", "keras2-h5",
             "--first-step", "1", "--steps", "6"], check=True, stdout=subprocess.DEVNULL)
        return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=Path, required=True)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    os.chdir(REPOSITORY)
    report = Report()
    with tempfile.TemporaryDirectory() as work, Browser() as browser:
        pictures = arguments.pictures or Path(work)
        pictures.mkdir(parents=True, exist_ok=True)
        checker = Checker(arguments.build_dir.resolve(), Path(work), pictures, browser, report)
        for part in (checker.show, checker.diff, checker.hostile, checker.large, checker.run_of_checkpoints):
            with report.section(part.__name__):
                part()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
