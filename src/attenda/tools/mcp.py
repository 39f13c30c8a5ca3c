"""MCP both ways: their tools as ours, and the door by which ours become theirs.

A server's words are a stranger's: its list of tools is what was approved or nothing of it is used,
and all that it answers is untrusted. It is asked for its list before each call. One call at a time
goes to a server, so no answer can be taken for another's. The SDK itself is in `mcp_wire` and
`mcp_server`, which are imported only when they are needed: it is an optional library.
"""

import asyncio
import importlib
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, JsonValue

from attenda.core.errors import OperatorError, UserError
from attenda.core.form import FormAnswer, read_form
from attenda.tools.mcp_file import (
    Approved,
    ServerSpec,
    fingerprint,
    keep,
    read_approved,
    read_servers,
)
from attenda.tools.mcp_schema import broken_rule, broken_rule_apart, is_plain, is_schema
from attenda.tools.tool import Ask, BadResult, Deed, Tool

if TYPE_CHECKING:
    from attenda.tools.mcp_wire import Asking, Talk

__all__ = ["RemoteTool", "Servers", "look_at", "sdk"]

_log = logging.getLogger("attenda.tools")
_TOOL_NAME = re.compile(r"[A-Za-z0-9_./-]{1,48}")
_MOST_LISTED = 1 << 20
_ANSWERED = frozenset({"mcp.error", "mcp.refused", "tool.bad_result"})
"""Failures that the server told of in good order."""


def sdk(module: str) -> Any:
    """One of the two modules that stand on the MCP SDK.

    Raises:
        OperatorError: it is not installed.
    """
    try:
        return importlib.import_module(f"attenda.tools.{module}")
    except ImportError as error:
        raise OperatorError("mcp.missing") from error


@dataclass(frozen=True, slots=True)
class RemoteTool(Tool):
    """A tool of a server, as it was approved: its contract is a JSON schema."""

    listed: Mapping[str, JsonValue] = field(default_factory=dict)
    """Its arguments as JSON schema."""
    output: Mapping[str, JsonValue] | None = None
    """Its results as JSON schema, where the server says what they are."""

    @property
    def strangers_about(self) -> bool:
        """Whether its own explanation is a stranger's: always."""
        return True

    @property
    def arguments(self) -> dict[str, bool]:
        """Names of arguments, and whether each must be given."""
        required = self.listed.get("required")
        wanted = required if isinstance(required, list) else []
        named = self.listed.get("properties")
        return {name: name in wanted for name in named} if isinstance(named, dict) else {}

    def schema(self) -> dict[str, Any]:
        """Its arguments as JSON schema."""
        return dict(self.listed)

    def checked(self, arguments: Mapping[str, JsonValue]) -> dict[str, Any]:
        """Arguments that may be sent; what a costly schema says of them is seen before they are.

        Raises:
            UserError: the schema refuses them.
        """
        unknown = sorted(arguments.keys() - self.arguments.keys())
        broken = (unknown[0], "properties") if unknown else None
        if broken is None and is_plain(self.schema()):
            broken = broken_rule(self.listed, arguments)
        if broken is not None:
            raise _refused(self.name, broken)
        return dict(arguments)


def _refused(tool: str, broken: tuple[str, str]) -> UserError:
    return UserError("mcp.argument", tool=tool, name=broken[0] or "*", rule=broken[1])


async def look_at(name: str, spec: ServerSpec) -> Approved:
    """What a server says of itself now, to be shown and approved.

    Raises:
        OperatorError: it can't be reached, or lists what can't be used.
    """
    wire = sdk("mcp_wire")
    talk: Talk = wire.Talk(spec, _key_of(name, spec), heard=True)
    try:
        async with asyncio.timeout(max(spec.timeout_s, 60.0)):  # it may install itself first
            await talk.open()
            server, tools = await talk.listing()
    except (wire.WireError, TimeoutError, OSError) as error:
        raise OperatorError("mcp.unreachable", server=name, problem=error or "time") from error
    finally:
        await talk.close()
    names = [str(one["name"]) for one in tools]
    bad = [one for one in names if not _TOOL_NAME.fullmatch(one) or names.count(one) > 1]
    bad += [
        str(one["name"])
        for one in tools
        if not (is_schema(one["inputSchema"]) and one["inputSchema"].get("type") == "object")
        or not is_schema(one.get("outputSchema") or {})
    ]
    if bad:
        raise OperatorError("mcp.bad_tool", server=name, tool=ascii(bad[0])[:80])
    found = Approved(
        identity=spec.identity,
        server=server,
        fingerprint=fingerprint(server, tools),
        tools=tuple(tools),
    )
    if len(found.model_dump_json()) > _MOST_LISTED:
        raise OperatorError("mcp.too_much", server=name)
    return found


