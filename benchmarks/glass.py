"""Glass to glass: a click and a flash at a known time in, the avatar's answer out, every stage on one timeline.

``python -m benchmarks glass [--events 20] [--sizes 320x240 1280x800]``. A real engine with the page, a real Chromium;
the page's microphone gets bursts of sound and its camera another picture at times known on the page's clock
(``glass.js``), a small model answers in the frame that first has them (:mod:`benchmarks.glass_model`), and that the
answer is there is read from the avatar's pixels. Worklet, tracker's thread, WebSocket, engine, playback and renderer
are those that are served. Not in it is what a device adds: a microphone's and camera's own delay, and a screen's.

The flash is a face that opens its mouth, two pictures of a GRID clip in ``$ENGINE_DATA``; without it, or without the
page's face tracker (``engine assets --web``), there are clicks alone, and that is said. Each size of the window is
measured with and without a camera, and once with a field of colour in place of the drawn triangles: what would remain
if drawing cost nothing. The exit code is 1 where an event was not answered or a stage is out of order.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.browser import browser
from benchmarks.glass_model import CLICKED, FLASHED, LOUD, OPEN, glass_bundle
from benchmarks.glass_stages import STAGES, Event, events
from benchmarks.machine import report
from benchmarks.serving import EngineProcess, serving
from engine.channels import FACE_NAMES
from engine.errors import EngineError
from engine.page_assets import PROGRAM, page_assets

CLIP = "s1_bbas1s"
FLAGS = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--mute-audio")
FLAGS += ("--autoplay-policy=no-user-gesture-required", "--disable-background-networking")
HOLD_MS, APART_MS = 1400.0, (500.0, 900.0)
"""How long a click or flash lasts, and how long it is quiet before one: longer than the slowest answer."""
SETTLE_S, START_S = 6.0, 60.0
LIMIT_MS = 150.0


@dataclass(frozen=True)
class Setting:
    """One way to run: the window's size, whether there is a camera, whether triangles are drawn, and where the page's
    scripts are from, if not from the engine."""

    size: str
    camera: bool = True
    drawn: bool = True
    scripts: Path | None = None

    @property
    def name(self) -> str:
        """For people."""
        other = "" if self.scripts is None else f", scripts of {self.scripts.name}"
        return (
            f"{self.size}, {'camera' if self.camera else 'voice alone'}{'' if self.drawn else ', nothing drawn'}{other}"
        )


def main(arguments: list[str]) -> int:
    """Print a table for each setting, the way of one event, and the JSON line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks glass", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20, help="clicks, and as many flashes, for each setting")
    parser.add_argument("--sizes", nargs="+", default=["320x240", "1280x800"], metavar="WxH")
    parser.add_argument("--only", choices=("camera", "voice", "clear"), help="one of the three ways to run")
    parser.add_argument(
        "--beside", type=Path, metavar="FOLDER", help="a folder with app.js and more of another build, measured in turn"
    )
    options = parser.parse_args(arguments)
    if options.beside is not None and not (options.beside / "app.js").is_file():
        raise EngineError(f"--beside {options.beside}: there is no app.js; name a folder like engine/data/web")
    pictures, why = faces()
    if why:
        print(f"clicks alone: {why}")
    found: dict[str, Any] = {}
    faults = 0
    with tempfile.TemporaryDirectory() as folder, browser(*FLAGS) as chromium:
        bundle = glass_bundle(Path(folder) / "glass")
        with serving([str(bundle.path)], capacity=2, page=True) as engine:
            for setting in settings(options.sizes, bool(pictures), options.only, options.beside):
                told, panel = measure(chromium, engine, setting, pictures, options.events)
                faults += tell(setting, told, panel)
                found[setting.name] = figures(told, setting.drawn) | {"panel": panel}
    report("glass", {"events": options.events, "limit_ms": LIMIT_MS, "settings": found})
    return min(1, faults)


def settings(sizes: Sequence[str], camera: bool, only: str | None, beside: Path | None = None) -> list[Setting]:
    """What is measured: each size with and without a camera, and the first without drawing; each with the scripts of
    another build first, where there is one ``beside``."""
    kinds = {"camera": camera, "voice": True, "clear": True}
    wanted = [kind for kind, there in kinds.items() if there and only in (None, kind)]
    made = [Setting(size, kind == "camera") for size in sizes for kind in wanted if kind != "clear"]
    made += [Setting(sizes[0], camera, drawn=False) for kind in wanted if kind == "clear"]
    builds = [None] if beside is None else [beside, None]
    return [replace(each, scripts=build) for each in made for build in builds]


