"""The bridge to VTube Studio: connects, shows its token or asks for one, creates parameters once, then injects each
pose; and all that again where the connection ends.

The program answers every request. Poses wait while more than :data:`MOST_OPEN` answers are missing: a program that is
slow gets fewer poses, not late ones. At rest nothing is injected any more, so that within a second VTube Studio's own
tracking has its parameters back. A token is never told.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from clients.python.announced import clean, parse

from . import tokens, vts
from .address import Address
from .bridge import Bridge
from .poser import Pose, Presence

AGAIN_S, FURTHER_S = 2.0, 30.0
"""Between two tries to connect; after a person has refused."""
OPEN_S, CLOSE_S, ANSWER_S, ALLOW_S = 3.0, 0.2, 5.0, 120.0
"""To connect; to take leave; for answers; for a person to allow the plugin."""
MOST_OPEN = 4
LONGEST = 1 << 20
STEP_S = 0.1


class Vts(Bridge):
    """``vts://HOST:PORT?shapes=yes|no``. ``shapes``: whether ARKit's 52 are created and fed beside VTube Studio's own
    parameters, as RxJawOpen and so on."""

    def __init__(self, address: Address, tell: Callable[[str], object]) -> None:
        super().__init__(str(address), tell)
        self.address = address
        self._tell = tell
        self._shapes = address.options["shapes"] == "yes"
        self._opened = contextlib.ExitStack()
        self._link: ClientConnection | None = None
        self._next, self._number = 0.0, 0
        self._open: dict[str, float] = {}
        self._created: set[str] = set()

    def send(self, pose: Pose) -> None:
        """Raises OSError in words where the program is not there, refuses or does not answer."""
        if not self._ready(pose):
            return
        self._listen()
        if self._link is None or pose.face is None or pose.presence is Presence.GONE:
            return
        if len(self._open) >= MOST_OPEN:
            if time.monotonic() - min(self._open.values()) > ANSWER_S:
                raise self._lost(f"no answer for {ANSWER_S:g} s")
            return
        values = vts.parameters(pose.face)
        if self._shapes:
            values |= {vts.created(name): value for name, value in pose.face.weights.items() if name in self._created}
        self._put(vts.inject(self._new(), values, pose.presence is Presence.HERE))
        self.went()

    def idle(self) -> None:
        """Take what the program says."""
        self._listen()

    def shut(self) -> None:
        """Close the connection."""
        self._link = None
        self._open.clear()
        with contextlib.suppress(OSError, WebSocketException):
            self._opened.close()

    def _ready(self, pose: Pose) -> bool:
        """Whether there is a connection that may inject; tries to have one."""
        if self._link is not None:
            return True
        now = time.monotonic()
        if now < self._next or pose.face is None:
            return False
        self._next = now + AGAIN_S
        try:
            self._link = self._opened.enter_context(
                connect(
                    f"ws://{self._host()}:{self.address.port}",
                    open_timeout=OPEN_S,
                    close_timeout=CLOSE_S,
                    ping_interval=None,
                    max_size=LONGEST,
                    compression=None,
                    proxy=None,
                )
            )
            self._introduce()
            self._create(list(pose.face.weights) if self._shapes else [])
        except (OSError, WebSocketException) as error:
            self._next = max(self._next, time.monotonic() + AGAIN_S)
            raise self._lost(_words(error)) from None
        except BaseException:
            self.shut()  # nothing is injected through a connection that was not introduced
            raise
        self._tell(f"{self.name}: connected to VTube Studio")
        return True

    def _host(self) -> str:
        return f"[{self.address.host}]" if ":" in self.address.host else self.address.host

    def _introduce(self) -> None:
        """Authenticate, with a new token where there is none or the known one does not count any more."""
        where = f"{self.address.host}:{self.address.port}"
        token = tokens.known(where)
        if token and self._authenticated(token):
            return
        self._tell(f'{self.name}: allow "{vts.PLUGIN}" in VTube Studio (a window asks there, for {ALLOW_S:g} s)')
        self._next = time.monotonic() + FURTHER_S  # a person who is busy, or has refused, is not asked at once again
        answer = self._ask(vts.ask_token(self._new()), ALLOW_S)
        if answer["messageType"] != "AuthenticationTokenResponse":
            raise OSError(f"VTube Studio does not allow it: {_error(answer)}; it is asked again in {FURTHER_S:g} s")
        token = answer["data"].get("authenticationToken")
        if not isinstance(token, str) or not 0 < len(token) <= tokens.LONGEST_TOKEN:
            raise OSError("VTube Studio gives a token that is none")
        try:
            tokens.keep(where, token)
        except OSError as error:
            path = tokens.token_file()
            self._tell(f"{self.name}: {path} cannot be written ({error.strerror}): allow the plugin again next time")
        if not self._authenticated(token):
            raise OSError("VTube Studio does not take the token that it has just given")

    def _authenticated(self, token: str) -> bool:
        answer = self._ask(vts.authenticate(self._new(), token), ANSWER_S)
        return answer["messageType"] == "AuthenticationResponse" and answer["data"].get("authenticated") is True

    def _create(self, shapes: list[str]) -> None:
        """Parameters for ARKit's shapes; those that cannot be had are left out, and said."""
        refused: dict[str, str] = {}
        self._created.clear()
        for shape in shapes:
            answer = self._ask(vts.create(self._new(), shape), ANSWER_S)
            if answer["messageType"] == "ParameterCreationResponse":
                self._created.add(shape)
            else:
                refused[vts.created(shape)] = _error(answer)
        if refused:
            name, why = next(iter(refused.items()))
            self._tell(f"{self.name}: {len(refused)} parameters cannot be created, {name} among them: {why}")

    def _ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a message; the bridge may be closed while it waits. Raises OSError where there is none."""
        assert self._link is not None
        self._link.send(json.dumps(message))
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.closing:
            try:
                answer = _read(self._link.recv(STEP_S))
            except TimeoutError:
                continue
            if answer["requestID"] == message["requestID"]:
                return answer
        raise OSError("the bridge ends" if self.closing else f"no answer within {seconds:g} s")

    def _listen(self) -> None:
        """Take all answers that have come. Raises OSError for a connection that has ended, and for a refusal."""
        while self._link is not None:
            try:
                answer = _read(self._link.recv(0))
            except TimeoutError:
                return
            except (ConnectionClosed, OSError) as error:
                raise self._lost(_words(error)) from None
            self._open.pop(answer["requestID"], None)
            if answer["messageType"] == "APIError":
                if answer["data"].get("errorID") == vts.DENIED:
                    with contextlib.suppress(OSError):  # where it was never written there is nothing to forget
                        tokens.keep(f"{self.address.host}:{self.address.port}", "")
                    raise self._lost(f"VTube Studio does not allow it any more: {_error(answer)}")
                raise OSError(f"VTube Studio refuses: {_error(answer)}")

    def _put(self, message: dict[str, Any]) -> None:
        assert self._link is not None
        self._open[message["requestID"]] = time.monotonic()
        try:
            self._link.send(json.dumps(message))
        except (ConnectionClosed, OSError) as error:
            raise self._lost(_words(error)) from None

    def _lost(self, why: str) -> OSError:
        """Close what there is; the error that says so."""
        self.shut()
        return OSError(f"{why}; tried again (is VTube Studio open, with plugin access allowed on this port?)")

    def _new(self) -> int:
        self._number += 1
        return self._number


def _read(message: str | bytes) -> dict[str, Any]:
    """An answer with ``requestID``, ``messageType`` and ``data``, whatever was sent."""
    try:
        told = parse(message if isinstance(message, bytes) else message.encode())
    except ValueError:
        told = None
    found = told if isinstance(told, dict) else {}
    data = found.get("data")
    return {
        "requestID": str(found.get("requestID", "")),
        "messageType": str(found.get("messageType", "")),
        "data": data if isinstance(data, dict) else {},
    }


def _error(answer: dict[str, Any]) -> str:
    data = answer["data"]
    return f"{clean(data.get('message', 'it says no more'), 200)} (error {clean(data.get('errorID'), 12)})"


def _words(error: BaseException) -> str:
    if isinstance(error, ConnectionClosed):
        return "the connection has ended"
    return clean(getattr(error, "strerror", None) or error or type(error).__name__, 200)
