"""A live session in one's own process: the host and the loop of ``engine serve``, without its sockets.

with engine.live("reaction", seed=1) as session:
    while talking:
        session.push_audio(pcm)                 # the partner's voice as it is captured, any number of samples at a time
        for frame in session.receive():
            draw(frame.streams["face"])         # (58,), in the order of engine.channels
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.bundle import DEFAULT, Bundle
from engine.bundle.fillable import check_fillable
from engine.clock import MonotonicClock
from engine.errors import EngineError
from engine.feeds.feeds import Key
from engine.feeds.latest import PoseSample
from engine.session.host import Host
from engine.session.live import LiveSession, Opening
from engine.session.pushed import BURST_S, PushedSound
from engine.sound.echo import EchoMode
from engine.sources.base import Source
from engine.streams import Stream
from engine.wire import Flag, Frame

WAITING = 256
"""Frames that are kept until somebody takes them (10 s at 25 a second). Drop rule: the oldest goes."""
_LOOK_S = 0.1
Sources = str | Sequence[str] | Source | None


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """What one bundle of the session showed in its frame ``seq``: ``streams`` by name, float32 of their shapes.
    ``flags`` say why it may be less than it seems. ``capture_ns``: the end of what it was made of, on the clock of
    ``time.monotonic_ns``."""

    bundle: str
    seq: int
    flags: Flag
    capture_ns: int
    streams: Mapping[str, NDArray[np.float32]]


def live(
    *bundles: str | Path,
    source: Sources = None,
    seed: int = 0,
    controls: Mapping[str, Any] | None = None,
    sample_rate: int | None = None,
    seconds: float | None = None,
    device: str = "cpu",
    raw_sound: bool = False,
    echo: EchoMode = "say",
) -> Live:
    """A session in real time of ``bundles`` side by side (by default "reaction"), which begins at once.

    ``source`` fills it as that of ``engine serve --source``: "live" (microphone and webcam), "demo", ("file", PATH),
    ("body", FILE.bvh), ("engine", ADDRESS), or a :class:`~engine.sources.base.Source` of one's own. Without one it gets
    what is pushed: sound at ``sample_rate`` Hz (by default the first bundle's), faces, bodies. ``seconds`` ends it.
    ``device`` is "cpu" or "cuda". ``raw_sound`` leaves sound as it is (:mod:`engine.sound.front_end`). ``echo``
    says what is done where the avatar's own voice is heard in its partner's, as ``engine serve --echo``. Raises
    :class:`EngineError` for whatever of this cannot be had.
    """
    return Live(bundles or (DEFAULT,), source, seed, controls or {}, sample_rate, seconds, device, raw_sound, echo)


class Live:
    """See :func:`live`. ``ended`` says why it is over (None while it is not), ``lost`` how many frames nobody took.
    Any thread may push and receive."""

    def __init__(
        self,
        bundles: Sequence[str | Path],
        source: Sources,
        seed: int,
        controls: Mapping[str, Any],
        sample_rate: int | None,
        seconds: float | None,
        device: str,
        raw_sound: bool,
        echo: EchoMode,
    ) -> None:
        self.lost = 0
        self._frames: deque[LiveFrame] = deque()
        self._changed = threading.Condition()
        self._clock = MonotonicClock()
        self._voices: dict[str, PushedSound] = {}
        self._pushing = threading.Lock()
        served = [Bundle.load(name) for name in bundles]
        for bundle in served:
            check_fillable(bundle)
        with ExitStack() as stack:
            sources = _sources(source, served)
            for one in sources:
                stack.callback(one.stop)
            self._host = Host(served, self._clock, where=f"onnx:{device}", raw_sound=raw_sound, echo=echo)
            stack.callback(self._host.stop)
            self._host.start()
            heard = {("audio", item.of) for item in served[0].spec.by_role("audio") if item.of == "partner"}
            asked = Opening(
                bundles=tuple(bundle.name for bundle in served),
                seed=seed,
                controls=controls,
                given=frozenset(key for one in sources for key in one.gives) if sources else frozenset(heard),
                seconds=seconds,
            )
            self._session: LiveSession = self._host.prepare(asked, self._publish, sources)
            self._sample_rate = sample_rate or served[0].spec.sample_rate
            self._wanted = {
                stream.number: (bundle, stream, slot.streams[-1].number)
                for bundle, slot in zip(served, self._session.slots, strict=True)
                for stream in slot.streams
            }
            self._parts: dict[str, dict[str, NDArray[np.float32]]] = {bundle.name: {} for bundle in served}
            self._host.begin(self._session)
            self._stack = stack.pop_all()

    @property
    def ended(self) -> str | None:
        """Why the session is over; None while it is not."""
        return self._session.ended

    def receive(self, timeout_s: float = 0.0) -> list[LiveFrame]:
        """The frames that wait, oldest first; empty where none came within ``timeout_s`` seconds. Raises
        :class:`EngineError` where the engine or the model failed."""
        with self._changed:
            if not self._frames and timeout_s > 0:
                self._changed.wait_for(lambda: self._frames or self.ended is not None, timeout_s)
            frames = list(self._frames)
            self._frames.clear()
        if self._host.failure is not None:
            raise EngineError(f"the session failed: {self._host.failure}") from self._host.failure
        if not frames and self.ended is not None:
            self._session.check_recovered()
        return frames

    def __iter__(self) -> Iterator[LiveFrame]:
        """Frames as they are made, until the session is over."""
        while True:
            over = self._session.done.is_set()
            frames = self.receive(_LOOK_S)
            yield from frames
            if over and not frames:
                return

    def push_audio(self, samples: ArrayLike, at_ns: int | None = None, of: str = "partner") -> None:
        """Sound of the partner, or of the avatar itself (``of`` "self"): mono (n,), float32 from -1 to 1 or int16, the
        last sample captured at ``at_ns`` (``time.monotonic_ns``; by default now). Raises :class:`EngineError` where no
        bundle hears it, and where more comes than fits into real time: push it as it is captured."""
        ring = self._session.feeds.samples.get(of)
        if ring is None:
            raise self._unwanted("audio", of)
        values = self._numbers("audio", samples)
        if values.ndim != 1:
            raise EngineError(f"sound of shape {values.shape}: give mono samples (n,)")
        with self._pushing:
            now_ns = self._clock.now_ns()
            if of not in self._voices:
                self._voices[of] = PushedSound(self._session.feeds, of, self._sample_rate or ring.rate, now_ns)
            if not self._voices[of].fits(len(values), now_ns):
                raise EngineError(
                    f"{len(values)} samples more of the {of}'s sound than time has passed ({BURST_S:g} s may come at "
                    "once): push sound as it is captured, or run a recording with engine.open"
                )
            self._voices[of].write(values, True, now_ns if at_ns is None else at_ns)

    def push_face(self, values: ArrayLike | None, at_ns: int | None = None, of: str = "partner") -> None:
        """A face as its 58 numbers, in the order of :mod:`engine.channels`; None: there is none to be seen."""
        self._pose(("face", of), values, at_ns)

    def push_body(self, joints: ArrayLike | None, at_ns: int | None = None, of: str = "partner") -> None:
        """Joint positions (J, 3) in metres of the skeleton that the bundle sees; None: there is nobody to be seen."""
        self._pose(("body", of), joints, at_ns)

    def set(self, **values: Any) -> dict[str, Any]:
        """Turn controls, give texts; what is in force now. Raises :class:`EngineError` where one cannot be."""
        return self._session.set(values)

    def reset(self) -> None:
        """Let the models forget, before the next frame."""
        self._session.reset()

    def describe(self) -> dict[str, Any]:
        """Streams with names and units, skeletons, controls: as a client over the network is told."""
        return self._session.describe()

    def stats(self) -> dict[str, Any]:
        """What is counted of the session, and how long each stage of a frame takes (ms)."""
        return self._session.stats()

    def close(self) -> None:
        """End the session and its sources; safe to call twice."""
        self._stack.close()

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _pose(self, key: Key, values: ArrayLike | None, at_ns: int | None) -> None:
        ring = self._session.feeds.latest.get(key)
        if ring is None:
            raise self._unwanted(*key)
        seen = np.zeros(ring.shape, np.float32) if values is None else self._numbers(key[0], values)
        ring.put(PoseSample(self._clock.now_ns() if at_ns is None else at_ns, seen, values is not None))

    def _numbers(self, what: str, values: ArrayLike) -> NDArray[np.float32]:
        if self.ended is not None:
            raise EngineError(f"the session is over: {self.ended}; open another")
        try:
            found = np.asarray(values)
            whole = found.dtype == np.int16 and what == "audio"
            return found.astype(np.float32) / 32768.0 if whole else found.astype(np.float32)
        except (TypeError, ValueError) as error:
            raise EngineError(f"{what} that was pushed is no array of numbers; give float32") from error

    def _unwanted(self, what: str, of: str) -> EngineError:
        there = ", ".join(sorted(f"{name} of {owner}" for name, owner in self._session.feeds.takes())) or "nothing"
        names = " and ".join(self._session.bundles)
        return EngineError(f"bundle {names} takes no {what} of {of!r}; it takes {there}")

    def _publish(self, frame: Frame) -> None:
        """One stream of a frame, in its loop's thread; the last one completes it."""
        bundle, stream, last = self._wanted[frame.stream]
        parts = self._parts[bundle.name]
        parts[stream.name] = _shaped(bundle, stream, frame)
        if frame.stream != last:
            return
        made = LiveFrame(bundle.name, frame.seq, frame.flags, frame.capture_ns, dict(parts))
        parts.clear()
        with self._changed:
            if len(self._frames) == WAITING:
                self._frames.popleft()
                self.lost += 1
            self._frames.append(made)
            self._changed.notify_all()


def _shaped(bundle: Bundle, stream: Stream, frame: Frame) -> NDArray[np.float32]:
    """A copy of the values: the runtime writes the next frame into the same memory."""
    return np.array(frame.values, np.float32).reshape(bundle.spec.output(stream.name).shape)


def _sources(source: Sources, bundles: Sequence[Bundle]) -> list[Source]:
    if source is None:
        return []
    if not isinstance(source, (str, Sequence)):
        return [source]
    from engine.cli_parser import parser
    from engine.sources.choose import choose

    options = parser().parse_args(["serve"])
    options.source = [source] if isinstance(source, str) else [str(word) for word in source]
    return choose(options, bundles)