def _key_of(name: str, spec: ServerSpec) -> str:
    if not spec.key_env:
        return ""
    if spec.key_env not in os.environ:
        raise OperatorError("mcp.no_key", server=name, variable=spec.key_env)
    return os.environ[spec.key_env]


class Servers:
    """The servers of one home."""

    def __init__(self, home: Path) -> None:
        """Reads what is approved; no server is started before its first call.

        Raises:
            OperatorError: the operator's file, or what was approved, can't be read.
        """
        self._servers = {
            name: _Server(home, name, spec) for name, spec in read_servers(home).items()
        }
        self._approved = read_approved(home)

    def tools(self) -> list[Tool]:
        """Tools of servers that were approved, each called `SERVER.TOOL`.

        Raises:
            OperatorError: the operator's file names a tool that the server does not have.
        """
        found: list[Tool] = []
        for name, server in self._servers.items():
            if name in self._approved:
                found += server.tools(self._approved[name])
        return found

    async def close(self) -> None:
        """End every conversation."""
        await asyncio.gather(*(one.close() for one in self._servers.values()))


class _Server:
    """One server, and the conversation with it."""

    def __init__(self, home: Path, name: str, spec: ServerSpec) -> None:
        self._home = home
        self._name = name
        self._spec = spec
        self._talk: Talk | None = None
        self._turn = asyncio.Lock()

    def tools(self, approved: Approved) -> list[Tool]:
        """The tools that may be used."""
        listed = {str(one["name"]): one for one in approved.tools}
        wanted = listed.keys() if self._spec.tools is None else self._spec.tools
        for name in (*wanted, *self._spec.reads):
            if name not in listed:
                raise OperatorError("mcp.no_tool", server=self._name, tool=name)
        return [self._tool(listed[name], approved.fingerprint) for name in wanted]

    def _tool(self, listed: Mapping[str, Any], approved: str) -> Tool:
        name, spec = str(listed["name"]), self._spec
        writes = name not in spec.reads

        async def run(deed: Deed, /, **arguments: Any) -> Any:
            return await self._call(made, deed, arguments, approved)

        made = RemoteTool(
            name=f"{self._name}.{name}",
            about=str(listed.get("description") or ""),
            run=run,
            model=BaseModel,
            writes=writes,
            outside=True,
            sink=frozenset({f"mcp:{self._name}"}) if spec.learns == "public" else None,
            gives="untrusted",
            # its turn, the connection and the call have each, and a person who is asked
            timeout_s=3 * spec.timeout_s + 10 + spec.form_s,
            most_bytes=spec.most_bytes,
            listed=listed["inputSchema"],
            output=_output_of(listed),
        )
        return made

    async def _call(
        self, tool: RemoteTool, deed: Deed, arguments: dict[str, Any], approved: str
    ) -> Any:
        """Call it if it is still what was approved; before that nothing leaves."""
        if (broken := await broken_rule_apart(tool.listed, arguments)) is not None:
            raise _refused(tool.name, broken)
        self._must_stand(approved)
        try:
            async with asyncio.timeout(self._spec.timeout_s):
                await self._turn.acquire()
        except TimeoutError as error:
            raise UserError("mcp.busy", server=self._name) from error
        try:
            talk = await self._same_as(approved)
            return await self._send(talk, tool, deed, arguments)
        except BaseException as error:
            if not (isinstance(error, UserError) and error.key in _ANSWERED):
                await self.close()  # a late answer must find nobody who waits for another
            raise
        finally:
            self._turn.release()

    def _must_stand(self, fingerprint_then: str) -> None:
        """Whether what the tool was made from is approved still."""
        found = read_approved(self._home).get(self._name)
        if found is None:
            raise UserError("mcp.not_approved", server=self._name)
        if found.off or found.identity != self._spec.identity:
            raise UserError("mcp.changed", server=self._name)
        if found.fingerprint != fingerprint_then:
            raise UserError("mcp.restart", server=self._name)

    async def _same_as(self, approved: str) -> "Talk":
        """The conversation, with a server that lists just what was approved."""
        wire = sdk("mcp_wire")
        try:
            async with asyncio.timeout(self._spec.timeout_s):
                if self._talk is None or self._talk.over:
                    await self.close()
                    self._talk = wire.Talk(self._spec, _key_of(self._name, self._spec))
                    await self._talk.open()
                server, tools = await self._talk.listing()
        except TimeoutError as error:
            limit = self._spec.timeout_s
            raise UserError("mcp.silent", server=self._name, limit=limit) from error
        except (wire.WireError, OSError, OperatorError) as error:
            _log.warning("the MCP server %s can't be used: %s", self._name, error)
            raise UserError("mcp.not_there", server=self._name) from error
        if fingerprint(server, tools) != approved:
            self._switch_off()
            raise UserError("mcp.changed", server=self._name)
        return self._talk

    def _switch_off(self) -> None:
        """It stays off, also when it goes back to what it was."""
        _log.warning("the MCP server %s has changed since it was approved", self._name)
        found = read_approved(self._home).get(self._name)
        if found is not None:
            keep(self._home, self._name, found.model_copy(update={"off": True}))

    async def _send(
        self, talk: "Talk", tool: RemoteTool, deed: Deed, arguments: dict[str, Any]
    ) -> Any:
        """Send a call; of a write without an answer nobody knows whether it was done."""
        try:
            async with asyncio.timeout(self._spec.timeout_s) as clock:
                name = tool.name.removeprefix(f"{self._name}.")
                asking = self._asking(deed.ask, clock) if deed.ask else None
                found = await talk.call(name, arguments, deed.key, asking)
                value = _value_of(found)
                if len(str(value)) > tool.most_bytes:
                    raise sdk("mcp_wire").WireError("giant")
        except Exception as error:
            _log.warning("%s: %r", tool.name, error)
            problem = getattr(error, "problem", "slow")
            if problem == "refused":
                raise UserError("mcp.refused", tool=tool.name) from error
            if tool.writes:
                raise ConnectionError(f"{tool.name}: {problem}") from error
            raise _told(tool, problem, self._spec) from error
        if found.is_error:
            _log.warning("%s said that it failed: %r", tool.name, str(value)[:500])
            raise UserError("mcp.error", tool=tool.name)
        await _must_fit(tool, found.structured_content)
        return value

    def _asking(self, ask: Ask, clock: asyncio.Timeout) -> "Asking":
        """Asks the person; while they think, the server's own time stands still."""
        now = asyncio.get_running_loop().time
        until = now() + self._spec.form_s

        async def asking(message: str, schema: dict[str, Any]) -> FormAnswer:
            left = until - now()
            try:
                form = read_form(self._name, message, schema)
            except ValueError as error:
                _log.warning("the MCP server %s asks for no form: %s", self._name, error)
                return FormAnswer(action="decline")
            if left <= 0:
                return FormAnswer(action="decline")
            clock.reschedule(until + self._spec.timeout_s)
            answer = await ask(form, left)
            clock.reschedule(now() + self._spec.timeout_s)
            return answer

        return asking

    async def close(self) -> None:
        """End the conversation."""
        talk, self._talk = self._talk, None
        if talk is not None:
            await talk.close()


