"""Reads data sets in the layout of the REACT2024 challenge: the simulation's and the challenge's own.

Clips of 30 s that follow each other in one chat are joined into one talk, so a model can be run for minutes. A clip
with a file that is missing or damaged is left out by name, and the chat goes on after it as another talk. What only a
simulation knows (spans, cues, planned movements) is empty elsewhere, and controls are at defaults.
Without ``layout.json`` a set is taken for the challenge's own: its names are spelled as :func:`clips.spellings` says,
and each of its pairs also counts mirrored, listener and speaker in each other's place, as the challenge counts them.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from engine.errors import EngineError
from engine.sound.front_end import FrontEnd
from train.files import FileError, listed, read_csv, read_json
from train.reaction import clips, neighbours
from train.reaction.clips import CLIP_S, CONTROL_DEFAULTS, Array, ClipFile, Told
from train.reaction.neighbours import Neighbours, Pair
from train.simulate.talk import CLIP_FRAMES, Act, Cue, Span

log = logging.getLogger(__name__)

SPLITS = ("train", "val", "test")
COLUMNS = ("speaker_path", "listener_path")
Item = TypeVar("Item", Span, Act, Cue)


NEEDED = {
    clips.SOUND: "voices are what a listener answers; copy the data set again",
    clips.FACE: "faces are what nearly all is learnt from and measured on, and the challenge gives them apart from the "
    "clips; fetch them, or take a split that has them",
    clips.EMOTION: "the challenge's metrics are of them; copy the data set again",
}
"""Folders without which no clip of a split can be used, and why."""


class ReactData:
    """A data set in folder ``root``. ``layout`` is what ``layout.json`` says, empty for the challenge's own data, whose
    faces are ``faceverse`` coefficients.

    Raises :class:`EngineError` naming the file and what is wrong with it, here or when it is read.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise EngineError(f"data set {self.root}: there is no such folder; make one with python -m train simulate")
        place = self.root / "layout.json"
        self.layout: dict[str, Any] = read_json(place) if place.is_file() else {}
        if not isinstance(self.layout, dict):
            raise FileError(f"{place}: is not what python -m train simulate writes; make the data set anew")
        if self.layout and not self.layout.get("complete", False):
            raise EngineError(f"data set {self.root}: writing it was broken off; run python -m train simulate again")
        self.faceverse = self.layout.get("face", "faceverse") == "faceverse"
        self.splits = tuple(split for split in SPLITS if (self.root / f"{split}.csv").is_file())
        self._problems: dict[ClipFile, str] = {}
        if not self.splits:
            raise EngineError(
                f"data set {self.root}: no train.csv, val.csv or test.csv in it; give the folder with them"
            )

    def pairs(self, split: str) -> list[Pair]:
        """The speaker's and the listener's clip of each line of ``{split}.csv``, in its order."""
        path = self.root / f"{split}.csv"
        if split not in self.splits:
            raise EngineError(f"data set {self.root}: no split {split!r}; there are {', '.join(self.splits)}")
        rows = read_csv(path)
        if len(rows) < 2 or not set(COLUMNS) <= set(rows[0].cells):
            raise FileError(f"{path}: no rows under a header ',speaker_path,listener_path'; make the data set anew")
        speaker, listener = (rows[0].cells.index(name) for name in COLUMNS)
        found = []
        for line, cells in rows[1:]:
            if len(cells) != len(rows[0].cells):
                raise FileError(
                    f"{path}:{line}: has {len(cells)} cells, the header {len(rows[0].cells)}; mend that line"
                )
            found.append(Pair(cells[speaker], cells[listener]))
            for name in found[-1]:
                parts = name.split("/")
                if len(parts) < 4 or not parts[-1].isdecimal() or ".." in parts:
                    raise FileError(f"{path}:{line}: {name!r} is not site/chat/person/clip; mend that line")
        return found

    def both_ways(self, split: str) -> bool:
        """Whether a split's pairs can be taken mirrored too: in the challenge's own data, if listeners have voices."""
        voices = (self.file(split, clips.SOUND, pair.listener).path for pair in self.pairs(split))
        return not self.layout and any(path.is_file() for path in voices)

    def neighbours(self, split: str, given: Path | None = None) -> Neighbours | None:
        """Which listeners of a split are right for which of its pairs, from its matrix or the one ``given``; None where
        there is none. Listeners whose files cannot be used are not among them."""
        path = neighbours.find(self.root, split, given)
        if path is None:
            return None
        kinds = (clips.FACE, clips.EMOTION)
        found = neighbours.read(path, self.root, split, self.pairs(split))
        return found.among(lambda clip: not any(self._problem(self.file(split, kind, clip)) for kind in kinds))

    def file(self, split: str, kind: str, clip: str) -> ClipFile:
        """The file of a ``kind`` for ``site/chat/person/clip``, under the name that it has."""
        names = [self.root / split / kind / name for name in clips.spellings(kind, clip)]
        return ClipFile(kind, next((name for name in names[1:] if not names[0].exists() and name.exists()), names[0]))

    def face(self, split: str, clip: str) -> Array:
        """The face (750, 58) of ``site/chat/person/clip`` in the axes of :mod:`engine.channels`."""
        face = clips.read_face(self.file(split, clips.FACE, clip).path)
        return clips.from_faceverse(face) if self.faceverse else face

    def emotion(self, split: str, clip: str) -> Array:
        """The 25 emotion numbers (750, 25) of ``site/chat/person/clip``."""
        return clips.read_emotion(self.file(split, clips.EMOTION, clip).path)

    def _problem(self, file: ClipFile) -> str:
        """Why a file cannot be used, in words, or nothing; each is read once."""
        if file not in self._problems:
            self._problems[file] = clips.examine(file, quick=True).problem
        return self._problems[file]

    def files(self, split: str, pair: Pair) -> list[ClipFile]:
        """Every file that a pair needs, the speaker's first."""
        more = (clips.EVENTS,) if self.layout else ()
        speaker = (clips.SOUND, clips.FACE, clips.EMOTION, *more)
        listener = (clips.FACE, clips.EMOTION, *((clips.CONTROLS, *more) if self.layout else ()))
        return [
            *(self.file(split, kind, pair.speaker) for kind in speaker),
            *(self.file(split, kind, pair.listener) for kind in listener),
        ]

    def talks(
        self, split: str, say: Callable[[str], None] = log.warning, both_ways: bool = False
    ) -> list[RecordedTalk]:
        """The talks of a split, in the order of their first lines; a gap in a chat's clip numbers starts another.
        ``both_ways``: and then those of its mirrored pairs.

        Every file is read once to see whether it can be used. Clips of which one cannot are left out, each file is told
        to ``say``; where nothing is left that is an :class:`EngineError`.
        """
        pairs = self.pairs(split)
        pairs += [pair.mirrored for pair in pairs if both_ways]
        for kind, why in NEEDED.items():
            if not (self.root / split / kind).is_dir():
                raise EngineError(f"{self.root / split}: has no folder {kind}; {why}")
        needed = {pair: self.files(split, pair) for pair in pairs}
        files = dict.fromkeys(file for files in needed.values() for file in files)
        found = {file: self._problem(file) for file in files}
        faults = [fault for fault in found.values() if fault]
        chats: dict[str, dict[int, list[str]]] = {}
        for pair in pairs:
            if not any(found[file] for file in needed[pair]):
                speaker, clip = pair.speaker.rsplit("/", 1)
                listeners = chats.setdefault(speaker, {}).setdefault(int(clip), [])
                listeners.append(pair.listener.rsplit("/", 1)[0])
        for line in faults if chats else listed(faults, f"python -m train check reaction {self.root} tells all"):
            say(f"left out: {line}")
        if not chats:
            raise EngineError(
                f"{self.root}: no clip of split {split} can be used, as told above; copy the data set again, or make "
                "it anew"
            )
        return [
            talk for speaker, answered in chats.items() for talk in self._joined(split, speaker, answered, both_ways)
        ]

    def _joined(
        self, split: str, speaker: str, answered: Mapping[int, Sequence[str]], both_ways: bool
    ) -> Iterator[RecordedTalk]:
        """The talks of one speaker in a chat, from the listeners of each clip; see :meth:`talks`."""
        runs: list[_Run] = []
        for clip in sorted(answered):
            before = runs[-1] if runs and clip == runs[-1].clips[-1] + 1 else None
            still = tuple(who for who in before.people if who in answered[clip]) if before else ()
            if before and still:
                runs[-1] = _Run((*before.clips, clip), still)
            else:
                runs.append(_Run((clip,), tuple(dict.fromkeys(answered[clip]))))
        name = "/".join(speaker.split("/")[1:] if both_ways else speaker.split("/")[1:-1])
        for run in runs:
            label = name if len(runs) == 1 else f"{name}@{run.clips[0]}"
            yield RecordedTalk(self, split, label, speaker, run.people, run.clips)


