"""The documents tell the truth about the tree: a line for every file, none that is not there, commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("engine", "models", "export", "train", "clients", "benchmarks")
FOLDER_PATTERN = "|".join(FOLDERS)


def test_the_file_map_is_whole() -> None:
    listed = set(re.findall(rf"^((?:{FOLDER_PATTERN})/\S+\.py) ", (ROOT / "docs" / "files.md").read_text(), re.M))
    there = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py" or path.parent.parent == ROOT
    }
    assert listed == there


def test_every_engine_command_of_the_readme_exists() -> None:
    names = "serve|set|doctor|devices|assets|demo|stats|replay|keys|bvh"
    commands = set(re.findall(rf"\bengine ({names})\b", (ROOT / "README.md").read_text()))
    shown = subprocess.run(
        [sys.executable, "-m", "engine", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert commands and all(command in shown for command in commands)


def test_links_of_the_documents_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md", "docs/architecture.md"):
        text = (ROOT / name).read_text()
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"
