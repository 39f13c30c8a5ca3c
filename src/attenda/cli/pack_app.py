"""The commands of packs: `attenda pack …`; each works on files, without the server."""

from pathlib import Path
from typing import Annotated

import typer

from attenda.cli.invocation import JsonFlag, as_client, language, settings_of

__all__ = ["pack_app"]

pack_app = typer.Typer(
    help="Packs: add one, begin one, check it, draw its flows, read files in.", no_args_is_help=True
)


@pack_app.command("new")
def pack_new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the pack: a-z, 0-9 and underscores.")],
) -> None:
    """Write a small pack that works (appointments), to begin from.

    Example: `attenda pack new demo`
    """
    from attenda.cli.pack_files import new_pack

    new_pack(settings_of(context).home, name, language())


@pack_app.command("add")
def pack_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A pack that came with the program.")],
) -> None:
    """Put a pack that came with the program into the home; the next start opens it.

    Example: `attenda pack add support`
    """
    from attenda.cli.pack_home import add_pack

    add_pack(settings_of(context).home, name, language())


@pack_app.command("import")
def pack_import(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A pack of the home.")],
    file: Annotated[Path, typer.Argument(help="The file, or a folder of files.")],
    kind: Annotated[
        str, typer.Option("--as", help="Its format, where its ending leaves a choice.")
    ] = "",
    trial: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
) -> None:
    """Read a file into a pack's tables, each row in the place of the one with its key.

    Example: `attenda pack import support orders.csv --dry-run`
    """
    from attenda.cli.pack_home import import_into

    said = language()
    as_client(
        settings_of(context),
        lambda client: import_into(client, name, file, kind, said, trial=trial),
    )


@pack_app.command("check")
def pack_check(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="Folder or name; none checks the home's.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Say everything that is wrong with a pack and its scenarios, by file and line.

    Example: `attenda pack check demo`
    """
    from attenda.cli.pack_files import check_packs

    raise typer.Exit(check_packs(settings_of(context).home, path, language(), as_json=as_json))


@pack_app.command("graph")
def pack_graph(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help="Folder or name.")],
    file: Annotated[Path | None, typer.Option("--out", help="File to write.")] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Draw a pack's flows: one page, without a `--out` in the pack's folder.

    Example: `attenda pack graph demo --open`
    """
    from attenda.cli.pack_files import draw_flows

    draw_flows(settings_of(context).home, path, file, language(), open_page=open_page)


@pack_app.command("list")
def pack_list(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the packs of the home.

    Example: `attenda pack list`
    """
    from attenda.cli.pack_files import list_packs

    list_packs(settings_of(context).home, language(), as_json=as_json)


@pack_app.command("choices")
def pack_choices(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Folder or name.")],
    file: Annotated[Path, typer.Option("--out", help="File to write (JSON Lines).")],
    languages: Annotated[
        list[str] | None, typer.Option("--language", help="en or zh-CN; none is all it has.")
    ] = None,
) -> None:
    """Write what a pack's examples teach about choosing, to tune a small model on.

    Example: `attenda pack choices support --language en --out choices.jsonl`
    """
    from attenda.cli.choosers import write_choices

    write_choices(settings_of(context), name, file, languages or [], language())


@pack_app.command("chooser")
def pack_chooser(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Folder or name.")],
    model: Annotated[str, typer.Option("-m", "--model", help="A tuned run or model.")] = "",
    off: Annotated[bool, typer.Option("--off", help="The examples alone decide again.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Let a tuned model choose where a pack's examples leave it open, once it is seen to help.

    Example: `attenda pack chooser support -m support-chooser`
    """
    from attenda.cli.choosers import set_chooser, show_chooser, unset_chooser

    settings = settings_of(context)
    if off:
        unset_chooser(settings, name, language())
    elif model:
        raise typer.Exit(set_chooser(settings, name, model, language(), as_json=as_json))
    else:
        show_chooser(settings, name, language(), as_json=as_json)
