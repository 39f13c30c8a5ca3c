"""Data is never code (R5): what is planted where the program reads is read as text, or refused.

Payloads for every reader that ever ran code (pickle, YAML tags, templates, format strings, typed
JSON) stand in every column of text or JSON, in the home's files and in a model's file. If any of
them runs, it makes the canary file.
"""

import asyncio
import base64
import contextlib
import json
import os
import pickletools
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import JSON, Column, LargeBinary, Text, text

from attenda.api import Label, Principal, text_message
from attenda.core.errors import AttendaError
from attenda.core.ports import ModelSettings
from attenda.llm import catalogue
from attenda.llm.loaded import LoadedModels
from attenda.runtime.house import House
from attenda.serve.app import create_app
from attenda.store import documents, keys, people, runs, schema, sessions
from attenda.store.database import Connection
from tests.scripted_house import add_text, scripted_house

CANARY = "canary"
LONG = os.environ.get("ATTENDA_LONG") == "1"
"""Every payload in every column; else each column gets a third of them, the next one another."""


def _pickle(canary: Path) -> bytes:
    """A pickle, written by hand since nothing here may import the module, that makes the canary."""
    return f"cos\nsystem\n(S'touch {canary}'\ntR.".encode()


def _payloads(canary: Path) -> list[bytes]:
    touch = f"touch {canary}"
    call = f"__import__('os').system('{touch}')"
    jinja = f"cycler.__init__.__globals__.os.system('{touch}')"
    typed = [
        {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": [touch]}]},
        {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": touch}},
        {"__class__": "os.system", "__args__": [touch], "$type": "os.system", "key": call},
    ]
    return [
        _pickle(canary),
        base64.b64encode(_pickle(canary)),
        f'!!python/object/apply:os.system ["{touch}"]'.encode(),
        f"{{{{ {jinja} }}}}{{% set a = {jinja} %}}${{{call}}}<%= {call} %>#{{{call}}}".encode(),
        f"{{0.__init__.__globals__}} {{values[key].__class__}} %(x)s %n {call}".encode(),
        *(json.dumps(one).encode() for one in typed),
        b"[" * 3000,
    ]


def test_the_payload_is_a_pickle_that_calls(tmp_path: Path) -> None:
    names = [code.name for code, _, _ in pickletools.genops(_pickle(tmp_path))]
    assert names == ["GLOBAL", "MARK", "STRING", "TUPLE", "REDUCE", "STOP"]


def _fill(c: Connection, house: House, who: Principal) -> tuple[str, str]:
    """A row in the tables that pages read; a session's id and a key."""
    stamps = house.stamps
    session = sessions.create_session(c, stamps, who)
    sessions.update_session(c, who, session.id, title="title")
    label = Label(integrity="user", readers=frozenset({who.id}))
    said = text_message("user", "hello")
    asked = sessions.add_message(c, stamps, session.id, said, label, parent_id=None)
    run_id, _ = runs.begin_run(c, stamps, asked, "scripted", label)
    started = runs.RunStarted(
        run_id=run_id, user_message_id=asked.id, message_id="m", model="scripted"
    )
    runs.append_events(c, stamps, session.id, run_id, [started])
    failure = AttendaError("run.interrupted")
    runs.finish_run(c, stamps, run_id, text_message("assistant", "hi"), "failed", error=failure)
    shelf = documents.ensure_collection(c, stamps, who, "Library")
    documents.add_document(
        c, stamps, who, shelf, name="n", title="t", content_hash="0" * 64, state="failed",
        reason={"key": "file.missing", "values": {"path": "x"}}, text="text",
    )  # fmt: skip
    c.execute(schema.agents.insert().values(id="agt_1", name="a", created_at=1, owner_id=who.id))
    return session.id, keys.create_key(c, stamps, who, "k", scopes=["chat"])[1]


def _columns() -> list[Column[Any]]:
    """Every column of free text or JSON. Short names and ids are bound as text like these."""
    return [
        column
        for table in schema.metadata.sorted_tables
        for column in table.c
        if isinstance(column.type, JSON | Text | LargeBinary)
    ]


def _columns_for(dialect: str) -> list[Column[Any]]:
    """On PostgreSQL those of JSON, which it reads in its own way; text is text there too."""
    return [one for one in _columns() if dialect == "sqlite" or isinstance(one.type, JSON)]


def test_the_columns_are_found() -> None:
    names = {f"{column.table.name}.{column.name}" for column in _columns()}
    assert names >= {
        *("messages.parts", "events.body", "documents.reason", "runs.error", "keys.scopes"),
        *("agents.instructions", "audit.detail", "passages.text", "pages.boxes", "vectors.vector"),
    }


def _plant(c: Connection, column: Column[Any], payload: bytes) -> None:
    """Put the payload into every row; PostgreSQL takes only JSON where JSON is due."""
    value: object = payload if isinstance(column.type, LargeBinary) else payload.decode()
    place = ":planted"
    if c.dialect.name == "postgresql" and isinstance(column.type, JSON):
        try:
            json.loads(str(value))
        except (ValueError, RecursionError):
            value = json.dumps(value)
        place = "CAST(:planted AS JSON)"
    statement = f'UPDATE {column.table.name} SET "{column.name}" = {place}'
    c.execute(text(statement), {"planted": value})


PATHS = (
    *("/", "/chat/{session}", "/documents", "/api/sessions", "/api/sessions/{session}"),
    *("/api/sessions/{session}/events", "/api/sessions?words=title", "/api/documents", "/api/me"),
    *("/api/documents/{document}", "/api/search?q=savings", "/api/keys", "/api/users"),
    *("/api/audit", "/api/me/export", "/api/agents"),
)


async def _read_all(client: httpx.AsyncClient, ids: dict[str, str], place: str) -> list[str]:
    """Ask for everything, as the owner and by the limited key; what was wrong with an answer."""
    wrong = []
    for path, proof in [*((path, ids["owner"]) for path in PATHS), ("/api/me", ids["key"])]:
        answer = await client.get(path.format(**ids), headers={"Authorization": proof})
        clean = answer.status_code < 500 or "error" in answer.json()
        if not clean or "Traceback" in answer.text:
            wrong.append(f"{place}: {path} -> {answer.status_code} {answer.text[:100]}")
    answer = await client.post(
        "/api/teams", json={"name": "x"}, headers={"Authorization": ids["key"]}
    )
    if answer.status_code < 400:
        wrong.append(f"{place}: a key limited to asking made a team ({answer.status_code})")
    return wrong


def test_planted_rows_run_nothing(home: Path, database_url: str, tmp_path: Path) -> None:
    if not LONG and not database_url.startswith("sqlite"):
        pytest.skip("on PostgreSQL it is of the long suite (ATTENDA_LONG=1)")
    canary = tmp_path / CANARY
    wrong: list[str] = []

    async def body() -> None:
        async with scripted_house(home, database=database_url) as (house, _):
            owner = await house.database.read(lambda c: people.principal_of(c, people.OWNER_ID))
            document = await add_text(house, owner, "s.md", "# Savings\n\nA savings account.")
            session, key = await house.database.write(lambda c: _fill(c, house, owner))
            ids = {"session": session, "document": document, "key": f"Bearer {key}"}
            ids["owner"] = f"Bearer {house.owner_key}"
            transport = httpx.ASGITransport(create_app(house), raise_app_exceptions=False)
            base = "http://localhost:80"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                assert await _read_all(client, ids, "nothing planted") == []
                for place, column in enumerate(_columns_for(house.database.dialect)):
                    payloads = _payloads(canary) if LONG else _payloads(canary)[place % 3 :: 3]
                    wrong.extend(await _try_column(house, client, ids, column, payloads))

    asyncio.run(body())
    assert wrong == []
    assert not canary.exists()


async def _try_column(
    house: House,
    client: httpx.AsyncClient,
    ids: dict[str, str],
    column: Column[Any],
    payloads: Sequence[bytes],
) -> list[str]:
    place = f"{column.table.name}.{column.name}"
    key_columns = list(column.table.primary_key.columns)
    raw = text(
        f'SELECT {", ".join(c.name for c in key_columns)}, "{column.name}" FROM {column.table.name}'
    )
    kept = await house.database.read(lambda c: c.execute(raw).all())
    if not kept:
        return []  # a table without rows is never read from
    wrong: list[str] = []
    for payload in payloads:
        with contextlib.suppress(UnicodeDecodeError):
            await house.database.write(lambda c, one=payload: _plant(c, column, one))
            wrong += await _read_all(client, ids, place)
    await house.database.write(lambda c: _restore(c, column, kept))
    return wrong


def _restore(c: Connection, column: Column[Any], kept: list[Any]) -> None:
    as_json = c.dialect.name == "postgresql" and isinstance(column.type, JSON)
    names = [one.name for one in column.table.primary_key.columns]
    where = " AND ".join(f"{name} = :{name}" for name in names)
    place = "CAST(:kept AS JSON)" if as_json else ":kept"
    for row in kept:
        value = json.dumps(row[-1]) if as_json and row[-1] is not None else row[-1]
        values = {**dict(zip(names, row, strict=False)), "kept": value}
        c.execute(
            text(f'UPDATE {column.table.name} SET "{column.name}" = {place} WHERE {where}'), values
        )


@pytest.mark.parametrize("scopes", ['"chat"', "5", '{"chat": 1}', "[1, null]", "true"])
def test_odd_scopes_allow_nothing(home: Path, scopes: str) -> None:
    """A key whose row is damaged must not become an unlimited one."""

    async def body() -> None:
        async with scripted_house(home) as (house, _):

            def plant(c: Connection) -> str:
                who = people.principal_of(c, people.OWNER_ID)
                _, secret = keys.create_key(c, house.stamps, who, "k", scopes=["chat"])
                c.execute(text("UPDATE keys SET scopes = :planted"), {"planted": scopes})
                return secret

            secret = await house.database.write(plant)
            who = await house.database.read(lambda c: keys.authenticate(c, house.stamps, secret))
            assert not any(map(who.may, ("chat", "add_documents", "manage_people", "operate")))

    asyncio.run(body())


HOME_FILES = {
    "attenda.toml": ["config", "show"],
    "owner.json": ["documents"],
    "models/mine/model.json": ["models", "list"],
}


@pytest.mark.parametrize("name", HOME_FILES)
def test_planted_files_run_nothing(home: Path, tmp_path: Path, name: str) -> None:
    """Whatever a command says of such a file, it runs none of it and shows no traceback."""
    canary = tmp_path / CANARY
    payloads = _payloads(canary)
    whole = b"\n".join(payloads[2:5])
    chosen = [payloads[0], whole, payloads[5], b"\x80\x04\xff\xfe", b"[]", b"{}"]
    (home / name).parent.mkdir(parents=True)
    for payload in chosen:
        (home / name).write_bytes(payload)
        command = [sys.executable, "-m", "attenda", *HOME_FILES[name]]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode in (0, 1, 2)
        assert "Traceback" not in done.stdout + done.stderr
    assert not canary.exists()


def _with_template(weights: Path, target: Path, template: str) -> str:
    """A copy of a model whose chat template is another; returns the old one."""
    shutil.copyfile(weights, target)
    data = bytearray(target.read_bytes()[: 8 << 20])
    name = b"tokenizer.chat_template"
    start = data.index(name) + len(name) + 4
    length = int.from_bytes(data[start : start + 8], "little")
    old = bytes(data[start + 8 : start + 8 + length])
    new = template.encode()
    assert len(new) <= length
    with target.open("r+b") as file:
        file.seek(start + 8)
        file.write(new + b" " * (length - len(new)))
    return old.decode()


@pytest.mark.long
def test_a_models_own_template_is_never_run(home: Path, weights_home: Path, tmp_path: Path) -> None:
    """Neither the engine nor we render by it: the answer is the same word for word."""
    found = catalogue.find(weights_home, catalogue.DEFAULT_CHAT)
    hostile = "{{ raise_exception('run') }}{{ 'OWNED ' * 99 }}"
    old = _with_template(found.path, tmp_path / "hostile.gguf", hostile)
    assert "im_start" in old
    _with_template(found.path, tmp_path / "plain.gguf", old)
    for name in ("hostile", "plain"):
        catalogue.add_file(home, tmp_path / f"{name}.gguf", name, found.template)

    async def answer(name: str) -> tuple[str, int]:
        models = LoadedModels(home, name)
        model = models.chat("")
        said = [text_message("user", "Name a colour.")]
        try:
            settings = ModelSettings(max_tokens=12, temperature=0.0)
            pieces = [chunk.text async for chunk in model.stream(said, settings)]
            return "".join(pieces), await model.count_tokens(said)
        finally:
            await models.close()

    async def body() -> None:
        assert await answer("hostile") == await answer("plain")

    asyncio.run(body())
