"""From what ``glass.js`` wrote down to stages: each event's way on the page's clock, and what of it was waiting.

The engine's times are mapped by the quickest of the exchanges of times in the same connection, right to half its trip.
Every stage begins where the one before ends, so they add up to the whole way:

=========== ================================================== ==================================
stage       a click                                            a flash
=========== ================================================== ==================================
captured    the page's worklet has heard it (its own time)     the picture is on its way to the tracker's thread
sent        the message that completes its hop is sent         the face is found and sent
received    the engine has that message                        the same
due         the frame is due                                   the frame that takes it is due
begun       the step begins                                    the same
published   the frame is handed to the network                 the same
arrived     the page has it                                    the same
asked       the page has asked for the picture that shows it   the same
drawn       that is drawn to the end: the mouth's pixels differ the same
seen        the next refresh of the screen                     the same
=========== ================================================== ==================================

What a *click* waits for by the model's nature is the end of its hop, from its capture on; what a *flash* waits for is
the next frame, from its arrival on. Both are 0 to 40 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.glass_model import RATE, SAMPLE_RATE

STAGES = ("captured", "sent", "received", "due", "begun", "published", "arrived", "asked", "drawn", "seen")
WHOLE = 0.9
"""Of the largest change of an event's pixels, from which on the answer is there in full."""
PERIOD_MS = 1000.0 / RATE
NEAR_MS = 4.0
"""By which times of two clocks may differ that mean the same."""
Kind = Literal["click", "flash"]


@dataclass(frozen=True)
class Event:
    """One event: when it was made and when each stage ended (ms of the page), what of the way the model had to wait
    (ms), and when the answer was there in full. ``missing`` names the first stage of which nothing was found."""

    kind: Kind
    made: float
    ends: dict[str, float]
    waited: float = float("nan")
    full: float = float("nan")
    missing: str = ""

    @property
    def total(self) -> float:
        """From the event to the refresh that shows its answer, ms."""
        return self.ends["seen"] - self.made

    @property
    def beyond(self) -> float:
        """The same without what the model waits for."""
        return self.total - self.waited

    def durations(self) -> dict[str, float]:
        """How long each stage took, ms."""
        begins = [self.made, *(self.ends[name] for name in STAGES[:-1])]
        return {name: self.ends[name] - start for name, start in zip(STAGES, begins, strict=True)}

    def disorder(self) -> str:
        """What is out of order beyond what two clocks may differ by; "" where nothing is."""
        found = [f"{name} {value:.1f} ms" for name, value in self.durations().items() if value < -NEAR_MS]
        return ", ".join(found)


def events(log: dict[str, Any]) -> list[Event]:
    """All events of a log."""
    trip = min(log["clock"], key=lambda each: each["heard"] - each["sent"])
    offset = (trip["sent"] + trip["heard"]) / 2 - trip["engine"]
    return [_event(told, log, offset) for told in log["events"]]


def _event(told: dict[str, Any], log: dict[str, Any], offset: float) -> Event:
    """``offset``: page - engine, ms."""
    kind: Kind = told["kind"]
    made = told["when"] + log["line"] if kind == "click" else told["made"]
    ends: dict[str, float] = {}

    def missing(stage: str) -> Event:
        return Event(kind, made, ends, missing=stage)

    voice = kind == "click"
    begins = _first(log["sent"], lambda one: one["sent"] >= made and one["voice"] == voice and _answers(one))
    if begins is None:
        return missing("captured")
    frame = _first(log["frames"], lambda one: one["arrived"] >= begins["sent"] and one[kind] > 0.5)
    if frame is None:
        return missing("published")
    captured, published = offset + frame["capture"], offset + frame["publish"]
    begun = published - frame["step"]
    if voice:
        heard = begins["at"] - 1000.0 * (begins["count"] - 1 - begins["onset"]) / SAMPLE_RATE
        hop = [one for one in log["sent"] if one["voice"] and begins["sent"] <= one["sent"] <= begun + NEAR_MS]
        last = _first(hop, lambda one: one["at"] >= captured - NEAR_MS) or (hop or [begins])[-1]
        if "received" not in last:
            return missing("received")
        ends["captured"], ends["sent"] = heard, last["sent"]
    else:
        last = begins
        picture = _first(log["tracked"], lambda one: one["at"] == _nearest(log["tracked"], begins["at"]))
        if picture is None or "received" not in last:
            return missing("received")
        ends["captured"], ends["sent"] = picture["posted"], last["sent"]
    # The engine's answer to the ping behind a message may come when the step has begun already.
    ends["received"] = min(offset + last["received"], begun)
    # A hop that comes sooner than usual is taken at once; one that was expected sooner is due when it comes.
    ends["due"] = max(ends["received"], offset + frame["due"])
    ends["begun"], ends["published"] = max(ends["due"], begun), published
    ends["arrived"] = frame["arrived"]
    shown = [one for one in told["pictures"] if one["differs"] > 0 and one["begun"] >= frame["arrived"]]
    if not shown:
        return missing("drawn")
    ends["asked"], ends["drawn"] = shown[0]["begun"], shown[0]["read"]
    ends["seen"] = _refresh(told["pictures"], shown[0])
    most = max(one["differs"] for one in shown)
    whole = next(one for one in shown if one["differs"] >= WHOLE * most)
    waited = captured - ends["captured"] if voice else ends["due"] - ends["received"]
    waited = min(max(0.0, waited), PERIOD_MS)
    return Event(kind, made, ends, waited, _refresh(told["pictures"], whole))


def _answers(one: dict[str, Any]) -> bool:
    return bool(one["onset"] >= 0 if one["voice"] else one["answers"])


def _first(rows: Sequence[dict[str, Any]], good: Any) -> dict[str, Any] | None:
    return next((one for one in rows if good(one)), None)


def _nearest(tracked: Sequence[dict[str, Any]], at: float) -> float:
    return float(min((one["at"] for one in tracked), key=lambda each: abs(each - at), default=float("nan")))


def _refresh(pictures: Sequence[dict[str, Any]], drawn: dict[str, Any]) -> float:
    """When the screen shows a picture: the first refresh after it was drawn, as far as frames tell of refreshes."""
    return float(next((one["stamp"] for one in pictures if one["stamp"] >= drawn["read"]), drawn["read"]))
