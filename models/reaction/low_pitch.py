"""Regions of low pitch, told as exactly as a listener without foresight can: where people often answer within a phrase.

The rule is Ward & Tsukahara's (2000, J. Pragmatics 32): pitch below the speaker's own low percentile for so long, after
so much speech, and not again soon after. It has to be told rather than learned: whether a region counts depends on the
last one that counted, seconds before, and on a percentile of all that was heard of a voice, both out of the reach of an
attention over some seconds. The running percentile of :mod:`models.listening.prosody` finds a region of its own every
two seconds; here it is read off a histogram of the pitch, which forgets over minutes of voice, so that another speaker
may come. Slips by an octave that last less than 30 ms are taken out by a median, which costs 20 ms.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.listening.cell import DT, RecurrentCell

PERCENTILE, LONG_FOR, AFTER_SPEECH, APART = 0.26, 0.110, 0.700, 6.0
"""Share of a voice's pitch that is low; seconds of a region, of the speech before it, and since the last one."""
LOWEST, BIN, BINS = -9.0, 0.5, 72
"""Histogram of the pitch: its lowest edge in semitones above 100 Hz, their width and number (60 to 480 Hz)."""
KNOWN, REMEMBERED = 100.0, 30_000.0
"""Estimates from which a voice's pitch counts as known, and over which the histogram forgets."""
GAP, SPAN = 2.0, 5
"""Unvoiced estimates in a row that a region may hold, and estimates of the median."""
NEVER = 30.0
"""Seconds that stand for: none yet."""


class Low(NamedTuple):
    """One frame, (B,) each."""

    begins: Tensor  #: bool: a region has just become long enough, and counts
    lasts: Tensor  #: seconds of low pitch in the region that goes on, 0 outside
    height: Tensor  #: semitones of the newest voiced estimate above the low percentile, 0 while that is not known
    since: Tensor  #: seconds since a region began that counts, at most :data:`NEVER`


class LowPitch(RecurrentCell):
    """Pitch of one frame's sub-frames in, :class:`Low` out. ``subframes``, at least 4, a frame."""

    def __init__(self, subframes: int) -> None:
        self.subframes = subframes
        self.step = DT / subframes
        self.fields = (
            *(f"heard_{k}" for k in range(SPAN - 1)),
            "region",
            "gap",
            "height",
            "counted_for",
            *(f"share_{k}" for k in range(BINS)),
        )

    def __call__(self, hertz: Tensor, voiced: Tensor, speech_for: Tensor, state: Tensor) -> tuple[Low, Tensor]:
        """``hertz`` and ``voiced`` (B, subframes), the latter bool; ``speech_for`` (B,) seconds of the phrase so
        far."""
        s = self.unpack(state)
        shares = state[:, -BINS:]
        heard = torch.cat([state[:, : SPAN - 1], hertz * voiced], -1)
        around = torch.stack([heard[:, k : k + self.subframes] for k in range(SPAN)], -1).sort(-1).values
        steady, sounding = around[..., SPAN // 2], heard[:, SPAN // 2 : SPAN // 2 + self.subframes] > 0.0
        sounding = sounding & (steady > 0.0)
        tones = 12.0 / math.log(2.0) * torch.log(steady.clamp(min=30.0) / 100.0)

        limit, known = self._percentile(shares)
        region, gap, height = s["region"], s["gap"], s["height"]
        begins = torch.zeros_like(known)
        for k in range(self.subframes):
            here, tone = sounding[:, k], tones[:, k]
            low = here & (tone < limit) & known
            gap = torch.where(here, 0.0, (gap + 1.0).clamp(max=GAP + 1.0))
            before = region
            region = torch.where((here & ~low) | (gap > GAP), 0.0, region + low.to(tone.dtype)).clamp(max=1000.0)
            begins = begins | ((region >= LONG_FOR / self.step) & (before < LONG_FOR / self.step))
            height = torch.where(here & known, tone - limit, height)
        # Zero is the start of every state, so the time since is held as what is left of NEVER.
        since = NEVER - (s["counted_for"] - DT).clamp(min=0.0)
        begins = begins & (speech_for >= AFTER_SPEECH) & (since >= APART)
        since = torch.where(begins, 0.0, since)

        places = torch.floor((tones - LOWEST) / BIN).clamp(0.0, BINS - 1.0)
        bins = torch.arange(BINS, device=shares.device, dtype=shares.dtype)
        fresh = ((places[..., None] == bins) & sounding[..., None]).to(shares.dtype).sum(1)
        shares = shares * (1.0 - fresh.sum(-1, keepdim=True) / REMEMBERED) + fresh
        told = torch.stack([region, gap, height, NEVER - since], -1)
        return Low(begins, region * self.step, height, since), torch.cat([heard[:, -SPAN + 1 :], told, shares], -1)

    def _percentile(self, shares: Tensor) -> tuple[Tensor, Tensor]:
        """The low percentile (B,) in semitones, and whether the voice is known (B,), of a histogram (B, bins)."""
        total = shares.sum(-1, keepdim=True)
        before = shares.cumsum(-1) - shares
        filled = ((PERCENTILE * total - before) / shares.clamp(min=1e-3)).clamp(0.0, 1.0)
        return LOWEST + BIN * filled.sum(-1), total[:, 0] >= KNOWN
