"""A hub on this machine: the part of the Hugging Face hub's API that fetching a model uses.

Large files (`*.safetensors`, `*.bin`) are redirected to another path as to a CDN; small ones are
redirected within the hub. Faults are chosen by the names of the models.
"""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["HubServer", "hub_server"]

MOMENT = "5f" * 20


@dataclass
class HubServer:
    """Models by name, each a dictionary of files, and what to do wrong."""

    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    """Listed for everybody, given to who has the token `hf_good`."""
    cut: dict[str, int] = field(default_factory=dict)
    """Models whose large files end early, so many times."""
    gone_after_cut: set[str] = field(default_factory=set)
    """Models whose large files can't be had otherwise."""
    changed: set[str] = field(default_factory=set)
    """Models whose large files are others, of the same size, than those listed."""
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def add(self, name: str, folder: Path) -> None:
        """Offer the files of a folder."""
        self.models[name] = {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """A hub on a free port, while the block runs."""
    hub = HubServer()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _is_large(path: str) -> bool:
    return path.endswith((".safetensors", ".bin"))


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append(f"{self.command} {path}")
        routes = {
            r"/api/models/([^/]+/[^/]+)": self._model,
            r"/api/models/([^/]+/[^/]+)/tree/([^/]+)": self._tree,
            r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)": self._resolve,
            r"/(?:cdn|api/resolve-cache)/([^/]+/[^/]+)/(.+)": self._content,
        }
        for pattern, route in routes.items():
            if found := re.fullmatch(pattern, path):
                name = found.group(1)
                if name not in self.hub.models:
                    status = 404 if name.endswith("lost") else 401
                    return self._send(status, b'{"error":"Invalid username or password."}')
                return route(*found.groups())
        return self._send(404, b"{}")

    def _model(self, name: str) -> None:
        self._send(200, json.dumps({"id": name, "sha": MOMENT, "siblings": []}).encode())

    def _tree(self, name: str, moment: str) -> None:
        assert moment == MOMENT
        rows = []
        for path, content in self.hub.models[name].items():
            git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            row: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": git}
            if _is_large(path):
                sha256 = hashlib.sha256(content).hexdigest()
                row["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
            rows.append(row)
        rows.append({"type": "directory", "path": "onnx", "oid": "0" * 40})
        self._send(200, json.dumps(rows).encode())

    def _resolve(self, name: str, moment: str, path: str) -> None:
        if name in self.hub.gated and self.headers.get("Authorization") != "Bearer hf_good":
            return self._send(401, b"{}", {"X-Error-Code": "GatedRepo"})
        content = self.hub.models[name][path]
        if not _is_large(path):
            told = {"Location": f"/api/resolve-cache/{name}/{path}", "X-Repo-Commit": moment}
            return self._send(307, b"", told)
        told = {
            "Location": f"{self.hub.address}/cdn/{name}/{path}",
            "X-Repo-Commit": moment,
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(len(content)),
        }
        return self._send(302, b"", told)

    def _content(self, name: str, path: str) -> None:
        content = self.hub.models[name][path]
        told = {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": MOMENT}
        if not _is_large(path):
            return self._send(200, content, told)
        if name in self.hub.changed:
            content = content[:-1] + bytes([content[-1] ^ 1])
        if self.command == "GET" and self.hub.cut.get(name, 0) > 0:
            self.hub.cut[name] -= 1
            return self._cut_off(content, told)
        if self.command == "GET" and name in self.hub.gone_after_cut:
            return self._send(503, b"gone")
        return self._send(200, content, told)

    def _cut_off(self, content: bytes, told: dict[str, str]) -> None:
        """Half of what was promised."""
        self.send_response(200)
        for key, value in {**told, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.close_connection = True

    def _send(self, status: int, body: bytes, told: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {**(told or {}), "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
