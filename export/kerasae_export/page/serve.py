"""A small web server for the page of a bundle: read-only, from memory, local by default.

It sends the files of the site that it was given and nothing else: there is no folder to list or
to leave, and nothing that is sent to it is read or kept. Connections are few and do not last: a
request has seconds to arrive, an answer a time that fits its size, and one connection too many
takes the place of the one that has been silent longest.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import ipaddress
import re
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kerasae_export.errors import SiteError
from kerasae_export.page.litertjs import VERSION
from kerasae_export.page.site import mime_type, policy

__all__ = ["HOST", "PORT", "PageServer"]

HOST, PORT = "127.0.0.1", 8000

_SECURITY = {
    "Content-Security-Policy": f"{policy()}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), payment=(), usb=()",
}
_PACKED = (".css", ".html", ".js", ".json", ".md", ".svg", ".txt", ".wasm", ".webmanifest")
_PINNED = f"litert/{VERSION}/"  # the address has the version: such a file never changes

# Seconds that a connection has, by what it waits for; an answer has more the larger it is.
_REQUEST, _NEXT, _ANSWER = 10.0, 15.0, 60.0
_SLOWEST = 20_000  # bytes a second
_PATIENCE = 2.0  # seconds that a request may take before another one may take its place
_PIECE = 2**16  # bytes that are sent at once
_MOST = 128  # connections
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class _File:
    """A file of the site, ready to be sent."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path, self.content, self.type = path, content, mime_type(path)
        self.tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'

    @cached_property
    def packed(self) -> bytes | None:
        """The compressed content, where that is worth while."""
        if not self.path.endswith(_PACKED) or len(self.content) < 1000:
            return None
        return gzip.compress(self.content, 6, mtime=0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _ANSWER  # for one piece; `PageServer` ends what takes longer in all
    server: PageServer

    def handle_one_request(self) -> None:
        """Answer a request, and then wait for the next."""
        super().handle_one_request()
        self.server.expect(self.connection, _NEXT, silent=True)

    def do_GET(self) -> None:
        """Send a file of the site."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Send the headers of a file."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        self._body = body
        self.server.expect(self.connection, _ANSWER)
        if not self.server.is_own_name(self.headers.get("Host", "")):
            self._refuse(
                HTTPStatus.MISDIRECTED_REQUEST,
                "This server answers to its address only, not to a name that points to it.",
            )
            return
        path = self.path.partition("?")[0]
        file = self.server.files.get("index.html" if path == "/" else path[1:])
        if file is None or path[:1] != "/":
            self._refuse(HTTPStatus.NOT_FOUND, "There is no such file on this page.")
        elif self.headers.get("If-None-Match") == file.tag:
            self._send(HTTPStatus.NOT_MODIFIED, b"", file)
        else:
            self._send(HTTPStatus.OK, file.content, file)

    def _send(self, status: HTTPStatus, content: bytes, file: _File) -> None:
        accepted = self.headers.get("Accept-Encoding", "")
        packed = file.packed if content and "gzip" in accepted else None
        self.send_response(status)
        self._head()
        keep = "max-age=31536000, immutable" if file.path.startswith(_PINNED) else "no-cache"
        self.send_header("Cache-Control", keep)
        self.send_header("ETag", file.tag)
        self.send_header("Vary", "Accept-Encoding")
        if status is HTTPStatus.OK:
            self.send_header("Content-Type", file.type)
            self.send_header("Content-Length", str(len(packed or content)))
            self.send_header("X-Size", str(len(content)))  # unpacked, for a bar of progress
            if packed:
                self.send_header("Content-Encoding", "gzip")
        self._finish(packed or content)

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        content = f"{sentence}\n".encode()
        self.send_response(status)
        self._head()
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self._finish(content)

    def _head(self) -> None:
        for name, value in _SECURITY.items():
            self.send_header(name, value)

    def _finish(self, content: bytes) -> None:
        self.end_headers()
        if self._body and content:
            self.server.expect(self.connection, _ANSWER + len(content) / _SLOWEST)
            for at in range(0, len(content), _PIECE):
                self.wfile.write(content[at : at + _PIECE])

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the base class refuses in the same way as the rest."""
        self._body = getattr(self, "command", None) != "HEAD"
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "This server only sends files.")
        else:
            self._refuse(HTTPStatus(code), "The request was not understood.")

    def version_string(self) -> str:
        """Name the server without the version of Python."""
        return "kerasae"

    def log_message(self, format: str, *args: Any) -> None:
        """Keep no record of requests."""


@dataclass
class _Stay:
    """How long a connection may last.

    Attributes:
        since: When its present state began.
        until: When it ends.
        silent: Whether it waits for a next request, and nothing is lost if it ends.
        asking: Whether its first request has not arrived.
    """

    since: float
    until: float
    silent: bool = False
    asking: bool = False


