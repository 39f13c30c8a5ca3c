"""The commands; each is a client of the home's owner, or becomes it (`owner.py`).

What a command prints for people goes through rich; with `--json` it prints data alone.
"""

import contextlib
import os
import sys
import traceback
import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from attenda import __version__
from attenda.cli.agents_app import agents_app
from attenda.cli.automation_app import automation_app
from attenda.cli.channels_app import channels_app
from attenda.cli.eval_app import evaluate_anything
from attenda.cli.groups import config_app, key_app, models_app, user_app
from attenda.cli.invocation import JsonFlag, as_client, language, settings_of
from attenda.cli.learn_app import learn_app
from attenda.cli.mcp_app import mcp_app
from attenda.cli.pack_app import pack_app
from attenda.cli.terminal import err, out
from attenda.core.errors import AttendaError, UserError
from attenda.core.words import sentence

__all__ = ["app", "run"]

app = typer.Typer(
    name="attenda",
    help="A self-hosted agent on a language model that you own from its weights to its actions.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def run() -> int:
    """Run the command line; returns its exit code."""
    try:
        app()
    except AttendaError as error:
        err.print(error.text(language()), style="red", markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 1
    except Exception:  # noqa: BLE001 - no traceback reaches a person; the log keeps it
        err.print(f"{sentence(language(), 'request.broken')} {_keep_traceback()}", style="red")
        return 1
    return 0


def _keep_traceback() -> str:
    """Add the traceback to the log in the home; its path."""
    home = Path(os.environ.get("ATTENDA_HOME", "~/.attenda")).expanduser()
    path = home / "attenda.log"
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat()} attenda {__version__}\n")
            log.write(traceback.format_exc())
    return str(path)


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


@app.command()
def up(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on.")] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
    pack: Annotated[list[str] | None, typer.Option(help="A pack that came along, put in.")] = None,
) -> None:
    """Serve the pages and the API until Ctrl-C.

    Example: `attenda up --pack support`
    """
    from attenda.cli.pack_home import add_pack
    from attenda.cli.server import run_loop
    from attenda.cli.up import serve

    settings = settings_of(context, host=host, port=port)
    for name in pack or ():
        add_pack(settings.home, name, language())

    def ready(address: str, link: str) -> None:
        out.print(f"Attenda is ready: [bold]{address}[/bold]   (Ctrl-C stops it)")
        out.print(f"Sign this browser in: {link}", style="dim")
        if open_page and sys.stdout.isatty():
            webbrowser.open(link)

    def slow() -> None:
        err.print(sentence(language(), "owner.starting"), style="dim", markup=False)

    run_loop(serve(settings, ready, slow))


@app.command()
def link(context: typer.Context) -> None:
    """Print a link that signs one more browser in as the owner, once.

    Example: `attenda link`
    """
    from attenda.cli.people import print_link

    settings = settings_of(context)
    as_client(settings, lambda client: print_link(client, settings))


@app.command()
def add(
    context: typer.Context,
    paths: Annotated[list[str], typer.Argument(help="Files, folders or web addresses.")],
    into: Annotated[str, typer.Option(help="Collection to put them in.")] = "Library",
    as_json: JsonFlag = False,
) -> None:
    """Add documents, and wait until they can be searched.

    Example: `attenda add handbook.pdf policies/ --into Handbook`
    """
    from attenda.cli.documents import add_paths

    settings = settings_of(context)
    as_client(settings, lambda client: add_paths(client, paths, into, as_json=as_json))


@app.command()
def documents(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the documents and their states.

    Example: `attenda documents --json`
    """
    from attenda.cli.documents import list_documents

    as_client(settings_of(context), lambda client: list_documents(client, as_json=as_json))


@app.command()
def forget(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Names or ids of documents.")],
) -> None:
    """Put documents into the trash; answers stop using them at once.

    Example: `attenda forget handbook.pdf`
    """
    from attenda.cli.documents import forget_documents

    as_client(settings_of(context), lambda client: forget_documents(client, names))


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

    as_client(
        settings_of(context),
        lambda client: search_documents(client, query, k, mode, as_json=as_json),
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
    as_client(
        settings_of(context),
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

    back_up(settings_of(context), file, language(), as_json=as_json)


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

    bring_back(settings_of(context), file, language(), replace=replace, as_json=as_json)


@app.command()
def chat(
    context: typer.Context,
    go_on: Annotated[
        bool, typer.Option("-c", "--continue", help="Go on with the last session.")
    ] = False,
    model: Annotated[str, typer.Option("-m", "--model", help="Chat model.")] = "",
) -> None:
    """Talk in the terminal; from a pipe, each line is a turn.

    Example: `attenda chat -c`
    """
    from attenda.cli.chatting import chat as talk

    settings = settings_of(context)
    as_client(settings, lambda client: talk(client, settings.home, model, go_on=go_on))


@app.command()
def doctor(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Check what the installation rests on; each fault with its mend.

    Example: `attenda doctor`
    """
    from attenda.cli.doctor import doctor as examine

    raise typer.Exit(examine(settings_of(context), as_json=as_json))


app.command("eval")(evaluate_anything)
app.add_typer(learn_app, name="learn")
app.add_typer(pack_app, name="pack")
app.add_typer(mcp_app, name="mcp")
app.add_typer(agents_app, name="agents")
app.add_typer(automation_app, name="automations")
app.add_typer(channels_app, name="channels")
app.add_typer(models_app, name="models")
app.add_typer(config_app, name="config")
app.add_typer(user_app, name="user")
app.add_typer(key_app, name="key")
