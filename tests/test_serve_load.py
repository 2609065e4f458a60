"""The server under load, on this machine: many connections, slow ones, few file handles."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from kerasae_export.page import serve
from kerasae_export.page.serve import PageServer

SITE = {"index.html": b"<!doctype html>" + b"x" * 5000, "big.bin": bytes(2**21)}


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer(SITE, port=0) as server:
        server.limit = 10
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def connect(server: PageServer) -> socket.socket:
    return socket.create_connection(server.server_address[:2], timeout=5)


def fetch(address: tuple[str, int], path: str = "/") -> tuple[int, int]:
    with contextlib.closing(http.client.HTTPConnection(*address, timeout=10)) as connection:
        connection.request("GET", path, headers={"Host": "127.0.0.1"})
        answer = connection.getresponse()
        return answer.status, len(answer.read())


def ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_a_request_has_seconds_to_arrive_however_it_trickles(server, monkeypatch):
    monkeypatch.setattr(serve, "_REQUEST", 0.5)
    with connect(server) as slow:
        start = time.monotonic()
        with contextlib.suppress(OSError):
            for _ in range(100):
                slow.sendall(b"G")
                time.sleep(0.05)
        assert ended(slow)
        assert time.monotonic() - start < 5  # and not the 10 of a socket that is never silent


def test_a_silent_connection_ends(server, monkeypatch):
    monkeypatch.setattr(serve, "_REQUEST", 0.2)
    with connect(server) as silent:
        assert ended(silent)


def test_one_too_many_takes_the_place_of_a_silent_one(server):
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            kept = stack.enter_context(connect(server))
            kept.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b"200" in kept.recv(100)
        assert fetch(server.server_address[:2]) == (200, len(SITE["index.html"]))


def test_beyond_the_limit_new_ones_are_refused_and_soon_served_again(server, monkeypatch):
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connect(server))
        refused = stack.enter_context(connect(server))
        refused.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"503" in refused.recv(100)
        monkeypatch.setattr(serve, "_PATIENCE", 0.0)  # the others have not even asked
        assert fetch(server.server_address[:2])[0] == 200
        assert len(server._stays) <= server.limit + 1


def test_a_large_answer_may_take_its_time(server, monkeypatch):
    monkeypatch.setattr(serve, "_REQUEST", 0.5)
    with connect(server) as slow:
        slow.sendall(b"GET /big.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        got = 0
        time.sleep(1)  # longer than a request or a pause may last
        while got < len(SITE["big.bin"]):
            got += len(slow.recv(2**16))
        assert got > len(SITE["big.bin"])


FEW_HANDLES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
from kerasae_export.page.serve import PageServer
with PageServer({"index.html": b"x" * 5000}, port=0) as server:
    if sys.argv[1] == "unlimited":
        server.limit = 1000  # so that the handles run out
    print(server.server_address[1], server.limit, flush=True)
    import threading
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    sys.stdin.readline()
    times = resource.getrusage(resource.RUSAGE_SELF)
    print(times.ru_utime + times.ru_stime, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["limited", pytest.param("unlimited", marks=pytest.mark.slow)])
def test_200_connections_on_64_handles_neither_spin_nor_lock_out(limit):
    process = subprocess.Popen(
        [sys.executable, "-c", FEW_HANDLES, limit],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        port, most = map(int, process.stdout.readline().split())
        assert most == (32 if limit == "limited" else 1000)
        flood = []
        for _ in range(200):
            with contextlib.suppress(OSError):
                flood.append(socket.create_connection(("127.0.0.1", port), timeout=5))
        for connection in flood[::3]:
            with contextlib.suppress(OSError):
                connection.sendall(b"GET / HT")
        time.sleep(2.5)
        process.stdin.write("\n")
        process.stdin.flush()
        assert float(process.stdout.readline()) < 1.5  # of processor time, its start included
        answer = None
        deadline = time.monotonic() + 15
        while answer is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer = fetch(("127.0.0.1", port))
        assert answer == (200, 5000)
        for connection in flood:
            connection.close()
        process.kill()
