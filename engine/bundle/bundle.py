"""The bundle as the engine holds it: loaded, checked and read; and written, by an export."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.bundle.errors import BundleError
from engine.bundle.files import exactly, regular
from engine.bundle.graph import check_graph
from engine.bundle.manifest import CARD, MANIFEST, EncoderFiles, Listed, Manifest, OnnxFile, read_manifest
from engine.spec import StreamSpec

BUNDLES = Path(__file__).parent.parent / "data" / "bundles"
DEFAULT = "reaction"
"""The bundle that is served where none is named: the listener whose nods are timed best."""


@dataclass(frozen=True)
class Bundle:
    """A checked bundle. ``path`` is its folder; ``tolerance`` maps a runtime (``onnx_fp32``) to the largest difference
    from the source model, relative to ``max(1, |value|)``, that its export accepted, and ``parity`` to what was
    measured. ``encoders`` says how the texts of inputs of role text become vectors, ``vocabulary`` names the file that
    numbers words. Channels are not normalised: a model's outputs are in the units its spec names.

    Found out while it is loaded: ``contrib``, the operators beyond the ONNX standard that its graphs use; ``digest``,
    the SHA-256 of its manifest and so, as that lists the hashes of all files, of the whole; ``ours``, whether this
    process wrote it itself.
    """

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
    encoders: Mapping[str, EncoderFiles] = field(default_factory=dict)
    vocabulary: str = ""
    contrib: tuple[str, ...] = ()
    digest: str = ""
    ours: bool = field(default=False, compare=False)

    @classmethod
    def load(cls, which: str | Path) -> Bundle:
        """The bundle of a bundled name or a folder, checked whole. Raises :class:`BundleError` with the reason."""
        path = _resolve(which)
        manifest, digest = read_manifest(path)
        bundle = cls(
            path=path,
            name=manifest.name,
            version=manifest.version,
            spec=manifest.spec,
            onnx=manifest.onnx,
            licence=manifest.licence,
            description=manifest.description,
            training_data=manifest.training_data,
            credits=manifest.credits,
            command=manifest.command,
            commit=manifest.commit,
            tolerance=manifest.tolerance,
            parity=manifest.parity,
            files={name: (item.sha256, item.bytes) for name, item in manifest.files.items()},
            encoders=manifest.encoders,
            vocabulary=manifest.vocabulary,
            digest=digest,
        )
        lacking = bundle.lacking()
        if lacking:
            raise BundleError(f"{path}: {'; '.join(lacking)}; export the model again")
        return dataclasses.replace(bundle, contrib=bundle._looked_through())

    @property
    def graphs(self) -> tuple[str, ...]:
        """The names of all its ONNX files."""
        return tuple(dict.fromkeys((self.onnx.file, *(item.onnx for item in self.encoders.values()))))

    def lacking(self) -> list[str]:
        """In words, which texts and words of its spec have no encoder or vocabulary, and which of these no input."""
        texts = {item.name for item in self.spec.texts}
        words = [item.name for item in self.spec.by_role("words")]
        found = [f"text input {name!r} has no encoder" for name in sorted(texts - set(self.encoders))]
        found += [f"encoder for {name[:60]!r}, which is no text input" for name in sorted(set(self.encoders) - texts)]
        if words and not self.vocabulary:
            found += [f"words input {name!r} has no vocabulary" for name in words]
        if self.vocabulary and not words:
            found.append(f"vocabulary {self.vocabulary}, and no input of role words")
        return found

    def remarks(self) -> list[str]:
        """What whoever serves it may want to know, in words."""
        if not self.contrib:
            return []
        shown = ", ".join(self.contrib[:8]) + (f" and {len(self.contrib) - 8} more" if len(self.contrib) > 8 else "")
        return [f"uses operators that ONNX Runtime alone has: {shown}"]

    def read(self, name: str) -> bytes:
        """The bytes of one listed file, verified against the manifest as they are read."""
        digest, size = self.files[name]
        with regular(self.path, name) as (file, found):
            if found != size:
                raise BundleError(f"{self.path}: {name} has {found} bytes, the manifest says {size}; copy it again")
            content = exactly(self.path, name, file, size)
        hashed = hashlib.sha256(content).hexdigest()
        if hashed != digest:
            raise BundleError(
                f"{self.path}: {name} has SHA-256 {hashed[:12]}..., the manifest says {digest[:12]}...; "
                "it was changed after export: copy or export it again"
            )
        return content

    def further(self) -> dict[str, bytes]:
        """Its files beside graph and card, by name: those of encoders and vocabulary."""
        return {name: self.read(name) for name in self.files if name not in (self.onnx.file, CARD)}

    def write(self, step: bytes, card: str, more: Mapping[str, bytes] | None = None) -> Bundle:
        """Write manifest, graph, card and further files (``more``, by name: those of encoders and vocabulary) into
        ``path`` (made if absent, files of those names replaced) and load them again. ``files`` is computed, what this
        object holds there is not looked at."""
        contents = {self.onnx.file: step, CARD: card.encode(), **(more or {})}
        listed = {name: Listed(hashlib.sha256(content).hexdigest(), len(content)) for name, content in contents.items()}
        try:
            manifest = Manifest(
                name=self.name,
                version=self.version,
                description=self.description,
                licence=self.licence,
                training_data=self.training_data,
                credits=self.credits,
                command=self.command,
                commit=self.commit,
                onnx=self.onnx,
                normalisation="none: channels are in the units the spec names",
                tolerance=dict(self.tolerance),
                parity=dict(self.parity),
                files=listed,
                spec=self.spec,
                encoders=dict(self.encoders),
                vocabulary=self.vocabulary,
            )
        except ValueError as error:
            raise BundleError(f"{self.path}: {error}; no bundle was written") from None
        self.path.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (self.path / name).write_bytes(content)
        (self.path / MANIFEST).write_text(manifest.text(), "utf-8")
        return dataclasses.replace(Bundle.load(self.path), ours=True)

    def _looked_through(self) -> tuple[str, ...]:
        """Read every listed file once; the operators beyond the standard of those that are graphs."""
        contrib: set[str] = set()
        for name in self.files:
            content = self.read(name)
            if name in self.graphs:
                try:
                    contrib |= set(check_graph(content, name))
                except BundleError as error:
                    raise BundleError(f"{self.path}: {error}") from None
        return tuple(sorted(contrib))


def bundled() -> list[str]:
    """Names of the bundles that ship with the engine, sorted."""
    return sorted(item.parent.name for item in BUNDLES.glob(f"*/{MANIFEST}"))


def _resolve(which: str | Path) -> Path:
    if str(which) in bundled():
        return BUNDLES / which
    path = Path(which)
    known = ", ".join(bundled()) or "none"
    try:
        there = path.is_dir(), (path / MANIFEST).exists() or (path / MANIFEST).is_symlink()
    except (OSError, ValueError):  # a name longer, or stranger, than any file's
        there = False, False
    if not there[0]:
        raise BundleError(f"no bundle {str(which)[:200]!r}: give a folder that holds {MANIFEST}, or one of: {known}")
    if not there[1]:
        raise BundleError(
            f"{path}: no {MANIFEST} in it; give a folder that `python -m export` wrote or one of: {known}"
        )
    return path