class _Run(NamedTuple):
    """Clips that follow each other, and the listeners that answer all of them."""

    clips: tuple[int, ...]
    people: tuple[str, ...]


@dataclass(frozen=True)
class RecordedTalk:
    """Consecutive clips of one speaker and the listeners that answer all of them; files are read when asked for.

    All times are seconds from the start of the talk, all lengths ``frames`` at 25 a second.
    """

    data: ReactData
    split: str
    name: str  #: the chat, with the speaker if it was read both ways, and ``@clip`` where only part of it follows on
    speaker: str  #: ``site/chat/person``
    people: tuple[str, ...]  #: the same of each listener
    clips: tuple[int, ...]

    @property
    def frames(self) -> int:
        """Length in frames of 40 ms."""
        return CLIP_FRAMES * len(self.clips)

    @property
    def listeners(self) -> tuple[str, ...]:
        """Names of the listeners: their folders."""
        return tuple(path.rsplit("/", 1)[1] for path in self.people)

    @property
    def told(self) -> bool:
        """Whether it is known what happens when: spans, cues, planned movements."""
        return bool(self.data.layout)

    @property
    def simulated(self) -> bool:
        """Whether its listeners are the simulation's, and not people's movements on faces of ours."""
        return self.told and "meeting" not in self._facts

    @property
    def voice(self) -> str:
        """Who speaks: the simulation's voice, else the chat, whose two people answer each other."""
        site, *_, chat, _ = self.speaker.split("/")
        return str(self._facts.get("voice", f"{site}/{chat}"))

    @property
    def _facts(self) -> Mapping[str, Any]:
        return dict(self.data.layout.get("talks", {}).get(self.name.partition("@")[0], {}))

    def pair(self, name: str, place: int) -> Pair:
        """The pair that the clip at ``place`` of the talk makes with listener ``name``."""
        return Pair(f"{self.speaker}/{self.clips[place]}", f"{self._path(name)}/{self.clips[place]}")

    def audio(self) -> Array:
        """The speaker's sound, (frames * 640,) float32 at 16 kHz."""
        front_end = FrontEnd()
        return np.concatenate([clips.read_sound(path, front_end) for path in self._paths(clips.SOUND, self.speaker)])

    def face(self) -> Array:
        """The speaker's face, (frames, 58) float32 in the axes of :mod:`engine.channels`."""
        return self._faces(self.speaker)

    def listener(self, name: str) -> Array:
        """The same of listener ``name``."""
        return self._faces(self._path(name))

    def emotion(self, name: str) -> Array:
        """The 25 emotion numbers of listener ``name``, or of the speaker as ``"speaker"``: (frames, 25) float32."""
        person = self.speaker if name == "speaker" else self._path(name)
        return np.concatenate([self.data.emotion(self.split, f"{person}/{clip}") for clip in self.clips])

    def controls(self, name: str) -> dict[str, Array]:
        """``expressiveness`` and ``self_speaking`` of listener ``name`` per frame, each (frames,) float32."""
        person = self._path(name)
        if not self.data.layout:
            return {key: np.full(self.frames, value, np.float32) for key, value in CONTROL_DEFAULTS.items()}
        rows = np.concatenate([clips.read_controls(path) for path in self._paths(clips.CONTROLS, person)])
        return dict(zip(CONTROL_DEFAULTS, rows.T.copy(), strict=True))

    def spans(self, kind: str) -> tuple[Span, ...]:
        """Spans of ``kind``: ``phrases`` or ``own_turns``; none where nobody knows them."""
        told = self._told(self.speaker)
        if kind == "phrases":
            return _timed([clip.phrases for clip in told])
        if kind == "own_turns":
            return _timed([clip.own_turns for clip in told])
        raise EngineError(f"spans of {kind!r}: there are phrases and own_turns")

    def cues(self) -> tuple[Cue, ...]:
        """What invites a reaction."""
        return _timed([clip.cues for clip in self._told(self.speaker)])

    def acts(self) -> tuple[Act, ...]:
        """What the speaker's face does on purpose."""
        return _timed([clip.acts for clip in self._told(self.speaker)])

    def events(self, name: str) -> tuple[Cue, ...]:
        """The movements that listener ``name`` planned."""
        return _timed([clip.events for clip in self._told(self._path(name))])

    def _path(self, name: str) -> str:
        if name not in self.listeners:
            raise EngineError(
                f"talk {self.name}: no listener {name!r}; there are {', '.join(self.listeners) or 'none'}"
            )
        return self.people[self.listeners.index(name)]

    def _paths(self, kind: str, person: str) -> list[Path]:
        return [self.data.file(self.split, kind, f"{person}/{clip}").path for clip in self.clips]

    def _faces(self, person: str) -> Array:
        return np.concatenate([self.data.face(self.split, f"{person}/{clip}") for clip in self.clips])

    def _told(self, person: str) -> list[Told]:
        """What the event files tell, clip by clip; nothing where there are none."""
        if not self.data.layout:
            return []
        return [clips.read_told(path) for path in self._paths(clips.EVENTS, person)]


def _timed(told: Sequence[Sequence[Item]]) -> tuple[Item, ...]:
    """The items of every clip, their times moved to the start of the talk."""
    return tuple(_later(item, CLIP_S * place) for place, items in enumerate(told) for item in items)


def _later(item: Item, seconds: float) -> Item:
    told = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    moved = {name: at + seconds for name, at in told.items() if name.endswith("_s") and at is not None}
    return dataclasses.replace(item, **moved)
