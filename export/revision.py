"""Which source a bundle is made of: the revision, and whether the working tree differs from it.

Bundles that are being written into the tree are no part of their own source, so changes inside :data:`BUNDLES` do not
count. Files that git does not know do not count either, as for ``git describe --dirty``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from export.errors import ExportError

ROOT = Path(__file__).resolve().parent.parent
BUNDLES = "engine/data/bundles"
_MOST_TOLD = 20


def revision(root: Path = ROOT) -> str:
    """What git calls the source, with ``-dirty`` where it was changed; ``unknown`` outside a repository."""
    said = _git(root, "describe", "--always", "--tags")
    if said is None:
        return "unknown"
    return said.strip() + ("-dirty" if changed(root) else "")


def changed(root: Path = ROOT) -> list[str]:
    """Files of the source that differ from the revision, by their paths from ``root``."""
    said = _git(root, "diff", "--name-only", "--relative", "-z", "HEAD", "--", ".", f":(exclude){BUNDLES}")
    return [] if said is None else sorted(filter(None, said.split("\0")))


def require_clean(root: Path = ROOT) -> None:
    """Raise :class:`ExportError` naming what was changed, or that there is no revision to name."""
    if revision(root) == "unknown":
        raise ExportError("--require-clean: the source is in no git repository, so a bundle could not say what made it")
    files = changed(root)
    if files:
        more = f" and {len(files) - _MOST_TOLD} more" if len(files) > _MOST_TOLD else ""
        raise ExportError(
            f"--require-clean: changed since the last commit: {', '.join(files[:_MOST_TOLD])}{more}; commit or undo "
            "that, so that the bundle says of what source it was made"
        )


def _git(root: Path, *arguments: str) -> str | None:
    """What a git command printed; None where there is no git, or no repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
