"""A bundle says of what source it was made; a changed tree is told, and refused where that was asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from export import revision as module
from export.errors import ExportError
from export.revision import BUNDLES, changed, require_clean, revision


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a source file and a bundle, committed."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "tree"
    (root / BUNDLES / "rules").mkdir(parents=True)
    (root / "model.py").write_text("one\n")
    (root / BUNDLES / "rules" / "card.md").write_text("one\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one")
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def test_a_clean_tree_is_named_by_its_commit(tree: Path):
    assert revision(tree) == git(tree, "rev-parse", "--short", "HEAD")
    assert changed(tree) == []
    require_clean(tree)


def test_bundles_being_written_are_no_change(tree: Path):
    (tree / BUNDLES / "rules" / "card.md").write_text("two\n")
    (tree / BUNDLES / "new").mkdir()
    (tree / BUNDLES / "new" / "card.md").write_text("two\n")
    (tree / "notes.txt").write_text("never added\n")
    assert not revision(tree).endswith("-dirty")
    require_clean(tree)


@pytest.mark.parametrize("staged", [False, True])
def test_a_changed_source_is_told_and_refused(tree: Path, staged: bool):
    (tree / "model.py").write_text("two\n")
    if staged:
        git(tree, "add", ".")
    assert revision(tree) == git(tree, "rev-parse", "--short", "HEAD") + "-dirty"
    with pytest.raises(ExportError, match=r"changed since the last commit: model\.py; commit"):
        require_clean(tree)


def test_long_lists_are_cut_and_names_are_whole(tree: Path):
    for number in range(30):
        (tree / f"fi le{number:02}é.py").touch()
    git(tree, "add", ".")
    with pytest.raises(ExportError, match=r"fi le00é.py, .*fi le19é.py and 10 more; commit"):
        require_clean(tree)


def test_a_part_of_a_larger_repository_answers_for_itself(tree: Path):
    part = tree / "part"
    (part / BUNDLES).mkdir(parents=True)
    (part / BUNDLES / "card.md").touch()
    (part / "own.py").touch()
    git(tree, "add", ".")
    assert changed(part) == ["own.py"]


def test_outside_a_repository_nothing_is_known(tmp_path: Path):
    assert revision(tmp_path) == "unknown"
    with pytest.raises(ExportError, match="no git repository"):
        require_clean(tmp_path)


def test_the_command_refuses_first(tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: object):
    from export import __main__ as command

    (tree / "model.py").write_text("two\n")
    monkeypatch.setattr(command, "require_clean", lambda: require_clean(tree))
    assert command.main(["listener_rules", str(tmp_path / "b"), "--require-clean"]) == 2
    assert "model.py" in capsys.readouterr().err  # type: ignore[attr-defined]
    assert not (tmp_path / "b").exists()


def test_the_project_itself_is_where_it_looks():
    assert (module.ROOT / "export" / "revision.py").is_file() and (module.ROOT / BUNDLES).is_dir()
    makefile = (module.ROOT / "Makefile").read_text("utf-8")
    exports = makefile.split("\nbundle:")[1].split("\nclean:")[0].split("-m export ")[1:]
    assert [item.split() for item in exports] == [["shipped", "--require-clean"]]
