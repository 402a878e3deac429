"""What the families that listen share: their inputs, cells of per-frame state, and the reading of a voice's prosody.

Nothing here belongs to one listener. What a listener tunes (which pause counts as a cue) it states itself and hands
over, so turning one listener never changes what another hears.
"""

from models.listening.cell import RecurrentCell
from models.listening.inputs import FRAME_RATE, HOP, SAMPLE_RATE, SELF_SPEAKING, partner_inputs
from models.listening.prosody import CueRules, Prosody, ProsodyTracker

__all__ = [
    "FRAME_RATE",
    "HOP",
    "SAMPLE_RATE",
    "SELF_SPEAKING",
    "CueRules",
    "Prosody",
    "ProsodyTracker",
    "RecurrentCell",
    "partner_inputs",
]
