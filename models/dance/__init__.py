"""The dancer (PirouNet, live): effort and a partner in, an endless dance out; and the meter that reads efforts."""

from models.dance.canonical import canonical
from models.dance.config import LEVELS, SIZES, DanceConfig
from models.dance.meter import EffortMeter
from models.dance.meter import build as build_meter
from models.dance.model import Dance, build

__all__ = ["LEVELS", "SIZES", "Dance", "DanceConfig", "EffortMeter", "build", "build_meter", "canonical"]
