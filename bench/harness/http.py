"""Requests, as the bytes that are sent, and what the answer to one must be."""

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from .system import Failed


@dataclass(frozen=True)
class Request:
    """A request of HTTP/1.1."""

    method: str
    path: str
    token: str
    body: Any = None
    headers: Mapping[str, str] | None = None

    def encode(self) -> bytes:
        """Its bytes."""
        body = b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {self.token}"]
        if self.body is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (self.headers or {}).items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body) if self.body else None


def fetch(port: int, request: Request) -> Answer:
    """Sends one request. Raises `Failed` when no answer comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request.encode())
        with connection.makefile("rb") as stream:
            status = stream.readline().split()
            if len(status) < 2:
                raise Failed(f"{request.method} {request.path}: no answer")
            headers: dict[str, str] = {}
            while (line := stream.readline().strip()) and b":" in line:
                key, _, value = line.decode("latin-1").partition(":")
                headers[key.lower()] = value.strip()
            return Answer(int(status[1]), headers, _body(stream, headers))


def _body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return stream.read(int(headers.get("content-length", "0")))
    body = b""
    while size := int(stream.readline().strip() or b"0", 16):
        body += stream.read(size)
        stream.readline()
    return body


def graphql(token: str, query: str, **variables: Any) -> Request:
    """An operation, posted."""
    return Request("POST", "/graphql", token, {"query": query, "variables": variables})
