"""Sessions over the network: each client's messages reach its own session, and its frames it alone."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.access import Access
from engine.errors import EngineError
from engine.network import connection, server
from engine.wire import Flag
from tests.engine.network.stage import HOP, MS, PERIOD, Hall, S, until


@pytest.fixture
def hall() -> Iterator[Hall]:
    with Hall() as made:
        yield made


def get(hall: Hall, path: str, **headers: str) -> tuple[int, str]:
    """Status and text of a page."""
    url = hall.server.url.replace("ws://", "http://").replace("/session", path)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def metrics(hall: Hall, **headers: str) -> dict[tuple[str, ...], float]:
    """All samples, by name and labels' values."""
    families = text_string_to_metric_families(get(hall, "/metrics", **headers)[1])
    return {(item.name, *item.labels.values()): item.value for family in families for item in family.samples}


def test_each_gets_its_own_whoever_else_is_there(hall: Hall) -> None:
    visitors = [hall.visitor(number) for number in (1, 2, 3, 4, 5)]
    for _ in range(12):
        for visitor in visitors:
            visitor.talk(1)
    for visitor in visitors:
        visitor.own()
        assert [frame.seq for frame in visitor.frames] == list(range(12))
    visitors[1].session.close()
    until(lambda: len(hall.host.sessions()) == 4)
    late = hall.visitor(6)
    for visitor in (visitors[4], late):
        visitor.talk(10)
        visitor.own()
    assert late.frames[0].flags & Flag.FIRST and not visitors[4].frames[-1].flags & Flag.FIRST


def test_both_streams_come_and_the_second_counts_what_was_committed(hall: Hall) -> None:
    visitor = hall.visitor()
    visitor.talk(10)
    until(lambda: visitor.wait(10) and len(visitor.others) == 10)
    assert [frame.values[0] for frame in visitor.others] == list(range(1, 11))
    assert [stream.name for stream in visitor.session.announced.streams] == ["echo", "count"]


def test_capture_times_of_a_clock_that_is_elsewhere_are_told_on_the_engines(hall: Hall) -> None:
    visitor = hall.visitor(7)
    begin = hall.clock.now_ns()
    frames = visitor.talk(10)
    # the clock may be put forward while a question is under way, by one hop at most
    off = [frame.capture_ns - begin - (hop + 1) * PERIOD for hop, frame in enumerate(frames)]
    assert max(map(abs, off)) <= PERIOD and all(0.0 <= frame.values[2] <= 0.0051 for frame in frames)
    visitor.session.order("stats")
    until(lambda: "stats" in visitor.session.replies)
    clock = visitor.session.replies["stats"]["clock"]
    assert abs(clock["offset_s"] + 7e6) <= 0.04 and clock["exchanges"] >= 1


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_sound_of_another_rate_is_resampled(hall: Hall, rate: int) -> None:
    visitor = hall.visitor(sample_rate=rate)
    block = rate // 100
    for _ in range(48):
        hall.clock.advance(10 * MS)
        visitor.session.push(("audio/partner", np.full(block, 0.25, np.float32)))
    frames = visitor.wait(11)
    assert len(frames) <= 12 and all(abs(frame.values[0] - 0.25) < 1e-3 for frame in frames[1:])


