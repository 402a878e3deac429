"""Counts tell what is due: nothing lost where frames are missed, nothing twice, nothing where counting begins anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from clients.python.announced import Frame, Received
from clients.python.counting import FIRST, Counts
from engine.wire import Flag
from tests.clients import fake

TOLD = fake.stream(5, "acknowledge", "output", ["continuer", "assessment"], ["count"] * 2, "counts")
ENGINE = fake.read(fake.description("tcp://127.0.0.1:1"), streams=[TOLD])


def received(counts: list[float], run: int = 0, flags: int = 0, session: int = 7, **info: str) -> Received:
    stream = replace(ENGINE.streams[0], **info)
    frame = Frame(session, 5, flags, 0, 0, 0, 0, 0, stream.layout, np.array(counts, np.float32))
    return Received.of(frame, stream, ENGINE, run, 0)


def test_what_grew_is_due_as_often_as_it_grew() -> None:
    counts = Counts()
    assert counts.due(received([4, 1])) == []  # where counting begins
    assert counts.due(received([4, 1])) == []
    assert counts.due(received([5, 1])) == ["continuer"]
    assert counts.due(received([5, 1])) == []
    assert counts.due(received([7, 2])) == ["continuer", "continuer", "assessment"]


def test_a_count_goes_round() -> None:
    counts = Counts()
    counts.due(received([65535, 0]))
    assert counts.due(received([1, 0])) == ["continuer", "continuer"]


def test_where_counting_begins_anew_nothing_is_due() -> None:
    counts = Counts()
    counts.due(received([9, 3]))
    assert counts.due(received([1, 0])) == []  # a reset whose first frame was missed
    assert counts.due(received([2, 0])) == ["continuer"]
    assert counts.due(received([3, 0], flags=FIRST)) == []
    assert FIRST == Flag.FIRST
    for other in ({"run": 1}, {"session": 8}):
        assert counts.due(received([8, 0], **other)) == []
        assert counts.due(received([9, 0], **other)) == ["continuer"]
    assert counts.due(received([4, 0])) == ["continuer"]


def test_other_streams_and_numbers_that_are_none_are_not_counted() -> None:
    counts = Counts()
    for info in ({"codec": "numbers"}, {"kind": "input"}):
        assert [counts.due(received([value, 0], **info)) for value in (0, 1)] == [[], []]
    counts.due(received([0, 0]))
    assert counts.due(received([float("nan"), 1])) == ["assessment"]
