"""``python -m benchmarks NAME ...``: runs ``main`` of the module of that name; the last line of stdout is JSON."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks
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
    if not arguments or arguments[0] not in available():
        asked = f"no benchmark {arguments[0]!r}; " if arguments and arguments[0] not in ("-h", "--help") else ""
        print(f"{asked}give one of: {', '.join(available())}", file=sys.stderr)
        return 2
    try:
        code: int = importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:])
    except EngineError as error:
        print(f"benchmarks {arguments[0]}: {error}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