class PageServer(ThreadingHTTPServer):
    """Serves a site; use it as a context manager and call `serve_forever`.

    Args:
        site: The files, by path, as `make_site` gives them.
        host: Address to listen on; `"0.0.0.0"` is all of them.
        port: Port; 0 takes a free one.

    Attributes:
        limit: Most connections at a time: half of the files that the process may open, at most 128.

    Raises:
        SiteError: If it cannot listen there.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, site: Mapping[str, bytes], host: str = HOST, port: int = PORT) -> None:
        self.files = {path: _File(path, content) for path, content in site.items()}
        self.asked = host
        self.limit: int = min(_MOST, _file_limit() // 2)
        self._stays: dict[socket.socket, _Stay] = {}
        self._guard = threading.Lock()
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), _Handler)
        except socket.gaierror:
            raise SiteError(
                f"`host` must be an address of this machine. Received: host={host}"
            ) from None
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SiteError(
                f"`host` and `port` must be free to listen on, here {host} and {port}: {reason}; "
                "port 0 takes any free one."
            ) from None

    @property
    def addresses(self) -> list[str]:
        """The addresses of the page: this machine's own, then that in the network."""
        port = self.server_address[1]
        if not ipaddress.ip_address(self.server_address[0]).is_unspecified:  # type: ignore[arg-type]
            name = self.asked if ":" not in self.asked else f"[{self.asked}]"
            return [f"http://{name}:{port}/"]
        local = f"http://{HOST}:{port}/"
        outside = _own_address()
        return [local] if outside is None else [local, f"http://{outside}:{port}/"]

    def is_own_name(self, host: str) -> bool:
        """Whether a host name is this server's own, not one that somebody else points to it.

        Otherwise a page of that name could read the bundle (DNS rebinding).
        """
        found = re.fullmatch(r"\[([0-9a-f:.]+)\](:\d+)?|([^:\[\]]+)(:\d+)?", host.lower())
        if found is None:
            return False
        name = found[1] or found[3].rstrip(".")
        machine = socket.gethostname().lower()
        if name in ("localhost", self.asked.lower(), machine, f"{machine}.local"):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def server_bind(self) -> None:
        """Bind without asking the network for the machine's name, which can take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.asked, self.server_address[1]

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it; if there are no handles left, end a silent one."""
        try:
            connection, address = super().get_request()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self._make_room()
                time.sleep(0.1)  # else the waiting connection would be tried again at once
            raise
        now = time.monotonic()
        with self._guard:
            self._stays[connection] = _Stay(now, now + _REQUEST, asking=True)
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for a connection, or room can be made."""
        with self._guard:
            crowded = len(self._stays) > self.limit
        if not crowded or self._make_room():
            return True
        with contextlib.suppress(OSError):
            request.settimeout(0.1)
            request.sendall(_BUSY)
        return False

    def expect(self, connection: socket.socket, seconds: float, *, silent: bool = False) -> None:
        """Give a connection so many seconds from now."""
        now = time.monotonic()
        with self._guard:
            if connection in self._stays:
                self._stays[connection] = _Stay(now, now + seconds, silent)

    def service_actions(self) -> None:
        """End the connections whose time is over; called several times a second."""
        now = time.monotonic()
        with self._guard:
            late = [c for c, stay in self._stays.items() if stay.until < now]
        for connection in late:
            self._end(connection)

    def _make_room(self) -> bool:
        """End the connection that can best be spared; whether there is one."""
        now = time.monotonic()
        with self._guard:
            spare = [
                (not stay.silent, stay.since, connection.fileno(), connection)
                for connection, stay in self._stays.items()
                if stay.silent or (stay.asking and now - stay.since > _PATIENCE)
            ]
            if not spare:
                return False
            connection = min(spare)[-1]
            del self._stays[connection]
        self._end(connection)
        return True

    def _end(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it has just ended by itself
            connection.shutdown(socket.SHUT_RDWR)  # its thread closes it

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self._guard:
            self._stays.pop(request, None)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and end the connections that browsers keep open."""
        super().server_close()
        with self._guard:
            connections = list(self._stays)
        for connection in connections:
            self._end(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore browsers that close the connection."""


def _file_limit() -> int:
    """How many files this process may open."""
    try:
        import resource
    except ImportError:  # Windows, which counts sockets apart
        return 2 * _MOST
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 2 * _MOST if soft == resource.RLIM_INFINITY else soft


def _own_address() -> str | None:
    """This machine's address in its network; looking up a route sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that is kept for documentation
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if ipaddress.ip_address(address).is_loopback else str(address)
