"""From feeds to one frame's inputs: the hops of sound, the poses and words of its time, what is held, and noise.

The spec says what a model wants by role and owner, so a model with other inputs needs no other code here. A pose
belongs to the frame in which it is the newest one captured no later than the frame's end; its age goes along, and one
older than :data:`~engine.feeds.latest.STALE_S` no longer counts as seen.

A partner's face that is not seen raises NO_FACE, a partner's voice that is not heard SILENT. Nothing else has a flag of
its own: dancing alone is nothing to report, so without a source nothing is raised, and where a source was asked for
something, its absence is DEGRADED. The avatar's own silence is no absence.

Where the partner's voice is heard and the own one is given, it is looked for the own one in the partner's sound
(:mod:`engine.sound.echo`), hop by hop, whether or not the model hears itself: of two models in one session none shall
hear what is held back from the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.feeds.beside import Beside
from engine.feeds.feeds import Feeds, Key, columns, key
from engine.feeds.latest import STALE_S, PoseRing
from engine.feeds.samples import Hop
from engine.noise import uniform
from engine.roles import ROLES
from engine.sound.echo import ECHO_MODES, Echo, EchoMode
from engine.spec import InputSpec, StreamSpec
from engine.wire import Flag

NEVER_S = 1e3
"""Age given for a pose that was never seen, or a word that was never said."""


class Gather:
    """Fills one row of a step's input buffers, frame by frame. ``given``: what sources bring; what was asked for and
    does not come is flagged. ``clock``: the owner of the voice whose hops the frames are made of. Not in ``realtime``
    the hops of another voice are counted, as its times are those of whoever plays it. ``echo``: what is done where the
    own voice is heard in the partner's."""

    def __init__(
        self,
        spec: StreamSpec,
        feeds: Feeds,
        seed: int,
        given: Collection[Key] = (),
        clock: str = "partner",
        realtime: bool = True,
        echo: EchoMode = "off",
    ) -> None:
        self.own_ns: int | None = None
        """When the own voice that the last frame was given ended; None where it said nothing."""
        if echo not in ECHO_MODES:
            raise EngineError(f"echo {echo!r}: give one of {', '.join(ECHO_MODES)}")
        self._seed, self._feeds, self._realtime = seed, feeds, realtime
        inputs = spec.inputs
        heard = [item for item in inputs if item.role == "audio"]
        self._main = [item for item in heard if item.of == clock]
        self._beside = [
            (item, Beside(feeds.samples[item.of]), ("audio", item.of) in given) for item in heard if item.of != clock
        ]
        voices = {item.of for item in heard}
        self._partner = next((item for item in heard if item.of == "partner"), None)
        self.echo = None
        """What looks for an echo, where it is looked for."""
        self._aside: Beside | None = None  # the own voice of a model that does not hear it: for the echo alone
        self._waits = [voice for _, voice, _ in self._beside]
        if echo != "off" and self._partner is not None:
            if "self" not in voices and "self" in feeds.samples and ("audio", "self") in given:
                self._aside = Beside(feeds.samples["self"])
                voices.add("self")
                self._waits += [self._aside] if echo == "gate" else []  # for mere words nobody waits
            if "self" in voices:
                self.echo = Echo(spec.sample_rate, echo == "gate", feeds.raised_db)
        self._unheard = [ring for owner, ring in feeds.samples.items() if owner not in voices]
        self._noise = [(item, int(np.prod(item.shape))) for item in inputs if item.role == "noise"]
        self._poses = [
            (item, feeds.latest[key(item)], columns(item), _absent(item, given))
            for item in inputs
            if ROLES[item.role].feed == "latest"
        ]
        self._words = [(item, feeds.words[item.of]) for item in inputs if item.role == "words"]
        self._texts = [item for item in inputs if item.role == "text"]
        self._followers = [item for item in inputs if item.role == "control" and item.follows]
        self._shapes = {item.name: item.shape for item in inputs if ROLES[item.role].feed == "held" and item.shape}
        self._written: tuple[int, int] | None = None

    def fill(self, inputs: Mapping[str, NDArray[Any]], row: int, frame: int, hop: Hop | None, time_ns: int) -> Flag:
        """Write the ``inputs`` (rows, *shape) of ``frame``, which ends at ``time_ns``; ``hop`` is None where its sound
        never came. Returns the flags that follow."""
        flags = Flag(0)
        heard = hop is not None and hop.valid
        told: dict[str, Hop | None] = {item.of: hop for item in self._main}
        for item in self._main:
            inputs[item.name][row] = hop.samples if hop is not None and heard else item.missing
            _companion(inputs, row, item.validity, float(heard or item.of == "self"))
            if not heard:
                flags |= Flag.SILENT if item.of == "partner" else Flag(0)
        for item, voice, promised in self._beside:
            hop_beside = voice.read(time_ns) if self._realtime else voice.counted(frame)
            flags |= _fill_beside(inputs, row, item, hop_beside, promised)
            told[item.of] = hop_beside
        own = told.get("self")
        self.own_ns = own.capture_ns if own is not None and own.valid and own.samples.any() else None
        if self._aside is not None:
            told["self"] = self._aside.read(time_ns) if self._realtime else self._aside.counted(frame)
        if self.echo is not None and self._partner is not None:
            self._hold_back(self.echo, inputs[self._partner.name], row, told)
        for ring in self._unheard:
            ring.pass_over(time_ns) if self._realtime else ring.consumed(frame)
        for item, poses, taken, absent in self._poses:
            flags |= _fill_pose(inputs, row, item, poses, taken, absent, time_ns)
        for item, words in self._words:
            rows = words.newest(time_ns, item.shape[0])
            inputs[item.name][row] = rows
            _companion(inputs, row, item.validity, float(rows[-1, 3]))
            _companion(inputs, row, item.age, float(rows[-1, 1]) if rows[-1, 3] else NEVER_S)
        flags |= self._fill_held(inputs, row, frame, time_ns)
        for item, count in self._noise:
            inputs[item.name][row] = uniform(self._seed, frame, count).reshape(item.shape)
        return flags

    def whole(self, end_ns: int) -> bool:
        """Whether no voice beside the clock's is still on its way that belongs to the frame which ends then."""
        return all(voice.there(end_ns) for voice in self._waits)

    @staticmethod
    def _hold_back(echo: Echo, heard: NDArray[Any], row: int, told: Mapping[str, Hop | None]) -> None:
        """Let the partner's sound through as far as it is no echo."""
        own, partner = (
            hop.samples if (hop := told.get(owner)) is not None and hop.valid else None for owner in ("self", "partner")
        )
        passed = echo.heard(own, partner)
        if passed is not partner:
            heard[row] = passed

    def _fill_held(self, inputs: Mapping[str, NDArray[Any]], row: int, frame: int, time_ns: int) -> Flag:
        held = self._feeds.held.at(frame)
        if self._written != (held.version, row):
            for name, value in held.values.items():
                inputs[name][row] = np.reshape(value, self._shapes[name]) if name in self._shapes else value
            for item in self._texts:
                _companion(inputs, row, item.validity, float(item.name in held.texts))
            self._written = held.version, row
        for item in self._followers:
            if item.name not in held.by_hand:
                inputs[item.name][row] = self._feeds.speaking[item.of].value(time_ns)
        return Flag.PENDING if held.pending else Flag(0)


