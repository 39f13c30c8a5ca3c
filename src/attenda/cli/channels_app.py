"""The commands of channels: `attenda channels …`."""

from typing import Annotated, Any

import typer

from attenda.cli.invocation import JsonFlag, as_client, settings_of

__all__ = ["channels_app"]

channels_app = typer.Typer(
    help="Channels: ways in for people who are no users of the house.", no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help="Name or id of an open channel.")]


@channels_app.command("list")
def list_(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the channels.

    Example: `attenda channels list`
    """
    from attenda.cli.channels import list_channels

    as_client(settings_of(context), lambda client: list_channels(client, as_json=as_json))


@channels_app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What visitors see.")],
    agent: Annotated[str, typer.Option(help="Name or id of the agent that answers.")],
    site: Annotated[
        list[str] | None, typer.Option(help="A site that may show it: https://shop.example.")
    ] = None,
    collection: Annotated[
        list[str] | None,
        typer.Option(help="A shared collection to open; none takes the agent's own."),
    ] = None,
    mailbox: Annotated[
        str, typer.Option(help="Answer mails of this mailbox of the settings instead.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Make a chat widget and print the line for its site, or answer a mailbox.

    Example: `attenda channels add Shop --agent Help --site https://shop.example`
    """
    from attenda.cli.channels import add_channel

    settings = settings_of(context)
    address = f"http://{settings.host}:{settings.port}"
    body: dict[str, Any] = {"name": name, "origins": site or []}
    if mailbox:
        body |= {"kind": "mail", "mailbox": mailbox}
    as_client(
        settings,
        lambda client: add_channel(client, body, agent, collection or [], address, as_json=as_json),
    )


@channels_app.command()
def secret(context: typer.Context, channel: Name) -> None:
    """Print the secret with which a site's server says who its customers are.

    Example: `attenda channels secret Shop`
    """
    from attenda.cli.channels import print_secret

    as_client(settings_of(context), lambda client: print_secret(client, channel))


@channels_app.command()
def revoke(context: typer.Context, channel: Name) -> None:
    """Close a channel for good; who is in is out at once.

    Example: `attenda channels revoke Shop`
    """
    from attenda.cli.channels import revoke_channel

    as_client(settings_of(context), lambda client: revoke_channel(client, channel))
