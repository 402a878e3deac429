"""A bundle is what training hands to serving: a folder with a manifest, one ONNX step and a card for people.

``manifest.yaml`` says what the step is (its :class:`~engine.spec.StreamSpec`), where it came from and under which
licence, how far it may stray from the model it was exported from, and the size and SHA-256 of every file. Loading
checks all of that before anything is run: YAML is read in safe mode, no pickle and no code of the bundle is executed,
and what does not match is refused with the reason.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from engine.errors import EngineError
from engine.spec import SpecError, StreamSpec

FORMAT = 2
MANIFEST = "manifest.yaml"
STEP = "step.onnx"
CARD = "card.md"
BUNDLES = Path(__file__).parent / "data" / "bundles"
MANIFEST_LIMIT = 4 << 20

T = TypeVar("T")


class BundleError(EngineError):
    """A bundle cannot be used; the message names the bundle, what is wrong with it and the remedy."""


@dataclass(frozen=True)
class OnnxFile:
    """The graph of a bundle: its file name, opset and IR version, and the precision of its weights (``fp32``)."""

    file: str
    opset: int
    ir: int
    precision: str


@dataclass(frozen=True)
class Bundle:
    """A checked bundle. ``path`` is its folder; ``tolerance`` maps a runtime (``onnx_fp32``) to the largest difference
    from the source model, relative to ``max(1, |value|)``, that its export accepted, and ``parity`` to what was
    measured. Channels are not normalised: a model's outputs are in the units its spec names."""

    path: Path
    name: str
    version: str
    spec: StreamSpec
    onnx: OnnxFile
    licence: str
    description: str
    training_data: str
    credits: str
    command: str
    commit: str
    tolerance: Mapping[str, float] = field(default_factory=dict)
    parity: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @classmethod
    def load(cls, which: str | Path) -> Bundle:
        """The bundle of a bundled name or a folder, checked whole. Raises :class:`BundleError` with the reason."""
        path = _resolve(which)
        data = _manifest(path)
        version = data.get("format")
        if version != FORMAT:
            raise BundleError(
                f"{path}: manifest format {version!r}, this engine reads {FORMAT}; export the model again"
            )
        try:
            spec = StreamSpec.from_dict(_field(path, data, "spec", dict))
        except SpecError as error:
            raise BundleError(f"{path}: {error}; export the model again") from error
        except (ValueError, ArithmeticError) as error:
            raise BundleError(f"{path}: spec does not read: {error}; export the model again") from error
        graph = _field(path, data, "onnx", dict)
        bundle = cls(
            path=path,
            name=_field(path, data, "name", str),
            version=_field(path, data, "version", str),
            spec=spec,
            onnx=OnnxFile(
                _field(path, graph, "file", str),
                _field(path, graph, "opset", int),
                _field(path, graph, "ir", int),
                _field(path, graph, "precision", str),
            ),
            files=_files(path, _field(path, data, "files", dict)),
            licence=_field(path, data, "licence", str),
            description=_field(path, data, "description", str),
            training_data=_field(path, data, "training_data", str),
            credits=_field(path, data, "credits", str),
            command=_field(path, data, "command", str),
            commit=_field(path, data, "commit", str),
            tolerance=_numbers(path, data, "tolerance"),
            parity=_numbers(path, data, "parity"),
        )
        for name in (bundle.onnx.file, CARD):
            if name not in bundle.files:
                raise BundleError(f"{path}: {name} is not listed in {MANIFEST}; export the model again")
        for name in bundle.files:
            bundle.read(name)
        return bundle

    def read(self, name: str) -> bytes:
        """The bytes of one listed file, verified against the manifest as they are read."""
        digest, size = self.files[name]
        try:
            content = (self.path / name).read_bytes()
        except OSError as error:
            raise BundleError(
                f"{self.path}: {name} cannot be read ({error.strerror}); copy the bundle again"
            ) from error
        if len(content) != size:
            raise BundleError(f"{self.path}: {name} has {len(content)} bytes, the manifest says {size}; copy it again")
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise BundleError(
                f"{self.path}: {name} has SHA-256 {found[:12]}..., the manifest says {digest[:12]}...; "
                "it was changed after export: copy or export it again"
            )
        return content

    def write(self, step: bytes, card: str) -> Bundle:
        """Write the three files into ``path`` (made if absent, files of those names replaced) and load them again.
        ``files`` is computed, what this object holds there is not looked at."""
        contents = {self.onnx.file: step, CARD: card.encode()}
        manifest = {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "licence": self.licence,
            "training_data": self.training_data,
            "credits": self.credits,
            "command": self.command,
            "commit": self.commit,
            "onnx": dataclasses.asdict(self.onnx),
            "normalisation": "none: channels are in the units the spec names",
            "tolerance": dict(self.tolerance),
            "parity": dict(self.parity),
            "files": {
                name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                for name, content in contents.items()
            },
            "spec": self.spec.to_dict(),
        }
        self.path.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (self.path / name).write_bytes(content)
        text = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)
        (self.path / MANIFEST).write_text(text, "utf-8")
        return Bundle.load(self.path)


def bundled() -> list[str]:
    """Names of the bundles that ship with the engine, sorted."""
    return sorted(item.parent.name for item in BUNDLES.glob(f"*/{MANIFEST}"))


def _resolve(which: str | Path) -> Path:
    if str(which) in bundled():
        return BUNDLES / which
    path = Path(which)
    known = ", ".join(bundled()) or "none"
    if not path.is_dir():
        raise BundleError(f"no bundle {str(which)!r}: give a folder that holds {MANIFEST}, or one of: {known}")
    if not (path / MANIFEST).is_file():
        raise BundleError(
            f"{path}: no {MANIFEST} in it; give a folder that `python -m export` wrote or one of: {known}"
        )
    return path


def _manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    if file.stat().st_size > MANIFEST_LIMIT:
        raise BundleError(f"{path}: {MANIFEST} is larger than {MANIFEST_LIMIT >> 20} MiB; that is not a manifest")
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, OSError) as error:
        reason = " ".join(str(error).split())
        raise BundleError(f"{path}: {MANIFEST} does not read as YAML ({reason}); copy the bundle again") from error
    if not isinstance(data, dict):
        raise BundleError(f"{path}: {MANIFEST} holds a {type(data).__name__}, not a mapping; copy the bundle again")
    return data


def _field(path: Path, data: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = data.get(name)
    if not isinstance(value, kind):
        raise BundleError(f"{path}: {MANIFEST} has {name} = {value!r}, it must be a {kind.__name__}; export again")
    return value


def _numbers(path: Path, data: Mapping[str, Any], name: str) -> dict[str, float]:
    values = _field(path, data, name, dict)
    return {str(key): float(_field(path, values, key, float)) for key in values}


def _files(path: Path, entries: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    files = {}
    for name, entry in entries.items():
        if not isinstance(name, str) or Path(name).name != name or "\\" in name or not isinstance(entry, dict):
            raise BundleError(f"{path}: {MANIFEST} lists file {name!r}; only plain names inside the folder are allowed")
        files[name] = (_field(path, entry, "sha256", str), _field(path, entry, "bytes", int))
    return files
