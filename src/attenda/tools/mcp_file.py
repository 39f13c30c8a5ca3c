"""Which MCP servers there are, by the operator's file, and what was approved of each.

`HOME/mcp.toml` is written by whoever runs the machine and by nothing else: no page and no request
adds a server to it. `HOME/mcp-approved.json` keeps what `attenda mcp approve` was shown.
"""

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from attenda.core.errors import OperatorError

__all__ = ["Approved", "ServerSpec", "fingerprint", "keep", "read_approved", "read_servers"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSpec(_Data):
    """One server: how it is reached, and what it may do."""

    command: str = ""
    """Program that talks MCP on its standard input and output; or `url`."""
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    """Of the program, beside PATH and the like; it gets nothing else of ours."""
    url: str = ""
    """Where a server talks streamable HTTP."""
    key_env: str = ""
    """Name of the environment variable that holds its key."""
    timeout_s: float = Field(default=30.0, gt=0, le=600)
    """For a connection, and again for a call."""
    form_s: float = Field(default=120.0, gt=0, le=3600)
    """For a person to answer what it asks them during a call."""
    most_bytes: int = Field(default=100_000, gt=0, le=4_000_000)
    """Of a result."""
    tools: tuple[str, ...] | None = None
    """Its tools that may be used; none is all that were approved."""
    reads: tuple[str, ...] = ()
    """Its tools that change nothing; every other one is taken to write."""
    learns: Literal["public", "asker"] = "public"
    """What may be sent to it: what everybody may read, or all that the person asking may read."""

    @model_validator(mode="after")
    def _reached_one_way(self) -> Self:
        if bool(self.command) == bool(self.url):
            raise ValueError("give it a command or a url, and not both")
        if self.url and not re.match(r"https?://[^/@\s]+(/|$)", self.url):
            raise ValueError("its url must begin with http:// or https:// and hold no password")
        return self

    @property
    def identity(self) -> str:
        """Of the way it is reached: another command or address is another server."""
        way = [self.command, self.args, sorted(self.env.items()), self.url]
        return hashlib.sha256(json.dumps(way).encode()).hexdigest()


class Approved(_Data):
    """What was approved of one server."""

    identity: str
    """Of the way it is reached."""
    server: str
    """Its own name and version."""
    fingerprint: str
    """Of its name, version and whole list of tools."""
    tools: tuple[dict[str, Any], ...]
    """As it listed them."""
    off: bool = False
    """It has changed since, so nothing of it is used."""


def fingerprint(server: str, tools: Sequence[Mapping[str, Any]]) -> str:
    """The hash that stands for what a server says of itself: each word of each tool counts."""
    by_name = sorted(tools, key=lambda one: str(one.get("name")))
    text = json.dumps([server, by_name], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_servers(home: Path) -> dict[str, ServerSpec]:
    """The servers of a home, by name; none where it has no file of them.

    Raises:
        OperatorError: the file can't be read; the sentence says what is wrong.
    """
    path = home / "mcp.toml"
    if not path.exists():
        return {}
    try:
        found = tomllib.loads(path.read_text("utf-8")).get("server", {})
        servers = TypeAdapter(dict[str, ServerSpec]).validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        problem = f"{'.'.join(map(str, first['loc']))}: {said}"
        raise OperatorError("mcp.file", path=path, problem=problem) from error
    except (OSError, ValueError) as error:
        raise OperatorError("mcp.file", path=path, problem=error) from error
    for name in servers:
        if not _NAME.fullmatch(name):
            raise OperatorError("mcp.name", path=path, name=name)
    return servers


def read_approved(home: Path) -> dict[str, Approved]:
    """What was approved, by name of the server.

    Raises:
        OperatorError: the file is damaged.
    """
    path = home / "mcp-approved.json"
    if not path.exists():
        return {}
    try:
        return TypeAdapter(dict[str, Approved]).validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise OperatorError("mcp.approved_file", path=path) from error


def keep(home: Path, name: str, approved: Approved | None) -> None:
    """Keep what was approved of a server, or nothing any more; whole or not at all.

    Raises:
        OperatorError: the file is damaged.
    """
    path = home / "mcp-approved.json"
    with FileLock(home / "mcp-approved.lock"):
        found = read_approved(home)
        found.pop(name, None)
        if approved is not None:
            found[name] = approved
        scratch = path.with_suffix(".new")
        scratch.touch(mode=0o600)
        scratch.write_bytes(TypeAdapter(dict[str, Approved]).dump_json(found, indent=1))
        os.replace(scratch, path)
