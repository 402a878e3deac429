"""A camera in the network that speaks RTSP: a tone as RTP over the same connection (RFC 2326, RFC 3551's L16), for a
while or for ever; then it hangs up."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

RATE, PACKET, HERTZ = 16_000, 320, 500
SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=tone\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
    f"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 L16/{RATE}/1\r\na=control:track\r\n"
)


class Camera:
    """Plays to whoever asks, for ``lasts_s``; ``played`` counts who did."""

    def __init__(self, lasts_s: float) -> None:
        self.played, self._lasts_s, self._over = 0, lasts_s, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"rtsp://anna:topsecret@127.0.0.1:{self._listener.getsockname()[1]}/tone"
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            while first := lines.readline().decode().split():
                method, address = first[:2]
                asked = {}
                while line := lines.readline().decode().strip():
                    name, _, value = line.partition(":")
                    asked[name.lower()] = value.strip()
                body = SDP if method == "DESCRIBE" else ""
                more = {
                    "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
                    "DESCRIBE": f"Content-Type: application/sdp\r\nContent-Base: {address}/\r\n",
                    "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
                    "PLAY": "Session: 1\r\nRange: npt=0-\r\n",
                }.get(method, "")
                head = f"RTSP/1.0 200 OK\r\nCSeq: {asked['cseq']}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
                connection.sendall((head + body).encode())
                if method == "PLAY":
                    self._play(connection)
                    return

    def _play(self, connection: socket.socket) -> None:
        self.played += 1
        began, number = time.monotonic(), 0
        while not self._over.is_set() and number * PACKET < self._lasts_s * RATE:
            at = number * PACKET + np.arange(PACKET)
            tone = (8000 * np.sin(2 * np.pi * HERTZ * at / RATE)).astype(">i2").tobytes()
            packet = struct.pack(">BBHII", 0x80, 97, number & 0xFFFF, number * PACKET, 7) + tone
            connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
            number += 1
            time.sleep(max(0.0, began + number * PACKET / RATE - time.monotonic()))


@contextmanager
def camera(lasts_s: float = 60.0) -> Iterator[Camera]:
    made = Camera(lasts_s)
    try:
        yield made
    finally:
        made.close()
