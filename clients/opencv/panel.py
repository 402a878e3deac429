"""The viewer's canvas: avatar, partner, traces of the last seconds, and the state of the stream in words."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from . import light
from .head import draw_head
from .store import EMOTION, FrameStore, Snapshot, level

Image = NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 720
AVATAR = (16, 48, 640, 504)  # x, y, width, height
PARTNER = (672, 48, 592, 304)
VOICE = (672, 360, 592, 64)
STATUS = (672, 432, 592, 120)
EMOTION_BARS = (1080, 432, 184)  # x, y, width; as tall as the status
TRACES = (16, 560, 1248, 148)
TRACE_SECONDS, LABEL_WIDTH = 8.0, 132
AV_NOTICED_MS = (-125.0, 45.0)  # lips that are this early, or late, are noticed (ITU-R BT.1359-1)
INK, DIM, PAPER, CARD = (236, 232, 228), (160, 150, 144), (40, 34, 30), (54, 47, 42)
PARTNER_INK, AVATAR_INK, ALERT = (120, 190, 250), (196, 190, 96), (96, 140, 250)
# Label, colour, lowest and highest value of each trace; the values come from trace_row in this order.
ROWS: tuple[tuple[str, tuple[int, int, int], float, float], ...] = (
    ("partner voice", PARTNER_INK, 0.0, 1.0),
    ("partner smile", PARTNER_INK, 0.0, 1.0),
    ("partner yaw", PARTNER_INK, -0.6, 0.6),
    ("avatar nod", AVATAR_INK, 0.15, -0.10),
    ("avatar gaze", AVATAR_INK, -1.0, 1.0),
    ("avatar blink", AVATAR_INK, 0.0, 1.0),
    ("avatar smile", AVATAR_INK, 0.0, 1.0),
)


def trace_row(moment: Snapshot) -> tuple[float, ...]:
    """One moment's value of every trace; NaN where it is not known."""
    face, partner = moment.face, moment.partner
    unknown = float("nan")
    return (
        level(moment.voice),
        smile(partner) if partner else unknown,
        partner.get("headYaw", 0.0) if partner else unknown,
        face.get("headPitch", 0.0),
        gaze(face),
        0.5 * (face.get("eyeBlinkLeft", 0.0) + face.get("eyeBlinkRight", 0.0)),
        smile(face),
    )


def smile(face: dict[str, float]) -> float:
    """Mean smile weight."""
    return 0.5 * (face.get("mouthSmileLeft", 0.0) + face.get("mouthSmileRight", 0.0))


def gaze(face: dict[str, float]) -> float:
    """How far both eyes look to the person's left, -1..1."""
    left = face.get("eyeLookOutLeft", 0.0) + face.get("eyeLookInRight", 0.0)
    return 0.5 * (left - face.get("eyeLookInLeft", 0.0) - face.get("eyeLookOutRight", 0.0))


def text(image: Image, words: str, x: int, y: int, size: float = 0.46, colour: Sequence[int] = INK) -> None:
    """One line of text with its baseline at (x, y)."""
    cv2.putText(image, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, tuple(colour), 1, cv2.LINE_AA)


@functools.cache
def blank() -> Image:
    """The parts of the canvas that never change."""
    canvas = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    canvas[:] = PAPER
    for x, y, wide, tall in (VOICE, STATUS, TRACES, PARTNER):
        cv2.rectangle(canvas, (x, y), (x + wide - 1, y + tall - 1), CARD, -1)
    x, y, _, tall = TRACES
    for row, (label, colour, low, high) in enumerate(ROWS):
        middle = row_middle(row)
        text(canvas, label, x + 10, middle + 4, 0.42, colour)
        if low * high < 0:
            cv2.line(canvas, (x + LABEL_WIDTH, middle), (x + TRACES[2] - 8, middle), (72, 64, 58), 1)
    cv2.line(canvas, (x + LABEL_WIDTH - 6, y + 4), (x + LABEL_WIDTH - 6, y + tall - 5), (72, 64, 58), 1)
    return canvas