def _fill_beside(
    inputs: Mapping[str, NDArray[Any]], row: int, item: InputSpec, hop: Hop | None, promised: bool
) -> Flag:
    """A voice beside the one that is the clock. The avatar's own is silent, not absent, where nothing comes."""
    heard = hop is not None and hop.valid
    inputs[item.name][row] = hop.samples if hop is not None and heard else item.missing
    _companion(inputs, row, item.validity, float(heard or (promised and item.of == "self")))
    if heard or item.of == "self":
        return Flag(0)
    return Flag.SILENT | (Flag.DEGRADED if promised else Flag(0))


def _absent(item: InputSpec, given: Collection[Key]) -> Flag:
    if item.role == "face" and item.of == "partner":
        return Flag.NO_FACE
    return Flag.DEGRADED if key(item) in given else Flag(0)


def _fill_pose(
    inputs: Mapping[str, NDArray[Any]],
    row: int,
    item: InputSpec,
    ring: PoseRing,
    taken: list[int] | None,
    absent: Flag,
    time_ns: int,
) -> Flag:
    """Write a pose and its companions; the flags of one that is not there, or not believed."""
    pose = ring.newest_before(time_ns)
    age = NEVER_S if pose is None else (time_ns - pose.capture_ns) / 1e9
    seen = pose is not None and pose.valid and age <= STALE_S
    values: Any = item.missing
    if pose is not None and seen:
        values = pose.values if taken is None else pose.values[taken]
    inputs[item.name][row] = values
    _companion(inputs, row, item.validity, float(seen))
    _companion(inputs, row, item.age, min(age, NEVER_S))
    unsound = pose is not None and pose.unsound and age <= STALE_S
    return (Flag(0) if seen else absent) | (Flag.UNSOUND if unsound else Flag(0))


def _companion(inputs: Mapping[str, NDArray[Any]], row: int, name: str | None, value: float) -> None:
    if name is not None:
        inputs[name][row] = value
