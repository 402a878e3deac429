"""``engine doctor`` where an engine runs already: why does its avatar not move, or not as it should?

It is asked what it is and what it counts, and received from for a few seconds: do frames come, does what they hold
change, what do their flags say, what stands in the way (a pause, a control at 0, a partner who is not heard), and does
anybody receive?
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zmq

from engine.access import host_of
from engine.control import NoAnswer, ask, connect
from engine.finding import Finding
from engine.wire import Flag, Frame, WireError, decode, topic

LISTEN_S = 3.0
"""For which frames are received."""
STILL = 1e-4
"""A number that changes by less, in so long, stands still."""
OFTEN = 0.5
"""Share of frames from which a flag is worth a word."""
POSES = ("arkit58", "joints", "quaternions")
MEANS: Mapping[Flag, str] = {
    Flag.HELD: "no new pose could be computed: the one before is repeated; `engine stats` tells the last error",
    Flag.LATE: "frames come late: the machine is busy, or too slow for this bundle; close what else runs",
    Flag.SILENT: "no sound of the partner comes: is the microphone there and open? (`engine devices`)",
    Flag.NO_FACE: "no face of the partner is seen: is the camera there, and the tracker's model? (`engine assets`)",
    Flag.DEGRADED: "a source is in trouble (see `sources`)",
    Flag.BAD_INPUT: "numbers that are none come in: look at the source or client that sends them",
    Flag.SKIPPED: "frames are passed over to catch up: the machine is too slow for this bundle",
    Flag.UNSOUND: "poses of the partner are out of range or jump, and are not believed",
    Flag.PENDING: "a text is still being encoded",
}


class Running(NamedTuple):
    """An engine that answers: its description and its statistics."""

    told: dict[str, Any]
    stats: dict[str, Any]


def running(control: str, token: str = "", keys: Path | None = None) -> Running | None:
    """The engine at ``control``; None where none answers. Raises :class:`EngineError` where one refuses."""
    if control.endswith((":*", ":0")):  # any free port: nobody is there yet
        return None
    try:
        told = ask(control, {"op": "describe", "token": token}, keys=keys)
    except NoAnswer:
        return None
    return Running(told, ask(control, {"op": "stats", "token": token}, keys=keys))


def look(engine: Running, control: str, keys: Path | None = None, seconds: float = LISTEN_S) -> Iterator[Finding]:
    """What is found of a running engine."""
    told, stats = engine
    bundles = ", ".join(map(str, told.get("bundles", ())))
    host = stats.get("host", {})
    there = f"{bundles}, {host.get('sessions', 0)} of {host.get('capacity', 0)} sessions"
    yield Finding("engine", "ok", f"runs at {control}: {there}")
    outputs = [one for one in told.get("streams", ()) if one["kind"] == "output"]
    if not outputs:
        yield Finding(
            "frames",
            "missing",
            "it has no session of its own (--listen without --source): each network client has its avatar, and asks "
            "for its own statistics",
        )
        return
    pub = _connectable(str(told["pub"]), control)
    frames = _received(pub, int(told["session"]), keys, seconds)
    yield _frames(frames, outputs, stats, pub, seconds)
    if frames:
        yield _movement(frames, outputs)
        yield from _flags(frames)
    yield _controls(told.get("controls", ()))
    yield from _sources(stats, told)
    yield _receivers(stats, pub)


def _connectable(pub: str, control: str) -> str:
    """The publishing endpoint as seen from here: of a wildcard the control socket's host."""
    if host_of(pub) in ("*", "0.0.0.0", "::") and host_of(control):
        return f"{control.rpartition(':')[0]}:{pub.rpartition(':')[2]}"
    return pub


def _received(pub: str, session: int, keys: Path | None, seconds: float) -> list[Frame]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    frames = []
    try:
        socket = context.socket(zmq.SUB)
        socket.setsockopt(zmq.SUBSCRIBE, topic(session))
        connect(socket, pub, keys)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if socket.poll(round(1000 * left) + 1):
                try:
                    frames.append(decode(socket.recv()))
                except WireError:
                    continue
    finally:
        context.destroy(linger=0)
    return frames


