"""The load generator: visitors who talk to a running engine over the network, in a process of their own, in real time.

``python -m benchmarks.visitors`` reads a plan (JSON) from stdin and writes what every visitor got to the plan's
``result`` (a pickle, read by whoever started it). It is open loop: hop k of a visitor is captured at its own moment and
sent then, whether or not the engine keeps up, and every delay counts from that moment. All hops are sent by one task
from a queue of moments; a visitor's clock has an offset and a drift of its own.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import pickle
import random
import struct
import sys
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.voices import FACE_AGO_NS, HOP, PERIOD_NS, Voices
from engine.network.messages import FLOAT32, HEAD, INT16
from engine.wire import HEADER

ROW = 6
"""Numbers kept of every message: seq, stream, flags, captured, published, received (ns)."""
MOST_PPM = 200.0
_FIELDS = struct.Struct("<4sIHBBIQqqqIHH")
_FACE, _SOUND = "face/partner", "audio/partner"


@dataclass(frozen=True)
class Plan:
    """``seats`` are kept taken by visitors of the bundle named in each, from ``first`` on numbered; a visit lasts
    ``visit_s`` on average (0: to the end). ``keep`` is the share of visits whose frames are kept whole."""

    url: str
    result: str
    seats: list[str]
    seconds: float
    visit_s: float = 0.0
    keep: float = 0.0
    first: int = 0
    seed: int = 0
    later_s: float = 0.0


@dataclass
class Visit:
    """One visit, and what came of it."""

    number: int
    bundle: str
    seed: int
    keep: bool
    offset_ns: int
    ppm: float
    begin_ns: int = 0
    hops: int = 0
    session: int = -1
    dropped: int = 0
    ended: str = ""
    late: array[int] = field(default_factory=lambda: array("q"))
    """By how much the generator itself was late, hop by hop, ns."""
    rows: array[int] = field(default_factory=lambda: array("q"))
    frames: list[bytes] = field(default_factory=list)
    stats: dict[str, Any] = field(default_factory=dict)

    def clock(self, now_ns: int) -> int:
        """What the visitor's clock says."""
        return now_ns + self.offset_ns + int(now_ns * self.ppm * 1e-6)


