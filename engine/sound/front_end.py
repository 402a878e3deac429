"""The front end: sound as it comes from a room, a sound card or a file, made such that every model hears it alike.

    an offset                    -> off          (engine.sound.filters)
    rumble and hum               -> off          (engine.sound.filters)
    channels                     -> one          (engine.sound.join)
    a voice far from -26 dBFS    -> that level   (engine.sound.level)

It is causal and delays nothing: what a frame of 20 ms teaches acts on the next, in a ramp over it. All numbers are
counted from the first sample, so the cuts between blocks do not change a bit of what comes out; live, from files and in
training a voice is treated alike. Each part acts where there is something to mend, and fades in and out: a clean voice
near -26 dBFS comes out bit for bit as it went in.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.sound.filters import VoiceFilter
from engine.sound.join import ChannelJoin
from engine.sound.level import FRAME_S, SILENT, Floor, VoiceLevel
from engine.sound.meter import SoundMeter

BEGINS, ENDS = 4.0, 2.0
"""By how many times an offset, or rumble and hum, raise the power between the words where they are taken off."""
BELOW_VOICE_DB, LOUD_DBFS = 24.0, -60.0
"""And that power is no further below the voice than the first; before a voice is known, it is above the second."""
SURE_OFFSET, SURE_HUM = 5, 25
"""Frames before anything is called an offset, and hum."""
ALONE_S, OPPOSITE_S, TELL_FRAMES = 2.0, 1.0, 50
"""Voice after which its channels are told of, and how often that is looked at."""
Array = NDArray[np.float64]


class FrontEnd:
    """Sound of one voice, whatever its channels and its rate, to mono; the same for blocks of any length.

    With ``on`` False the channels are only averaged, and the ``meter`` still runs. State is kept from block to block:
    one object per session and voice, also across a device that is opened again.
    """

    def __init__(self, on: bool = True) -> None:
        self.on = on
        self.meter = SoundMeter()
        self._level = VoiceLevel()
        self._form = (0, 0)  # rate, channels

    def push(self, samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
        """The next ``samples`` (n,) or (n, channels) float32 from -1 to 1 at ``rate`` Hz as (n,) float32, without any
        delay. Samples that are not finite stay so, and touch no others. Raises :class:`EngineError` for another
        shape."""
        if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] == 0):
            raise EngineError(f"audio of shape {samples.shape}: give (samples,) or (samples, channels)")
        raw = np.asarray(samples, np.float64).reshape(len(samples), -1 if samples.size else 1)
        if (rate, raw.shape[1]) != self._form and len(raw):
            self._begin(rate, raw.shape[1])
        lost = ~np.isfinite(raw).all(axis=1)
        if lost.any():
            raw = np.where(np.isfinite(raw), raw, 0.0)
        out = self._pieces(raw) if len(raw) else np.zeros(0)
        if not self.on:
            out = raw.mean(axis=1)
        out[lost] = np.nan
        return out.astype(np.float32)

    def _begin(self, rate: int, channels: int) -> None:
        """Another device, or another format: what is known of the voice stays."""
        self._form = (rate, channels)
        self._size = max(1, round(rate * FRAME_S))
        self._filter, self._join = VoiceFilter(rate, channels), ChannelJoin(channels)
        self._floors = (Floor(), Floor(), Floor())  # raw, without offset, without hum
        self._ramp = np.arange(1, self._size + 1) / self._size
        self._frames, self._place = 0, 0  # whole frames so far, samples of the present one
        self._offset = self._hum = False
        self._frame = np.zeros((3, self._size, channels))  # the present one as far as it is there; order of the floors
        self._joined = np.zeros(self._size)
        # (before, for) this frame: whether the offset is off, whether hum is, weights of the channels, gain
        self._no_offset, self._no_hum = (0.0, 0.0), (0.0, 0.0)
        self._weights = (self._join.weights, self._join.weights)
        gain = 10 ** (self._level.gain_db / 20)
        self._gains = (gain, gain)

    def _pieces(self, raw: Array) -> Array:
        passed, clear = self._filter.push(raw)
        out = np.empty(len(raw))
        at = 0
        while at < len(raw):
            count = min(len(raw) - at, self._size - self._place)
            here, there = slice(at, at + count), slice(self._place, self._place + count)
            for kept, new in zip(self._frame, (raw, passed, clear), strict=True):
                kept[there] = new[here]
            ramp = self._ramp[there]
            voice = raw[here]
            for better, share in ((passed, self._no_offset), (clear, self._no_hum)):
                if share != (0.0, 0.0):
                    voice = voice + (better[here] - voice) * _between(share, ramp)[:, None]
            if voice.shape[1] == 1:
                joined = voice[:, 0]
            else:
                first, last = self._weights
                weights = first + (last - first) * ramp[:, None]
                joined = np.einsum("nc,nc->n", voice, weights)
            self._joined[there] = joined
            out[here] = joined if self._gains == (1.0, 1.0) else joined * _between(self._gains, ramp)
            self._place += count
            at += count
            if self._place == self._size:
                self._learn()
        return np.clip(out, -1.0, 1.0)

    def _learn(self) -> None:
        """A frame is whole: what it teaches, for the next."""
        self._place = 0
        self._frames += 1
        raw, passed, clear = self._frame
        self._compare()
        self._no_offset = (self._no_offset[1], float(self._offset))
        self._no_hum = (self._no_hum[1], float(self._hum))
        voice = clear if self._hum else passed
        if voice.shape[1] > 1:
            self._weights = (self._weights[1], self._join.add(voice))
        peak = max(float(self._joined.max()), -float(self._joined.min()))
        gain_db = self._level.add(_power(self._joined), peak)
        self._gains = (self._gains[1], 10 ** (gain_db / 20) if gain_db else 1.0)
        self.meter.add(raw, self._level, gain_db if self.on else 0.0, self._hum)
        if voice.shape[1] > 1 and self._frames % TELL_FRAMES == 0:
            self._tell()

    def _compare(self) -> None:
        """Whether there is more between the words than there is without an offset, or without hum."""
        powers = [_power(one) for one in self._frame]
        if powers[0] <= SILENT:  # a muted device says nothing of the room
            return
        raw, passed, clear = (floor.add(power) for floor, power in zip(self._floors, powers, strict=True))
        voice = self._level.voice_dbfs
        least = 10 ** ((LOUD_DBFS if math.isnan(voice) else voice - BELOW_VOICE_DB) / 10)
        if self._frames >= SURE_OFFSET:
            self._offset = raw > max((ENDS if self._offset else BEGINS) * passed, least)
        if self._frames >= SURE_HUM:
            self._hum = passed > max((ENDS if self._hum else BEGINS) * clear, least)

    def _tell(self) -> None:
        join = self._join
        if join.voice_s > ALONE_S and join.alone and self._form[1] == 2:  # of more, the centre is where voices are
            self.meter.notice("channel", "only one channel of two has a voice; that one is heard")
        if join.voice_s > OPPOSITE_S and join.opposite:
            self.meter.notice("polarity", "channels of opposite polarity; one is turned over")


def _power(frame: Array) -> float:
    """Of a frame (n,), or of all channels of one (n, channels) together."""
    flat = frame.ravel()
    return float(flat @ flat) / len(frame)


def _between(ends: tuple[float, float], ramp: Array) -> Array:
    return ends[0] + (ends[1] - ends[0]) * ramp
