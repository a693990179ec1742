"""Requests that are too large or too deep end with an error, and with little memory."""

from __future__ import annotations

import json
import socket
import ssl
from urllib.parse import urlsplit

import pytest
from live import Live

MAPS = "/api/v1/namespaces/default/configmaps"


def connect(live: Live) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = urlsplit(live.handle.server)
    return context.wrap_socket(socket.create_connection((address.hostname, address.port), timeout=120))


def test_an_endless_header_is_refused_without_a_token(live: Live) -> None:
    line = b"X-Filler: " + b"x" * 65_000 + b"\r\n"
    with connect(live) as connection:
        connection.sendall(b"GET /api HTTP/1.1\r\nHost: x\r\n")
        with pytest.raises(OSError):  # the server closes the connection
            for _ in range(1000):
                connection.sendall(line)
    assert live.call("GET", "/version")["major"] == "1"


def test_a_long_header_is_read(live: Live) -> None:
    with connect(live) as connection:
        head = f"GET /version HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {live.token}\r\nX-Filler: {'x' * 500_000}"
        connection.sendall(f"{head}\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_a_body_over_the_limit_is_refused_before_its_end(live: Live) -> None:
    with connect(live) as connection:
        head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {live.token}\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100000000000\r\n\r\n".encode())
        connection.sendall(b" " * 4 * 1024 * 1024)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("kind", ["application/json", "application/yaml"])
@pytest.mark.parametrize("depth", [150, 100_000])
def test_deep_nesting_is_a_bad_request(live: Live, kind: str, depth: int) -> None:
    text = '{"metadata": {"name": "deep"}, "data": ' + "[" * depth + "]" * depth + "}"
    answer = live.raw.rest_client.pool_manager.request(
        "POST",
        live.handle.server + MAPS,
        headers={"Content-Type": kind, "Authorization": f"Bearer {live.token}"},
        body=text.encode(),
    )
    assert (answer.status, json.loads(answer.data)["reason"]) == (400, "BadRequest")


def test_aliases_of_yaml_are_bounded(live: Live) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    answer = live.raw.rest_client.pool_manager.request(
        "POST",
        live.handle.server + MAPS,
        headers={"Content-Type": "application/yaml", "Authorization": f"Bearer {live.token}"},
        body="\n".join(lines).encode(),
    )
    assert answer.status == 400
    assert "excessive aliasing" in json.loads(answer.data)["message"]
