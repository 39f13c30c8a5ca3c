"""What is planted in rows of automations, and in the queue's own, is read as text or refused."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import httpx
import pytest
from sqlalchemy import JSON, Text, text

from attenda.serve.app import create_app
from attenda.store import schema_automations
from attenda.store.database import Connection
from tests.runtime.depot import depot
from tests.security.test_data_is_no_code import CANARY, _payloads, _plant, _restore

PATHS = ("/api/automations", "/api/automation-runs", "/api/automation-runs/{run}", "/api/forms")


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / CANARY


def test_a_pickle_in_the_queue_runs_nothing(home: Path, canary: Path) -> None:
    """The row's own decoder says pickle, its state that it is to be carried out."""

    async def wait() -> None:
        async with depot(home) as d:
            await d.until(await d.start("restock", item="tea"), "waiting")

    async def go_on() -> None:
        async with depot(home) as d:
            assert (await d.until(await d.start("restock", item="rice"), "done")).result
            await asyncio.sleep(0.5)  # the queue has looked twice more
            for run in await d.runs_of("restock"):
                await d.house.automations.durable.lost([(run.id, run.segment)])
            assert await d.house.automations.durable.sweep() >= 1

    asyncio.run(wait())
    payload = _payloads(canary)[1].decode()
    with contextlib.closing(sqlite3.connect(home / "automations.db")) as queue:
        before = queue.execute("SELECT count(*) FROM workflow_status").fetchone()
        queue.execute(
            "INSERT INTO workflow_status (workflow_uuid, status, name, executor_id, queue_name, "
            "application_version, application_name, inputs, output, error, serialization, "
            "created_at, updated_at) SELECT workflow_uuid || '.planted', 'ENQUEUED', name, "
            "executor_id, queue_name, application_version, application_name, ?, ?, ?, 'py_pickle', "
            "created_at, updated_at FROM workflow_status",
            (payload, payload, payload),
        )
        queue.execute("UPDATE workflow_status SET output = ?, serialization = 'py_pickle' "
                      "WHERE status = 'SUCCESS'", (payload,))  # fmt: skip
        queue.commit()
        after = queue.execute("SELECT count(*) FROM workflow_status").fetchone()
    assert after[0] == 2 * before[0] > 0
    asyncio.run(go_on())
    assert not canary.exists()


@pytest.mark.long
def test_payloads_in_our_rows_run_nothing(home: Path, canary: Path) -> None:
    wrong: list[str] = []

    async def body() -> None:
        async with depot(home) as d:
            run_id = await d.start("restock", item="tea")
            await d.until(run_id, "waiting")
            transport = httpx.ASGITransport(create_app(d.house), raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://localhost:80")
            proof = {"Authorization": f"Bearer {d.house.owner_key}"}
            async with client:
                for column in _columns():
                    kept = await d.house.database.read(lambda c, one=column: _rows(c, one))
                    for payload in _payloads(canary)[1:3] if kept else []:
                        with contextlib.suppress(UnicodeDecodeError):
                            await d.house.database.write(
                                lambda c, one=column, it=payload: _plant(c, one, it)
                            )
                            d.house.automations.ring()
                            for path in PATHS:
                                answer = await client.get(path.format(run=run_id), headers=proof)
                                if "Traceback" in answer.text:
                                    wrong.append(f"{column}: {path}")
                    await d.house.database.write(
                        lambda c, one=column, rows=kept: _restore(c, one, rows)
                    )
            assert (await d.run(run_id)).state == "waiting"

    asyncio.run(body())
    assert wrong == []
    assert not canary.exists()


def _columns() -> list[object]:
    names = schema_automations.__all__
    tables = [getattr(schema_automations, name) for name in names]
    return [c for table in tables for c in table.c if isinstance(c.type, JSON | Text)]


def _rows(c: Connection, column: object) -> list[object]:
    table = column.table  # type: ignore[attr-defined]
    key = ", ".join(one.name for one in table.primary_key.columns)
    statement = f'SELECT {key}, "{column.name}" FROM {table.name}'  # type: ignore[attr-defined]
    return list(c.execute(text(statement)).all())
