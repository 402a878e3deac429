"""Compile the Unity package and its tests into a folder: ``python -m tests.clients.unity.build FOLDER``.

Runs in a process of its own, as a .NET runtime cannot be left again. Each part is compiled as C# 9 with warnings as
errors, and against no more than its asmdef lets it see: the core without Unity. Prints what the compiler says, a line
each; the exit status is 1 if that is anything. Then checks that the core uses no type beyond .NET Standard 2.1.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.unity import toolchain

HERE = Path(__file__).parent
PACKAGE = HERE.parents[2] / "clients" / "unity"
CONFIG = {"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "3.1.0"}}}
TESTS = "Tests"
PASSED = ("CS0649",)
"""A field that no code sets: the inspector does, and Unity's own compiler does not warn of those either."""
MANAGED = ("System.", "Microsoft.", "netstandard", "mscorlib")


@dataclass(frozen=True)
class Part:
    """An assembly: its sources, the parts it sees, the symbols that are defined."""

    name: str
    sources: Path
    sees: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()


PARTS = (
    Part("Core", PACKAGE / "Runtime" / "Core"),
    Part("Stubs", HERE / "stubs"),
    Part("Unity", PACKAGE / "Runtime" / "Unity", ("Core", "Stubs")),
    Part("Unity_newer", PACKAGE / "Runtime" / "Unity", ("Core", "Stubs"), ("UNITY_2023_1_OR_NEWER",)),
    Part("NetMQ", PACKAGE / "Runtime" / "NetMQ", ("Core", "Stubs"), ("REACTION_NETMQ",)),
    Part("Vrm10", PACKAGE / "Runtime" / "Vrm10", ("Core", "Unity", "Stubs"), ("REACTION_VRM10",)),
    Part("Editor", PACKAGE / "Editor", ("Core", "Unity", "Stubs"), ("UNITY_EDITOR",)),
    Part("Sample", PACKAGE / "Samples~" / "Listener", ("Core", "Unity", "Stubs")),
    Part(TESTS, HERE / "cs", ("Core",)),
)


def load(folder: Path) -> None:
    """Start the runtime and load the compiler beside the runtime's own, older assemblies."""
    import clr_loader
    import pythonnet

    config = folder / "compiler.runtimeconfig.json"
    config.write_text(json.dumps(CONFIG))
    pythonnet.set_runtime(clr_loader.get_coreclr(runtime_config=str(config), dotnet_root=str(toolchain.dotnet())))
    import clr  # noqa: F401
    from System.Runtime.Loader import AssemblyLoadContext

    context = AssemblyLoadContext("compiler")
    for name in toolchain.ASSEMBLIES:
        context.LoadFromAssemblyPath(str(toolchain.roslyn() / f"{name}.dll"))


def framework() -> list[Path]:
    """The runtime's assemblies that hold code of .NET."""
    folder = next((toolchain.dotnet() / "shared" / "Microsoft.NETCore.App").iterdir())
    return [path for path in sorted(folder.glob("*.dll")) if path.name.startswith(MANAGED)]


def compile_part(part: Part, folder: Path) -> list[str]:
    """What the compiler says about a part; its assembly is in ``folder`` if that is nothing."""
    from Microsoft.CodeAnalysis import DiagnosticSeverity, MetadataReference, OutputKind, SyntaxTree
    from Microsoft.CodeAnalysis.CSharp import (
        CSharpCompilation,
        CSharpCompilationOptions,
        CSharpParseOptions,
        CSharpSyntaxTree,
        LanguageVersion,
    )
    from System.Collections.Generic import List
    from System.IO import MemoryStream

    symbols: Any = List[str]()
    for symbol in part.defines:
        symbols.Add(symbol)
    parsing = CSharpParseOptions(LanguageVersion.CSharp9).WithPreprocessorSymbols(symbols)
    trees: Any = List[SyntaxTree]()
    for path in sorted(part.sources.rglob("*.cs")):
        trees.Add(CSharpSyntaxTree.ParseText(path.read_text("utf-8"), parsing, str(path)))
    seen: Any = List[MetadataReference]()
    for path in (*framework(), *(folder / f"{name}.dll" for name in part.sees)):
        seen.Add(MetadataReference.CreateFromFile(str(path)))
    kind = OutputKind.ConsoleApplication if part.name == TESTS else OutputKind.DynamicallyLinkedLibrary
    compilation = CSharpCompilation.Create(part.name, trees, seen, CSharpCompilationOptions(kind))
    stream = MemoryStream()
    result = compilation.Emit(stream)
    wrong = [
        each for each in result.Diagnostics if each.Severity != DiagnosticSeverity.Hidden and each.Id not in PASSED
    ]
    told = [str(each) for each in wrong]
    if not told:
        (folder / f"{part.name}.dll").write_bytes(bytes(stream.ToArray()))
    return told


def beyond_standard(assembly: Path) -> list[str]:
    """Types that an assembly uses and .NET Standard 2.1 has not. (Members of types it has are not looked at.)"""
    from System.IO import File, MemoryStream
    from System.Reflection.Metadata import MetadataReader, MetadataReaderProvider, PEReaderExtensions  # noqa: F401
    from System.Reflection.PortableExecutable import PEReader

    def reader(path: Path) -> Any:
        return PEReaderExtensions.GetMetadataReader(PEReader(MemoryStream(File.ReadAllBytes(str(path)))))

    standard = reader(next(path for path in framework() if path.name == "netstandard.dll"))
    known = set()
    for handle in standard.ExportedTypes:
        kept = standard.GetExportedType(handle)
        known.add((standard.GetString(kept.Namespace), standard.GetString(kept.Name)))
    ours = reader(assembly)
    used = set()
    for handle in ours.TypeReferences:
        kept = ours.GetTypeReference(handle)
        used.add((ours.GetString(kept.Namespace), ours.GetString(kept.Name)))
    return sorted(".".join(name) for name in used - known)


def main(folder: Path) -> int:
    """The exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    load(folder)
    said = 0
    for part in PARTS:
        for line in compile_part(part, folder):
            print(f"{part.name}: {line}")
            said += 1
        if part.name == "Core" and not said:
            for name in beyond_standard(folder / "Core.dll"):
                print(f"Core: {name} is not in .NET Standard 2.1")
                said += 1
    (folder / f"{TESTS}.runtimeconfig.json").write_text(json.dumps(CONFIG))
    return 1 if said else 0


if __name__ == "__main__":
    place = Path(sys.argv[1]).resolve()
    wanted = toolchain.environment(place / "libraries")
    if os.environ.get("LD_LIBRARY_PATH") != wanted["LD_LIBRARY_PATH"] and "--again" not in sys.argv:
        # libraries are looked for where the environment said at the start of the process
        os.execve(sys.executable, [sys.executable, "-m", "tests.clients.unity.build", str(place), "--again"], wanted)
    sys.exit(main(place))