def test_words_flags_controls_and_a_missing_face_arrive(hall: Hall) -> None:
    visitor = hall.visitor()
    visitor.talk(1)
    now = visitor.now()
    visitor.session.words(("hello", now + PERIOD // 2, now + PERIOD), ("there", now + 30 * S, None))
    visitor.session.set(gain=1.5)
    until(lambda: "set" in visitor.session.replies)
    assert visitor.session.replies["set"]["controls"]["gain"] == 1.5
    first = visitor.talk(1)[0]
    assert first.values[3] == 1 and first.values[4] == 1 and first.values[5] == 1.5
    visitor.session.speaking(False)
    visitor.session.push(("face/partner", None, visitor.now() + 30 * MS))
    visitor.session.order("stats")
    until(lambda: "stats" in visitor.session.replies)
    visitor._hall.clock.advance(PERIOD)
    visitor.session.push(("audio/partner", np.full(HOP, 0.5, np.float32)))
    last = visitor.wait(3)[-1]
    assert last.values[4] == 0 and last.values[1] == -1 and last.values[0] == 0.5
    assert last.flags & Flag.NO_FACE


def test_what_the_opening_did_not_name_is_not_taken(hall: Hall) -> None:
    visitor = hall.visitor(gives=["audio/partner"])
    for tell in (lambda: visitor.session.words(("hi", 0, None)), lambda: visitor.session.speaking(True)):
        visitor.session.refused = ""
        tell()
        hall.clock.advance(S)
        until(lambda: "the opening did not name" in visitor.session.refused)
    assert hall.server.traffic.counts["refused"] == 2


def test_reset_pause_and_resume(hall: Hall) -> None:
    visitor = hall.visitor()
    visitor.talk(5)
    visitor.session.order("reset")
    visitor.session.order("stats")
    until(lambda: "stats" in visitor.session.replies)
    assert visitor.talk(2)[0].flags & Flag.FIRST
    until(lambda: visitor.wait(7) and len(visitor.others) == 7)
    assert [frame.values[0] for frame in visitor.others] == [1, 2, 3, 4, 5, 1, 2]
    visitor.session.order("pause")
    until(lambda: all(slot._paused for session in hall.host.sessions() for slot in session.slots))
    visitor.session.order("resume")
    until(lambda: not any(slot._paused for session in hall.host.sessions() for slot in session.slots))
    visitor.talk(3)
    visitor.own()


@pytest.mark.parametrize(
    ("opening", "why"),
    [
        ({"bundles": ["nobody"]}, "bundles nobody: give one or several, each once, of echo"),
        ({"gives": ["body/partner"]}, "gives body/partner: echo takes audio/partner"),
        ({"gives": ["audio"]}, "write WHAT/OWNER"),
        ({"controls": {"gain": 9}}, "gain = 9 is out of range"),
        ({"sample_rate": 47_999}, "sample_rate: give one of 8000"),
        ({"speed": 3}, "speed"),
    ],
)
def test_an_opening_that_cannot_be_is_refused_in_words_and_leaves_nothing(hall: Hall, opening: dict, why: str) -> None:
    with pytest.raises(ConnectionRefusedError, match=why):
        hall.visitor(**opening)
    assert not hall.host.sessions()
    assert sum(hall.server.traffic.turned_away.values()) == 1


def test_whoever_comes_when_all_is_taken_is_refused_and_ready_says_so() -> None:
    with Hall(capacity=2) as hall:
        assert get(hall, "/ready") == (200, "ok\n")
        first, _ = hall.visitor(1), hall.visitor(2)
        assert get(hall, "/ready") == (503, "all sessions are taken\n")
        assert get(hall, "/live") == (200, "ok\n")
        with pytest.raises(ConnectionRefusedError, match="all 2 sessions are taken"):
            hall.visitor(3)
        assert metrics(hall)["engine_turned_away_total", "refused"] == 1
        first.session.close()
        until(lambda: len(hall.host.sessions()) == 1)
        assert get(hall, "/ready")[0] == 200
        third = hall.visitor(3)
        third.talk(5)
        third.own()


def test_a_host_that_failed_is_neither_live_nor_ready(hall: Hall) -> None:
    hall.host.failure = RuntimeError("the loop is gone")
    assert get(hall, "/live")[0] == 503 and get(hall, "/ready")[0] == 503
    hall.host.failure = None
    assert get(hall, "/live")[0] == 200


def test_metrics_are_what_prometheus_reads(hall: Hall) -> None:
    visitor = hall.visitor()
    visitor.talk(20)
    until(lambda: visitor.wait(20) and len(visitor.others) == 20)
    told = metrics(hall)
    assert told[("engine_sessions",)] == 1 and told[("engine_capacity",)] == 6 and told[("engine_ready",)] == 1
    assert told[("engine_frames_total",)] == 20 and told[("engine_sent_messages_total",)] == 40
    assert told[("engine_received_messages_total",)] >= 20
    assert told[("engine_received_bytes_total",)] >= 20 * (2 * HOP + 58 * 4 + 32)
    assert told[("engine_capture_to_publish_seconds_count",)] == 20
    assert told["engine_capture_to_publish_seconds_bucket", "+Inf"] == 20
    assert told["engine_frames_flagged_total", "first"] == 1
    assert ("engine_loop_share", "echo", "step") in told and told[("engine_network_cpu_seconds_total",)] > 0
    assert told[("process_resident_memory_bytes",)] > 1e6


def test_other_pages_and_methods(hall: Hall) -> None:
    assert get(hall, "/")[0] == 404 and get(hall, "/session")[0] == 426
    assert hall.raw(headers="X: y\r\n").status == 101


def test_a_client_of_whom_nothing_comes_is_closed_with_the_reason() -> None:
    with Hall(idle_s=20.0) as hall:
        quiet, busy = hall.visitor(1), hall.visitor(2)
        quiet.talk(2)
        until(lambda: not any(one._heard for one in hall.server._connections))
        hall.clock.advance(15 * S)
        until(lambda: busy.talk(1) and hall.host.sessions()[1].idle_ns < S)
        hall.clock.advance(10 * S)
        until(lambda: quiet.session.ended is not None)
        assert quiet.session.ended == "nothing came for 20 s"
        busy.talk(5)
        busy.own()


def test_tokens(tokens: Hall) -> None:
    with pytest.raises(ConnectionRefusedError, match="this token may not open sessions"):
        tokens.visitor()
    with pytest.raises(ConnectionRefusedError, match="this token may not open sessions"):
        tokens.visitor(token="watcher")
    visitor = tokens.visitor(token="guest")
    visitor.talk(3)
    visitor.own()
    assert get(tokens, "/metrics")[0] == 401
    assert get(tokens, "/metrics", Authorization="Bearer guest")[0] == 401
    assert metrics(tokens, Authorization="Bearer watcher")["engine_turned_away_total", "token"] == 2
    assert get(tokens, "/live")[0] == get(tokens, "/ready")[0] == 200


def test_web_pages_are_let_in_by_name_alone() -> None:
    with Hall(origins=["https://ours.example"]) as hall:
        assert hall.raw(headers="Origin: https://ours.example\r\n").status == 101
        for origin in ("https://evil.example", "null", "http://127.0.0.1", "https://ours.example.evil"):
            assert hall.raw(headers=f"Origin: {origin}\r\n").status == 403
        assert hall.server.traffic.turned_away["origin"] == 4


def test_ipv6() -> None:
    with Hall("[::1]:0") as hall:
        assert hall.server.url.startswith("ws://[::1]:")
        visitor = hall.visitor()
        visitor.talk(3)
        visitor.own()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("8080", "is no address"),
        ("::1:8080", "is no address"),
        ("127.0.0.1:", "is no address"),
        ("127.0.0.1:99999", "ports go from 0 to 65535"),
        ("no.such.host.invalid:80", "--tokens"),
        ("tcp://127.0.0.1:80", "is no address"),
        ("0.0.0.0:0", "--tokens"),
        ("[::]:0", "--tokens"),
    ],
)
def test_addresses_that_cannot_be_are_refused(address: str, why: str) -> None:
    with pytest.raises(EngineError, match=why):
        Hall(address)


