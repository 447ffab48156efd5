"""Connections to publishers' servers: to public addresses alone, and shut when their time is over.

Which host may be asked, and what an answer means, is known in `sources.http`.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection

#: Set aside for protocols; no machine anywhere has one.
PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")
#: IPv6 addresses at which a gateway passes on to the IPv4 address that they end with.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: The IPv6 addresses of single machines anywhere; all others are of one place, of many machines, or of no use yet.
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def is_public(address: str) -> bool:
    """Whether an address is one machine's in the open Internet, also where it stands inside another address."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast and ip not in PROTOCOLS
    inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else None)
    return is_public(str(inner)) if inner else ip.is_global and ip in GLOBAL_UNICAST


class NotPublic(Exception):
    """A connection that led to an address which is not public; nothing was sent over it."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class Exchange:
    """The connection over which a thread asks, which is shut when the time is over.

    A time-out of a socket ends only at the next silence; a server that drips would keep it open for ever.
    """

    def __init__(self) -> None:
        self.over = False
        self._guard = threading.Lock()
        self._handle: socket.socket | None = None

    def uses(self, connected: socket.socket) -> None:
        """Have a handle of one's own on a connection: the one that asks moves over to TLS meanwhile, or is closed."""
        with self._guard:
            self._drop()
            self._handle = socket.socket(fileno=os.dup(connected.fileno()))
            if self.over:
                self._shut()

    def end(self) -> None:
        """The time is over."""
        with self._guard:
            self.over = True
            self._shut()

    def close(self) -> None:
        """Give the handle back; the connection stays as it is."""
        with self._guard:
            self._drop()

    def _shut(self) -> None:
        if self._handle:
            with suppress(OSError):  # it is closed already
                self._handle.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if self._handle:
            self._handle.close()
            self._handle = None


_here = threading.local()


@contextmanager
def at_most(seconds: float) -> Iterator[Exchange]:
    """Shut the connection that this thread uses in the block when so many seconds are over."""
    _here.exchange = exchange = Exchange()
    timer = threading.Timer(max(0, seconds), exchange.end)
    timer.daemon = True
    timer.start()
    try:
        yield exchange
    finally:
        timer.cancel()
        del _here.exchange
        exchange.close()


class Watched(HTTPConnection):
    """A connection that is shut when its time is over."""

    def _new_conn(self) -> socket.socket:
        return self._noted(super()._new_conn())

    def request(self, *args: Any, **kwargs: Any) -> None:
        """As `HTTPConnection.request`, of a new connection or one that was kept."""
        if self.sock is not None:
            self._noted(self.sock)
        super().request(*args, **kwargs)

    def _noted(self, connected: socket.socket) -> socket.socket:
        exchange: Exchange | None = getattr(_here, "exchange", None)
        if exchange:
            exchange.uses(connected)
        return connected


class Public(Watched, HTTPSConnection):
    """A connection to a public address; looked at before anything is sent, for a name may lead elsewhere by then.

    A proxy that the environment names may be anywhere: it is the operator's own.
    """

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        if self.proxy is None and not is_public(address := connected.getpeername()[0]):
            connected.close()
            raise NotPublic(address)
        return connected


class PublicPool(HTTPSConnectionPool):
    """Such connections, kept for the next question."""

    ConnectionCls = Public


class Adapter(HTTPAdapter):
    """How requests travel: over such connections."""

    pools: ClassVar[Mapping[str, type[HTTPConnectionPool]]] = {"https": PublicPool}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As `HTTPAdapter.init_poolmanager`."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(self.pools)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        """As `HTTPAdapter.proxy_manager_for`."""
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = dict(self.pools)
        return manager
