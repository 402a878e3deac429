"""The way of an event through the page: a real browser answers every one, in order, and what is wrong is found out."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import glass
from benchmarks.browser import browser
from benchmarks.glass_model import CLICKED, FLASHED, GLANCE, LOUD, OPEN, RESTLESS, glass_bundle
from benchmarks.glass_stages import STAGES, events
from engine.channels import FACE_NAMES
from engine.errors import EngineError
from engine.runtime import open_runtime

ENGINE = 5_000.0
"""The engine's clock in the log is so far behind the page's."""


def click() -> dict[str, Any]:
    """A log of one click at 1000 ms of the page, as glass.js writes it."""
    blocks: list[dict[str, Any]] = [
        {"sent": 1022.0, "at": 1020.0, "count": 320, "voice": True, "onset": 79, "received": -3976.0},
        {"sent": 1042.0, "at": 1040.0, "count": 320, "voice": True, "onset": 0, "received": -3956.0},
    ]
    return {
        "events": [{"kind": "click", "when": 400.0, "pictures": pictures()}],
        "line": 600.0,
        "clock": [
            {"sent": 900.0, "heard": 900.5, "engine": 900.25 - ENGINE},
            {"sent": 0.0, "heard": 99.0, "engine": 0.0},
        ],
        "sent": [{"sent": 1002.0, "at": 1000.0, "count": 320, "voice": True, "onset": -1}, *blocks],
        "frames": [
            {
                "arrived": 1008.0,
                "capture": -4000.0,
                "due": -3998.0,
                "publish": -3996.0,
                "step": 1.0,
                "click": 0,
                "flash": 0,
            },
            {
                "arrived": 1049.0,
                "capture": -3960.0,
                "due": -3957.0,
                "publish": -3953.0,
                "step": 1.0,
                "click": 1,
                "flash": 0,
            },
        ],
        "tracked": [],
    }


def pictures() -> list[dict[str, Any]]:
    rows = [
        (1040.0, 1041.0, 1045.0, 0),
        (1056.0, 1058.0, 1066.0, 40),
        (1073.0, 1075.0, 1080.0, 100),
        (1090.0, 1091.0, 1094.0, 100),
    ]
    return [{"stamp": a, "begun": b, "read": c, "differs": d} for a, b, c, d in rows]


def test_the_stages_of_a_click() -> None:
    (found,) = events(click())
    assert not found.missing and not found.disorder()
    assert found.made == 1000.0 and [round(found.ends[name], 3) for name in STAGES] == [
        *(1005.0, 1042.0, 1044.0, 1044.0, 1046.0, 1047.0, 1049.0, 1058.0, 1066.0, 1073.0),
    ]
    assert sum(found.durations().values()) == pytest.approx(found.total) == pytest.approx(73.0)
    assert found.waited == pytest.approx(35.0) and found.beyond == pytest.approx(38.0)
    assert found.full == 1090.0  # the picture of 1073 ms shows it whole, and is seen with the next refresh


def test_the_stages_of_a_flash() -> None:
    log = click()
    log["events"][0] |= {"kind": "flash", "made": 990.0}
    log["tracked"] = [{"posted": 960.0, "at": 950.0}, {"posted": 1001.0, "at": 995.0}]
    face = {"sent": 1020.0, "at": 995.0, "count": 58, "voice": False, "answers": True, "received": -3978.0}
    log["sent"] = [*log["sent"], face | {"answers": False, "sent": 1004.0}, face]
    log["frames"][1] |= {"click": 0, "flash": 1}
    (found,) = events(log)
    ends = [round(found.ends[name], 3) for name in STAGES[:4]]
    assert not found.missing and ends == [1001.0, 1020.0, 1022.0, 1043.0] and found.waited == pytest.approx(21.0)


def unanswered(log: dict[str, Any]) -> None:
    log["frames"][1]["click"] = 0


def unsent(log: dict[str, Any]) -> None:
    log["sent"][1]["onset"] = log["sent"][2]["onset"] = -1


def unheard(log: dict[str, Any]) -> None:
    del log["sent"][2]["received"]


def undrawn(log: dict[str, Any]) -> None:
    log["events"][0]["pictures"] = [each | {"differs": 0} for each in pictures()]


@pytest.mark.parametrize(
    ("change", "what"), [(unanswered, "published"), (unsent, "captured"), (unheard, "received"), (undrawn, "drawn")]
)
def test_an_event_without_an_answer_says_what_is_missing(
    change: Callable[[dict[str, Any]], None], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = deepcopy(click())
    change(log)
    told = events(log)
    assert told[0].missing == what
    assert glass.tell(glass.Setting("1x1"), told, {"p50": "", "fps": ""}) == 1
    assert f"click: nothing {what}" in capsys.readouterr().out


def test_stages_out_of_order_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    log = click()
    log["frames"][1]["publish"] += 30.0
    told = events(log)
    assert "arrived -28.0 ms" in told[0].disorder()
    assert glass.tell(glass.Setting("1x1"), told, {"p50": "", "fps": ""}) == 1
    assert "arrived -28.0 ms" in capsys.readouterr().out


def test_the_way_is_drawn() -> None:
    lines = glass.timeline(events(click())[0], columns=73)
    assert "73 ms" in lines[0] and "waits 35" in lines[0] and len(lines) == 1 + len(STAGES)
    bars = {line.split()[0]: line.split("|", 1)[1] for line in lines[1:]}
    assert bars["sent"].index("#") == 5 and bars["sent"].count("#") == 37 and bars["sent"].endswith("37.0")


def test_the_model_answers_at_once_and_rests_otherwise(tmp_path: Path) -> None:
    runtime = open_runtime(glass_bundle(tmp_path / "glass"), rows=1)
    runtime.active[:] = True
    seen = []
    jaw = FACE_NAMES.index("jawOpen")
    for loud, mouth, valid in ((0, 0, 1), (1, 0, 1), (0, 1, 1), (0, 1, 0), (0, 0, 1)):
        runtime.inputs["partner_audio"][:] = 0.0
        runtime.inputs["partner_audio"][0, 7] = -2 * LOUD * loud
        runtime.inputs["partner_face"][0, jaw] = 2 * OPEN * mouth
        runtime.inputs["face_valid"][:] = valid
        seen.append(runtime.run()["face"][0].copy())
        runtime.commit()
    moved = [{name for name, value in zip(FACE_NAMES, face, strict=True) if value > 0} - set(RESTLESS) for face in seen]
    assert moved == [set(), set(CLICKED), set(FLASHED), set(), set()]
    eyes = np.array(seen)[:, FACE_NAMES.index(RESTLESS[0])]
    assert np.allclose(np.abs(np.diff(eyes)), 1 / GLANCE)


def test_what_is_run() -> None:
    assert [each.name for each in glass.settings(["9x9", "8x8"], True, None)] == [
        *("9x9, camera", "9x9, voice alone", "8x8, camera", "8x8, voice alone", "9x9, camera, nothing drawn"),
    ]
    assert [each.name for each in glass.settings(["9x9"], False, None)] == [
        *("9x9, voice alone", "9x9, voice alone, nothing drawn"),
    ]
    assert [each.name for each in glass.settings(["9x9"], True, "voice", Path("a/old"))] == [
        *("9x9, voice alone, scripts of old", "9x9, voice alone"),
    ]


def test_a_browser_answers_every_click_with_moved_pixels(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glass, "HOLD_MS", 4000.0)  # this machine may be busy, and an answer late
    monkeypatch.setattr(glass, "SETTLE_S", 1.0)
    try:
        with browser(*glass.FLAGS):
            pass
    except EngineError as error:
        pytest.skip(str(error))
    assert glass.main(["--events", "2", "--sizes", "320x240", "--only", "voice"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    ((name, found),) = told["settings"].items()
    assert name == "320x240, voice alone" and found["click"]["events"] == 2 and found["click"]["unanswered"] == 0
    stages = found["click"]["ms"]
    assert 0.0 <= stages["of it the model waits"]["p95"] <= 40.0
    assert stages["beyond that"]["p50"] <= stages["the whole way"]["p50"]
