"""Who speaks in the simulation: recorded voices, the built-in partner's and synthetic ones, each in one split.

Recordings come from the folder that ``$ENGINE_DATA`` names and are decoded by the engine's own reader, so a model hears
in training what it will hear live. They are cut into phrases at their own pauses. Without that folder the built-in
partner and synthetic voices do. A source (corpus, session) stays in one split as a whole, with every voice in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.channels import FACE, FACE_NAMES, expression_from_names, head_angles
from engine.errors import EngineError
from engine.sources.media import MediaFile
from train.simulate.synth import VoiceParameters, draw_parameters
from train.simulate.talk import FPS, HOP, RATE

LEVEL = 0.05  #: RMS of every voice's phrases, -26 dBFS
SHORTEST_S, LONGEST_S, PAUSE_S, JOIN_S = 1.0, 6.0, 0.25, 0.35
SILENT_DB = -75.0  #: a recording whose loud parts are softer holds no speech
PARTNER = Path(__file__).resolve().parents[2] / "engine" / "data" / "partner"

LEFT_OUT = ("eyeLook", "eyeBlink")

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Phrase:
    """A stretch of speech: ``pcm`` (n,) at 16 kHz; ``kind`` how it ends (``fall``, ``rise``, ``level``; "" where nobody
    knows); ``face`` (T, 58) where it was captured, 25 a second from the first sample on."""

    pcm: Sound
    kind: str = ""
    face: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Voice:
    """A speaker: its phrases, or the parameters that makes them. ``captured`` are the channels that its faces hold."""

    name: str
    source: str
    split: str
    licence: str
    credit: str
    phrases: tuple[Phrase, ...] = ()
    parameters: VoiceParameters | None = None
    captured: tuple[int, ...] = ()

    @property
    def seconds(self) -> float:
        """Length of its recorded phrases together."""
        return sum(len(item.pcm) for item in self.phrases) / RATE


@dataclass(frozen=True)
class VoiceSource:
    """A line of the table: a voice, the source it belongs to, its split, and its files."""

    name: str
    source: str
    split: str
    pattern: str
    licence: str = ""
    credit: str = ""


FACEGOOD = ("MIT", "FACEGOOD-Audio2Face, training takes (FACEGOOD)")
GRID = ("CC BY 4.0", "GRID corpus: Cooke, Barker, Cunningham, Shao 2006, doi 10.5281/zenodo.3625687")
VOICE_SOURCES: tuple[VoiceSource, ...] = (
    VoiceSource("austen", "LibriVox", "train", "speech_clips/librivox_austen-*.wav"),
    VoiceSource("cards", "CMU Sphinx", "train", "speech_clips/cards_*.wav"),
    VoiceSource("librispeech-2412", "LibriSpeech 2412", "train", "speech_clips/librispeech_2412-*.flac"),
    VoiceSource("lj", "LJSpeech", "train", "speech_clips/LJ*.wav"),
    VoiceSource("ami", "AMI ES2011a", "train", "speech_clips/ami_*.wav"),
    VoiceSource("slt", "CMU ARCTIC", "train", "speech_clips/arctic_slt_*.wav"),
    VoiceSource("claire", "Audio2Face-3D samples", "train", "speech_clips/emotion_Claire_*.wav"),
    VoiceSource("mark", "Audio2Face-3D samples", "train", "speech_clips/emotion_Mark_*.wav"),
    VoiceSource("speaker90", "pyannote sample", "train", "speech_clips/dialog_pyannote_sample.wav"),
    VoiceSource("speaker91", "pyannote sample", "train", "speech_clips/dialog_pyannote_sample.wav"),
    VoiceSource("facegood", "FACEGOOD", "train", "face_arkit_audio_facegood/*.flac", *FACEGOOD),
    VoiceSource("grid-s1", "GRID", "train", "face_grid_av/arkit_audio/s1_*.flac", *GRID),
    *(
        VoiceSource(f"grid-{name}", "GRID", "train", f"face_grid_av/arkit_audio/other_{name}.flac", *GRID)
        for name in ("brbk7n", "lbax4n", "lbbc2a", "lrwp9a", "sbwe5n")
    ),
    VoiceSource("katie", "Azure speech samples", "val", "speech_clips/dialog_katie_solo.wav"),
    VoiceSource("steve", "Azure speech samples", "val", "speech_clips/dialog_steve_solo.wav"),
    VoiceSource("jfk", "JFK inaugural address", "test", "speech_clips/jfk_inaugural.flac"),
    VoiceSource("librispeech-1088", "LibriSpeech 1088", "test", "speech_clips/librispeech_1088-*.wav"),
)
"""The recordings used, and their splits. The two-voice mixes of Katie and Steve are left out."""


def recorded_voices(data: Path | None) -> list[Voice]:
    """The built-in partner and, where ``data`` names the folder of recordings, the voices of :data:`VOICE_SOURCES` that
    are there. Raises :class:`EngineError` when the folder is none, or holds none of them."""
    voices = [built_in()]
    if data is None:
        return voices
    stated = data / "speech_clips" / "index.json"
    if not data.is_dir():
        raise EngineError(f"ENGINE_DATA names {data}, which is no folder: point it at the recordings, or unset it")
    index = {item["file"]: item for item in json.loads(stated.read_text("utf-8"))} if stated.is_file() else {}
    for entry in VOICE_SOURCES:
        paths = sorted(data.glob(entry.pattern))
        if paths:
            voices.append(_voice(entry, paths, index.get(paths[0].name, {})))
    if len(voices) == 1:
        raise EngineError(f"{data} holds none of the recordings known: point ENGINE_DATA at them, or unset it")
    return voices


def built_in() -> Voice:
    """The partner that comes with the engine; its phrases and questions are where its events say."""
    whole = decode(PARTNER / "speech.flac")
    with np.load(PARTNER / "face.npz") as stored:
        events = json.loads(str(stored["events"]))
    asked = {start for name, start, *_ in events if name == "question"}
    spans = [(start, end) for name, start, end, _ in events if name == "speech"]
    phrases = [
        Phrase(whole[round(start * RATE) : round(end * RATE)], "rise" if start in asked else "") for start, end in spans
    ]
    credit = "Piper voice joe (rhasspy/piper-voices), see engine/data/partner/CREDITS.md"
    return Voice("partner", "built-in partner", "train", "CC0", credit, levelled(phrases))


def synthetic_voice(split: str, number: int, seed: int) -> Voice:
    """The ``number``-th synthetic voice of a split; no two splits share one."""
    side = ("train", "val", "test").index(split)
    parameters = draw_parameters(np.random.default_rng([seed, side, number]))
    name = f"synth-{split}-{number:03d}"
    return Voice(name, name, split, "Apache-2.0", "train/simulate/synth.py", parameters=parameters)


def decode(path: Path) -> Sound:
    """The whole sound of a media file, (n,) at 16 kHz, by the engine's own reader and resampler."""
    return np.concatenate([block.samples for block in MediaFile(path).audio(RATE)])


