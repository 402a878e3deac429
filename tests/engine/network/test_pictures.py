"""Pictures through the door of a session: their faces reach its models, and what is none reaches nothing."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.network.messages import record
from engine.network.metrics import exposed
from engine.sources.pictures import IDLE_S
from tests.engine.network.pictured import Reds, hall, jpeg
from tests.engine.network.stage import HOP, MS, PERIOD, Hall, S, Visitor, until

GIVES = ["audio/partner", "pictures/partner"]


@pytest.fixture
def pictured() -> Iterator[Hall]:
    Reds.made = Reds.closed = 0
    with hall() as made:
        yield made
    assert Reds.made == Reds.closed


def send(there: Hall, visitor: Visitor, picture: bytes | None, what: str = "pictures") -> float:
    """Send a picture, wait until it is counted as ``what``, and return what the model sees in the next frame."""
    before = there.server.traffic.counts[what]
    there.clock.advance(PERIOD)
    visitor.session.push(("pictures/partner", picture, visitor.now() - 5 * MS))
    if picture is not None:
        until(lambda: there.server.traffic.counts[what] == before + 1)
    frames = len(visitor.frames)
    visitor.session.push(("audio/partner", np.zeros(HOP, np.int16)))
    return float(visitor.wait(frames + 1)[-1].values[1])


def test_the_face_in_a_picture_is_what_the_model_sees(pictured: Hall) -> None:
    visitor = pictured.visitor(gives=GIVES)
    inputs = visitor.session._inputs
    assert inputs["pictures/partner"][1] == 0 and list(inputs) == ["audio/partner", "face/partner", "pictures/partner"]
    assert pictured.host.sessions()[0].describe()["given"] == ["audio/partner", "face/partner"]
    assert send(pictured, visitor, jpeg(0.8)) == pytest.approx(0.8, abs=0.03)
    assert send(pictured, visitor, jpeg(0.4)) == pytest.approx(0.4, abs=0.03)
    assert visitor.frames[-1].values[2] == pytest.approx(0.005, abs=0.001)  # its age: of its capture
    assert send(pictured, visitor, jpeg(0.0)) == -1.0  # nobody in it
    source = pictured.host.sessions()[0].sources[0]
    assert source.describe()["source"] == "pictures" and source.problem is None


def test_nothing_seen_is_told_like_a_face_that_is_gone(pictured: Hall) -> None:
    visitor = pictured.visitor(gives=GIVES)
    assert send(pictured, visitor, jpeg(0.8)) > 0
    ring = pictured.host.sessions()[0].feeds.latest["face", "partner"]
    visitor.session.push(("pictures/partner", None))
    until(lambda: (pose := ring.newest_before(pictured.clock.now_ns())) is not None and not pose.valid)


def test_what_is_no_picture_is_refused_once_and_counted_and_harms_nobody(pictured: Hall) -> None:
    neighbour = pictured.visitor(3)
    neighbour.talk(3)
    visitor = pictured.visitor(1, gives=GIVES)
    for picture in (
        b"no picture",
        jpeg()[:-400],
        jpeg(size=(1600, 1200), quality=5),
        jpeg(size=(16, 16)),
        b"\0" * 9000,
    ):
        assert send(pictured, visitor, picture, "pictures_bad") == -1.0
    pictured.clock.advance(S)
    until(lambda: "no picture to be looked at" in visitor.session.refused)
    assert "whole JPEG" in visitor.session.refused and Reds.made == 1  # only the one that showed that it can be
    visitor.session._socket.send(record(2, 0, np.zeros(70_000, np.uint8)))  # more than a message may hold
    until(lambda: pictured.server.traffic.counts["refused"] == 1)
    pictured.clock.advance(S)
    until(lambda: "send records of 16 to 65536" in visitor.session.refused)
    assert send(pictured, visitor, jpeg(0.6)) == pytest.approx(0.6, abs=0.03)
    neighbour.talk(5)
    neighbour.own()
    told = {
        family.name: family.samples[0].value
        for family in text_string_to_metric_families(exposed(pictured.server._metrics).decode())
        if family.name.startswith("engine_pictures")
    }
    assert told == {
        "engine_pictures": 1,
        "engine_pictures_bad": 5,
        "engine_pictures_skipped": 0,
        "engine_pictures_unseen": 0,
    }


def test_who_gets_no_tracker_is_told_and_goes_on_until_one_is_free(pictured: Hall) -> None:
    first, second, third = (pictured.visitor(number, gives=GIVES) for number in (1, 2, 3))
    assert send(pictured, first, jpeg(0.5)) > 0 and send(pictured, second, jpeg(0.5)) > 0
    assert send(pictured, third, jpeg(0.7), "pictures_unseen") == -1.0
    pictured.clock.advance(S)
    until(lambda: any("all 2 face trackers are in use" in text for text in third.session.notices))
    first.session.close()
    until(lambda: len(pictured.host.sessions()) == 2)
    until(lambda: pictured.server._terms.trackers.used == 1)  # type: ignore[union-attr]
    assert send(pictured, third, jpeg(0.7)) == pytest.approx(0.7, abs=0.03)


def test_a_tracker_is_free_when_no_picture_comes(pictured: Hall) -> None:
    visitor = pictured.visitor(gives=GIVES)
    trackers = pictured.server._terms.trackers
    assert trackers is not None and trackers.used == 0  # none before the first picture
    assert send(pictured, visitor, jpeg(0.5)) > 0 and trackers.used == 1
    pictured.clock.advance(round((IDLE_S + 1) * S))
    until(lambda: trackers.used == 0)
    assert pictured.host.sessions()[0].sources[0].problem is None  # who sends none has no trouble with them
    assert send(pictured, visitor, jpeg(0.3)) == pytest.approx(0.3, abs=0.03)


def test_they_are_taken_where_the_engine_was_told_to() -> None:
    with Hall() as closed, pytest.raises(ConnectionError, match="takes no pictures"):
        closed.visitor(gives=GIVES)
    with hall() as pictured, pytest.raises(ConnectionError, match="gives pictures/self"):
        pictured.visitor(gives=["pictures/self"])


def test_faster_than_the_models_want_is_not_tracked(pictured: Hall) -> None:
    raw = pictured.raw({"gives": ["pictures/partner"]})
    counts = pictured.server.traffic.counts
    for number in range(10):  # each when the one before is done with, all at one moment
        raw.send(2, record(1, number, np.frombuffer(jpeg(0.5 + 0.02 * number), np.uint8)))
        until(lambda: counts["pictures"] + counts["pictures_skipped"] == number + 1)  # noqa: B023
    assert (counts["pictures"], counts["pictures_skipped"]) == (1, 9)


def test_the_page_is_told_that_pictures_are_taken() -> None:
    Reds.made = Reds.closed = 0
    with hall(web_page=True) as pictured:
        connection = http.client.HTTPConnection(pictured.server.url.removeprefix("ws://").removesuffix("/session"))
        connection.request("GET", "/about.json")
        assert json.loads(connection.getresponse().read())["pictures"] is True
        connection.close()
