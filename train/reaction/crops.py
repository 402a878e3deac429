"""Which crop each row of the batch reads at each step, and the batch cut from the streams.

Rows walk their streams crop by crop, so that a network carries its state as it will live; each row has an order of its
own and begins elsewhere in it, so that resets come one by one. All of it follows from (seed, step): a run that is
continued reads what it would have read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from engine.errors import EngineError
from train.reaction import trackers
from train.reaction.faults import Faults, draw
from train.reaction.settings import Settings
from train.reaction.streams import CONTROLS, Streams
from train.reaction.trackers import Tracker
from train.run.recipe import Batch, Batches

ORDER, FAULTS, OWN, NETWORK, CAPTURE = range(5)  # what a random generator is for


@dataclass(frozen=True)
class Capture:
    """How a visit hears and sees the partner: the room, the tracker (None: as it is) and what goes wrong."""

    room: int
    tracker: Tracker | None
    faults: Faults


@dataclass(frozen=True)
class Place:
    """Where a row is: crop ``crop`` of its ``visit``-th stream, which is ``stream``."""

    visit: int
    stream: int
    crop: int


class Lap(NamedTuple):
    """One way of a row through all streams: their ``order`` (S,), and the crops walked when each is done, ``end``."""

    number: int
    order: NDArray[np.int64]
    end: NDArray[np.int64]


class Itinerary:
    """Places of ``rows`` rows over streams of ``frames`` (S,) frames each, ``crop`` at a time.

    A stream is always entered at its first frame, where its ids begin. Rows leave their very first stream at different
    crops, so that later on they begin streams at different steps.
    """

    def __init__(self, frames: NDArray[np.int64], rows: int, crop: int, seed: int) -> None:
        self.rows, self.seed, self.crops = rows, seed, frames // crop
        if not self.crops.all():
            raise EngineError(f"the shortest stream has {frames.min()} frames; set crop to {frames.min()} or less")
        self.total = int(self.crops.sum())
        self._laps: dict[int, Lap] = {}

    def at(self, row: int, step: int) -> Place:
        """Where ``row`` is at ``step``."""
        first = int(self.crops[self._lap(row, 0).order[0]])
        kept = 1 + row * first // self.rows
        lap, walked = divmod(step if step < kept else step + first - kept, self.total)
        way = self._lap(row, lap)
        turn = int(np.searchsorted(way.end, walked, "right"))
        stream = int(way.order[turn])
        return Place(lap * len(self.crops) + turn, stream, walked - int(way.end[turn] - self.crops[stream]))

    def _lap(self, row: int, lap: int) -> Lap:
        key = -row - 1 if lap == 0 else row  # the first lap is asked for at every step and kept apart
        if key not in self._laps or self._laps[key].number != lap:
            order = np.random.default_rng([self.seed, ORDER, row, lap]).permutation(len(self.crops))
            self._laps[key] = Lap(lap, order, self.crops[order].cumsum())
        return self._laps[key]


class Crops(Batches):
    """The training batches: ``streams`` (what `Reaction.react` reads), ``ids`` and ``previous`` (R, T, heads) int64,
    ``own`` (R, T), ``new`` (R,) bool where a row begins a stream, and ``seed``."""

    settings: Settings

    def __init__(self, streams: Streams, settings: Settings, codes: int) -> None:
        super().__init__(settings)
        self.streams, self.codes = streams, codes
        self.itinerary = Itinerary(streams.frames, settings.rows, settings.crop, settings.seed)
        self._captures: dict[int, tuple[int, Capture]] = {}

    def batch(self, step: int) -> Batch:
        """The batch of ``step``."""
        seed = self.settings.seed
        places = [self.itinerary.at(row, step) for row in range(self.settings.rows)]
        captures = [self._capture_of(row, place) for row, place in enumerate(places)]
        hidden = np.random.default_rng([seed, OWN, step]).random(len(places)) < self.settings.own_off
        jitter = np.random.default_rng([seed, CAPTURE, step])
        batch = cut(self.streams, places, self.settings.crop, captures, self.codes, jitter)
        batch["own"] = torch.from_numpy(np.repeat(~hidden[:, None], self.settings.crop, 1).astype(np.float32))
        batch["seed"] = int(np.random.SeedSequence([seed, NETWORK, step]).generate_state(1)[0])
        return batch

    def _capture_of(self, row: int, place: Place) -> Capture:
        if self._captures.get(row, (-1, None))[0] != place.visit:
            rng = np.random.default_rng([self.settings.seed, FAULTS, row, place.visit])
            frames = int(self.streams.frames[place.stream])
            faults = draw(rng, frames, self.settings.face_off, self.settings.audio_off)
            tracker = trackers.draw(rng) if rng.random() < self.settings.trackers else None
            self._captures[row] = place.visit, Capture(int(rng.integers(len(self.streams.heard))), tracker, faults)
        return self._captures[row][1]


class Validation:
    """Validation: the first minutes of up to ``rows`` streams, side by side, crop by crop, without faults."""

    def __init__(self, streams: Streams, settings: Settings, codes: int) -> None:
        self.streams, self.settings, self.codes = streams, settings, codes
        count = len(streams.frames)
        self.chosen = np.unique(np.linspace(0, count - 1, min(settings.rows, count)).round().astype(int))
        longest = min(int(settings.check_minutes * 60 * 25), int(streams.frames[self.chosen].min()))
        self.crops = max(1, longest // settings.crop)
        if streams.frames[self.chosen].min() < settings.crop:
            raise EngineError(f"validation streams are shorter than crop {settings.crop}; set a shorter one")

    def __len__(self) -> int:
        return self.crops

    def __iter__(self) -> Iterator[Batch]:
        for crop in range(self.crops):
            places = [Place(0, int(stream), crop) for stream in self.chosen]
            batch = cut(self.streams, places, self.settings.crop, None, self.codes, None)
            batch["own"] = torch.ones(len(places), self.settings.crop)
            yield batch


def cut(
    streams: Streams,
    places: list[Place],
    crop: int,
    captures: list[Capture] | None,
    codes: int,
    rng: np.random.Generator | None,
) -> Batch:
    """The batch at ``places``. Without ``captures`` all is heard and seen at once and as it is; ``rng`` draws the noise
    of their trackers."""
    stream = np.array([place.stream for place in places])
    first = np.array([place.crop * crop for place in places])
    new = np.array([place.crop == 0 for place in places])
    frames = first[:, None] + np.arange(crop)
    told = streams.talk_start[stream][:, None]
    own = torch.from_numpy(streams.start[stream][:, None] + frames)
    shown, rows = frames, len(places)
    audio = face = np.ones((rows, crop), np.float32)
    age = np.zeros((rows, crop), np.float32)
    room = np.zeros((rows, 1), np.int64)
    if captures is not None:
        spans = [slice(frame, frame + crop) for frame in first]
        pick = [(capture.faults, span) for capture, span in zip(captures, spans, strict=True)]
        room[:, 0] = [capture.room for capture in captures]
        audio, face = np.stack([f.audio[s] for f, s in pick]), np.stack([f.face[s] for f, s in pick])
        shown, age = np.stack([f.shown[s] for f, s in pick]), np.stack([f.age[s] for f, s in pick])
    partner = streams.face[torch.from_numpy(told + shown)]
    for row, capture in enumerate(captures or ()):
        if capture.tracker is not None and rng is not None:
            partner[row, :, :52] = torch.from_numpy(capture.tracker.show(partner[row, :, :52].numpy(), rng))
    seen = partner * torch.from_numpy(face)[..., None]
    ids = streams.ids[own].long()
    before = streams.ids[(own[:, 0] - 1).clamp_min(0)].long()
    before[torch.from_numpy(new)] = codes
    controls = streams.controls[own]
    return {
        "streams": {
            "heard": streams.heard[torch.from_numpy(room), torch.from_numpy(told + frames)],
            "partner_audio_valid": torch.from_numpy(audio),
            "partner_face": seen,
            "partner_face_valid": torch.from_numpy(face),
            "partner_face_age": torch.from_numpy(age),
            **{name: controls[..., index] for index, name in enumerate(CONTROLS)},
            "nod_rate": streams.nod_rate[torch.from_numpy(stream)][:, None].expand(rows, crop),
        },
        "cues": streams.cues[torch.from_numpy(told + frames)],
        "ids": ids,
        "previous": torch.cat([before[:, None], ids[:, :-1]], 1),
        "new": torch.from_numpy(new),
    }
