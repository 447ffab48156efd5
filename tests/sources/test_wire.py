"""Connections: which addresses are public, what is looked at before anything is sent, and TLS as publishers speak it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sources import wire
from sources.asked import Validators
from sources.http import Client, NotFetched
from tests.sources.server import PUBLIC, QUICK, Request, Server, whole

URL = "https://publisher.example/a.csv"
BODY = b"place,persons\nALB,5000\n" * 400


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::5db8:d822", True),  # 93.184.216.34 behind a gateway
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("192.0.0.8", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::1", False),
        ("2002:a00:1::", False),
        ("2001:db8::1", False),
        ("2001::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:224.0.0.1", False),
        ("::10.0.0.1", False),
        ("fec0::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("ff0e::1", False),
        ("4000::1", False),
        ("::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert wire.is_public(address) is public


def leads_to(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name leads to a port of this machine once a connection is made."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def client(**limits: Any) -> Client:
    """As publishers are asked, but that names were looked up before they came to mean another address."""
    return Client("tests@example.org", replace(QUICK, **limits), resolve=lambda _: [PUBLIC], sleep=lambda _: None)


def test_nothing_is_sent_where_a_name_has_come_to_mean_a_private_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside:
        leads_to(inside.getsockname()[1], monkeypatch)
        with pytest.raises(NotFetched, match=r"publisher.example is at 127.0.0.1, which is no public address"):
            client().get(URL)
        met, _ = inside.accept()
        with met:
            met.settimeout(2)
            assert met.recv(100) == b""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of publisher.example."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("publisher.example")]), critical=True)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "publisher.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem))
    return path


class Publisher(Server):
    """A server that speaks TLS, and knows which connections it had and by which names it was called."""

    def __init__(self, certificate: Path) -> None:
        super().__init__()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.context.sni_callback = lambda _, name, __: self.called.append(name)
        self.called: list[str | None] = []

    def get_request(self) -> tuple[socket.socket, object]:
        """Take a connection; its handshake is made by the thread that answers."""
        taken, address = self.socket.accept()
        return self.context.wrap_socket(taken, server_side=True, do_handshake_on_connect=False), address


@pytest.fixture
def publisher(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A publisher whose name leads here, as if here were public."""
    server = Publisher(certificate)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    leads_to(server.server_address[1], monkeypatch)
    monkeypatch.setattr(wire, "is_public", lambda _: True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    yield server
    server.shutdown()
    server.server_close()


def test_a_file_comes_by_the_publishers_name_and_the_connection_stays(publisher: Publisher) -> None:
    publisher.answers["/a.csv"] = [whole(BODY)]
    asking = client()
    assert [asking.get(URL).body, asking.get(URL).body] == [BODY, BODY]
    assert publisher.called == ["publisher.example"]
    assert [headers["Host"] for _, headers in publisher.asked] == ["publisher.example"] * 2


def test_a_certificate_of_another_name_is_refused_once(publisher: Publisher) -> None:
    with pytest.raises(NotFetched, match="certificate does not hold"):
        client().get("https://other.example/a.csv")
    assert publisher.called == ["other.example"] and not publisher.asked


def test_the_connection_stays_where_there_is_no_file_to_give(publisher: Publisher) -> None:
    """A refresh in which nothing changed has such answers alone, and a redirect goes on at the same host."""
    publisher.answers["/a.csv"] = [lambda request: request.give(304)]
    publisher.answers["/old.csv"] = [lambda request: request.give(301, b"moved", Location="/new.csv")]
    publisher.answers["/new.csv"] = [whole(BODY)]
    asking = client()
    for _ in range(3):
        assert asking.get(URL, known=Validators('"a"')).body is None
        assert asking.get("https://publisher.example/old.csv").body == BODY
    assert len(publisher.asked) == 9 and publisher.called == ["publisher.example"]


def test_a_connection_that_breaks_before_its_certificate_was_seen_is_tried_again(publisher: Publisher) -> None:
    publisher.context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
    with pytest.raises(NotFetched, match="the connection failed .*; asked 4 times"):
        client().get(URL)


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 OK\r\nX", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_drips_is_given_up(publisher: Publisher, beginning: bytes) -> None:
    def drip(request: Request) -> None:
        request.connection.sendall(beginning)
        for _ in range(200):
            request.connection.sendall(b"x")
            time.sleep(0.05)

    publisher.answers["/a.csv"] = [drip]
    begun = time.monotonic()
    with pytest.raises(NotFetched, match="not whole after 1 seconds"):
        client(total=1).get(URL)
    assert time.monotonic() - begun < 5


def test_a_server_that_never_greets_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "is_public", lambda _: True)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        leads_to(silent.getsockname()[1], monkeypatch)
        begun = time.monotonic()
        with pytest.raises(NotFetched, match="not whole after 1 seconds"):
            client(total=1, connect=20).get(URL)
        assert time.monotonic() - begun < 5
