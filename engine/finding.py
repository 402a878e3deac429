"""What an examination (``engine doctor``) finds of one part, for a person or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from engine.errors import EngineError

State = Literal["ok", "missing", "FAILED"]


@dataclass(frozen=True)
class Finding:
    """``said``: what was found, and where ``state`` is not "ok" what helps. "FAILED" is why nothing moves; what is
    "missing" a session can do without."""

    part: str
    state: State
    said: str

    def line(self) -> str:
        """For a person; further lines stand under the first."""
        sign = "ok " if self.state == "ok" else f"{self.state}:"
        return f"{self.part:>14}  {sign} {self.said}".replace("\n", "\n" + " " * 20)

    def json(self) -> str:
        """As one JSON object."""
        return json.dumps(asdict(self))


def tried(part: str, check: Callable[[], str], bad: State) -> Finding:
    """What ``check`` returns, or why it raised: whatever it is, the parts that follow have to be tried as well."""
    try:
        return Finding(part, "ok", check())
    except Exception as error:
        kind = "" if isinstance(error, EngineError) else f"{type(error).__name__}: "
        return Finding(part, bad, f"{kind}{error}")


def tell(findings: Iterator[Finding], as_json: bool) -> int:
    """Print each as it comes; 1 where one failed, otherwise 0."""
    failed = False
    for one in findings:
        print(one.json() if as_json else one.line(), flush=True)
        failed |= one.state == "FAILED"
    return int(failed)