def faces() -> tuple[list[str], str]:
    """Two pictures of a face (base64 of a picture's file), mouth shut and open, or why there are none."""
    missing = [name for name in PROGRAM if name not in page_assets()]
    folder = Path(os.environ.get("ENGINE_DATA", "")) / "face_grid_av"
    film, landmarks = folder / "video" / f"{CLIP}.mpg", folder / "golden_landmarks" / f"{CLIP}.npz"
    if missing:
        return [], "the page's face tracker is not here: run `engine assets` and `engine assets --web`"
    if not os.environ.get("ENGINE_DATA") or not film.exists() or not landmarks.exists():
        return [], f"$ENGINE_DATA has no face_grid_av with {CLIP}"
    import av

    with np.load(landmarks) as file:
        points = file[file.files[0]].astype(np.float64)  # (frames, 478, 3): 13 and 14 are the lips' inner middles
    gap = np.linalg.norm(points[:, 14, :2] - points[:, 13, :2], axis=1)
    chosen = [int(gap.argmin()), int(gap.argmax())]
    kept: dict[int, str] = {}
    with av.open(str(film)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in chosen:
                data = io.BytesIO()
                frame.to_image().save(data, "PNG")
                kept[number] = base64.b64encode(data.getvalue()).decode()
    return [kept[number] for number in chosen], ""


def measure(
    chromium: Any, engine: EngineProcess, setting: Setting, pictures: Sequence[str], count: int
) -> tuple[list[Event], dict[str, str]]:
    """Events of one setting, and what the page's own panel says. Raises :class:`EngineError` where the page fails."""
    wide, high = (int(each) for each in setting.size.split("x"))
    about = {
        "pictures": list(pictures) if setting.camera else [],
        "jaw": FACE_NAMES.index(CLICKED[0]),
        "smile": FACE_NAMES.index(FLASHED[0]),
        "loud": LOUD,
        "open": OPEN,
        "clear": not setting.drawn,
    }
    kinds = ["click", "flash"] if about["pictures"] else ["click"]
    rng = np.random.default_rng(14)
    plan = [{"kind": kind, "afterMs": float(rng.uniform(*APART_MS))} for _ in range(count) for kind in kinds]
    page = chromium.new_page(viewport={"width": wide, "height": high})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        script = Path(__file__).with_suffix(".js").read_text("utf-8")
        page.add_init_script(f"const GLASS = {json.dumps(about)};\n{script}")
        if setting.scripts is not None:
            for path in setting.scripts.glob("*.js"):
                page.route(f"**/{path.name}", partial(_instead, path))
        page.goto(engine.page)
        page.wait_for_selector("body[data-state=live]", timeout=1e3 * START_S)
        # By script, as a small window shows no buttons.
        page.evaluate(f"document.querySelector('#{'allow' if setting.camera else 'voice'}').click()")
        page.evaluate("glass.begin()")
        _until(page, "glass.ready()", START_S, faults)
        page.wait_for_timeout(1e3 * SETTLE_S)
        page.evaluate("([plan, hold]) => { void glass.run(plan, hold); }", [plan, HOLD_MS])
        most_s = 2 * len(plan) * (HOLD_MS + APART_MS[1]) / 1e3 + START_S
        _until(page, "glass.log.done === true", most_s, faults)
        told = page.evaluate("glass.log")
        panel = {name: page.inner_text(f"#{name}") for name in ("p50", "p95", "engine", "held", "fps", "seen")}
    finally:
        page.close()
    return events(told), panel


def _instead(path: Path, route: Any) -> None:
    route.fulfill(path=path, content_type="text/javascript")


def _until(page: Any, what: str, most_s: float, faults: list[str]) -> None:
    for _ in range(int(most_s * 5)):
        if page.evaluate(what):
            return
        page.wait_for_timeout(200)
    raise EngineError(f"not within {most_s:g} s in the page: {what}; {'; '.join(faults) or 'it said nothing'}")


def figures(told: Sequence[Event], drawn: bool) -> dict[str, Any]:
    """By kind: how many, how many unanswered, and p50 and p95 (ms) of each stage and of the whole; where nothing is
    ``drawn`` no picture shows how much of the answer there is."""
    out: dict[str, Any] = {}
    for kind in sorted({each.kind for each in told}):
        mine = [each for each in told if each.kind == kind]
        good = [each for each in mine if not each.missing]
        rows: dict[str, list[float]] = {name: [each.durations()[name] for each in good] for name in STAGES}
        rows["the whole way"] = [each.total for each in good]
        rows["of it the model waits"] = [each.waited for each in good]
        rows["beyond that"] = [each.beyond for each in good]
        if drawn:
            rows["beyond, shown in full"] = [each.full - each.made - each.waited for each in good]
        ms = {name: _spread(row) for name, row in rows.items()} if good else {}
        out[kind] = {"events": len(mine), "unanswered": len(mine) - len(good), "ms": ms}
    return out


def _spread(row: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(row, (50, 95))
    return {"p50": float(p50), "p95": float(p95)}


def tell(setting: Setting, told: Sequence[Event], panel: dict[str, str]) -> int:
    """Print one setting; how many events were unanswered or out of order."""
    found = figures(told, setting.drawn)
    print(f"\n{setting.name} (the page says: capture to picture {panel['p50']}, drawn {panel['fps']})")
    print(f"{'ms':>24}" + "".join(f"{kind + ' ' + share:>12}" for kind in found for share in ("p50", "p95")))
    names = dict.fromkeys(name for each in found.values() for name in each["ms"])
    for name in names:
        cells = [
            each["ms"].get(name, {}).get(share, float("nan")) for each in found.values() for share in ("p50", "p95")
        ]
        print(f"{name:>24}" + "".join(f"{cell:>12.1f}" for cell in cells))
    faults = [f"{each.kind}: nothing {each.missing}" for each in told if each.missing]
    faults += [f"{each.kind}: {each.disorder()}" for each in told if not each.missing and each.disorder()]
    for fault in faults:
        print(f"  {fault}")
    for kind in found:
        good = sorted((each for each in told if each.kind == kind and not each.missing), key=lambda each: each.total)
        if good:
            print("\n".join(timeline(good[len(good) // 2])))
    return len(faults)


def timeline(event: Event, columns: int = 72) -> list[str]:
    """The way of one event as lines of text: what each stage took, beside the others."""
    scale = columns / max(event.total, 1.0)
    lines = [f"  the {event.kind} in the middle, {event.total:.0f} ms, of which the model waits {event.waited:.0f}"]
    at = event.made
    for name, took in event.durations().items():
        begin, end = (round(scale * (each - event.made)) for each in (at, at + took))
        lines.append(
            f"  {name:>10} |{' ' * begin}{'#' * max(end - begin, 0) or '|'}".ljust(columns + 16) + f"{took:7.1f}"
        )
        at += took
    return lines