def row_middle(row: int) -> int:
    """The pixel row of a trace's middle."""
    return round(TRACES[1] + 4 + (row + 0.5) * (TRACES[3] - 8) / len(ROWS))


def draw_canvas(store: FrameStore, recent: list[Snapshot], received_rate: float, lost: int) -> Image:
    """The whole picture (720, 1280, 3) uint8 BGR at the newest of the ``recent`` moments (oldest first, not empty)."""
    canvas = blank().copy()
    now = recent[-1]
    put(canvas, AVATAR, draw_head(now.face, size=AVATAR[2:]))
    # The partner's part of the newest moment may still be under way: show the one before rather than flicker.
    partner = next((m.partner for m in reversed(recent[-3:]) if m.partner), None)
    if partner is not None:
        put(canvas, PARTNER, draw_head(partner, size=PARTNER[2:], style=light.PARTNER))
    else:
        text(canvas, "partner not shown: engine serve --monitor", PARTNER[0] + 120, PARTNER[1] + 156, 0.52, DIM)
    draw_voice(canvas, recent)
    draw_traces(canvas, recent, store.rate)
    draw_status(canvas, store, recent, received_rate, lost)
    draw_emotion(canvas, store, recent, EMOTION_BARS)
    text(canvas, f"reaction engine   {store.engine.bundle}   session {store.engine.session}", 16, 30, 0.6)
    seconds = now.frame.seq / store.rate
    text(canvas, f"{int(seconds // 60):02d}:{seconds % 60:04.1f}   frame {now.frame.seq}", 1060, 30, 0.52, DIM)
    text(canvas, "avatar (listening)", AVATAR[0] + 12, AVATAR[1] + 24, 0.5)
    text(canvas, "partner", PARTNER[0] + 12, PARTNER[1] + 24, 0.5)
    return canvas


def put(canvas: Image, place: tuple[int, int, int, int], picture: Image) -> None:
    """Copy ``picture`` to its place (x, y, width, height)."""
    x, y, wide, tall = place
    canvas[y : y + tall, x : x + wide] = picture


