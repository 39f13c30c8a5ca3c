"""Automations with steps of every kind, and the other firm's program that their webhooks reach."""

import json
import random
import shutil
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from attenda.api import Message, ScriptedAnswer
from attenda.tools import webhook
from tests.crash.deeds import FOLDER, World, chosen

__all__ = ["SECRET", "Receiver", "kinds_folder", "signed", "spoken"]

SECRET = b"a secret of both programs"


def kinds_folder(folder: Path, port: int, *, deadline: str, caused: bool = False) -> Path:
    """The deeds' pack with these automations instead of its own, for a receiver at a port."""
    shutil.copytree(FOLDER, folder)
    text = (FOLDER.parent / "kinds.yaml").read_text()
    text = text.replace("PORT", str(port)).replace("LATE", deadline)
    text += (FOLDER.parent / "caused.yaml").read_text() if caused else ""
    (folder / "automations" / "deeds.yaml").write_text(text)
    return folder


def spoken(messages: Sequence[Message]) -> ScriptedAnswer:
    """What the model says to people, and to automations."""
    return '{"worth": 3}' if messages[-1].text.startswith("Rate ") else chosen(messages)


def signed(id_: str, at_s: int, values: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    """A request of another program: its headers and its body."""
    body = json.dumps(values).encode()
    return webhook.signed_headers(SECRET, id_, at_s, body), body


class Receiver:
    """Takes webhooks and counts their ids in the world; at times it fails, or its answer does."""

    def __init__(self, world: World, seed: int = 0, faults: float = 0.0) -> None:
        chance = random.Random(seed)

        class Taking(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if len(body) < int(self.headers["content-length"]):
                    return  # its sender died
                at_s = int(self.headers["webhook-timestamp"])
                id_ = webhook.verify(SECRET, dict(self.headers.items()), body, at_s)
                fault = chance.random() / faults if faults else 1.0
                if fault >= 0.5:
                    world.write("hook", id_, json.loads(body)["order"])
                if fault >= 1.0 or fault < 0.5:
                    self.send_response(200 if fault >= 1.0 else 503)
                    self.send_header("content-length", "0")
                    self.end_headers()

            def log_message(self, *_values: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
