"""Unity's .meta files of the package: ``python -m tests.clients.unity.metas`` writes those that are missing.

A package from a git URL lies in a folder that Unity does not write to; what has no .meta there is ignored. An asset's
GUID is made of its path, so that writing them again changes nothing; a file that is moved takes its .meta along.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "clients" / "unity"
IMPORTERS = {
    ".cs": "MonoImporter",
    ".asmdef": "AssemblyDefinitionImporter",
    ".json": "PackageManifestImporter",
    ".md": "TextScriptImporter",
}


def assets() -> Iterator[Path]:
    """Files and folders that Unity imports: none that is hidden or ends with ~, nor what is in such."""
    for path in sorted(PACKAGE.rglob("*")):
        parts = path.relative_to(PACKAGE).parts
        if path.suffix != ".meta" and not any(part.startswith(".") or part.endswith("~") for part in parts):
            yield path


def meta(path: Path) -> Path:
    """Where an asset's .meta belongs."""
    return path.with_name(path.name + ".meta")


def text(path: Path) -> str:
    """An asset's .meta."""
    guid = hashlib.md5(f"reaction-engine/{path.relative_to(PACKAGE).as_posix()}".encode()).hexdigest()
    folder = "folderAsset: yes\n" if path.is_dir() else ""
    importer = IMPORTERS.get(path.suffix, "DefaultImporter")
    rest = "  externalObjects: {}\n  userData: \n  assetBundleName: \n  assetBundleVariant: \n"
    return f"fileFormatVersion: 2\nguid: {guid}\n{folder}{importer}:\n{rest}"


if __name__ == "__main__":
    for asset in assets():
        if not meta(asset).exists():
            meta(asset).write_text(text(asset))
            print(meta(asset).relative_to(PACKAGE))
