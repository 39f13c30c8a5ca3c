"""The commands of automations: `attenda automations …`; each is a client of the home's owner."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import httpx
import typer

from attenda.cli.client import request
from attenda.cli.invocation import JsonFlag, as_client, language, settings_of
from attenda.cli.terminal import err, out
from attenda.core.errors import UserError
from attenda.core.words import sentence

__all__ = ["automation_app"]

automation_app = typer.Typer(
    help="Automations: work that goes on by itself, over restarts.", no_args_is_help=True
)
_LOOK_S = 0.3
_OVER = ("done", "failed", "cancelled")
Name = Annotated[str, typer.Argument(help="An automation, as `list` shows it.")]
RunId = Annotated[str, typer.Argument(help="A run, as `runs` shows it.")]


@automation_app.command("list")
def list_(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the automations, what sets each off, and when it is due.

    Example: `attenda automations list`
    """

    async def work(client: httpx.AsyncClient) -> int:
        rows = await request(client, "GET", "/api/automations")
        if as_json:
            print(json.dumps(rows, ensure_ascii=False, indent=2))
            return 0
        if not rows:
            out.print(sentence(language(), "automations.no_kinds"), markup=False)
        for row in rows:
            paused = f"  {sentence(language(), 'automations.paused')}" if row["paused"] else ""
            out.print(f"{row['name']}  {row['title']}{paused}", markup=False)
            for trigger in row["triggers"]:
                out.print(f"  {_cause(trigger)}", markup=False, style="dim")
        return 0

    as_client(settings_of(context), work)


@automation_app.command("run")
def run_(
    context: typer.Context,
    name: Name,
    values: Annotated[
        list[str] | None, typer.Option("--input", "-i", help="What it is told, as NAME=VALUE.")
    ] = None,
    leave: Annotated[bool, typer.Option("--leave", help="Do not wait for what it does.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Begin a run, and follow it until it is over or waits.

    Example: `attenda automations run restock -i item=tea`
    """
    told: dict[str, str] = {}
    for one in values or []:
        key, sign, value = one.partition("=")
        if not sign:
            raise UserError("automation.not_a_pair", value=one)
        told[key] = value

    async def work(client: httpx.AsyncClient) -> int:
        begun = await request(
            client, "POST", f"/api/automations/{name}/runs", json={"values": told}
        )
        path = f"/api/automation-runs/{begun['id']}"
        run = await request(client, "GET", path)
        while not leave and run["state"] not in (*_OVER, "waiting", "paused"):
            await asyncio.sleep(_LOOK_S)
            run = await request(client, "GET", path)
        _show(run, as_json=as_json)
        return 1 if run["state"] == "failed" else 0

    as_client(settings_of(context), work)


@automation_app.command("runs")
def runs_(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Of one automation alone.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """List the runs, the newest first.

    Example: `attenda automations runs restock`
    """

    async def work(client: httpx.AsyncClient) -> int:
        rows = await request(client, "GET", "/api/automation-runs", params={"automation": name})
        if as_json:
            print(json.dumps(rows, ensure_ascii=False, indent=2))
            return 0
        if not rows:
            out.print(sentence(language(), "automations.no_runs"), markup=False)
        for row in rows:
            out.print(_line(row), markup=False)
        return 0

    as_client(settings_of(context), work)


@automation_app.command()
def show(context: typer.Context, run_id: RunId, as_json: JsonFlag = False) -> None:
    """Show a run, step by step.

    Example: `attenda automations show arn_01…`
    """

    async def work(client: httpx.AsyncClient) -> int:
        _show(await request(client, "GET", f"/api/automation-runs/{run_id}"), as_json=as_json)
        return 0

    as_client(settings_of(context), work)


@automation_app.command()
def pause(context: typer.Context, which: Annotated[str, typer.Argument()]) -> None:
    """Pause a run after its step, or an automation, which then nothing sets off.

    Example: `attenda automations pause restock`
    """
    _switch(context, which, paused=True)


@automation_app.command()
def resume(context: typer.Context, which: Annotated[str, typer.Argument()]) -> None:
    """Let a paused run go on, or an automation be set off again.

    Example: `attenda automations resume restock`
    """
    _switch(context, which, paused=False)


@automation_app.command()
def cancel(context: typer.Context, run_id: RunId) -> None:
    """End a run after the step it is at; what was done stays done.

    Example: `attenda automations cancel arn_01…`
    """
    _steer(context, run_id, "cancel")


@automation_app.command()
def restart(context: typer.Context, run_id: RunId) -> None:
    """Let a run that failed try the step that failed again.

    Example: `attenda automations restart arn_01…`
    """
    _steer(context, run_id, "restart")


def _switch(context: typer.Context, which: str, *, paused: bool) -> None:
    if which.startswith("arn_"):
        _steer(context, which, "pause" if paused else "resume")

    async def work(client: httpx.AsyncClient) -> int:
        path = f"/api/automations/{which}/paused"
        await request(client, "PUT", path, json={"paused": paused})
        return 0

    as_client(settings_of(context), work)


def _steer(context: typer.Context, run_id: str, deed: str) -> None:
    async def work(client: httpx.AsyncClient) -> int:
        await request(client, "POST", f"/api/automation-runs/{run_id}/{deed}")
        _show(await request(client, "GET", f"/api/automation-runs/{run_id}"), as_json=False)
        return 0

    as_client(settings_of(context), work)


def _cause(trigger: dict[str, Any]) -> str:
    if "schedule" in trigger:
        values = {"schedule": trigger["schedule"], "zone": trigger["zone"]}
        when = _when(trigger["due_at"]) if trigger["due_at"] else "—"
        return sentence(language(), "automations.on_schedule", **values, when=when)
    if "webhook" in trigger:
        path = f"/hooks/{trigger['webhook']}"
        return sentence(language(), "automations.on_webhook", path=path)
    if "folder" in trigger:
        values = {"folder": trigger["folder"], "files": trigger["files"]}
        return sentence(language(), "automations.on_folder", **values)
    if "mail" in trigger:
        values = {"mailbox": trigger["mail"], "sender": trigger["sender"]}
        subject = trigger["subject"]
        return sentence(language(), "automations.on_mail", **values, subject=subject)
    if trigger["event"] == "session.queued":
        return sentence(language(), "page.automation_on_session_queued")
    return sentence(language(), "page.automation_on_session_resolved")


def _when(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1e6, UTC).astimezone():%Y-%m-%d %H:%M}"


def _line(run: dict[str, Any]) -> str:
    state = sentence(language(), f"page.automation_run_{run['state']}")
    more = run["result"] or run["problem"]
    parts = [run["id"], run["automation"], state, _when(run["created_at"]), more]
    return "  ".join(one for one in parts if one)


def _show(run: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(run, ensure_ascii=False, indent=2))
        return
    out.print(_line(run), markup=False)
    for step in run["steps"]:
        state = sentence(language(), f"page.automation_step_{step['state']}")
        kind = sentence(language(), f"page.automation_kind_{step['kind']}")
        out.print(f"  {step['step']}  {kind}  {state}", markup=False, style="dim")
    if run["problem"]:
        err.print(run["problem"], markup=False, style="red")
