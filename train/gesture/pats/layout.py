"""What is where in PATS: files, columns, keys with their shapes, rates, and the joints that are modelled.

``cmu_intervals_df.csv`` lists the intervals, ``missing_intervals.h5`` those that are not to be used, and
``processed/SPEAKER/INTERVAL.h5`` holds one each. Names and parents of the joints: :mod:`models.gesture.pats`.
"""

from __future__ import annotations

from typing import NamedTuple

RATE = 15
"""Frames a second of poses and of what is said."""
JOINTS = 52
MASK = (0, 7, 8, 9)
"""Neck, nose and eyes: not modelled. The neck is the origin of the others, and itself keeps its place in the image."""
KEPT = tuple(joint for joint in range(JOINTS) if joint not in MASK)
FEATURES = 2 * len(KEPT)
"""Numbers a frame that are modelled: x of the 48 joints, then y."""
RIGHT_SHOULDER, SHOULDER_PX = 1, 167.0
"""In ``pose/normalize`` the right shoulder is this far from the neck in every frame."""
SPLITS = ("train", "dev", "test")
INTERVALS, TRANSFORMS, MISSING, MISSING_KEY = (
    "cmu_intervals_df.csv",
    "cmu_intervals_df_transforms.csv",
    "missing_intervals.h5",
    "intervals",
)
"""The second lists copies, such as mirrored ones, of speakers called ``NAME|TRANSFORM``; the seed's loader wants it."""
PROCESSED, MADE = "processed", "made.json"
"""The latter is ours: how a simulated set was made."""
COLUMNS = ("dataset", "delta_time", "end_time", "interval_id", "speaker", "start_time", "video_fn", "video_link")
NEEDED_COLUMNS = ("dataset", "delta_time", "interval_id", "speaker")
META, TEXT, TIMES, PCM = "text/meta", "words/text", "words/times", "audio/pcm"
PCM_RATE = 16_000
LONGEST_S = 3600
"""No interval lasts longer, which bounds what is read."""


class Key(NamedTuple):
    """Shape of a dataset behind its first axis, and what that axis counts: ``frames``, or another thing."""

    shape: tuple[int, ...]
    counts: str


KEYS = {
    "pose/data": Key((2 * JOINTS,), "frames"),
    "pose/normalize": Key((2 * JOINTS,), "frames"),
    "pose/confidence": Key((2 * JOINTS,), "frames"),
    "audio/log_mel_400": Key((64,), "rows"),
    "audio/log_mel_512": Key((128,), "rows"),
    "audio/silence": Key((), "rows"),
    "text/tokens": Key((), "frames"),
    "text/w2v": Key((300,), "frames"),
    "text/bert": Key((768,), "frames"),
    "audio/pcm": Key((), "samples"),
    "words/times": Key((2,), "words"),
    "body/rotations": Key((27, 4), "frames"),
    "body/root": Key((3,), "frames"),
    "live/rotations": Key((27, 4), "frames"),
    "live/root": Key((3,), "frames"),
    "events/gestures": Key((8,), "events"),
    "events/nods": Key((4,), "events"),
    "events/stresses": Key((3,), "events"),
    "live/gestures": Key((8,), "events"),
    "live/nods": Key((4,), "events"),
}
"""What is known: the first nine are PATS', the others are of ``python -m train simulate gestures``. ``text/meta`` is a
table of its own kind (:mod:`.meta`) and ``words/text`` holds strings."""
PATS_KEYS = tuple(KEYS)[:9]
WIDEST = {"frames": RATE, "rows": 110, "samples": 48_000, "words": 100, "events": 100}
"""No more of these in a second, which bounds what is read."""
MODALITIES = ("pose/normalize", "audio/log_mel_400", "text/tokens")
"""What the seed is trained on."""


def most(key: str) -> int:
    """The longest first axis that a dataset may have."""
    return LONGEST_S * WIDEST[KEYS[key].counts]
