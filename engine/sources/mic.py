"""The microphone, through PortAudio: whatever rate and channels the device has, as mono at the model's rate.

PortAudio's callback must not wait, so it only notes the block and its time; a thread of this source mixes down,
resamples and writes to the ring, and when the device falls silent closes it and tries again, ever less often. What
comes back may have another number, rate or number of channels; and where the system's default was asked for, it may be
another device.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.clock import Clock
from engine.errors import EngineError, clean
from engine.feeds.feeds import Feeds, Key
from engine.sound.front_end import FrontEnd
from engine.sound.resample import StreamingResampler
from engine.sources.base import joined
from engine.sources.drift import ClockDrift
from engine.sources.portaudio import Input, Opened, PortAudio, told
from engine.sources.portaudio import load as _portaudio
from engine.sources.retry import Retry

STALL_S, GONE_S = 0.5, 4.0
"""Seconds without a block after which the device counts as stalled, and as gone: only then is it opened again, since a
sound server that wakes up takes two seconds to give its first block, and more patience than that costs nothing."""
ZEROS_S = 5.0
"""Seconds of zeros after which the device counts as muted: a real one always has some noise."""
FAINT = 5e-5
"""What stays below this is as good as zeros: the dither of 16 bits, which some devices give while they are mute."""
SAY_S, BEGIN_S = 2.0, 8.0
"""Seconds after its opening in which a device gives nothing, or only zeros, before that is said, and before it counts
as stalled or muted: a Bluetooth headset changes to its microphone first, and opened again it would begin anew."""

JOIN_S = 3.0
"""For which :meth:`MicSource.stop` waits at most: a sound server that hangs must not hold up the engine's end."""

_INBOX_BLOCKS = 200
_POLL_S = 0.05
log = logging.getLogger(__name__)


class _Block(NamedTuple):
    """Sound (n, channels) that ended at ``end_ns``, of a device's opening number ``opening``."""

    opening: int
    samples: NDArray[np.float32]
    end_ns: int


