"""The commands of MCP: `attenda mcp …`. Servers are named in the home's `mcp.toml`, by hand."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from attenda.cli.invocation import JsonFlag, as_client, language, settings_of
from attenda.cli.terminal import err, out
from attenda.core.errors import NotFound, UserError
from attenda.core.words import sentence

__all__ = ["mcp_app"]

mcp_app = typer.Typer(help="MCP: servers whose tools are used, and ours.", no_args_is_help=True)


@mcp_app.command("list")
def list_(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the servers of mcp.toml, and whether each is approved.

    Example: `attenda mcp list`
    """
    from attenda.tools.mcp_file import read_approved, read_servers

    home = settings_of(context).home
    approved = read_approved(home)
    rows: list[dict[str, Any]] = []
    for name, spec in read_servers(home).items():
        found = approved.get(name)
        stands = found is not None and not found.off and found.identity == spec.identity
        state = "new" if found is None else "approved" if stands else "changed"
        tools = [] if found is None else [str(one["name"]) for one in found.tools]
        way = spec.url or " ".join([spec.command, *spec.args])
        rows.append({"name": name, "state": state, "way": way, "tools": tools})
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not rows:
        out.print(sentence(language(), "mcp.none", path=home / "mcp.toml"), markup=False)
    for row in rows:
        out.print(f"{row['name']}  {row['state']}  {row['way']}", markup=False)
        out.print(f"  {', '.join(row['tools']) or '—'}", markup=False)


@mcp_app.command()
def approve(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A server of mcp.toml.")],
    yes: Annotated[bool, typer.Option("--yes", help="Approve without being asked.")] = False,
) -> None:
    """Start a server, show what it says of itself, and approve just that.

    Example: `attenda mcp approve files`
    """
    from attenda.tools.mcp import look_at
    from attenda.tools.mcp_file import keep, read_servers

    home = settings_of(context).home
    servers = read_servers(home)
    if name not in servers:
        raise NotFound("mcp.no_server", name=name, path=home / "mcp.toml")
    spec = servers[name]
    found = asyncio.run(look_at(name, spec))
    out.print(f"{name}: {_plain(found.server)}", markup=False)
    for tool in found.tools:
        mark = "reads" if tool["name"] in spec.reads else "writes"
        about = _plain(str(tool.get("description", "")))
        out.print(f"  {_plain(tool['name'])} ({mark}): {about}", markup=False)
        for argument, schema in tool["inputSchema"].get("properties", {}).items():
            said = _plain(json.dumps(schema, ensure_ascii=False))
            out.print(f"    {_plain(argument)}: {said}", markup=False, style="dim")
    if not yes and not sys.stdin.isatty():
        raise UserError("mcp.ask_first", server=name)
    if not yes and not typer.confirm("Approve?"):
        err.print(sentence(language(), "mcp.kept_off"), markup=False)
        raise typer.Exit(1)
    keep(home, name, found)
    told = sentence(language(), "mcp.added", server=name, count=len(found.tools))
    out.print(told, markup=False)


@mcp_app.command()
def remove(context: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Take an approval back; the server's tools are off at once.

    Example: `attenda mcp remove files`
    """
    from attenda.tools.mcp_file import keep, read_approved

    home: Path = settings_of(context).home
    if name not in read_approved(home):
        raise NotFound("mcp.no_server", name=name, path=home / "mcp-approved.json")
    keep(home, name, None)
    out.print(sentence(language(), "mcp.removed", server=name), markup=False)


@mcp_app.command()
def serve(context: typer.Context) -> None:
    """Offer search, agents and packs' reading tools on standard input and output.

    Example: `attenda mcp serve`
    """
    from attenda.cli.mcp_serving import serve as serve_client

    as_client(settings_of(context), serve_client)


def _plain(text: str) -> str:
    """A stranger's words on one line, without what moves a terminal's cursor."""
    shown = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(shown.split())[:1000]
