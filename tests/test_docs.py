"""The documents tell the truth about the tree: short, lines that fit a screen, links and folders that exist, and a map
in which every file has its line. Their commands are run by ``test_docs_commands.py``."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
MAP = ROOT / "docs" / "map.py"
RESULTS = ROOT / "benchmarks" / "results"
LONGEST = {"README.md": 130, "train/README.md": 130, "docs/glossary.md": 20}
"""Lines a document may have."""
WIDEST = 120
MADE = "engine/data/bundles/*/card.md"
"""Cards are written by ``python -m export`` and hold its output as it was printed."""
NOTES, CARDS = "models/*/shipped/*.md", ROOT / "engine" / "data" / "bundles"
"""Notes become parts of cards; their links lead from there."""


def documents() -> list[Path]:
    """The Markdown files of the project."""
    kept = [*ROOT.glob("*.md"), *(path for folder in folders() for path in (ROOT / folder).rglob("*.md"))]
    assert len(kept) > 10
    return sorted(kept)


def folders() -> set[str]:
    """Top folders that hold Python files of the project."""
    inits = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    return {path.parent.name for path in ROOT.glob("*/*.py") if not path.parent.name.startswith(".")} | inits


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def printed(*arguments: str) -> dict[str, str]:
    """What ``docs/map.py`` prints: sentence by path."""
    command = [sys.executable, str(MAP), *arguments]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {path: rest.strip() for path, _, rest in (line.partition(" ") for line in lines)}


def test_the_map_has_a_line_for_every_file() -> None:
    shown = printed()
    there = [path for folder in folders() for path in (ROOT / folder).rglob("*.py")]
    assert {path for path in shown if path.endswith(".py")} == {
        named(path) for path in there if path.name != "__init__.py"
    }
    for path in there:
        place = named(path.parent) + "/" if path.name == "__init__.py" else named(path)
        docstring = " ".join((ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split())
        first = shown[place].replace("`", "")
        plain = re.sub(r":\w+:", "", docstring).replace("`", "").replace("~", "")
        assert plain.startswith(first) and (first or not docstring), place
        assert not first or re.match(r"[.?!]?(\s|$)", plain[len(first) :]), f"{place}: {first}"


def test_the_map_of_a_folder_holds_nothing_else() -> None:
    shown = printed("train/run")
    assert shown["train/run/"] and {"train/run/trainer.py"} < set(shown)
    assert all(path.startswith("train/run/") for path in shown)


def test_a_file_that_says_nothing_of_itself_fails_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(MAP.parent))
    import map as drawn  # type: ignore[import-not-found]

    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text('"""All of it. And more."""\n')
    (tmp_path / "engine" / "said.py").write_text('"""What is said:\nin ``two`` lines (e.g.these). Not this."""\n')
    assert drawn.main([], tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "engine/ All of it",
        "engine/said.py What is said: in `two` lines (e.g.these)",
    ]
    (tmp_path / "engine" / "mute.py").write_text("x = 1\n")
    assert drawn.main(["engine"], tmp_path) == 1
    assert "engine/mute.py: no opening docstring" in capsys.readouterr().err
    assert drawn.main(["nowhere"], tmp_path) == 2
    assert "no folder nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("name", LONGEST)
def test_a_newcomer_reads_it_to_the_end(name: str) -> None:
    assert len((ROOT / name).read_text("utf-8").splitlines()) <= LONGEST[name]


def test_no_line_is_wider_than_the_screen() -> None:
    """Rows of tables are left out, since Markdown cannot break them, and so are cards, which :data:`MADE` names."""
    wide = [
        f"{named(path)}:{number}: {len(line)} characters"
        for path in documents()
        if not path.match(MADE)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > WIDEST and not (line.startswith("|") and named(path) not in LONGEST)
    ]
    assert not wide


def test_links_lead_somewhere() -> None:
    broken = [
        f"{named(path)}: {target}"
        for path in documents()
        for target in re.findall(r"\]\((?!https?:)([^)#\s]+)\)", path.read_text("utf-8"))
        if not ((CARDS / path.stem if path.match(NOTES) else path.parent) / target).exists()
    ]
    assert not broken


def trees() -> list[tuple[Path, str]]:
    """(document, folder) for every line of the trees in the documents: a block in which each line is a path that ends
    in a slash, from the folder of the document, and what is in it."""
    found = []
    for path in documents():
        for block in re.findall(r"^```text\n(.*?)^```", path.read_text("utf-8"), re.S | re.M):
            lines = block.splitlines()
            if all(re.match(r"\s*[\w./-]+/\s", line) for line in lines):
                found += [(path, line.split()[0]) for line in lines]
    return found


def test_folders_of_the_trees_exist_and_none_is_left_out() -> None:
    shown = trees()
    assert not [f"{named(path)}: {folder}" for path, folder in shown if not (path.parent / folder).is_dir()]
    assert {folder.rstrip("/") for path, folder in shown if path == ROOT / "README.md"} >= folders()
    for path in {path for path, _ in shown} - {ROOT / "README.md"}:
        inside = {init.parent.name for init in path.parent.glob("*/__init__.py")}
        assert {folder.rstrip("/") for where, folder in shown if where == path} >= inside, named(path)


def test_benchmarks_of_the_documents_exist() -> None:
    names = {name for path in documents() for name in re.findall(r"-m benchmarks ([a-z_]+)", path.read_text("utf-8"))}
    there = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    there |= {path.parent.name for path in (ROOT / "benchmarks").glob("*/__init__.py")}
    assert names and not names - there


def measured(name: str) -> dict[str, Any]:
    """The JSON line that ends a benchmark's output in ``benchmarks/results``."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.txt").read_text("utf-8").splitlines()[-1])
    return found