def _voice(entry: VoiceSource, paths: list[Path], stated: dict[str, str]) -> Voice:
    phrases: list[Phrase] = []
    captured: tuple[int, ...] = ()
    for path in paths:
        whole = decode(path)
        beside = path.with_suffix(".npz")
        face = None
        if beside.is_file():
            capture = captured_face(beside, len(whole) // HOP)
            face, captured = capture.face, capture.channels
        for first, last in _alone(path, entry.name, len(whole)):
            for start, end in cut(whole[first:last]):
                start, end = first + start, first + end
                seen = None if face is None else _resampled(face, start, end)
                phrases.append(Phrase(faded(whole[start:end]), "", seen))
    licence, credit = entry.licence or stated.get("licence", ""), entry.credit or stated.get("source", "")
    return Voice(entry.name, entry.source, entry.split, licence, credit, levelled(phrases), captured=captured)


def cut(pcm: Sound) -> list[tuple[int, int]]:
    """(start, end) samples of the phrases of ``pcm`` (n,): split at pauses of 0.25 s; short ones joined to the one
    before where the pause between is under 0.35 s; split at the quietest place where longer than 6 s."""
    step = RATE // 100
    blocks = len(pcm) // step
    if blocks < 10:
        return []
    level = 10 * np.log10(np.square(pcm[: blocks * step].astype(float)).reshape(blocks, step).mean(1) + 1e-10)
    level = np.convolve(np.pad(level, 2, mode="edge"), np.ones(5) / 5, "valid")
    top, floor = np.percentile(level, [95, 5])
    if top < SILENT_DB:
        return []
    loud = np.flatnonzero(level > np.clip(floor + 0.4 * (top - floor), top - 32.0, top - 15.0))
    breaks = np.flatnonzero(np.diff(loud) > PAUSE_S * 100)
    runs = [[int(a), int(b) + 1] for a, b in zip(loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, -1]], strict=True)]
    joined: list[list[int]] = []
    for run in runs:
        short = joined and min(run[1] - run[0], joined[-1][1] - joined[-1][0]) < SHORTEST_S * 100
        if short and run[0] - joined[-1][1] < 100 * JOIN_S and run[1] - joined[-1][0] <= LONGEST_S * 100:
            joined[-1][1] = run[1]
        else:
            joined.append(run)
    parts = [part for start, end in joined for part in _halved(level, start, end)]
    return [
        (max(0, start - 2) * step, min(blocks, end + 2) * step) for start, end in parts if end - start >= 40
    ]  # shorter than 0.4 s is a cough or a click