@pytest.mark.parametrize(
    ("address", "why"), [("no.such.host.invalid:80", "no network here has"), ("192.0.2.1:8080", "cannot bind there")]
)
def test_addresses_that_are_not_here(address: str, why: str) -> None:
    with pytest.raises(EngineError, match=why):
        Hall(address, access=Access(insecure=True))


def test_insecure_binds_where_others_reach_it_and_needs_no_token() -> None:
    with Hall("0.0.0.0:0", access=Access(insecure=True)) as hall:
        visitor = hall.visitor()
        visitor.talk(2)
        visitor.own()


def test_an_address_that_is_taken(hall: Hall) -> None:
    port = hall.server.url.rpartition(":")[2].removesuffix("/session")
    for options, option in (({}, "--listen"), ({"web_page": True}, "--web")):
        with pytest.raises(
            EngineError, match=rf"^{option} .*cannot bind there .*; perhaps .* or give {option} another port"
        ):
            Hall(f"127.0.0.1:{port}", **options)


def test_stopping_ends_sessions_with_the_reason(hall: Hall) -> None:
    visitor = hall.visitor()
    visitor.talk(2)
    hall.server.stop()
    until(lambda: visitor.session.ended is not None)
    assert visitor.session.ended == "the engine stops" and not hall.host.sessions()
    with pytest.raises(ConnectionError, match="no session at"):
        hall.visitor(2)
    hall.server.stop()


def test_what_is_not_understood_is_said_and_counted(hall: Hall) -> None:
    raw = hall.raw({})
    for message in (b"\x00" * 15, b"\x02\x07\x01\x00" + b"\x00" * 40):
        raw.send(2, message)
    raw.send(1, b'{"open": {}}')
    raw.send(1, b"[]")
    until(lambda: hall.server.traffic.counts["refused"] == 4)
    hall.clock.advance(S)
    while "no message: send a JSON object" not in raw.until("refused"):  # the first may have been said before
        continue
    raw.text({"ping": 7})
    assert raw.until("pong") == 7
    assert len(hall.host.sessions()) == 1


def test_constants_fit_together() -> None:
    assert server.HEARTBEAT_S < connection.STUCK_S * 2 and connection.OPENING_S < server.HTTP_S
