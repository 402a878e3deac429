"""Bridges over UDP: a name that is looked up, a socket that is connected so that the system tells when nobody takes
what is sent, and packets that go out or are dropped, without waiting."""

from __future__ import annotations

import errno
import socket
import time
from abc import abstractmethod
from collections.abc import Callable

from .address import Address
from .bridge import Bridge
from .poser import Pose

LOOK_UP_S = 5.0
"""Between two tries to find a host that is not known."""
_REFUSED = {errno.ECONNREFUSED, getattr(errno, "WSAECONNRESET", errno.ECONNREFUSED), errno.ECONNRESET}
_FULL = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS}


class Datagrams(Bridge):
    """Sends what :meth:`packets` makes of a pose to the address."""

    def __init__(self, address: Address, tell: Callable[[str], object]) -> None:
        super().__init__(str(address), tell)
        self.address = address
        self._socket: socket.socket | None = None
        self._tried = -LOOK_UP_S

    @abstractmethod
    def packets(self, pose: Pose) -> list[bytes]:
        """What goes out for a pose."""

    def send(self, pose: Pose) -> None:
        """Raises OSError where the host is not known, or the system refuses to send."""
        for packet in self.packets(pose):
            self.put(packet)

    def put(self, packet: bytes) -> None:
        """One packet; dropped where the network has no room for it right now."""
        opened = self._open()
        if opened is None:
            return
        try:
            opened.send(packet)
            self.went()
        except OSError as error:
            if error.errno in _FULL:
                return
            if error.errno in _REFUSED:
                raise OSError(
                    error.errno, "nobody receives there: is the program open, and its port the same?"
                ) from None
            if error.errno == errno.EMSGSIZE:
                raise
            self._drop()  # a network that went away: another address may be right when it is back
            raise

    def shut(self) -> None:
        """Close the socket."""
        self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> socket.socket | None:
        """The connected socket; None between two tries. Looking a name up may take long: of this thread alone."""
        if self._socket is not None:
            return self._socket
        now = time.monotonic()
        if now - self._tried < LOOK_UP_S:
            return None
        self._tried = now
        found = None
        try:
            for family, kind, protocol, _, where in socket.getaddrinfo(
                self.address.host, self.address.port, type=socket.SOCK_DGRAM
            ):
                found = socket.socket(family, kind, protocol)
                found.setblocking(False)
                found.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                found.connect(where)
                self._socket, found = found, None
                self._tried = -LOOK_UP_S
                return self._socket
        except socket.gaierror as error:
            raise OSError(f"the host is not known ({error.strerror}); tried again every {LOOK_UP_S:g} s") from None
        finally:
            if found is not None:
                found.close()
        raise OSError("the host has no address")
