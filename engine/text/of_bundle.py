"""What encodes a bundle's texts and numbers its words; the libraries are loaded only for a bundle that has any."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.bundle import Bundle

if TYPE_CHECKING:
    from engine.text.conditioner import Conditioner


def conditioner_of(bundle: Bundle) -> Conditioner | None:
    """What encodes the texts of a bundle; None for one that takes none, which then needs no such library."""
    if not bundle.spec.texts:
        return None
    from engine.text.conditioner import Conditioner

    return Conditioner(bundle)


def ids_of(bundle: Bundle) -> Callable[[str], int]:
    """What numbers the words of a bundle."""
    if not bundle.spec.by_role("words"):
        return lambda _: 0
    from engine.text.vocabulary import Vocabulary

    return Vocabulary(bundle).number
