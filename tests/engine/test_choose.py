"""Which sources a bundle gets, and what is refused because it would give the bundle nothing."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from engine.bundle import Bundle
from engine.errors import EngineError
from engine.sources import choose as chooser
from engine.sources import mic
from engine.sources.choose import choose, partner_skeleton
from engine.spec import InputSpec
from engine.speech.choose import check_apart
from tests.engine.dancer import STICK, dancer_bundle, take
from tests.engine.said import said
from tests.engine.speech.made import write_wav
from tests.engine.test_cli import film
from tests.engine.test_sources_mic import Ports


@pytest.fixture(scope="module")
def dancer(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return dancer_bundle(tmp_path_factory.mktemp("dancer"))


LOCAL = {"keys": None, "tokens": None, "insecure": False}


def options(*source: str, **given: Any) -> argparse.Namespace:
    """The options of ``engine serve``."""
    plain = {
        "fast": False,
        "loop": False,
        "unit": None,
        "up": None,
        "mic": None,
        "no_mic": False,
        "camera": None,
        "person": None,
        "speech": None,
        "words": (),
        "no_camera": False,
    }
    return argparse.Namespace(
        source=list(source) or None,
        **{**plain, "no_tracker": False, "track": None, "follow": False, "seconds": None, **given},
    )


def refused(bundle: Bundle, *source: str, **given: Any) -> str:
    with pytest.raises(EngineError) as error:
        choose(options(*source, **given), [bundle])
    return str(error.value)


def test_a_dancer_opens_no_device_and_says_nothing(dancer: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chooser, "_live", lambda *_: pytest.fail("a device was opened"))
    monkeypatch.setattr(chooser, "_tracker", lambda *_: pytest.fail("a tracker was loaded"))
    with said() as told:
        assert choose(options(), [dancer]) == []
        assert choose(options("none"), [dancer]) == []
        assert choose(options("none"), [Bundle.load("rules")]) == []
    assert told == []


def test_a_listener_gets_the_devices_that_its_inputs_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[set[str], float | None]] = []
    monkeypatch.setattr(chooser, "_live", lambda _, wanted, rate: asked.append((wanted, rate)) or [])
    rules = Bundle.load("rules")
    deaf = dataclasses.replace(
        rules,
        spec=dataclasses.replace(rules.spec, inputs=tuple(i for i in rules.spec.inputs if i.role != "audio")),
    )
    choose(options(), [rules])
    choose(options("live"), [deaf])
    assert asked == [({"audio", "face"}, 25), ({"face"}, 25)]


class Tracker:
    """In MediaPipe's place: finds nobody, and remembers whom it was to follow."""

    made: ClassVar[list[str]] = []

    def __init__(self, person: str) -> None:
        self.made.append(person)

    def track(self, rgb: object, time_ns: int) -> None:
        return None

    def close(self) -> None:
        self.made.append("closed")


@pytest.fixture
def trackers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("engine.tracker.MediaPipeTracker", Tracker)
    monkeypatch.setattr(Tracker, "made", [])
    return Tracker.made


@pytest.mark.parametrize("given", ["-1", "100", "front", "/dev/video77", -1])
def test_a_camera_that_cannot_be_is_refused_before_a_model_loads(trackers: list[str], given: str | int) -> None:
    assert refused(Bundle.load("rules"), camera=given).startswith("camera ")
    assert trackers == []


