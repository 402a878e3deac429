"""Which bridge belongs to which URL. Each is imported when it is wanted: only some need a package of `[bridges]`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from .address import Address
from .bridge import Bridge

NEEDS = {"vmc": ("pythonosc", "python-osc"), "vts": ("websockets", "websockets")}
"""By scheme the module that it needs, and the package that has it."""


def check(address: Address) -> None:
    """Raises ValueError in words where a package is missing."""
    module, package = NEEDS.get(address.scheme, ("", ""))
    if module and importlib.util.find_spec(module) is None:
        raise ValueError(f"bridge {address}: the package {package} is missing; pip install -e '.[bridges]'")


def made(address: Address, tell: Callable[[str], object]) -> Bridge:
    """The bridge to an address, not yet started."""
    if address.scheme == "vmc":
        from .vmc import Vmc

        return Vmc(address, tell)
    if address.scheme == "livelink":
        from .livelink import LiveLink

        return LiveLink(address, tell)
    if address.scheme == "ifacialmocap":
        from .ifacialmocap import IFacialMocap

        return IFacialMocap(address, tell)
    from .vts_bridge import Vts

    return Vts(address, tell)