def _frames(
    frames: Sequence[Frame], outputs: Sequence[Mapping[str, Any]], stats: Mapping[str, Any], pub: str, seconds: float
) -> Finding:
    if not frames:
        if stats.get("paused"):
            return Finding("frames", "FAILED", "the session is paused: a client (or the control socket) resumes it")
        return Finding(
            "frames",
            "FAILED",
            f"none came from {pub} in {seconds:g} s: is that port reachable from here (a firewall, another network)? "
            "An engine beyond this machine needs --pub tcp://0.0.0.0:PORT and --keys, and so do you",
        )
    wanted = {int(one["stream"]): float(one["rate"]) for one in outputs}
    rates = {number: sum(frame.stream == number for frame in frames) / seconds for number in wanted}
    slow = [number for number, rate in wanted.items() if rates[number] < 0.8 * rate]
    shown = ", ".join(f"{one['name']} {rates[int(one['stream'])]:.0f} of {one['rate']:g}" for one in outputs)
    if slow:
        return Finding(
            "frames", "FAILED", f"too few a second: {shown}; the machine is busy, or the way to here is slow"
        )
    return Finding("frames", "ok", f"a second: {shown}")


def _movement(frames: Sequence[Frame], outputs: Sequence[Mapping[str, Any]]) -> Finding:
    """Whether what the poses hold changes."""
    moved: list[str] = []
    still: list[str] = []
    for one in outputs:
        rows = [frame.values for frame in frames if frame.stream == one["stream"]]
        if one["codec"] not in POSES or len(rows) < 2:
            continue
        most = float(np.nanmax(np.ptp(np.array(rows), axis=0), initial=0.0))
        (moved if most > STILL else still).append(f"{one['name']} by {most:.3g}")
    if still:
        return Finding(
            "movement",
            "FAILED",
            f"{', '.join(still)}: what is sent stands still, so no client can help; see the parts below",
        )
    if not moved:
        return Finding("movement", "missing", "no stream of a face or a body is sent")
    return Finding(
        "movement",
        "ok",
        f"{', '.join(moved)}: what is sent moves; where the avatar does not, look at the client's address and names",
    )


def _flags(frames: Sequence[Frame]) -> Iterator[Finding]:
    for flag, means in MEANS.items():
        share = sum(bool(frame.flags & flag) for frame in frames) / len(frames)
        if share >= OFTEN:
            yield Finding(str(flag.name), "missing", f"in {100 * share:.0f} % of frames: {means}")


def _controls(controls: Sequence[Mapping[str, Any]]) -> Finding:
    """Those that were turned down to where nothing happens."""
    off = [
        str(one["name"])
        for one in controls
        if one.get("value") == one.get("low") == 0.0 and one.get("default") not in (0, 0.0)
    ]
    if off:
        back = " ".join(f"{one['name']}={one['default']:g}" for one in controls if one["name"] in off)
        return Finding("controls", "missing", f"{', '.join(off)} at 0: `engine set {back}` turns them up again")
    return Finding("controls", "ok", "none is at 0 that was not so from the start")


def _sources(stats: Mapping[str, Any], told: Mapping[str, Any]) -> Iterator[Finding]:
    troubles = stats.get("troubles", {})
    names = ", ".join(str(one.get("source")) for one in told.get("sources", ())) or "none"
    if troubles:
        yield Finding("sources", "missing", "; ".join(f"{name}: {text}" for name, text in troubles.items()))
    else:
        yield Finding("sources", "ok", f"{names}, without trouble")
    for owner, sound in told.get("sound", {}).items():
        if sound.get("notices"):
            yield Finding(f"{owner}'s sound", "missing", "; ".join(sound["notices"]))
        elif "voice_dbfs" in sound:
            heard = "no voice heard yet" if sound["voice_dbfs"] is None else f"voice at {sound['voice_dbfs']:g} dBFS"
            yield Finding(f"{owner}'s sound", "ok", heard)


def _receivers(stats: Mapping[str, Any], pub: str) -> Finding:
    """Whether somebody receives besides this examination."""
    others = int(stats.get("subscribers", 0))
    if others < 1:
        return Finding(
            "receivers",
            "missing",
            f"nobody receives from {pub}: start a client (`python -m clients.opencv`), and give it this address",
        )
    return Finding("receivers", "ok", f"{others} connected to {pub}")
