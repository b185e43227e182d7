"""A stand-in for the services that structures are fetched from."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import esm_explore as ex
from esm_explore.sources import downloads

EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"


class Service(BaseHTTPRequestHandler):
    """1AS5 under any name; 9bus is busy the first two times, 9not is not there."""

    body = gzip.decompress((EXAMPLES / "1as5.bcif.gz").read_bytes())

    def do_GET(self):
        server, name = self.server, self.path.strip("/").split(".")[0]
        with server.lock:
            server.asked.append(name)
            server.now += 1
            server.most = max(server.most, server.now)
            times = server.asked.count(name)
        time.sleep(0.03)
        status = 404 if name == "9not" else 503 if name == "9bus" and times < 3 else 200
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(self.body if status == 200 else b"")
        with server.lock:
            server.now -= 1

    def log_message(self, *_):
        pass


@contextmanager
def standing_in(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[ThreadingHTTPServer]:
    """Let the PDB be a server of this process, which keeps what it was asked, and a cache new."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.lock, server.asked, server.now, server.most = threading.Lock(), [], 0, 0
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(downloads, "PDB", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("ESM_EXPLORE_CACHE", str(cache))
    try:
        yield server
    finally:
        server.shutdown()