def row(name: str, title: str, which: int) -> str:
    """A figure with its interval in an evaluation's output: of the first line that begins so, counted from 0."""
    line = next(line for line in (RESULTS / f"{name}.txt").read_text("utf-8").splitlines() if line.startswith(title))
    return re.findall(r"-?[\d.]+ \[[^]]+\]", line)[which]


def test_figures_of_the_readme_are_those_measured() -> None:
    latency, knee = measured("latency_demo_600s"), measured("throughput_rules")["knee"]
    sent = latency["ms"]["capture to publish"]
    steps = [
        measured(f"step_{bundle}")["batches"][0] for bundle in ("rules", "reaction", "dance", "text_motion", "gesture")
    ]
    recognised = (RESULTS / "evaluate_dance.txt").read_text("utf-8").partition("Recognition")[2]
    of_real = next(line for line in recognised.splitlines() if line.startswith("dance "))
    rooms = measured("rooms")["rows"]
    spoken = {name: row["rules"]["nods"] / row["rules"]["minutes"] for name, row in rooms.items()}
    rooms_from, rooms_to = list(spoken).index("clean voice, -26 dBFS"), list(spoken).index("telephone")
    heard = list(spoken.values())[rooms_from:rooms_to]  # levels, and what cables and sound cards do
    clean = heard[0]
    assert latency["missed"] == latency["late"] == latency["held"] == 0
    wanted = [
        f"p50 {sent['p50']:.1f} ms, p99 {sent['p99']:.1f} ms, longest {sent['max']:.1f} ms",
        f"of {latency['frames']:,} frames".replace(",", " "),
        f"{latency['memory_mib']['last']:.0f} MiB",
        f"p50 {', '.join(format(step['p50_us'] / 1000, '.2f') for step in steps)} ms: ",
        f" ms: {', '.join(str(int(step['streams_per_core'])) for step in steps)} streams a core |",
        f"| {knee}, with the clients",
        f"| {clean:.1f}; {min(heard):.1f} to {max(heard):.1f} |",
        f"`reaction` {row('evaluate_reaction', 'reaction ', 0)}, `rules` {row('evaluate_reaction', 'rules ', 0)}",
        f"| {re.findall(r'[0-9.]+ .[^]]+.', of_real)[1]} |",
        f"| {row('evaluate_text_motion', 'text_motion, window ', 2)}, chance",
        f"`gesture` {row('evaluate_gesture', 'gesture ', 2)}, a rule {row('evaluate_gesture', 'beat rule ', 2)} |",
    ]
    text = (ROOT / "README.md").read_text("utf-8")
    assert not [words for words in wanted if words not in text]