def test_a_camera_that_was_asked_for_has_to_open(trackers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed")
    assert "camera /dev/null does not open" in refused(Bundle.load("rules"), camera="/dev/null", no_mic=True)
    assert trackers == ["largest", "closed"]

    def missing(person: str) -> None:
        raise EngineError("no model")

    monkeypatch.setattr("engine.tracker.MediaPipeTracker", missing)
    for given in ({"camera": "/dev/null"}, {"person": "left"}):
        assert refused(Bundle.load("rules"), no_mic=True, **given) == "no model"
    with said() as told:
        assert "neither microphone nor camera" in refused(Bundle.load("rules"), no_mic=True)
    assert told == ["listening by voice alone: no model"]


@pytest.mark.parametrize(("person", "followed"), [(None, "largest"), ("left", "left"), ("middle", "middle")])
def test_the_person_asked_for_is_followed_by_cameras_and_in_films(
    trackers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, person: str | None, followed: str
) -> None:
    rules, opened = Bundle.load("rules"), []
    monkeypatch.setattr("engine.sources.camera.CameraSource", lambda *given: opened.append(given) or "camera")
    assert choose(options(person=person, no_mic=True, camera=2), [rules]) == ["camera"]
    assert [(device, rate) for device, _, rate in opened] == [(2, 25)]
    (source,) = choose(options("file", str(film(tmp_path / "a.mkv")), person=person), [rules])
    assert ("face", "partner") in source.gives
    assert trackers == [followed, followed]


def test_a_person_is_refused_where_nobody_is_seen(dancer: Bundle) -> None:
    rules = Bundle.load("rules")
    assert "--person: there is nobody to choose from, --source demo" in refused(rules, "demo", person="left")
    assert "--source live watches no picture here" in refused(rules, person="left", no_camera=True)
    assert "--source file watches no picture here" in refused(rules, "file", "a.mkv", person="left", no_tracker=True)
    assert "--person: bundle dancer does not look at faces" in refused(dancer, person="left")


def test_pictures_are_tracked_as_often_as_the_fastest_bundle_that_sees_faces_makes_frames(dancer: Bundle) -> None:
    rules = Bundle.load("rules")
    sees = tuple(item for item in rules.spec.inputs if item.role != "audio")
    faster = dataclasses.replace(rules, spec=dataclasses.replace(rules.spec, inputs=sees, rate=50))
    assert chooser.face_rate([rules]) == 25
    assert chooser.face_rate([rules, faster, dancer]) == 50
    assert chooser.face_rate([dancer]) is None


def test_a_take_is_a_partner(dancer: Bundle, tmp_path: Path) -> None:
    path = take(tmp_path / "a.bvh")
    (source,) = choose(options("body", str(path), loop=True), [dancer])
    assert (source.name, list(source.gives), source.describe()["loop"]) == ("body a.bvh", [("body", "partner")], True)
    (source,) = choose(options("body", str(path), unit="0.02", up="y"), [dancer])
    assert source.describe()["unit"] == 0.02
    assert "unit 'parsec': give metres per unit of the file" in refused(dancer, "body", str(path), unit="parsec")


def test_what_gives_the_bundle_nothing_is_refused(dancer: Bundle) -> None:
    rules = Bundle.load("rules")
    for kind in (["live"], ["demo"], ["file", "a.wav"]):
        assert "bundle dancer does not listen or look at faces: it has no audio or face input" in refused(dancer, *kind)
    for kind in (["body", "a.bvh"], ["engine", "tcp://127.0.0.1:9"]):
        assert "bundle rules does not watch bodies: it has no body input" in refused(rules, *kind)
    assert "sources that fit it: live, demo, file, none" in refused(rules, "body", "a.bvh")
    assert refused(dancer, mic="front") == (
        "--mic: bundle dancer does not listen: it has no audio input; sources that fit it: body, engine, none"
    )
    assert "--camera: bundle dancer does not look at faces" in refused(dancer, camera=0)
    assert "--camera: --source demo opens no device" in refused(rules, "demo", camera=1)
    assert "--fast: another engine" in refused(dancer, "engine", "tcp://127.0.0.1:9", fast=True)
    assert "--loop: there is nothing to start again" in refused(dancer, loop=True)
    assert "--unit: only a body file has one to be told" in refused(dancer, unit="m")
    assert "--up: only a body file" in refused(rules, "demo", up="z")


def test_bodies_of_two_skeletons_are_one_too_many(dancer: Bundle) -> None:
    assert partner_skeleton([dancer]) == STICK
    twig = dataclasses.replace(STICK, name="twig")
    more = (*dancer.spec.inputs, InputSpec("third", "body", (5, 3), skeleton="twig", of="partner"))
    spec = dataclasses.replace(dancer.spec, inputs=more, skeletons=(STICK, twig))
    with pytest.raises(EngineError, match=r"skeletons \['stick', 'twig'\]"):
        partner_skeleton([dataclasses.replace(dancer, spec=spec)])


def test_speech_of_a_file_may_play_again_without_a_partner(dancer: Bundle) -> None:
    assert "nothing to start again in --source none" in refused(dancer, loop=True)
    assert "nothing to start again" in refused(dancer, loop=True, speech=["mic", "0"])
    assert "does not ask what its own avatar says" in refused(dancer, loop=True, speech=["talk.wav"], **LOCAL)


def test_words_of_a_speech_that_nobody_gives_are_refused(dancer: Bundle) -> None:
    assert "--words whisper base.en: it says where the words of --speech" in refused(
        dancer, words=["whisper", "base.en"]
    )


def test_one_file_as_both_voices_is_refused_by_whatever_name(tmp_path: Path) -> None:
    own, other = (write_wav(tmp_path / name, np.full(800, 0.1)) for name in ("own.wav", "other.wav"))
    (tmp_path / "link.wav").symlink_to(own)
    for asked in ([str(own)], ["file", str(own)], [str(tmp_path / "link.wav")]):
        error = refused(Bundle.load("rules"), "file", str(own), speech=asked, **LOCAL)
        assert "it is the partner's file as well" in error and str(own) in error and "--source none" in error
    assert len(choose(options("file", str(own), speech=[str(other)], **LOCAL), [Bundle.load("rules")])) == 2
    assert len(choose(options("none", speech=[str(own)], **LOCAL), [Bundle.load("rules")])) == 1
    check_apart([str(own)], ["file", str(own)], ["audio=2"])  # the partner is another track of it
    with pytest.raises(EngineError):
        check_apart([str(own)], ["file", str(own)], ["video=2"])


def test_one_device_as_both_voices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mic, "_portaudio", lambda: Ports())
    error = refused(Bundle.load("rules"), "live", mic="1", no_camera=True, speech=["mic", "Built-in"], **LOCAL)
    assert "--speech mic: Built-in Mic is the partner's microphone as well" in error and "--mic" in error
    assert (
        len(choose(options("live", mic="1", no_camera=True, speech=["mic", "USB"], **LOCAL), [Bundle.load("rules")]))
        == 2
    )


def test_a_speech_file_without_a_sound_is_told_before_anything_starts(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(8_000)
    silent = write_wav(tmp_path / "silent.wav", 1e-4 * noise)
    late = write_wav(tmp_path / "late.wav", np.concatenate([np.zeros(30_000), 0.1 * noise]))
    with said(level=logging.WARNING) as told:
        choose(options("none", speech=[str(late)], **LOCAL), [Bundle.load("rules")])
        assert told == []
        choose(options("none", speech=[str(silent)], **LOCAL), [Bundle.load("rules")])
    (line,) = told
    assert "silent.wav: no sound in 0.5 s to its end" in line and "right file" in line