def draw_voice(canvas: Image, recent: list[Snapshot]) -> None:
    """The partner's voice of the last second as an envelope, and its level as a bar."""
    x, y, wide, tall = VOICE
    heard = [m.voice for m in recent[-25:] if m.voice is not None]
    middle = y + tall // 2
    if not heard:
        text(canvas, "partner voice not shown", x + 12, middle + 5, 0.46, DIM)
        return
    sound = np.nan_to_num(np.concatenate(heard))
    room = wide - 40
    bins = np.array_split(np.abs(sound), room // 2) if sound.size >= room else [np.abs(sound)]
    peak = np.minimum(np.sqrt([part.max() for part in bins]), 1.0) * (tall / 2 - 5)
    for column, half in enumerate(np.round(peak).astype(int).tolist()):
        at = x + 8 + 2 * column
        canvas[middle - half : middle + half + 1, at] = PARTNER_INK
    filled = round(level(heard[-1]) * (tall - 12))
    cv2.rectangle(canvas, (x + wide - 22, y + 6), (x + wide - 10, y + tall - 7), (72, 64, 58), -1)
    if filled:
        cv2.rectangle(canvas, (x + wide - 22, y + tall - 6 - filled), (x + wide - 10, y + tall - 7), PARTNER_INK, -1)


def draw_traces(canvas: Image, recent: list[Snapshot], rate: float) -> None:
    """The traces of the last seconds; the newest moment is at the right edge."""
    newest = recent[-1].frame.seq
    shown = [m for m in recent if newest - m.frame.seq < TRACE_SECONDS * rate]
    values = np.array([trace_row(m) for m in shown])
    age = np.array([newest - m.frame.seq for m in shown]) / (TRACE_SECONDS * rate)
    left, right = TRACES[0] + LABEL_WIDTH, TRACES[0] + TRACES[2] - 8
    x = right - age * (right - left)
    half = (TRACES[3] - 8) / len(ROWS) / 2 - 2
    for row, (_, colour, low, high) in enumerate(ROWS):
        share = np.clip((values[:, row] - low) / (high - low), 0.0, 1.0)
        known = np.isfinite(share)
        if known.sum() < 2:
            continue
        y = row_middle(row) + half - 2 * half * share[known]
        line = np.round(np.stack([x[known], y], axis=1) * 16).astype(np.int32)
        cv2.polylines(canvas, [line], False, colour, 1, cv2.LINE_AA, 4)


def draw_emotion(canvas: Image, store: FrameStore, recent: list[Snapshot], place: tuple[int, int, int]) -> int:
    """What the avatar shows, as bars of its expressions, at ``place`` (x, y, width), with valence and arousal; returns
    where the next block begins."""
    x, y, wide = place
    number = next((number for number, part in store.parts.items() if part == EMOTION), None)
    known = next((moment.values[EMOTION] for moment in reversed(recent[-3:]) if EMOTION in moment.values), None)
    if number is None or known is None:
        return y
    names = store.streams[number].names
    base = y + 16
    text(canvas, "  ".join(f"{names[at][:8]} {known[at]:+.2f}" for at in (15, 16)), x, base, 0.34, DIM)
    for at in range(17, 25):
        base += 12
        text(canvas, names[at][:10], x, base, 0.34, DIM)
        left, right = x + 70, x + wide - 14
        cv2.rectangle(canvas, (left, base - 7), (right, base), (72, 64, 58), -1)
        share = float(np.nan_to_num(known[at], nan=0.0, posinf=0.0, neginf=0.0))
        cv2.rectangle(
            canvas, (left, base - 7), (left + round(min(max(share, 0.0), 1.0) * (right - left)), base), AVATAR_INK, -1
        )
    return base + 16


def draw_status(
    canvas: Image,
    store: FrameStore,
    recent: list[Snapshot],
    received_rate: float,
    lost: int,
    place: tuple[int, int, int, int] = STATUS,
) -> None:
    """Latency, A/V offset, rate, the newest frame's flags and whether the session is recorded, at ``place``."""
    x, y, _, tall = place
    late = recent[-50:]
    publish = float(np.median([(m.frame.publish_ns - m.frame.capture_ns) / 1e6 for m in late]))
    arrive = float(np.median([m.delay_ms for m in late]))
    here = f"{arrive:6.1f} ms" if 0 <= arrive < 10_000 else "unknown (another host's clock)"
    step = float(np.median([m.frame.step_us for m in late])) / 1000
    words = recent[-1].frame.words()
    lines = [(f"capture to publish  {publish:6.1f} ms", INK), (f"capture to receive  {here}", INK), *_lips(store)]
    lines.append((f"model step {step:.2f} ms   {received_rate:.1f} frames/s   lost {lost}", DIM))
    lines.append((", ".join(words) if words else "on time", ALERT if words else DIM))
    if store.recorded:
        lines.append(("recorded: the engine writes this session to a file", ALERT))
    apart = 26 if len(lines) == 4 else (tall - 14) // len(lines)
    for number, (line, colour) in enumerate(lines):
        text(canvas, line, x + 12, y + apart + 2 + apart * number, 0.52, colour)


def _lips(store: FrameStore) -> list[tuple[str, tuple[int, int, int]]]:
    """How late lips are behind the avatar's own voice, in a line, where it has one."""
    known = [store.av_offset[name] for name in ("p50", "p95") if name in store.av_offset]
    if len(known) < 2:
        return []
    middle, late = known
    noticed = not AV_NOTICED_MS[0] < middle <= late < AV_NOTICED_MS[1]
    return [(f"A/V offset  {middle:+6.1f} ms   p95 {late:+.1f}", ALERT if noticed else INK)]
