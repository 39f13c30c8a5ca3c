"""The school over HTTP: real tiny runs from their beginning to a promotion and back.

Children are real `attenda learn …` processes; data and model are the tests' own, and learn in
seconds. Rights by route are in `test_rights.py`.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

torch = pytest.importorskip("torch")

from attenda.core.errors import UserError  # noqa: E402
from attenda.core.words.en import ENGLISH  # noqa: E402
from attenda.learn.families import PRESETS  # noqa: E402
from attenda.learn.run_folder import RunFolder  # noqa: E402
from attenda.runtime.house import House  # noqa: E402
from attenda.serve import school_children, school_files  # noqa: E402
from attenda.serve.app import close_app, create_app  # noqa: E402
from attenda.store import audit  # noqa: E402
from tests.learn.school import school as write_school  # noqa: E402
from tests.scripted_house import scripted_house  # noqa: E402
from tests.security.live import add_person, served  # noqa: E402

GOING = ("starting", "running", "stopping")
PATIENCE_S = 120.0
LONG = os.environ.get("ATTENDA_LONG") == "1"


@dataclass
class Visit:
    """An installation with the owner's client."""

    house: House
    client: httpx.AsyncClient
    home: Path

    async def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """What a route answers; its status must be `status`."""
        answer = await self.client.request(method, f"/api/school{path}", **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, status: int, **options: Any) -> str:
        """The key of a refusal."""
        return str((await self.ask(method, path, status, **options))["error"]["key"])

    async def until(self, name: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The run, once it is as wanted."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            row: dict[str, Any] = await self.ask("GET", f"/runs/{name}")
            if wanted(row):
                return row
            await asyncio.sleep(0.1)
        raise AssertionError(f"{name} stays {row}")

    async def finished(self, begun: dict[str, str]) -> dict[str, Any]:
        """An errand at its end."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            row: dict[str, Any] = await self.ask("GET", f"/errands/{begun['errand']}")
            if row["state"] in ("done", "failed"):
                return row
            await asyncio.sleep(0.1)
        raise AssertionError("the errand has no end")


@contextlib.asynccontextmanager
async def visit(home: Path) -> AsyncIterator[Visit]:
    async with scripted_house(home, lambda _: "Fine.") as (house, _):
        app = create_app(house)
        headers = {"Authorization": f"Bearer {house.owner_key}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost:80", headers=headers
        ) as client:
            try:
                yield Visit(house, client, home)
            finally:
                await close_app(app)


@pytest.fixture(autouse=True)
def small_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs on one thread, which find no compiler: to compile a tiny model takes longest of all."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PATH", "")


def prepared(home: Path, count: int = 40) -> None:
    """A home with talks as data, and a tiny model as a finished run called `start`."""
    place = home / "school" / "data"
    place.mkdir(parents=True)
    write_school(place, count=count)
    run = home / "runs" / "start"
    run.mkdir(parents=True)
    (place / "start").rename(run / "model")
    (run / "plan.toml").write_text('recipe = "pretrain"\n')
    (run / "run.json").write_text(json.dumps({"status": "finished", "recipe": "pretrain"}))


def lesson(name: str = "first", **more: Any) -> dict[str, Any]:
    body = {"recipe": "tune", "data": "talks.jsonl", "model": "run:start", "name": name}
    body |= {"accept_overlap": True}  # there are only a dozen different talks
    return {"json": {**body, "steps": 12, "length": 32, "batch": 4, "rate": 3e-3, **more}}


def carry_out(home: Path, body: Callable[[Visit], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with visit(home) as v:
            await body(v)

    asyncio.run(all_of_it())


def test_a_run_from_its_beginning_to_a_promotion_and_back(home: Path) -> None:
    prepared(home)

    async def body(v: Visit) -> None:
        assert await v.ask("POST", "/runs", 202, **lesson(steps=4000)) == {"name": "first"}
        running = await v.until("first", lambda row: row["step"] >= 5)
        assert running["status"] == "running" and running["steps"] == 4000
        assert running["left_s"] > 0 and running["tokens_per_s"] > 0
        assert running["curve"]["points"][0][0] == 1
        assert await v.refused("POST", "/runs", 409, **lesson("second")) == "school.busy"
        assert await v.refused("DELETE", "/runs/first", 409) == "school.is_going"
        await v.ask("POST", "/runs/first/stop", 202)
        stopped = await v.until("first", lambda row: row["status"] not in GOING)
        assert (stopped["status"], stopped["problem"]) == ("stopped", "")
        assert await v.refused("POST", "/runs/first/stop", 409) == "school.not_going"

        plan = v.home / "runs/first/plan.toml"
        plan.write_text(plan.read_text().replace("steps = 4000", f"steps = {stopped['step'] + 4}"))
        await v.ask("POST", "/runs/first/resume", 202)
        end = await v.until("first", lambda row: row["status"] == "finished")
        assert end["step"] == stopped["step"] + 4, "it went on where it stood"
        assert end["facts"]["data"] and 0 < end["facts"]["learned_share"] < 1
        assert end["facts"]["parameters"] > 1000
        assert end["bits_per_byte"] and end["ngram_bits_per_byte"]
        assert end["samples"] == [] or end["samples"][0]["samples"]
        assert await v.refused("POST", "/runs/first/resume", 409) == "school.is_finished"
        await promoted_and_back(v, end)

    carry_out(home, body)


async def promoted_and_back(v: Visit, end: dict[str, Any]) -> None:
    sent = {"json": {"anyway": False}}
    if end["bits_per_byte"] >= end["ngram_bits_per_byte"]:
        assert await v.refused("POST", "/runs/first/promote", 409, **sent) == "school.worse"
    done = await v.finished(await v.ask("POST", "/runs/first/promote", 202, json={"anyway": True}))
    assert done["error"] is None
    assert done["result"] == {"name": "first", "previous": "scripted"}
    assert v.house.models.default == "first"
    assert 'model = "first"' in (v.home / "attenda.toml").read_text()
    row = json.loads((v.home / "school/promotions.jsonl").read_text())
    assert row["previous"] == "scripted" and len(row["sha256"]) == 64
    assert row["evidence"]["figures"]["ngram"]["bits_per_byte"] == end["ngram_bits_per_byte"]
    assert not list((v.home / "school/exports").iterdir()), "the copy is enough"
    assert (await v.ask("GET", ""))["back_to"] == "scripted"

    if LONG:
        begun = await v.ask("POST", "/runs/first/promote", 202, json={"anyway": True})
        assert (await v.finished(begun))["result"] == {"name": "first-2", "previous": "first"}
        assert await v.ask("POST", "/back") == {"name": "first"}
    assert await v.ask("POST", "/back") == {"name": "scripted"}
    assert v.house.models.default == "scripted"
    assert await v.refused("POST", "/back", 409) == "school.nothing_before"
    each = 2 if LONG else 1
    log = await v.house.database.read(lambda c: audit.audit_rows(c, 2 * each))
    deeds = [*["model.rolled_back"] * each, *["model.promoted"] * each]
    assert [one.action for one in log] == deeds
    assert log[-1].detail == {"run": "first", "sha256": row["sha256"], "previous": "scripted"}

    await v.ask("DELETE", "/runs/first", 204)
    assert await v.refused("GET", "/runs/first", 404) == "school.no_run"
    await v.house.models.forget("first")
    if LONG:
        await v.house.models.forget("first-2")


def test_a_killed_child_shows_as_stopped_and_a_failed_one_says_why(home: Path) -> None:
    """In the reader's language; and the next run can begin."""
    prepared(home)

    async def body(v: Visit) -> None:
        await v.ask("POST", "/runs", 202, **lesson(steps=4000))
        await v.until("first", lambda row: row["step"] >= 2)
        pid = json.loads((home / "runs/first/run.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        row = await v.until("first", lambda row: row["status"] not in GOING)
        assert (row["status"], row["problem"]) == ("stopped", ENGLISH["school.died"])
        chinese = await v.ask("GET", "/runs/first", headers={"Accept-Language": "zh-CN"})
        assert "检查点" in chinese["problem"]
        assert RunFolder(home / "runs/first").standing()["status"] == "stopped"
        await v.ask("POST", "/runs", 202, **lesson("long", length=4096))
        row = await v.until("long", lambda row: row["status"] not in GOING)
        assert row["status"] == "failed" and "4096" in row["problem"]
        chinese = await v.ask("GET", "/runs/long", headers={"Accept-Language": "zh-CN"})
        assert chinese["problem"] != row["problem"] and "4096" in chinese["problem"]

    carry_out(home, body)


def test_a_stop_while_it_is_beginning_is_not_forgotten(home: Path) -> None:
    prepared(home)

    async def body(v: Visit) -> None:
        await v.ask("POST", "/runs", 202, **lesson(steps=4000))
        assert (await v.ask("GET", "/runs/first"))["status"] == "starting"
        await v.ask("POST", "/runs/first/stop", 202)
        assert (await v.ask("GET", "/runs/first"))["status"] == "stopping"
        row = await v.until("first", lambda row: row["status"] not in GOING)
        assert row["status"] == "stopped" and 1 <= row["step"] < 4000
        assert not (home / "runs/first/stop").exists()

    carry_out(home, body)


def test_a_run_is_followed_across_a_cut_and_ends_with_its_server(home: Path) -> None:
    """No point is lost or doubled, and the end of the server leaves a checkpoint."""
    prepared(home)
    with served(home, script=lambda _: "Fine.") as running:
        key = {"Authorization": f"Bearer {running.house.owner_key}"}
        with httpx.Client(base_url=f"{running.address}/api/school", headers=key) as client:
            client.post("/runs", **lesson(steps=100_000)).raise_for_status()
            heard, place = followed(client, {}, lambda one: len(one[-1]["curve"]["points"]) > 0)
            assert [one["status"] for one in heard if "facts" in one][0] == "starting"
            for _ in range(2):
                more, place = followed(client, {"Last-Event-ID": place}, lambda one: len(one) == 3)
                heard += more
            person = running.write(lambda c: add_person(c, running.house, "ann", "owner"))
            with client.stream("GET", "/runs/first/events", headers=person.bearer) as shut:
                pieces = shut.iter_text()
                next(pieces)
                client.delete(f"{running.address}/api/keys/{person.key_id}").raise_for_status()
                assert '"stopped"' not in "".join(pieces), "it ends with the right, not the run"
            assert client.post("/runs/first/stop").status_code == 202
            more, place = followed(client, {"Last-Event-ID": place}, lambda _: False)
            heard += more
            assert more[-1]["status"] == "stopped" and not any(one.get("problem") for one in more)
            after, _ = followed(client, {"Last-Event-ID": place}, lambda _: False)
            assert [one["curve"]["points"] for one in after] == [[]], "over, and nothing new"
            told_all_of(heard, home)
            assert client.post("/runs/first/resume").status_code == 202
            again, place = followed(
                client, {"Last-Event-ID": place}, lambda one: len(one[-1]["curve"]["points"]) > 0
            )
            assert {one["status"] for one in again} <= {"starting", "running"}, "the stop is over"
            assert client.get("/runs/first/events?after=first").status_code == 422
    row = school_files.standing(home / "runs/first", "en")  # the server's end was the run's
    assert row["status"] == "stopped" and row["problem"] == ""
    assert row["step"] >= again[-1]["curve"]["points"][-1][0]
    assert list((home / "runs/first/checkpoints").iterdir())


def told_all_of(heard: list[dict[str, Any]], home: Path) -> None:
    """Each point, each measurement and each sample once, in order."""
    folder = RunFolder(home / "runs/first")
    rows = [row for row in folder.metrics() if "loss" in row]
    points = [point for one in heard for point in one["curve"]["points"]]
    assert points == [[row["step"], row["loss"]] for row in rows] and len(points) > 5
    marks = [mark[0] for one in heard for mark in one["curve"]["measured"]]
    assert marks == [row["step"] for row in folder.metrics() if "validation" in row]
    assert [row for one in heard for row in one["samples"]] == folder.samples()


def followed(
    client: httpx.Client, headers: dict[str, str], enough: Callable[[list[Any]], bool]
) -> tuple[list[dict[str, Any]], str]:
    """What the first run's stream brings until it ends or is cut, and its last id."""
    heard: list[dict[str, Any]] = []
    place = ""
    with client.stream("GET", "/runs/first/events", headers=headers, timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            kind, _, value = line.partition(": ")
            place = value if kind == "id" else place
            if kind == "data":
                heard.append(json.loads(value))
                if enough(heard):
                    break
    return heard, place


BAD_RUNS = ["../x", "..", ".", ".hidden", "a/b", "a\\b", "-flag", "", "a" * 65, "a b", "名", "a\n"]


def test_a_hostile_name_begins_nothing(home: Path) -> None:
    prepared(home)
    before = sorted(home.rglob("*"))

    async def body(v: Visit) -> None:
        for name in BAD_RUNS:
            refusal = await v.refused("POST", "/runs", 400, **lesson(name))
            assert refusal == "school.bad_name", name

    carry_out(home, body)
    assert [path for path in home.rglob("*") if "runs" in path.parts and path not in before] == []


def test_what_leads_out_of_the_school_is_not_found(home: Path) -> None:
    prepared(home)
    (home / "outside").mkdir()
    (home / "outside/plan.toml").write_text("")
    (home / "outside/report.html").write_text("secret")

    async def body(v: Visit) -> None:
        for name in (
            "..%2Foutside",
            "%2e%2e%2foutside",
            ".%5coutside",
            "%00",
            "start%00",
            "x" * 300,
        ):
            for path in ("", "/report"):
                answer = await v.client.get(f"/api/school/runs/{name}{path}")
                assert answer.status_code == 404, (name, path)
                assert "secret" not in answer.text
        for data in ("../../owner.key", "/etc/passwd", ".hidden", "start/x", "a\0", "名" * 190):
            assert await v.refused("POST", "/runs", 404, **lesson(data=data)) == "school.no_file"
        wrong = [
            ("run:../start", 404),
            ("run:none", 404),
            ("model:../x", 404),
            ("model:none", 404),
            ("preset:none", 400),
            ("/etc", 400),
            ("--help", 400),
        ]
        for model, status in wrong:
            await v.refused("POST", "/runs", status, **lesson(model=model))
        assert (await v.client.delete("/api/school/data/..%2F..%2Fowner.key")).status_code == 404
        assert (home / "owner.key").exists()

    carry_out(home, body)


def test_files_are_taken_in_whole_or_refused(home: Path) -> None:
    home.mkdir()
    (home / "attenda.toml").write_text("")

    async def body(v: Visit) -> None:
        row = b'{"messages": [{"role": "user", "content": "a"}]}\n'

        async def send(name: str, content: bytes) -> dict[str, Any]:
            answer = await v.ask("POST", "/data", 201, files={"files": (name, content)})
            return dict(answer[0])

        assert (await send("talks.jsonl", row))["outcome"] == "kept"
        assert (await send("对话 1.jsonl", row))["outcome"] == "kept"
        assert (await send("talks.jsonl", row))["error"]["key"] == "school.file_there"
        for name in ("../x.jsonl", ".hidden", "a/b", "a\\b", "c:x", "x" * 130, "名" * 100):
            outcome = await send(name, row)
            assert outcome["error"]["key"] == "school.bad_file_name", name
        most = v.house.settings.max_upload_mb
        v.house.settings.__dict__["max_upload_mb"] = 1
        outcome = await send("big.jsonl", b"x" * ((1 << 20) + 1))
        v.house.settings.__dict__["max_upload_mb"] = most
        assert outcome["error"]["key"] == "school.too_large"
        assert "1 MB" in outcome["error"]["message"]
        names = [one["name"] for one in (await v.ask("GET", ""))["data"]]
        assert names == ["talks.jsonl", "对话 1.jsonl"]
        assert sorted(path.name for path in (home / "school/data").iterdir()) == names
        await v.ask("DELETE", "/data/talks.jsonl", 204)
        assert await v.refused("DELETE", "/data/talks.jsonl", 404) == "school.no_file"

    carry_out(home, body)


@pytest.mark.parametrize(
    "name", ["a\x01b", "a\nb", "a\x00", '"q"', "..", "", "-f", "a|b", "\x7f", "\ud800", "a\udfff"]
)
def test_a_hostile_file_name_is_none(name: str) -> None:
    with pytest.raises(UserError):
        school_files.new_file_name(name)


def test_the_doctor_looks_over_and_cleans(home: Path) -> None:
    prepared(home)
    talks = home / "school/data/talks.jsonl"
    talks.write_text(talks.read_text() + "{broken\n")

    async def body(v: Visit) -> None:
        found = await v.finished(await v.ask("POST", "/data/talks.jsonl/doctor", 202))
        assert found["error"] is None
        assert found["result"]["conversations"] == 40
        assert found["result"]["errors"] >= 1
        assert str(home) not in json.dumps(found["result"]["problems"])
        fixed = await v.finished(await v.ask("POST", "/data/talks.jsonl/doctor?fix=true", 202))
        assert fixed["result"]["fixed"]["name"] == "talks.clean.jsonl"
        assert (home / "school/data/talks.clean.jsonl").exists()
        again = await v.refused("POST", "/data/talks.jsonl/doctor?fix=true", 409)
        assert again == "school.file_there"
        (home / "school/data/odd.txt").write_bytes(b"\x00\x01\x02")
        failed = await v.finished(await v.ask("POST", "/data/odd.txt/doctor", 202))
        assert failed["state"] == "failed" and "odd.txt" in failed["error"]

    carry_out(home, body)


def test_two_models_answer_the_same(home: Path) -> None:
    prepared(home)

    async def body(v: Visit) -> None:
        sent = {"models": ["run:start", "run:start"], "prompts": ["--help"]}
        begun = await v.ask("POST", "/compare", 202, json={**sent, "tokens": 4})
        done = await v.finished(begun)
        assert done["error"] is None and (done["done"], done["total"]) == (2, 2)
        rows = done["result"]
        assert [row["prompt"] for row in rows] == sent["prompts"]
        assert all(len(row["answers"]) == 2 for row in rows)
        assert rows[0]["answers"][0] == rows[0]["answers"][1]
        begun = await v.ask("POST", "/compare", 202, json=sent)
        await v.ask("DELETE", f"/errands/{begun['errand']}", 204)
        given_up = await v.finished(begun)
        assert given_up["error"] == ENGLISH["school.given_up"]
        assert await v.refused("GET", "/errands/none", 404) == "school.no_errand"

    carry_out(home, body)


def test_pages_of_commands_are_shut_in(home: Path) -> None:
    prepared(home)

    async def body(v: Visit) -> None:
        assert await v.refused("GET", "/runs/start/report", 404) == "school.no_view"
        assert await v.refused("GET", "/views/mask", 404) == "school.no_view"
        sent = {"model": "run:start", "data": "talks.jsonl", "text": "--red green"}
        for kind, shows in (("mask", "piece learned"), ("lens", "<h1")):
            done = await v.finished(await v.ask("POST", f"/views/{kind}", 202, json=sent))
            assert done["error"] is None
            drawn = await v.client.get(done["result"]["path"])
            assert "sandbox allow-scripts" in drawn.headers["content-security-policy"]
            assert shows in drawn.text and str(home) not in drawn.text
        (home / "runs/start/report.html").write_text("<script>1</script>")
        answer = await v.client.get("/api/school/runs/start/report")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "sandbox allow-scripts" in policy
        assert "allow-same-origin" not in policy and "connect-src" not in policy
        page = await v.client.get("/school")
        assert "frame-src 'self'" in page.headers["content-security-policy"]
        other = await v.client.get("/models")
        assert "frame-src" not in other.headers["content-security-policy"]

    carry_out(home, body)


def test_a_command_that_is_not_there_yet_is_said_plainly(home: Path) -> None:
    async def body() -> None:
        with pytest.raises(Exception, match="attenda learn nonesuch"):
            await school_children.call(home, ["nonesuch"], "en", 60, ok=(0,))
        with pytest.raises(Exception, match="1 seconds|0 seconds"):
            await school_children.call(home, ["runs"], "en", 0.01, ok=(0,))

    home.mkdir()
    asyncio.run(body())


def test_promotion_wants_figures(home: Path) -> None:
    prepared(home)

    async def body(v: Visit) -> None:
        sent = {"json": {"anyway": False}}
        assert await v.refused("POST", "/runs/start/promote", 400, **sent) == "school.no_model_yet"
        card = home / "runs/start/model/card.json"
        card.write_text(json.dumps({"template": {"name": "chatml"}, "figures": {}}))
        assert await v.refused("POST", "/runs/start/promote", 409, **sent) == "school.no_figures"
        figures = {"validation": {"bits_per_byte": 3.0}, "ngram": {"bits_per_byte": 2.0}}
        card.write_text(json.dumps({"template": {"name": "chatml"}, "figures": figures}))
        assert await v.refused("POST", "/runs/start/promote", 409, **sent) == "school.worse"

    carry_out(home, body)


def test_the_presets_are_those_that_learning_has() -> None:
    assert set(school_files.PRESETS) == set(PRESETS)


def test_a_long_curve_is_thinned_and_half_a_line_waits(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    rows = [json.dumps({"step": n, "loss": 1 / n}) for n in range(1, 5001)]
    rows.insert(2500, json.dumps({"step": 2500, "validation": {"loss": 2.0, "bits_per_byte": 1.5}}))
    file.write_text("\n".join(rows) + '\n{"step": 5001, "lo')
    found = school_files.curve(tmp_path)
    assert 500 < len(found["points"]) < 700
    assert found["points"][-1][0] == 5000 and found["measured"] == [[2500, 2.0, 1.5]]
    with file.open("a") as more:
        more.write('ss": 0.5}\n')
    assert school_files.curve(tmp_path, found["end"])["points"] == [[5001, 0.5]]


def test_the_pages_scripts_name_sentences_that_exist() -> None:
    import re

    static = Path(school_files.__file__).parent / "static"
    texts = "\n".join(file.read_text("utf-8") for file in sorted(static.glob("school*.js")))
    named = set(re.findall(r"""["'](school\.\w+)["']""", texts))
    assert len(named) > 80
    assert sorted(named - ENGLISH.keys()) == []
