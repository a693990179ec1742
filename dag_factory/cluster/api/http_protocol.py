"""HTTP/1.1 with a bound on the header of a request, which is read before the token is checked."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..resources.errors import ApiError
from .messages import json_response

MAX_HEADER = 1024 * 1024
"""The bytes of the request line and the headers, as for a real API server. One chunk of a socket may exceed it."""


class BoundedProtocol(HttpToolsProtocol):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_size = 0
        self._in_header = True

    def data_received(self, data: bytes) -> None:
        was_in_header = self._in_header
        super().data_received(data)
        if self._in_header and was_in_header:
            self._header_size += len(data)
            if self._header_size > MAX_HEADER and not self.transport.is_closing():
                self._refuse()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_header:  # not a trailer, which nobody reads
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_header = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_header, self._header_size = True, 0

    def _refuse(self) -> None:
        text = f"the request line and the headers are longer than {MAX_HEADER} bytes"
        body = json_response(ApiError(431, "RequestHeaderFieldsTooLarge", text).body(), 431)
        head = f"content-type: application/json\r\ncontent-length: {len(body.body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(b"HTTP/1.1 431 Request Header Fields Too Large\r\n" + head.encode() + bytes(body.body))
        self.transport.close()
