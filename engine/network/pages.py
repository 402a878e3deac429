"""The page that ``engine serve --web`` opens, beside ``/session`` on the same server: files known by name.

All are read when the server is made, so a path is looked up among names and never on the disk. What the page needs of
the engine stands in ``/about.json``; the face tracker's files, which the engine does not carry, are served under
``/assets/`` where ``engine assets`` has put them. Every answer forbids the page to load from or to speak to anybody but
this server: what a visitor's camera shows cannot leave through it.

Whose page may open sessions: this one, told by the Origin that a browser sends. It has to be this server's own address,
and one that no other site can take: a page elsewhere may let its name lead here (DNS rebinding), but not a number or
``localhost``; under other names the server is reached with a token, which such a page has not, or an ``--origin``.
"""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from aiohttp import web

from engine.access import Access
from engine.bundle import Bundle
from engine.channels import FACE_NAMES
from engine.errors import EngineError
from engine.feeds.feeds import wanted
from engine.page_assets import page_assets
from engine.sources.demo import FACE_RATE, PARTNER, load_face

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "bin": "application/octet-stream",
    "task": "application/octet-stream",
    "wasm": "application/wasm",
    "glb": "model/gltf-binary",
    "flac": "audio/flac",
}
"""By the end of a name, without ``.gz``."""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' blob: data: {socket}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Cache-Control": "no-cache",
}
_HOST = re.compile(r"^(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,253})(:(?P<port>\d{1,5}))?$")


@dataclass(frozen=True)
class File:
    """A file of the page: its bytes, as they are sent."""

    kind: str
    body: bytes
    zipped: bool = False


class Pages:
    """The files of the page by path. ``bundles`` and ``more`` are told to it. Raises :class:`EngineError` where the
    files are not there. :meth:`answer` is called in the network's thread."""

    def __init__(self, bundles: Mapping[str, Bundle], access: Access, more: Mapping[str, Any]) -> None:
        self._files = {f"/{name}": file for name, file in _shipped().items()}
        self._files["/"] = self._files["/index.html"]
        self._about = {
            "bundles": [_told(name, bundle) for name, bundle in bundles.items()],
            "token": bool(access.tokens) and "session" not in access.anyone,
            **more,
        }

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse | None:
        """The file that is asked for; None where there is none."""
        path = request.path
        if path == "/about.json":
            found = await asyncio.to_thread(page_assets)
            about = {**self._about, "assets": sorted(found)}
            return _sent(request, File("json", json.dumps(about).encode()))
        if path.startswith("/assets/"):
            where = (await asyncio.to_thread(page_assets)).get(path.removeprefix("/assets/"))
            return None if where is None else _sent(request, await asyncio.to_thread(_read, where))
        file = self._files.get(path)
        return None if file is None else _sent(request, file)


def own_origin(request: web.BaseRequest, access: Access) -> bool:
    """Whether the Origin of a request is this server's own page, under an address that no other site can take."""
    origin, host = request.headers.get("Origin", ""), request.headers.get("Host", "")
    match = _HOST.match(host)
    if match is None or origin not in (f"http://{host}", f"https://{host}"):
        return False
    name = match["name"].strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost") or access.tokens:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _shipped() -> dict[str, File]:
    folder = resources.files("engine") / "data" / "web"
    files: dict[str, File] = {}
    for item in folder.iterdir() if folder.is_dir() else ():
        name = item.name.removesuffix(".gz")
        kind = name.rpartition(".")[2]
        if kind in TYPES:
            files[name] = _packed(kind, item.read_bytes(), item.name.endswith(".gz"))
    if "index.html" not in files:
        raise EngineError("--web: the page is not in this installation (engine/data/web); install the engine again")
    partner = resources.files("engine") / "data" / "partner" / "speech.flac"
    files["partner.flac"] = File("flac", partner.read_bytes())
    face = load_face(PARTNER / "face.npz").astype(float).round(4).tolist()
    told = {"rate": FACE_RATE, "names": FACE_NAMES, "face": face}
    files["partner.json"] = _packed("json", json.dumps(told, separators=(",", ":")).encode(), False)
    return files


def _packed(kind: str, body: bytes, zipped: bool) -> File:
    return File(kind, body, True) if zipped else File(kind, gzip.compress(body, 6, mtime=0), True)


def _read(path: Path) -> File:
    body = path.read_bytes()
    return File(path.suffix.removeprefix("."), body)


def _sent(request: web.BaseRequest, file: File) -> web.Response:
    body, headers = file.body, dict(HEADERS)
    host = request.headers.get("Host", "")
    # 'self' does not cover ws: in every browser; nobody else's address gets in, as the form is checked.
    socket = f"ws://{host} wss://{host}" if _HOST.match(host) else ""
    headers["Content-Security-Policy"] = POLICY.format(socket=socket)
    headers["Content-Type"] = TYPES[file.kind]
    if file.zipped:
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            body = gzip.decompress(body)
    headers["Vary"] = "Accept-Encoding"
    return web.Response(body=body, headers=headers)


def _told(name: str, bundle: Bundle) -> dict[str, Any]:
    spec = bundle.spec
    return {
        "name": name,
        "rate": spec.rate,
        "takes": sorted("/".join(key) for key in wanted(spec)),
        "words": any(item.of == "self" for item in spec.by_role("words")),
        "codecs": sorted({item.codec for item in spec.outputs}),
    }
