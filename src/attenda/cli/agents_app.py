"""The commands of agents: `attenda agents …`; each is a client of the home's owner."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from attenda.cli.invocation import JsonFlag, as_client, language, settings_of
from attenda.core.errors import UserError

__all__ = ["agents_app"]

agents_app = typer.Typer(
    help="Agents: their drafts and versions, and agents as files.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="Name or id of an agent, as `list` shows it.")]


@agents_app.command("list")
def list_(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the agents.

    Example: `attenda agents list`
    """
    from attenda.cli.agents import list_agents

    as_client(settings_of(context), lambda c: list_agents(c, language(), as_json=as_json))


@agents_app.command()
def show(context: typer.Context, name: Name, as_json: JsonFlag = False) -> None:
    """Show an agent's draft, what of it is not published, and its versions.

    Example: `attenda agents show Help`
    """
    from attenda.cli.agents import show_agent

    as_client(settings_of(context), lambda c: show_agent(c, name, language(), as_json=as_json))


@agents_app.command()
def export(
    context: typer.Context,
    name: Name,
    draft: Annotated[bool, typer.Option("--draft", help="As its draft is.")] = False,
    version: Annotated[int | None, typer.Option(help="As this version was.")] = None,
) -> None:
    """Print an agent as a file (JSON), as it is published.

    Example: `attenda agents export Help > help.json`
    """
    from attenda.cli.agents import export_agent

    as_client(settings_of(context), lambda c: export_agent(c, name, draft=draft, version=version))


@agents_app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(help="A file that `export` wrote; `-` reads it from a pipe.")
    ],
    into: Annotated[
        str, typer.Option(help="Name or id of the agent it is for; else that named in the file.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Keep a file as an agent's draft, or as a new agent that nobody sees yet.

    Example: `attenda agents import help.json`
    """
    from attenda.cli.agents import import_agent

    text = _text_of(file)
    as_client(
        settings_of(context),
        lambda c: import_agent(c, text, file, into, language(), as_json=as_json),
    )


@agents_app.command()
def publish(context: typer.Context, name: Name, as_json: JsonFlag = False) -> None:
    """Let the next answers follow an agent's draft.

    Example: `attenda agents publish Help`
    """
    from attenda.cli.agents import publish_agent

    as_client(settings_of(context), lambda c: publish_agent(c, name, language(), as_json=as_json))


@agents_app.command()
def rollback(
    context: typer.Context,
    name: Name,
    version: Annotated[int, typer.Argument(help="A version, as `show` lists it.")],
    as_json: JsonFlag = False,
) -> None:
    """Publish an older version anew; a draft under way stays.

    Example: `attenda agents rollback Help 3`
    """
    from attenda.cli.agents import roll_agent_back

    as_client(
        settings_of(context),
        lambda c: roll_agent_back(c, name, version, language(), as_json=as_json),
    )


def _text_of(file: str) -> str:
    """The text of a file, or of what is piped in.

    Raises:
        UserError: it can't be read, or is no text.
    """
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except FileNotFoundError as error:
        raise UserError("file.missing", path=file) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("agents.file", file=file) from error
