"""What the page asks for its avatar's own speech: ``POST /say`` and ``POST /hear``, beside ``/session``.

========= =================================== =======================================================================
``/say``  ``{"text": "Hi.", "voice": ""}``    a line is spoken: ``{"sound": WAV in base64, "words": [["Hi.", 0, 0.4]]}``
``/hear`` int16 mono at 16 kHz                the words of a sound, ``{"words": [...]}``; seconds from its start
========= =================================== =======================================================================

Who may open sessions may ask (:mod:`engine.network.server` looks at tokens and origins). One process speaks and hears,
one request after another; it begins with the first, and a request that takes too long ends it. Nothing of what was
asked is kept or logged. Errors are JSON, ``{"error": "why"}``.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys
import wave
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

from aiohttp import web

from engine.errors import EngineError
from engine.network.pages import HEADERS
from engine.speech.align import INSTALL as HEAR_INSTALL
from engine.speech.align import RATE
from engine.speech.say import INSTALL, LONGEST_TEXT, voices
from engine.speech.say_worker import LONGEST_S

PATHS = ("/say", "/hear")
MOST_WAITING = 8
"""Requests at once, of all clients; one more is sent away."""
ANSWER_S, BODY_S = 90.0, 20.0
"""For which the process may work at one request, and for which a request may take to come."""
LONGEST_LINE = 4096
LONGEST_SOUND = round(2 * RATE * LONGEST_S)


class Saying:
    """The two paths. Used from the network's thread."""

    def __init__(self) -> None:
        self._worker: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    @staticmethod
    def about() -> dict[str, Any]:
        """What can be asked for: the ``voices`` by name, and whether words are heard."""
        return {"voices": voices(), "hears": find_spec("pocketsphinx") is not None}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Do what is asked; the caller has looked at who asks."""
        if self._waiting >= MOST_WAITING:
            return _told({"error": "others are being served; ask again in a moment"}, 503)
        self._waiting += 1
        try:
            if request.path == "/say":
                return _told(await self._say(await _body(request, LONGEST_LINE)))
            return _told(await self._hear(await _body(request, LONGEST_SOUND)))
        except EngineError as error:
            return _told({"error": str(error)}, 422)
        finally:
            self._waiting -= 1

    async def stop(self) -> None:
        """End the process."""
        worker, self._worker = self._worker, None
        if worker is not None:
            with suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()

    async def _say(self, body: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(body)
            text, voice = asked["text"], asked.get("voice", "")
            if not isinstance(text, str) or not isinstance(voice, str):
                raise TypeError
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            raise EngineError('/say: give {"text": "what to say"} as JSON, and a "voice" by name or none') from None
        if len(text) > LONGEST_TEXT:
            raise EngineError(f"a text of {len(text)} characters cannot be said: give 1 to {LONGEST_TEXT}")
        if not voices():
            raise EngineError(f"there is no voice on the engine's machine: {INSTALL}")
        head, sound = await self._ask({"say": text, "voice": voice})
        made = io.BytesIO()
        with wave.open(made, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(head["rate"])
            file.writeframes(sound)
        return {"sound": base64.b64encode(made.getvalue()).decode(), "words": head["words"]}

    async def _hear(self, body: bytes) -> dict[str, Any]:
        if not body or len(body) % 2:
            raise EngineError(f"/hear: {len(body)} bytes are no int16 samples; give mono sound at {RATE} Hz")
        if not self.about()["hears"]:
            raise EngineError(f"words cannot be heard on the engine's machine: {HEAR_INSTALL}")
        head, _ = await self._ask({"hear": len(body) // 2}, body)
        return {"words": head["words"]}

    async def _ask(self, request: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """What the process answers. Raises :class:`EngineError` where it cannot, or takes too long."""
        async with self._turn:
            done = False
            try:
                answer = await asyncio.wait_for(self._exchange(request, body), ANSWER_S)
                done = True
            except TimeoutError:
                raise EngineError(f"no answer in {ANSWER_S:g} s; give less at once") from None
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                raise EngineError("the process that speaks ended; ask again") from error
            finally:
                if not done:  # also where who asked has gone: half an answer must not be the next one's
                    await self.stop()
        if "error" in answer[0]:
            raise EngineError(answer[0]["error"])
        return answer

    async def _exchange(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        if self._worker is None or self._worker.returncode is not None:
            self._worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "engine.speech.say_worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        asked, told = self._worker.stdin, self._worker.stdout
        assert asked is not None and told is not None
        asked.write(json.dumps(request).encode() + b"\n" + body)
        await asked.drain()
        head = json.loads(await told.readline())
        return head, await told.readexactly(2 * head.get("samples", 0))


async def _body(request: web.BaseRequest, most: int) -> bytes:
    """What was sent. Raises :class:`EngineError` for more than ``most`` bytes, which are not read."""
    found = bytearray()

    async def read() -> None:
        async for part in request.content.iter_chunked(1 << 16):
            found.extend(part)
            if len(found) > most:
                raise EngineError(f"{request.path}: more than {most} bytes; give less at once")

    try:
        await asyncio.wait_for(read(), BODY_S)
    except TimeoutError:
        raise EngineError(f"{request.path}: what is asked did not come in {BODY_S:g} s") from None
    return bytes(found)


def _told(what: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(what, status=status, headers={**HEADERS, "Cache-Control": "no-store"})