def _output_of(listed: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of a tool's results; one that is no schema is kept by nothing."""
    found: Mapping[str, Any] | None = listed.get("outputSchema")
    return found if found is None or is_schema(found) else {"not": {}}


async def _must_fit(tool: RemoteTool, structured: object) -> None:
    """Hold a result against what the server says of its results; no word of it is told."""
    if tool.output is None:
        return
    broken = await broken_rule_apart(tool.output, structured)
    if structured is None or broken is not None:
        rule = "outputSchema" if broken is None or structured is None else broken[1]
        raise BadResult("tool.bad_result", tool=tool.name, problem=rule)


def _told(tool: RemoteTool, problem: str, spec: ServerSpec) -> UserError:
    """What is said of a read that failed."""
    match problem:
        case "slow":
            return UserError("tool.slow", tool=tool.name, limit=spec.timeout_s)
        case "giant":
            return UserError("tool.too_large", tool=tool.name, limit=tool.most_bytes)
        case "gone" | "noise":
            return UserError("mcp.gone", tool=tool.name)
        case _:
            return UserError("mcp.bad_answer", tool=tool.name)


def _value_of(found: Any) -> JsonValue:
    """A result as data: what is structured, else its text; pictures and links are not followed."""
    if found.structured_content is not None:
        value: JsonValue = found.structured_content
        return value
    parts: Sequence[Any] = found.content
    texts = [one.text for one in parts if one.type == "text"]
    left_out = sorted({one.type for one in parts if one.type != "text"})
    text = "\n".join(texts)
    return {"text": text, "left_out": list(left_out)} if left_out else {"text": text}
