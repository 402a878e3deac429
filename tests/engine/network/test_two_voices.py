"""A network session that gives both voices: its client is told of an echo, which is held back; offsets are exposed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clients.python.session import Session
from engine.access import Access
from engine.clock import FakeClock
from engine.network.metrics import exposed, registry
from engine.network.server import Server
from engine.session.host import Host
from engine.session.live import STREAMS_A_BUNDLE
from engine.sound.echo import EchoMode
from engine.spec import InputSpec, StreamSpec
from tests.engine.network.stage import until
from tests.engine.session.two_voices import FPS, HOP, RATE, SPEC, Both, told
from tests.engine.sound.test_echo import recorded, room

S = 1_000_000_000
GIVES = ["audio/partner", "audio/self"]
LENGTH = 7 * RATE // HOP


class Stage:
    """A server on a clock that stands still unless told, and one client."""

    def __init__(self, echo: EchoMode, *specs: StreamSpec) -> None:
        self.clock = FakeClock(1000 * S)
        bundles: Any = [SimpleNamespace(name=spec.name, spec=spec, vocabulary="") for spec in specs]
        self.host = Host(
            bundles,
            self.clock,
            capacity=2,
            realtime=False,
            raw_sound=True,
            echo=echo,
            runtimes=lambda bundle, _, rows, *__: Both(rows, bundle.spec),  # type: ignore[arg-type, return-value]
        )
        self.server = Server(self.host, "127.0.0.1:0", Access(), idle_s=1e9)
        self.frames: list[Any] = []

    def __enter__(self) -> Stage:
        self.host.start()
        self.server.start()
        named = list(self.host.bundles)
        self.client = Session(self.server.url, GIVES, self.clock.now_ns, bundles=named, timeout=10.0)
        (self.session,) = self.host.sessions()
        connection = self.server._connections
        until(lambda: all(one._intake.clock.exchanges for one in connection))  # before time goes on
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.server.stop()
        self.host.stop()
        assert self.host.failure is None

    def talk(self, own: np.ndarray, partner: np.ndarray) -> list[list[float]]:
        """Send hops of both as time goes, each when the frames of the one before are there; how loud the partner was to
        each model."""
        rates = [bundle.spec.rate for bundle in self.host.bundles.values()]
        for hop in range(len(own) // HOP):
            part = slice(hop * HOP, (hop + 1) * HOP)
            self.clock.advance(HOP * S // RATE)
            self.client.push(("audio/self", own[part]), ("audio/partner", partner[part]))

            def there(count: int = round((hop + 1) * sum(rates) / FPS)) -> bool:
                self.frames += self.client.receive(0.05)
                return len(self.frames) >= count

            until(there)
        streams = [place * STREAMS_A_BUNDLE for place in range(len(rates))]
        return [[told(frame).partner for frame in self.frames if frame.stream == number] for number in streams]


@pytest.fixture(params=["gate", "say"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with Stage(request.param, SPEC) as made:
        yield made


def test_an_echo_is_told_the_client_and_held_back_where_the_engine_was_told_to(stage: Stage) -> None:
    own, echo = recorded()[: LENGTH * HOP], room(recorded())[: LENGTH * HOP]
    loud = np.array(stage.talk(own, echo)[0])
    sent = np.sqrt(np.square(echo).reshape(-1, HOP).mean(1))
    later = slice(4 * RATE // HOP, None)
    share = float(np.sum(loud[later] ** 2) / np.sum(sent[later] ** 2))
    assert share < 0.1 if stage.host._echo == "gate" else share == pytest.approx(1.0, abs=1e-3)
    stage.clock.advance(S)
    (notice,) = stage.session.feeds.notices()
    until(lambda: notice in stage.client.notices or bool(stage.client.receive(0.05)))
    assert "avatar's own is heard" in notice
    assert stage.session.stats()["sound"]["partner"]["echo_ms"] == pytest.approx(120, abs=2)


@pytest.mark.parametrize("first", [True, False])
def test_a_model_beside_one_that_hears_itself_does_not_hear_what_is_held_back_from_it(first: bool) -> None:
    """At a rate of its own, and without any use for the avatar's voice."""
    deaf = dataclasses.replace(SPEC, name="deaf", rate=2 * FPS, inputs=_half(SPEC.inputs[:2]))
    own, echo = recorded()[: LENGTH * HOP], room(recorded())[: LENGTH * HOP]
    with Stage("gate", *((deaf, SPEC) if first else (SPEC, deaf))) as stage:
        for loud in map(np.array, stage.talk(own, echo)):
            hop = len(echo) // len(loud)
            sent = np.sqrt(np.square(echo).reshape(-1, hop).mean(1))
            later = slice(4 * RATE // hop, None)
            assert np.sum(loud[later] ** 2) / np.sum(sent[later] ** 2) < 0.1
        assert stage.session.stats()["sound"]["partner"]["echo_ms"] == pytest.approx(120, abs=2)
        assert len(stage.session.feeds.notices()) == 1
    with Stage("say", deaf, SPEC) as stage:
        assert [slot.echo is not None for slot in stage.session.slots] == [True, False]  # said once, looked for once


def _half(inputs: tuple[InputSpec, ...]) -> tuple[InputSpec, ...]:
    return tuple(dataclasses.replace(item, shape=tuple(size // 2 for size in item.shape)) for item in inputs)


def test_offsets_are_exposed_for_bundles_that_hear_themselves() -> None:
    deaf = dataclasses.replace(SPEC, name="deaf", inputs=SPEC.inputs[:2])
    with Stage("off", SPEC, deaf) as stage:
        for name, loop in stage.host._loops.items():
            for milliseconds in (-50, 3, 12, 300):
                loop.work.av_offsets.add(milliseconds / 1e3)
            assert (name in stage.host.av_offsets()) == (name == "both")
        text = exposed(registry(stage.host, stage.server.traffic)).decode()
    lines = [line for line in text.splitlines() if line.startswith("engine_av_offset_seconds_bucket")]
    assert not any("deaf" in line for line in lines)
    counted = {line.split(',le="')[1].split('"')[0]: float(line.split()[1]) for line in lines}
    assert (counted["-0.06"], counted["-0.02"], counted["0.01"], counted["0.02"]) == (0.0, 1.0, 2.0, 3.0)
    assert (counted["0.185"], counted["0.5"], counted["+Inf"]) == (3.0, 4.0, 4.0)
