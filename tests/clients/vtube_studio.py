"""A program that behaves as VTube Studio's documentation (DenchiSoft/VTubeStudio, README) says of its API: for tests.

It answers what is asked rightly, and refuses with an APIError what is not: other forms, no authentication, names that
are no parameter's, values beyond the range. A ``with`` opens it on a port of this machine.
"""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

OWN = {
    *(f"Face{what}{axis}" for what in ("Position", "Angle") for axis in "XYZ"),
    *(f"Eye{side}{axis}" for side in ("Left", "Right") for axis in "XY"),
    *("MouthSmile", "MouthOpen", "MouthX", "Brows", "BrowLeftY", "BrowRightY", "CheekPuff", "TongueOut", "FaceAngry"),
    *("EyeOpenLeft", "EyeOpenRight"),
}
"""Parameters that it has itself, as its documentation lists them."""


class Refused(Exception):
    """An answer of the kind APIError."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


class VTubeStudio:
    """``allows``: what the person says whom it asks. ``silent``: it takes requests and answers none of them.
    ``chatty``: it says something that nobody has asked before every answer."""

    def __init__(self, port: int = 0, allows: bool = True) -> None:
        self.allows, self.silent, self.chatty = allows, False, False
        self.tokens: set[str] = set()
        self.taken: set[str] = set()
        """Parameters that another plugin has created."""
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.created: dict[str, dict[str, Any]] = {}
        self.injected: list[dict[str, Any]] = []
        self.links: set[ServerConnection] = set()
        self._server = serve(self._talk, "127.0.0.1", port, close_timeout=0.2)
        self.port = int(self._server.socket.getsockname()[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> VTubeStudio:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self.hang_up()
        self._thread.join()

    def hang_up(self) -> None:
        """End all connections."""
        for link in list(self.links):
            link.close()

    def _talk(self, link: ServerConnection) -> None:
        self.links.add(link)
        known = False
        try:
            for text in link:
                asked = json.loads(text)
                kind = asked["messageType"]
                self.asked.append(kind)
                if self.silent:
                    continue
                try:
                    self._check(asked)
                    if kind in ("AuthenticationTokenRequest", "AuthenticationRequest"):
                        told = self._access(kind, asked["data"])
                        known = known or told.get("authenticated", False)
                    elif not known:
                        raise Refused(8, "This session is not authenticated")
                    else:
                        told = self._serve(kind, asked["data"])
                    answer, data = kind.replace("Request", "Response"), told
                except Refused as refusal:
                    self.wrong.append(str(refusal))
                    answer, data = "APIError", {"errorID": refusal.number, "message": str(refusal)}
                head = {"apiName": "VTubeStudioPublicAPI", "apiVersion": "1.0", "timestamp": int(1000 * time.time())}
                if self.chatty:
                    other = {"messageType": answer, "requestID": "another", "data": {"authenticationToken": "wrong"}}
                    link.send(json.dumps(head | other))
                link.send(json.dumps(head | {"messageType": answer, "requestID": asked["requestID"], "data": data}))
        except ConnectionClosed:
            pass
        finally:
            self.links.discard(link)

    @staticmethod
    def _check(asked: dict[str, Any]) -> None:
        if asked["apiName"] != "VTubeStudioPublicAPI" or asked["apiVersion"] != "1.0":
            raise Refused(1, "no such API")
        if not re.fullmatch(r"[ -~]{1,64}", asked["requestID"]):
            raise Refused(2, "requestID")

    def _access(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        if not all(3 <= len(data[name]) <= 32 for name in ("pluginName", "pluginDeveloper")):
            raise Refused(52, "names of 3 to 32 characters")
        if kind == "AuthenticationTokenRequest":
            if not self.allows:
                raise Refused(50, "User has denied API access for your plugin.")
            token = f"token-{len(self.tokens)}"
            self.tokens.add(token)
            return {"authenticationToken": token}
        known = data["authenticationToken"] in self.tokens
        return {"authenticated": known, "reason": "Token valid." if known else "Token invalid."}

    def _serve(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        if kind == "ParameterCreationRequest":
            name = data["parameterName"]
            if not re.fullmatch(r"[A-Za-z0-9]{4,32}", name) or len(data["explanation"]) >= 256:
                raise Refused(350, "name or explanation")
            if name in self.taken:
                raise Refused(352, "A parameter with this name has been created by another plugin")
            self.created[name] = data
            return {"parameterName": name}
        if kind != "InjectParameterDataRequest":
            raise Refused(4, f"unknown request {kind}")
        for each in data["parameterValues"]:
            if each["id"] not in OWN | set(self.created):
                raise Refused(453, f"no parameter {each['id']}")
            if isinstance(each["value"], bool) or not -1e6 <= each["value"] <= 1e6:
                raise Refused(451, f"value of {each['id']}")
        if not isinstance(data["faceFound"], bool) or data["mode"] != "set":
            raise Refused(450, "faceFound or mode")
        self.injected.append(data | {"values": {each["id"]: each["value"] for each in data["parameterValues"]}})
        return {}
