"""The live side: sources, rings, runtime, loop, publishing and the command line. Imports no torch."""

__version__ = "0.1.0"
