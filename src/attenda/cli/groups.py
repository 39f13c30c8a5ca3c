"""The commands in groups: models, config, user, key."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from attenda.cli.invocation import JsonFlag, as_client, language, settings_of
from attenda.cli.terminal import out

__all__ = ["config_app", "key_app", "models_app", "user_app"]

models_app = typer.Typer(help="Models: pull, list, show, remove, choose.", no_args_is_help=True)


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

    pull_models(settings_of(context).home, names or [])


@models_app.command("list")
def models_list(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the models here, and those that can be pulled.

    Example: `attenda models list`
    """
    from attenda.cli.models import list_models

    list_models(settings_of(context), language(), as_json=as_json)


@models_app.command("show")
def models_show(
    context: typer.Context, name: Annotated[str, typer.Argument()], as_json: JsonFlag = False
) -> None:
    """Show a model's licence, size and hash, and check its file.

    Example: `attenda models show smollm2-135m-instruct`
    """
    from attenda.cli.models import show_model

    show_model(settings_of(context).home, name, as_json=as_json)


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

    add_model(settings_of(context).home, path, name or path.stem, template)


@models_app.command("rm")
def models_rm(context: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Remove a model's weights.

    Example: `attenda models rm my-model`
    """
    from attenda.llm.catalogue import remove

    remove(settings_of(context).home, name)
    out.print(f"Removed {name}.")


@models_app.command("use")
def models_use(context: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Make a model the default; running pages take it with the next start.

    Example: `attenda models use my-model`
    """
    from attenda.cli.models import use_model

    use_model(settings_of(context).home, name)


config_app = typer.Typer(help="Settings.", no_args_is_help=True)


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
    values["database"] = re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", values["database"])
    if as_json:
        rows = {name: {"value": value, "origin": origins[name]} for name, value in values.items()}
        print(json.dumps(rows if origin else values, ensure_ascii=False, indent=2))
        return
    for name, value in values.items():
        place = f"   [dim]{origins[name]}[/dim]" if origin else ""
        out.print(f"{name} = {value!r}{place}")


user_app = typer.Typer(help="People: list, invite, change, erase.", no_args_is_help=True)


@user_app.command("list")
def user_list(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the users.

    Example: `attenda user list`
    """
    from attenda.cli.people import list_users

    as_client(settings_of(context), lambda client: list_users(client, as_json=as_json))


@user_app.command("invite")
def user_invite(
    context: typer.Context,
    role: Annotated[
        str, typer.Option(help="owner, supervisor, agent, member or viewer.")
    ] = "agent",
    reset: Annotated[
        str, typer.Option(help="E-mail or id of a user who is to choose a new password.")
    ] = "",
    address: Annotated[str, typer.Option(help="Address that people use.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Print a link that lets one person in, once.

    Example: `attenda user invite --role supervisor`
    """
    from attenda.cli.owner import noted_address
    from attenda.cli.people import invite

    settings = settings_of(context)
    usual = f"http://{settings.host}:{settings.port}"
    as_client(
        settings,
        lambda client: invite(
            client,
            role,
            reset=reset,
            address=address or noted_address(settings) or usual,  # noted once somebody serves it
            as_json=as_json,
        ),
    )


@user_app.command("change")
def user_change(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="E-mail or id.")],
    role: Annotated[str | None, typer.Option(help="The new role.")] = None,
    tokens: Annotated[int | None, typer.Option(min=0, help="Tokens a day.")] = None,
    disabled: Annotated[bool | None, typer.Option("--disable/--enable")] = None,
    erase: Annotated[bool, typer.Option("--erase", help="Erase with all their data.")] = False,
) -> None:
    """Change a user's role or quota, disable or erase them; lost rights end at once.

    Example: `attenda user change ann@example.org --role viewer`
    """
    from attenda.cli.people import change_user

    as_client(
        settings_of(context),
        lambda client: change_user(
            client, user, role=role, tokens_a_day=tokens, disabled=disabled, erase=erase
        ),
    )


key_app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)


@key_app.command("create")
def key_create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str] | None, typer.Option(help="Limit it to these actions.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a key and print its secret, this once.

    Example: `attenda key create laptop --scope chat --days 90`
    """
    from attenda.cli.people import create_key

    as_client(
        settings_of(context),
        lambda client: create_key(client, name, scope or [], days, as_json=as_json),
    )


@key_app.command("list")
def key_list(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List my keys, without their secrets.

    Example: `attenda key list`
    """
    from attenda.cli.people import list_keys

    as_client(settings_of(context), lambda client: list_keys(client, as_json=as_json))


@key_app.command("revoke")
def key_revoke(context: typer.Context, key_id: Annotated[str, typer.Argument()]) -> None:
    """End a key at once.

    Example: `attenda key revoke key_01j…`
    """
    from attenda.cli.people import revoke_key

    as_client(settings_of(context), lambda client: revoke_key(client, key_id))
