"""A family is listed once: its commands, evaluation and checks are found in its folder, also those of a sixth one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from models import registry
from models.registry import FAMILIES, Family
from train import families
from train.__main__ import SHARED, main

ROOT = Path(__file__).parents[2]
LEARNED = ["reaction", "dance", "text_motion", "gesture", "conversation"]


def test_every_learned_family_is_trained_evaluated_and_exported() -> None:
    assert families.learned() == LEARNED
    for part in ("command", "evaluation.command", "check"):
        assert families.having(part) == families.learned()
    assert families.having("labelling") == ["dance"] and families.having("nothing.at.all") == []
    for name in families.learned():
        assert FAMILIES[name].models and set(FAMILIES[name].bundles.values()) <= set(FAMILIES[name].models)


def test_every_command_has_options_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*families.learned(), *SHARED, *families.tools()):
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert f"python -m train {name}" in capsys.readouterr().out


def test_help_loads_no_heavy_package() -> None:
    code = "import sys; from train.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'lightning', 'matplotlib'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)


def test_a_sixth_family_touches_no_file_of_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("sixth", "sixth/evaluation"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("")
    (tmp_path / "sixth" / "evaluation" / "command.py").write_text(
        "def add_arguments(parser):\n    parser.add_argument('--much', type=int)\n"
        "def run(args):\n    print('measured', args.much)\n"
    )
    (tmp_path / "sixth" / "__init__.py").write_text(
        "from train.families import Command\nTOOLS = {'turn': Command('train.sixth.turn', 'turn it')}\n"
    )
    (tmp_path / "sixth" / "turn.py").write_text(
        "def add_arguments(parser):\n    pass\ndef run(args):\n    print('turned')\n    return 3\n"
    )
    import train

    monkeypatch.setattr(train, "__path__", [*train.__path__, str(tmp_path)])
    monkeypatch.setitem(registry.FAMILIES, "sixth", Family("the sixth, on nothing", {}))
    try:
        assert families.having("evaluation.command") == [*LEARNED, "sixth"]
        assert main(["evaluate", "sixth", "--much", "6"]) == 0 and "measured 6" in capsys.readouterr().out
        assert main(["turn"]) == 3 and "turned" in capsys.readouterr().out
    finally:
        for name in [name for name in sys.modules if name.startswith("train.sixth")]:
            del sys.modules[name]


def test_the_log_options_come_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--log-json", "reaction", "--data", "/nowhere", "--out", "/nowhere/out"]) == 2
    said = capsys.readouterr().err
    assert said.startswith('{"time": ') and '"level": "error"' in said and "no such folder" in said