def _halved(level: NDArray[np.floating], start: int, end: int) -> Iterator[tuple[int, int]]:
    if end - start <= LONGEST_S * 100:
        yield start, end
        return
    inside = slice(start + round(SHORTEST_S * 100), end - round(SHORTEST_S * 100))
    at = inside.start + int(np.argmin(level[inside]))
    yield from _halved(level, start, at)
    yield from _halved(level, at, end)


def faded(pcm: Sound) -> Sound:
    """``pcm`` with 10 ms fades."""
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(160) / 160)).astype(np.float32)
    out = pcm.copy()
    out[:160] *= ramp
    out[-160:] *= ramp[::-1]
    return out


def levelled(phrases: list[Phrase]) -> tuple[Phrase, ...]:
    """Phrases, all with one gain for the common level, each moved half-way to it."""
    rms = [float(np.sqrt(np.mean(np.square(item.pcm, dtype=np.float64)))) for item in phrases]
    mean = float(np.median(rms)) if rms else 1.0
    gains = [LEVEL / max(mean, 1e-6) * (mean / max(one, 1e-6)) ** 0.5 for one in rms]
    return tuple(
        Phrase(item.pcm * np.float32(gain), item.kind, item.face) for item, gain in zip(phrases, gains, strict=True)
    )


def _alone(path: Path, speaker: str, size: int) -> list[tuple[int, int]]:
    """The samples in which ``speaker`` alone talks: all of a file, unless a diarisation (RTTM) lies beside it."""
    beside = path.with_suffix(".rttm")
    if not beside.is_file():
        return [(0, size)]
    rows = [line.split() for line in beside.read_text("utf-8").splitlines() if line.startswith("SPEAKER")]
    talking = {row[7]: np.zeros(size, bool) for row in rows}
    for row in rows:
        start, length = float(row[3]), float(row[4])
        talking[row[7]][round(start * RATE) : round((start + length) * RATE)] = True
    others = np.any([mask for name, mask in talking.items() if name != speaker], axis=0)
    edges = np.flatnonzero(np.diff(np.r_[False, talking[speaker] & ~others, False]))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


class Capture(NamedTuple):
    """A face (T, 58) at the frames a second asked for, and the channels that the capture really holds."""

    face: NDArray[np.float32]
    channels: tuple[int, ...]


def captured_face(path: Path, frames: int, rate: float = FPS) -> Capture:
    """The first ``frames`` frames of a capture, ``rate`` a second.

    Channels go by name. Eyes' directions and blinks are left out: video trackers guess the first, and clips of three
    seconds have a blink each. A tracked head is relative to its median in the clip.
    """
    with np.load(path) as stored:
        names = [str(name) for name in stored["names"]]
        valid = stored["valid"] if "valid" in stored else np.array([name != "tongueOut" for name in names])
        weights = np.stack([expression_from_names(dict(zip(names, row, strict=True))) for row in stored["arkit52"]])
        fps, matrices = float(stored["fps"]), stored.get("head_mat")
    face = np.zeros((len(weights), len(FACE_NAMES)), np.float32)
    face[:, :52] = weights
    held = [FACE[name] for name, good in zip(names, valid, strict=True) if good and not name.startswith(LEFT_OUT)]
    if matrices is not None:
        turns = np.array([head_angles(item[:3, :3] / np.linalg.norm(item[:3, :3], axis=0)) for item in matrices])
        pose = np.concatenate([turns, matrices[:, :3, 3] / 100.0], 1)
        face[:, 52:] = pose - np.median(pose, 0)
        held += range(52, 58)
    at = (np.arange(frames) + 0.5) / rate * fps - 0.5
    steps = np.arange(len(face))
    resampled = np.stack([np.interp(at, steps, face[:, k]) for k in range(face.shape[1])], 1)
    return Capture(resampled.astype(np.float32), tuple(sorted(held)))


def _resampled(face: NDArray[np.float32], start: int, end: int) -> NDArray[np.float32]:
    """The frames of ``face`` over samples ``start`` to ``end``, the first at the start."""
    at = start / HOP + np.arange(-(-(end - start) // HOP))
    steps = np.arange(len(face))
    return np.stack([np.interp(at, steps, face[:, k]) for k in range(face.shape[1])], 1).astype(np.float32)
