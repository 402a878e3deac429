"""``python -m engine`` and the ``engine`` command."""

import sys


def entry() -> int:
    """Run the command line. Ctrl-C while modules are still being imported ends as quietly as later."""
    try:
        from engine.cli import main

        return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(entry())
