"""The live side: sources, rings, runtime, loop, publishing and the command line. Imports no torch."""