class Generator:
    """Runs a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.voices = plan, Voices.load()
        self.chance = random.Random(plan.seed)
        self.visits: list[Visit] = []
        self.next = plan.first
        self._queue: list[tuple[int, int, Visit, Any, dict[str, int]]] = []
        self._end_ns = 0

    async def run(self) -> list[Visit]:
        """All visits."""
        self._end_ns = time.monotonic_ns() + round(self.plan.seconds * 1e9)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as http:
            pacer = asyncio.create_task(self._pace())
            await asyncio.gather(*(self._seat(http, place, bundle) for place, bundle in enumerate(self.plan.seats)))
            pacer.cancel()
        return self.visits

    async def _seat(self, http: aiohttp.ClientSession, place: int, bundle: str) -> None:
        """One visitor after the other."""
        await asyncio.sleep(place * 0.013)  # nobody's sound card is in step with another's
        while (left := (self._end_ns - time.monotonic_ns()) / 1e9) > 0.5:
            length = left
            if self.plan.visit_s:
                length = min(left, 1.0 + self.chance.expovariate(1.0 / self.plan.visit_s))
            try:
                await self._visit(http, bundle, length)
            except (aiohttp.ClientError, OSError) as error:
                self.visits[-1].ended = f"{type(error).__name__}: {error}"
            await asyncio.sleep(self.chance.uniform(0.0, 1.0) if self.plan.visit_s else 1.0)

    async def _visit(self, http: aiohttp.ClientSession, bundle: str, length: float) -> None:
        chance, number = self.chance, self.next
        self.next += 1
        drift = chance.uniform(-MOST_PPM, MOST_PPM)
        keep = chance.random() < self.plan.keep
        visit = Visit(number, bundle, chance.randrange(2**32), keep, chance.randrange(-(10**15), 10**15), drift)
        self.visits.append(visit)
        async with http.ws_connect(self.plan.url, compress=0, autoping=True, max_msg_size=1 << 20) as ws:
            opening = {"bundles": [bundle], "seed": visit.seed, "gives": [_SOUND, _FACE]}
            await ws.send_str(json.dumps({"open": {**opening, "at": visit.clock(time.monotonic_ns())}}))
            told = json.loads((await ws.receive()).data)
            if "session" not in told:
                visit.ended = told.get("ended", "refused")
                return
            visit.session = told["session"]["session"]
            inputs = {item["gives"]: item["input"] for item in told["inputs"]}
            await self._told(visit, ws, told)
            reader = asyncio.create_task(self._read(visit, ws))
            visit.begin_ns = time.monotonic_ns()
            heapq.heappush(self._queue, (visit.begin_ns + PERIOD_NS, number, visit, ws, inputs))
            await asyncio.wait([reader], timeout=length)
            visit.ended = visit.ended or ("closed" if reader.done() else "")
            if not reader.done():
                await ws.send_str('{"stats": true}')
                await asyncio.wait([reader], timeout=0.3)
            visit.hops = -visit.hops  # the pacer lets go of it
            reader.cancel()

    async def _pace(self) -> None:
        """Send every hop at its moment, with the face of its middle."""
        queue, voices = self._queue, self.voices
        later_ns = round(self.plan.later_s * 1e9)
        while True:
            now = time.monotonic_ns() - later_ns
            while queue and queue[0][0] <= now:
                due, number, visit, ws, inputs = heapq.heappop(queue)
                if visit.hops < 0 or ws.closed:
                    continue
                hop = visit.hops
                message = (
                    HEAD.pack(FLOAT32, inputs[_FACE], 1, 0, 58, visit.clock(due - FACE_AGO_NS))
                    + voices.face(number, hop).tobytes()
                    + HEAD.pack(INT16, inputs[_SOUND], 1, 0, HOP, visit.clock(due))
                    + voices.sound(number, hop).tobytes()
                )
                visit.hops += 1
                visit.late.append(time.monotonic_ns() - later_ns - due)
                try:
                    await ws.send_bytes(message)
                except (aiohttp.ClientError, OSError):
                    continue
                heapq.heappush(queue, (due + PERIOD_NS, number, visit, ws, inputs))
            wait = (queue[0][0] + later_ns - time.monotonic_ns()) / 1e9 if queue else 0.005
            await asyncio.sleep(max(0.0, min(wait, 0.005)))

    async def _read(self, visit: Visit, ws: aiohttp.ClientWebSocketResponse) -> None:
        unpack, extend, session = _FIELDS.unpack_from, visit.rows.extend, visit.session
        async for message in ws:
            now = time.monotonic_ns()
            if message.type is not aiohttp.WSMsgType.BINARY:
                await self._told(visit, ws, json.loads(message.data))
                continue
            magic, whose, stream, _, low, _, seq, captured, _, published, _, _, high = unpack(message.data)
            if magic != b"RXN1" or whose != session:
                visit.ended = f"a frame of session {whose} came to session {session}"
                return
            extend((seq, stream, low | high << 8, captured, published, now))
            if visit.keep:
                visit.frames.append(message.data[HEADER.size :])

    async def _told(self, visit: Visit, ws: aiohttp.ClientWebSocketResponse, told: dict[str, Any]) -> None:
        if "time" in told:
            await ws.send_str(json.dumps({"time": told["time"], "at": visit.clock(time.monotonic_ns())}))
        visit.dropped = told.get("dropped", visit.dropped)
        visit.stats = told.get("stats", visit.stats)
        visit.ended = told.get("ended", visit.ended)


def generate(plan: Plan) -> None:
    """Run a plan and write its result."""
    visits = asyncio.run(Generator(plan).run())
    for visit in visits:
        visit.hops = abs(visit.hops)
    Path(plan.result).write_bytes(pickle.dumps(visits))


if __name__ == "__main__":
    import benchmarks.visitors as _named  # pickled classes are found by the module's own name, not by "__main__"

    _named.generate(_named.Plan(**json.loads(sys.stdin.read())))
