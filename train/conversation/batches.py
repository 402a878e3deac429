"""Which pieces of talks a step is trained on, and what becomes of their sound: all of (seed, step)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from models.contract import initial_state
from models.conversation.config import ACTS, CAPTURES, GROUPS, MOUTH, PLANS, RATE
from models.conversation.model import SPEECH, Conversation
from models.listening.voice import HANGOVER_S, MEL_MEAN, MEL_SCALE, SUBFRAMES
from train.conversation.settings import Settings
from train.conversation.streams import Stream
from train.run.recipe import Batch, Batches

BUSY_FRAMES = 20
"""Frames for which a nod, a smile, a raise of the brows or a stroke counts as being made."""
RETURN_S = 1.0
"""Time constant (s) in which a piece that begins astray comes back."""
CLOSE_FRAMES = 3
"""Frames in which a mouth closes whose voice was cut off."""
SILENT_BAND = (-23.0 - MEL_MEAN) / MEL_SCALE
RECORDING = "capture-"
"""What the names of whole recordings begin with in a simulated set."""


class Acted:
    """A talk whose expression is known: numbers (T, ACTS) and features of the own past (T, F) beside the stream."""

    def __init__(self, stream: Stream, model: Conversation) -> None:
        assert stream.face is not None and stream.trunk is not None
        self.stream = stream
        with torch.no_grad():
            self.numbers = model.codec.numbers(stream.face, stream.trunk)
            before = torch.nn.functional.pad(self.numbers[:-1], (0, 0, 1, 0))
            plans = torch.nn.functional.pad(stream.plans[:-1], (0, 0, 1, 0))
            state = initial_state(model.past.state_specs(), 1)
            self.past = model.past(before[None], plans[None], model.codec.speed, state)[0][0]
        made = stream.plans.clone()
        made[:, PLANS.index("blink")] = 0.0
        begun = made.amax(-1).nonzero().flatten().tolist()
        self.busy = torch.zeros(stream.frames)
        for frame in begun:
            self.busy[frame : frame + BUSY_FRAMES] = 1.0


class ConversationBatches(Batches):
    """Random pieces for the lips and for the acts."""

    settings: Settings

    def __init__(self, streams: Sequence[Stream], model: Conversation, settings: Settings) -> None:
        super().__init__(settings)
        self.source = Source(streams, model, settings)

    def batch(self, step: int) -> Batch:
        """The pieces of ``step``."""
        rng = np.random.default_rng([self.settings.seed, 1, step])
        return {**self.source.draw(rng, plain=False), "seed": int(rng.integers(2**31))}


class Validation:
    """The same pieces every time, without faults."""

    def __init__(self, streams: Sequence[Stream], model: Conversation, settings: Settings, batches: int = 6) -> None:
        source = Source(streams, model, settings)
        self.batches = [source.draw(np.random.default_rng([settings.seed, 2, k]), plain=True) for k in range(batches)]

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


class Source:
    """Talks, out of which pieces are drawn."""

    def __init__(self, streams: Sequence[Stream], model: Conversation, settings: Settings) -> None:
        self.settings, self.lookahead = settings, model.config.lookahead
        self.spoken = [item for item in streams if bool(item.known.any())]
        whole = [item for item in self.spoken if item.name.startswith(RECORDING)]
        kinds = [[item for item in whole if item.capture == kind] for kind in range(len(CAPTURES))]
        self.recorded = [kind for kind in kinds if kind]
        self.others = [item for item in self.spoken if not item.name.startswith(RECORDING)] or self.spoken
        self.acted = (
            [Acted(item, model) for item in streams if item.face is not None] if settings.part != "lips" else []
        )
        # What a body and a head do is far from rest on purpose: less of it is called astray.
        share = {"rotation": settings.astray_head, "body": settings.astray_body}
        self.loose = np.concatenate([np.full(group.parts, share.get(group.name, 1.0)) for group in GROUPS])
        with torch.no_grad():
            self.mouths = {id(item): model.lips.codec.numbers(item.mouth) for item in self.spoken}
            self.closed = model.lips.codec.numbers(torch.zeros(len(MOUTH)))

    def draw(self, rng: np.random.Generator, plain: bool) -> Batch:
        """A batch; ``plain``: without faults."""
        batch: Batch = {}
        if self.settings.part != "acts":
            batch |= self._lips(rng, plain)
        if self.acted:
            batch |= self._acts(rng, plain)
        return batch

    def _lips(self, rng: np.random.Generator, plain: bool) -> Batch:
        settings, length, ahead = self.settings, self.settings.lip_segment, self.lookahead
        names = ("own", "mouth", "known", "capture", "shut", "spelt")
        rows: dict[str, list[Tensor]] = {name: [] for name in names}
        for _ in range(settings.lip_rows):
            item = self._speaker(rng)
            first = int(rng.integers(max(1, item.frames - length - ahead)))
            own = _piece(item.heard.own, first, length)
            mouth = _piece(self.mouths[id(item)], first - ahead, length)
            known = _piece(item.known.float(), first - ahead, length)
            shut, spelt = (_piece(value, first - ahead, length) for value in (item.shut, item.spelt))
            if not plain:
                own = self._faulty(own, rng)
                if rng.random() < settings.cut:
                    at = int(rng.integers(8, length - 8))
                    own, mouth = cut_off(own, mouth, self.closed, at, ahead)
                    spelt[at:] = 0.0
            rows["own"].append(own)
            rows["mouth"].append(mouth)
            rows["known"].append(known)
            rows["capture"].append(torch.tensor(item.capture))
            rows["shut"].append(shut)
            rows["spelt"].append(spelt)
        batch = {f"lips.{name}": torch.stack(values) for name, values in rows.items()}
        for name in ("known", "spelt"):
            batch[f"lips.{name}"][:, : settings.lip_burn] = 0.0
        return batch

    def _speaker(self, rng: np.random.Generator) -> Stream:
        if self.recorded and rng.random() < self.settings.recorded:
            kind = self.recorded[int(rng.integers(len(self.recorded)))]
            lengths = np.array([item.frames for item in kind], float)
            return kind[int(rng.choice(len(kind), p=lengths / lengths.sum()))]
        return self.others[int(rng.integers(len(self.others)))]

    def _faulty(self, own: Tensor, rng: np.random.Generator) -> Tensor:
        """Another level, colour and throat, and noise."""
        settings = self.settings
        bands = own.shape[1] - 2 * SUBFRAMES - 3
        out = own.clone()
        stretch = 1.0 + rng.uniform(-settings.warp, settings.warp)
        at = np.clip(np.arange(bands) * stretch, 0, bands - 1)
        low = np.minimum(at.astype(int), bands - 2)
        share = torch.from_numpy((at - low).astype(np.float32))
        out[:, :bands] = out[:, low] * (1.0 - share) + out[:, low + 1] * share
        slope = rng.normal(0.0, settings.tilt) * np.linspace(-1.0, 1.0, bands) + rng.normal(0.0, settings.gain)
        out[:, :bands] += torch.from_numpy(slope.astype(np.float32))
        if rng.random() < settings.mask:
            lowest, width = int(rng.integers(bands)), int(rng.integers(2, max(3, bands // 5)))
            out[:, lowest : min(bands, lowest + width)] = out[:, :bands].mean()
        hiss = rng.normal(0.0, settings.hiss, (len(own), bands + 2 * SUBFRAMES))
        out[:, :-3] += torch.from_numpy(hiss.astype(np.float32))
        return out

    def _acts(self, rng: np.random.Generator, plain: bool) -> Batch:
        settings, length, ahead = self.settings, self.settings.act_segment, self.lookahead
        names = ("own", "partner", "face", "floor", "past", "wanted", "before", "plans", "judged")
        rows: dict[str, list[Tensor]] = {name: [] for name in names}
        firsts: dict[str, list[float]] = {name: [] for name in ("mood", "style", "present")}
        for _ in range(settings.act_rows):
            item = self.acted[int(rng.integers(len(self.acted)))]
            stream = item.stream
            first = int(rng.integers(ahead + 2, max(ahead + 3, stream.frames - length)))
            then = first - ahead
            heard = {name: _piece(getattr(stream.heard, name), first, length) for name in stream.heard._fields}
            numbers = _piece(item.numbers, then - 2, length + 2)
            past = _piece(item.past, then, length)
            judged = 1.0 + settings.busy * _piece(item.busy, then, length)
            judged[min(length, stream.frames - first) :] = 0.0
            if not plain:
                heard["own"], heard["partner"] = (self._faulty(heard[name], rng) for name in ("own", "partner"))
                # Begin beside where the avatar was, and come back: what a free run does to itself is learned so.
                far = settings.astray * rng.lognormal(0.0, 0.6) * self.loose
                astray = torch.from_numpy(rng.normal(0.0, far).astype(np.float32))
                fade = torch.exp(-torch.arange(length + 2) / (RETURN_S * RATE))[:, None]
                numbers = numbers + astray * fade
                past = past.clone()
                past[:, :ACTS] += (astray * fade)[1:-1]
                if rng.random() < settings.unseen:
                    heard["face"] = torch.zeros_like(heard["face"])
            alone = not plain and rng.random() < settings.alone
            for name, value in heard.items():
                rows[name].append(value)
            rows["past"].append(past)
            rows["wanted"].append(numbers[2:])
            rows["before"].append(torch.stack([numbers[1:-1], numbers[:-2]], 1))
            rows["plans"].append(_piece(stream.plans, then, length))
            rows["judged"].append(judged)
            firsts["mood"].append(float(stream.mood))
            firsts["style"].append(float(stream.style))
            firsts["present"].append(0.0 if alone else 1.0)
        batch = {f"acts.{name}": torch.stack(values) for name, values in rows.items()}
        batch["acts.judged"][:, : settings.act_burn] = 0.0
        batch |= {f"acts.{name}": torch.tensor(values) for name, values in firsts.items()}
        return batch


def cut_off(own: Tensor, mouth: Tensor, closed: Tensor, at: int, ahead: int) -> tuple[Tensor, Tensor]:
    """A piece whose voice stops at frame ``at``: features of silence, and a mouth that closes within a tenth of a
    second."""
    own, mouth = own.clone(), mouth.clone()
    length, bands = len(own), own.shape[1] - 2 * SUBFRAMES - 3
    own[at:, :bands] = SILENT_BAND
    own[at:, bands : bands + SUBFRAMES] = -1.5
    own[at:, bands + SUBFRAMES : bands + 2 * SUBFRAMES] = 0.0
    own[at:, SPEECH] = torch.exp(-torch.arange(1, length - at + 1) / (RATE * HANGOVER_S))
    then = at + ahead
    open_for = (1.0 - torch.arange(1, length - then + 1) / CLOSE_FRAMES).clamp_min(0.0)[:, None]
    mouth[then:] = closed + open_for * (mouth[then - 1] - closed)
    return own, mouth


def _piece(rows: Tensor, first: int, length: int) -> Tensor:
    """``length`` rows from ``first`` on, zeros where there are none."""
    here = rows[max(0, first) : first + length]
    before = max(0, -first)
    missing = length - before - len(here)
    if not before and not missing:
        return here.clone()
    pad = [0, 0] * (rows.ndim - 1) + [before, missing]
    return torch.nn.functional.pad(here, pad)
