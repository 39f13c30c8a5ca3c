"""The commands; each is a client of the home's owner, or becomes it (`owner.py`).

What a command prints for people goes through rich; with `--json` it prints data alone.
"""

import asyncio
import json
import sys
import webbrowser
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from attenda import __version__
from attenda.cli.terminal import err, out
from attenda.core.config import Settings
from attenda.core.errors import AttendaError, UserError

__all__ = ["app", "run"]

app = typer.Typer(
    name="attenda",
    help="A self-hosted agent on a language model that you own from its weights to its actions.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print data alone, as JSON.")]


def run() -> int:
    """Run the command line; returns its exit code."""
    try:
        app()
    except AttendaError as error:
        err.print(error.text(_language()), style="red", markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 1
    return 0


def _language() -> str:
    import os

    wanted = (
        os.environ.get("ATTENDA_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG")
    )
    return "zh-CN" if (wanted or "").lower().startswith("zh") else "en"


@app.callback()
def common(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="Folder of the data (default ~/.attenda).")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options of every command."""
    if version:
        out.print(__version__)
        raise typer.Exit
    context.obj = {"home": home}


def _settings(context: typer.Context, **flags: Any) -> Settings:
    from attenda.cli.settings import load_settings

    return load_settings({**(context.obj or {}), **flags})[0]


def _as_client(settings: Settings, work: Callable[[Any], Awaitable[int]]) -> None:
    """Run `work` with a client of the home's owner, and leave with its exit code."""
    from attenda.cli.owner import connect

    async def body() -> int:
        async with connect(settings) as client:
            return await work(client)

    raise typer.Exit(asyncio.run(body()))


@app.command()
def up(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on.")] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
) -> None:
    """Serve the pages and the API until Ctrl-C.

    Example: `attenda up --port 8020 --no-open`
    """
    from attenda.cli.up import serve

    settings = _settings(context, host=host, port=port)

    def ready(address: str, link: str) -> None:
        out.print(f"Attenda is ready: [bold]{address}[/bold]   (Ctrl-C stops it)")
        out.print(f"Sign this browser in: {link}", style="dim")
        if open_page and sys.stdout.isatty():
            webbrowser.open(link)

    asyncio.run(serve(settings, ready))


@app.command()
def add(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    into: Annotated[str, typer.Option(help="Collection to put them in.")] = "Library",
    as_json: JsonFlag = False,
) -> None:
    """Add documents, and wait until they can be searched.

    Example: `attenda add handbook.pdf policies/ --into Handbook`
    """
    from attenda.cli.documents import add_paths

    settings = _settings(context)
    _as_client(settings, lambda client: add_paths(client, paths, into, as_json=as_json))


@app.command()
def documents(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the documents and their states.

    Example: `attenda documents --json`
    """
    from attenda.cli.documents import list_documents

    _as_client(_settings(context), lambda client: list_documents(client, as_json=as_json))


@app.command()
def forget(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Names or ids of documents.")],
) -> None:
    """Put documents into the trash; answers stop using them at once.

    Example: `attenda forget handbook.pdf`
    """
    from attenda.cli.documents import forget_documents

    _as_client(_settings(context), lambda client: forget_documents(client, names))


@app.command()
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    mode: Annotated[str, typer.Option(help="both, words or vectors.")] = "both",
    as_json: JsonFlag = False,
) -> None:
    """Search the documents.

    Example: `attenda search "refund window" -k 3 --json`
    """
    from attenda.cli.documents import search_documents

    _as_client(
        _settings(context), lambda client: search_documents(client, query, k, mode, as_json=as_json)
    )


@app.command()
def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="The question; `-` reads standard input.")] = "-",
    file: Annotated[
        list[Path] | None, typer.Option("-f", "--file", help="Add these documents first.")
    ] = None,
    go_on: Annotated[
        bool, typer.Option("-c", "--continue", help="Go on with the last session.")
    ] = False,
    model: Annotated[str | None, typer.Option("-m", "--model", help="Chat model.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask one question; the answer streams, with its citations below.

    Example: `attenda ask "How long is the refund window?"`
    """
    from attenda.cli.asking import ask_once

    text = sys.stdin.read() if question == "-" else question
    if not text.strip():
        raise UserError("message.empty")
    _as_client(
        _settings(context),
        lambda client: ask_once(
            client, text, file or [], go_on=go_on, as_json=as_json, model=model or ""
        ),
    )


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="File to write.")],
    as_json: JsonFlag = False,
) -> None:
    """Write the database, the copies of documents and the settings into one file.

    It may be taken while `attenda up` runs. The home's key and the weights are not in it.

    Example: `attenda backup monday.zip`
    """
    from attenda.cli.backup import back_up

    back_up(_settings(context), file, _language(), as_json=as_json)


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file that `attenda backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Set aside the database that is there.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Bring a backup into the home; every part is checked before anything is moved.

    Example: `attenda --home /srv/attenda restore monday.zip`
    """
    from attenda.cli.backup import bring_back

    bring_back(_settings(context), file, _language(), replace=replace, as_json=as_json)


models_app = typer.Typer(help="Models: pull, list, show, remove, choose.", no_args_is_help=True)
app.add_typer(models_app, name="models")


@models_app.command("pull")
def models_pull(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Names; none takes the defaults.")
    ] = None,
) -> None:
    """Download weights, checked by their hash. Without a name: the default models.

    Example: `attenda models pull`
    """
    from attenda.cli.models import pull_models

    pull_models(_settings(context).home, names or [])


@models_app.command("list")
def models_list(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the models here, and those that can be pulled.

    Example: `attenda models list`
    """
    from attenda.cli.models import list_models

    list_models(_settings(context), as_json=as_json)


@models_app.command("show")
def models_show(
    context: typer.Context, name: Annotated[str, typer.Argument()], as_json: JsonFlag = False
) -> None:
    """Show a model's licence, size and hash, and check its file.

    Example: `attenda models show smollm2-135m-instruct`
    """
    from attenda.cli.models import show_model

    show_model(_settings(context).home, name, as_json=as_json)


@models_app.command("add")
def models_add(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A GGUF file.")],
    name: Annotated[str, typer.Option(help="Name to give it; default: the file's.")] = "",
    template: Annotated[str, typer.Option(help="Chat template, if it can't be told.")] = "",
) -> None:
    """Add a GGUF file of your own.

    Example: `attenda models add my-model.gguf --name mine`
    """
    from attenda.cli.models import add_model

    add_model(_settings(context).home, path, name or path.stem, template)


@models_app.command("rm")
def models_rm(context: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Remove a model's weights.

    Example: `attenda models rm my-model`
    """
    from attenda.llm.catalogue import remove

    remove(_settings(context).home, name)
    out.print(f"Removed {name}.")


@models_app.command("use")
def models_use(context: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Make a model the default; running pages take it with the next start.

    Example: `attenda models use my-model`
    """
    from attenda.cli.models import use_model

    use_model(_settings(context).home, name)


config_app = typer.Typer(help="Settings.", no_args_is_help=True)
app.add_typer(config_app, name="config")


@config_app.command("show")
def config_show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each came from.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the settings in force.

    Example: `attenda config show --origin`
    """
    from attenda.cli.settings import load_settings

    settings, origins = load_settings(context.obj)
    values = settings.model_dump(mode="json")
    if as_json:
        rows = {name: {"value": value, "origin": origins[name]} for name, value in values.items()}
        print(json.dumps(rows if origin else values, ensure_ascii=False, indent=2))
        return
    for name, value in values.items():
        place = f"   [dim]{origins[name]}[/dim]" if origin else ""
        out.print(f"{name} = {value!r}{place}")
