"""A language model behind an OpenAI-compatible endpoint that the user names: messages in, an answer's text out.

The key goes to the named host alone: redirects are not followed, a proxy is used for encrypted connections only (it
sees no key there), and without encryption nothing but this machine is talked to unless that is allowed. Time and size
of an answer are bounded. What is refused is said in words, in which the key does not stand.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import EngineError, clean, reason

LONGEST_ANSWER = 1 << 20
"""Bytes."""
_TELLS = 200
_PATH = "/chat/completions"
_PIECE = 1 << 14

Messages = Sequence[Mapping[str, str]]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """None: what redirects is an error."""


@dataclass(frozen=True)
class Endpoint:
    """``address``: of the service, as ``http://127.0.0.1:8000/v1``; ``model`` by the name it has there. ``timeout_s``
    for one answer. ``insecure``: talk to other machines without encryption. Raises :class:`EngineError` for an address
    that cannot be used."""

    address: str
    model: str
    key: str = field(default="", repr=False)
    timeout_s: float = 60.0
    insecure: bool = False

    def __post_init__(self) -> None:
        try:
            parts = urllib.parse.urlsplit(self.address)
            known, _ = parts.scheme in ("http", "https") and parts.hostname and self.address.isprintable(), parts.port
        except ValueError:
            known = False
        if not known or " " in self.address or not self.address.isascii():
            raise EngineError(
                f"{clean(self.address, 80)!r} is no endpoint; give its address, as in http://127.0.0.1:8000/v1"
            )
        if "@" in parts.netloc:
            raise EngineError("an endpoint's address holds no user and password; name the key's variable by --key-env")
        if parts.scheme == "http" and not self._here and not self.insecure:
            raise EngineError(
                f"{clean(parts.hostname)} would be asked without encryption; give an https address, or --insecure"
            )
        if not all(32 < ord(sign) < 127 for sign in self.key):
            raise EngineError("the endpoint's key holds signs that no key has (blanks or line ends?); set it again")

    @property
    def _here(self) -> bool:
        """Whether it is on this machine."""
        host = urllib.parse.urlsplit(self.address).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def answer(self, messages: Messages) -> str:
        """What the model answers to ``messages`` (``role`` and ``content`` each). Raises :class:`EngineError`."""
        parts = urllib.parse.urlsplit(self.address)
        path = parts.path.rstrip("/")
        path = path if path.endswith(_PATH) else path + _PATH
        body = json.dumps({"model": self.model, "messages": list(messages), "stream": False}).encode()
        head = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            head["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(parts._replace(path=path, fragment="").geturl(), body, head)
        plain = [urllib.request.ProxyHandler({})] if parts.scheme == "http" else []
        opener = urllib.request.build_opener(_NoRedirects(), *plain)
        try:
            return _content(self._fetched(opener, request))
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from None
        except TimeoutError:
            raise self._late() from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._late() from None
            why = reason(error.reason) if isinstance(error.reason, BaseException) else error.reason
            raise self._error(f"cannot be reached ({clean(why, _TELLS)}); is it running?") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._error(f"broke off ({reason(error)}); try again") from None
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            raise self._error(
                "does not answer as OpenAI's chat completions do; check the address (does it end in /v1?)"
            ) from None

    def _fetched(self, opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> bytes:
        end = time.monotonic() + self.timeout_s
        with opener.open(request, timeout=self.timeout_s) as answer:
            pieces = list[bytes]()
            while piece := answer.read1(_PIECE):
                pieces.append(piece)
                if time.monotonic() > end:
                    raise TimeoutError
                if sum(map(len, pieces)) > LONGEST_ANSWER:
                    raise self._error(f"answers with more than {LONGEST_ANSWER} bytes")
        return b"".join(pieces)

    def _refused(self, error: urllib.error.HTTPError) -> EngineError:
        if 300 <= error.code < 400:
            to = urllib.parse.urlsplit(error.headers.get("Location") or "").netloc
            return self._error(
                f"sends on to {clean(to, 80) or 'nowhere'}, which is not followed; give the address itself"
            )
        try:
            told = error.read(_PIECE).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            told = ""
        try:
            found = json.loads(told)
            found = found.get("error", found)
            told = str(found.get("message", found) if isinstance(found, dict) else found)
        except (ValueError, AttributeError, RecursionError):
            pass
        return self._error(f"refuses: {error.code} {clean(self._hide(told), _TELLS)}; check model, key and address")

    def _late(self) -> EngineError:
        return self._error(f"does not answer within {self.timeout_s:g} s; give it more by --timeout")

    def _hide(self, text: str) -> str:
        return text.replace(self.key, "***") if self.key else text

    def _error(self, text: str) -> EngineError:
        return EngineError(f"the endpoint {clean(urllib.parse.urlsplit(self.address).netloc, 80)} {text}")


def _content(answer: bytes) -> str:
    """The text of the first choice. Raises what comes of an answer of another shape."""
    content = json.loads(answer)["choices"][0]["message"]["content"]
    if isinstance(content, list):  # some servers send it in parts
        content = "".join(part.get("text", "") for part in content)
    if not isinstance(content, str):
        raise TypeError(content)
    return content