class MicSource:
    """Listens to ``device``: an index, a part of a name (upper or lower case), or None for the system's default.

    The blocks between callback and thread are bounded (2 s); the oldest are dropped (``dropped_blocks``). When no
    samples come, or only zeros, ``problem`` says so and the device is reopened as soon as it answers.

    Raises :class:`engine.errors.EngineError` when PortAudio is missing, or when there is no such input device (the
    message lists those there are). ``sounddevice`` is for tests: something like the module of that name.
    """

    def __init__(self, device: int | str | None = None, sounddevice: Any = None, owner: str = "partner") -> None:
        self.gives: Collection[Key] = (("audio", owner),)
        self._owner, self._asked = owner, device
        self._ports = PortAudio.of(_portaudio() if sounddevice is None else sounddevice)
        self._device = self._ports.find(device)
        self.name = f"microphone {self._device.name}"
        self.dropped_blocks = 0
        self._overflows = 0
        self._inbox: deque[_Block] = deque(maxlen=_INBOX_BLOCKS)
        self._arrived = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._opened: Opened | None = None
        self._opening = 0  # counts openings: what an earlier one still delivers is not heard
        self._front_end = FrontEnd()
        self._resampler: StreamingResampler | None = None
        self._last_ns = self._loud_ns = self._opened_ns = 0
        self._retry = Retry()
        self._drift = ClockDrift(self._device.rate)
        self._stalled = False
        self._gives = self._sounds = False  # blocks have come since the last opening that was given up; sound has
        self._failure: str | None = None

    def start(self, feeds: Feeds, clock: Clock) -> None:
        """Open the device and begin. Raises :class:`EngineError` when it does not open or the model hears nothing."""
        if self._owner not in feeds.samples:
            raise EngineError(f"{self.name}: the model does not hear its {self._owner}; start without this microphone")
        self._audio, self._clock = feeds.samples[self._owner], clock
        self._front_end = feeds.front_end(self._owner)
        inputs: Sequence[Input] = ()

        def same(found: Sequence[Input]) -> Input:
            nonlocal inputs
            inputs = found
            return self._ports.pick(found, self._device.number)

        try:
            self._open(same)
        except EngineError as error:
            raise EngineError(
                f"microphone {self._device.name!r} does not open ({error}); is another program using it? Inputs: "
                f"{told(inputs)}"
            ) from error
        self._last_ns = self._loud_ns = self._opened_ns
        self._thread = threading.Thread(target=self._run, name="microphone", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the device; a sound system that does not answer is left behind."""
        self._stop.set()
        self._arrived.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)
            if self._thread.is_alive():  # it closes the device when the call that hangs comes back
                self._ports.leave()
                return
        self._close()

    @property
    def device(self) -> Input:
        """The device that is heard."""
        return self._device

    @property
    def finished(self) -> bool:
        """A microphone is never over."""
        return False

    @property
    def problem(self) -> str | None:
        """``microphone stalled ...``, ``... gives only zeros ...``, ``... has not begun ...`` or a failure; None when
        all is well."""
        if self._stalled:
            silent_s = (self._clock.now_ns() - self._last_ns) / 1e9
            return joined(f"microphone stalled: no samples for {silent_s:.1f} s", self._failure)
        if (self._last_ns - self._loud_ns) / 1e9 > (ZEROS_S if self._sounds else BEGIN_S):
            return joined("microphone gives only zeros: muted, or not permitted", self._failure)
        waits_s = (self._clock.now_ns() - self._opened_ns) / 1e9
        if not self._sounds and self._opened is not None and waits_s > SAY_S:
            what = "only zeros" if self._gives else "no samples"
            words = f"microphone has not begun: {what} for {waits_s:.0f} s; a Bluetooth one takes some seconds"
            return joined(words, self._failure)
        return self._failure

    def describe(self) -> dict[str, Any]:
        """Device, its rate in Hz and channels, what was lost so far, and by how many millionths its clock is faster
        than the engine's (None until a minute was heard)."""
        device = self._device
        return {
            "source": "microphone",
            "device": device.name,
            "rate": device.rate,
            "channels": device.used,
            "overflows": self._overflows,
            "dropped_blocks": self.dropped_blocks,
            "drift_ppm": self._drift.ppm,
        }

    def _open(self, choose: Callable[[Sequence[Input]], Input], anew: bool = False) -> None:
        self._opening += 1
        number = self._opening
        opened = self._ports.open(choose, lambda device, *block: self._callback(number, device.rate, *block), anew)
        try:
            self._resampler = StreamingResampler(opened.device.rate, self._audio.rate)
        except EngineError:
            self._opening += 1
            self._ports.close(opened)
            raise
        self._opened, self._device = opened, opened.device
        self._drift = ClockDrift(self._device.rate)
        self._sounds = False
        self._opened_ns = self._clock.now_ns()

    def _close(self) -> None:
        self._opening += 1
        opened, self._opened = self._opened, None
        if opened is not None:
            self._ports.close(opened)

    def _callback(
        self, opening: int, rate: int, block: NDArray[np.float32], frames: int, times: Any, status: Any
    ) -> None:
        if opening != self._opening:
            return
        now_ns = self._clock.now_ns()
        age_s = times.currentTime - times.inputBufferAdcTime  # of the first sample
        if not 0 < age_s < 1:  # some drivers leave the times empty
            age_s = frames / rate
        end_ns = now_ns - max(0, round((age_s - frames / rate) * 1e9))
        if status.input_overflow:
            self._overflows += 1
            self._drift.begin()
        self._drift.add(frames, end_ns)
        self.dropped_blocks += len(self._inbox) == _INBOX_BLOCKS
        self._inbox.append(_Block(opening, block.copy(), end_ns))
        self._arrived.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._arrived.wait(_POLL_S)
            self._arrived.clear()
            try:
                self._turn()
            except Exception as error:  # a thread has no caller: whatever it is, the loop has to hear of it
                self._failure = f"microphone: {type(error).__name__}: {clean(error)}"
        self._close()

    def _turn(self) -> None:
        """Pass on what arrived; if nothing did for long, close the device and try to open it again."""
        now_ns = self._clock.now_ns()
        while self._inbox and self._inbox[0].opening != self._opening:
            self._inbox.popleft()
        if self._inbox:
            if self._stalled:  # it was gone, not muted
                self._loud_ns = now_ns
            self._drain()
            self._last_ns, self._gives = now_ns, True
            self._retry.worked()
            self._stalled, self._failure = False, None
        elif self._opened is not None:
            waited_s = (now_ns - max(self._last_ns, self._opened_ns)) / 1e9
            self._stalled |= waited_s > (STALL_S if self._gives else BEGIN_S)
            if waited_s > (GONE_S if self._gives else BEGIN_S):
                self._gives = False
                self._retry.failed(now_ns)
                self._close()
        elif now_ns >= self._retry.due_ns:
            self._reopen(now_ns)

    def _drain(self) -> None:
        self._at_its_rate()
        resampler = self._resampler
        if resampler is None:
            return
        for _ in range(len(self._inbox)):  # no more than there are now: a driver may deliver without end
            opening, block, end_ns = self._inbox.popleft()
            if opening != self._opening:
                continue
            if np.any(np.abs(block) > FAINT) or np.isnan(block).any():
                self._loud_ns, self._sounds = self._clock.now_ns(), True
            if not self._sounds:  # dither would be taken for the room's noise, and that for a voice
                block = np.zeros_like(block)
            samples = resampler.push(self._front_end.push(block, resampler.in_rate))
            self._audio.write(samples, end_ns - round(resampler.lag_s * 1e9))

    def _at_its_rate(self) -> None:
        """Go by the rate at which samples come, where it is another than the device says: a Bluetooth headset that
        begins to be a microphone changes its own, and not all sound systems convert it."""
        rate = self._drift.other_rate
        if rate is None or self._opened is None:
            return
        about = {"of": self.name, "device": self._device.name}
        words = "microphone %s says that it gives %d samples a second, and gives %d: taken as these"
        log.warning(words, self._device.name, self._device.rate, rate, extra=about)
        self._resampler = StreamingResampler(rate, self._audio.rate)
        self._device = self._device._replace(rate=rate)
        self._drift = ClockDrift(rate)

    def _reopen(self, now_ns: int) -> None:
        before = self._device
        try:
            self._open(self._again, anew=True)
        except EngineError as error:
            self._failure = str(error)
            self._retry.failed(now_ns)
            return
        if self._device.name != before.name:
            about = {"of": self.name, "device": self._device.name}
            log.warning("microphone %s is gone; %s is heard instead", before.name, self._device.name, extra=about)

    def _again(self, inputs: Sequence[Input]) -> Input:
        """The device that was lost, by its name, since its number may be another. Where it stays away, and it was not
        asked for by its number, what was asked for: the system's default may be another by now. Not at once, or a card
        would be taken away from a sound server that is only started again."""
        try:
            return self._ports.pick(inputs, self._device.name)
        except EngineError:
            by_number = isinstance(self._asked, int) or (self._asked or "").isdecimal()
            if by_number or not self._retry.seldom:
                raise
            try:
                return self._ports.pick(inputs, self._asked, any_default=False)
            except EngineError:
                pass
            raise


def microphones(sounddevice: Any = None) -> list[str]:
    """The inputs there are, one line each: number, name, rate. Raises :class:`EngineError` without PortAudio."""
    ports = PortAudio.of(_portaudio() if sounddevice is None else sounddevice)
    return [f"{one.number} {one.name} ({one.rate} Hz, {one.channels} channels)" for one in ports.inputs()]
