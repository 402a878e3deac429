"""``python -m benchmarks NAME ...``: runs ``main`` of the module of that name; the last line of stdout is JSON.

``--log-level`` and ``--log-json`` may stand anywhere: what is no result is logged, on stderr.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

import benchmarks
from engine import logs
from engine.errors import EngineError


def available() -> list[str]:
    """Modules of this folder that have a ``main``, told from their text so that none is imported to be listed."""
    names = []
    for module in pkgutil.iter_modules(benchmarks.__path__):
        spec = module.module_finder.find_spec(module.name, None)
        loader = spec.loader if spec is not None else None
        source = loader.get_source(module.name) if loader is not None and hasattr(loader, "get_source") else ""
        if module.name != "__main__" and "\ndef main(" in (source or ""):
            names.append(module.name)
    return sorted(names)


def main(arguments: list[str]) -> int:
    """Exit code of the benchmark; 2 where there is none of that name, or it was refused."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    logs.add_arguments(parser)
    options, rest = parser.parse_known_args(arguments)
    name = rest[0] if rest else ""
    known = name in available()
    with logs.set_up(options):
        try:
            if not known:
                asked = f"no benchmark {name!r}; " if name not in ("", "-h", "--help") else ""
                raise EngineError(f"{asked}give one of: {', '.join(available())}")
            code: int = importlib.import_module(f"benchmarks.{name}").main(rest[1:])
        except EngineError as error:
            logs.refused(f"benchmarks {name}" if known else "benchmarks", error)
            return 2
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
