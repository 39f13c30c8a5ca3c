"""People at work with deeds: `python -m tests.crash.flow_people HOME LOG --seed S`, until SIGTERM.

Customers ask for deeds and people; the desk's people take sessions in a race, answer and give them
back; approvers decide in a race, and click twice. What was acknowledged is written down before its
writer goes on. Whoever gets no answer looks where things stand, as a person would. Other programs
begin automations by signed requests, sent again until one is answered. After SIGTERM what is begun
is brought to its end.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import httpx

from tests.crash.client import client_of
from tests.crash.deeds import STORIES
from tests.crash.flow_server import BOSSES, PROGRAMS, STAFF
from tests.crash.kinds import signed

__all__ = ["Office"]

_TOLD = list(STORIES)
_PERSON_EACH = 7
_NO_EACH = 8
_OVER = ("Done for", "decided against it", "words")
_ENDS = ("done", "failed", "cancelled")
_LATE = ("4?", "7?")
"""Ends of the questions that nobody answers in time."""


class Office:
    """Everybody of one home, and the log of what they were told."""

    def __init__(self, home: Path, log: Path, seed: int) -> None:
        self._home, self._seed = home, seed
        self._keys: dict[str, str] = json.loads((home / "people.json").read_text())
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.closing = False
        self.customers = [name for name in self._keys if name.startswith("usr_c")]
        self.open_stories = 0

    def note(self, **values: Any) -> None:
        os.write(self._log, json.dumps(values).encode() + b"\n")
        os.fsync(self._log)

    async def _ask(
        self, name: str, method: str, path: str, body: Any = None, **more: Any
    ) -> httpx.Response | None:
        """One request; nothing where no answer came."""
        given = more or {"json": body}
        try:
            async with client_of(self._home, self._keys[name]) as client:
                answer = await client.request(method, path, **given)
        except httpx.HTTPError:
            await asyncio.sleep(0.02)
            return None
        if answer.status_code >= 500:
            self.note(kind="broken", who=name, path=path, status=answer.status_code)
        return answer

    async def _read(self, name: str, path: str) -> Any:
        while True:
            answer = await self._ask(name, "GET", path)
            if answer is not None and answer.status_code == 200:
                return answer.json()

    async def customer(self, name: str) -> None:
        """One customer's day: a story after the other."""
        agents = await self._read(name, "/api/agents")
        by_pack = {one["pack"]: one["id"] for one in agents}
        number = 0
        while not self.closing:
            number += 1
            turn = int(name[5:]) + number
            pack = "loopdeeds" if _TOLD[turn % len(_TOLD)].startswith("loop") else "deeds"
            agent = {"agent_id": by_pack[pack]}
            made = await self._ask(name, "POST", "/api/sessions", agent)
            if made is None:
                continue
            assert made.status_code == 201, made.text
            self.open_stories += 1
            await self._story(name, made.json()["id"], f"{name[4:]}-{number}", turn)
            self.open_stories -= 1

    async def _story(self, name: str, session: str, mark: str, turn: int) -> None:
        self.note(kind="session", id=session)
        story, order = _TOLD[turn % len(_TOLD)], f"O-{mark}"
        first = STORIES[story][0].format(n=mark)
        self.note(kind="wants", session=session, story=story, order=order)
        text = await self._say(name, session, first)
        if not story.startswith("loop"):
            if turn % _PERSON_EACH == 3:
                await self._with_person(name, session)
            text = await self._say(name, session, "yes")
        if story.endswith("approved"):
            text = await self._decided(name, session)
        if f"Done for {order}" in text or text.endswith("words"):
            self.note(kind="done", session=session, story=story, order=order)

    async def _with_person(self, name: str, session: str) -> None:
        """Ask for a person, and wait until they are done with it."""
        while True:
            answer = await self._ask(name, "POST", f"/api/sessions/{session}/person")
            if answer is not None and answer.status_code == 204:
                break
        self.note(kind="asked", session=session)
        while (await self._read(name, f"/api/sessions/{session}"))["owner"] not in (
            "bot",
            "resolved",
        ):
            await asyncio.sleep(0.05)

    async def _say(self, name: str, session: str, text: str) -> str:
        """Say it until it is answered, or a person has it; the answer."""
        path = f"/api/sessions/{session}"
        while True:
            view = await self._read(name, path)
            if view["running"]:
                await asyncio.sleep(0.03)
                continue
            mine = [m for m in view["messages"] if m["role"] == "user" and m["text"] == text]
            answers = [m for m in view["messages"] if mine and m["parent_id"] == mine[-1]["id"]]
            done = [m for m in answers if m["status"] == "done" and m["role"] == "assistant"]
            if done or (mine and view["owner"] != "bot"):
                return str(done[-1]["text"]) if done else ""
            if mine:
                await self._ask(name, "POST", f"{path}/again", {"message_id": mine[-1]["id"]})
                continue
            sent = await self._ask(name, "POST", f"{path}/messages", {"text": text})
            if sent is not None and sent.status_code == 202:
                self.note(
                    kind="message", id=sent.json()["user_message_id"], session=session, text=text
                )

    async def _decided(self, name: str, session: str) -> str:
        """Wait for the decision and for what comes of it; the last answer."""
        asked = 0
        while True:
            await asyncio.sleep(0.05)
            view = await self._read(name, f"/api/sessions/{session}")
            if view["running"] or view["approvals"]:
                continue
            texts = [m["text"] for m in view["messages"] if m["role"] == "assistant"]
            over = [text for text in texts if any(word in text for word in _OVER)]
            if over or view["owner"] != "bot" or asked > 20:
                return over[-1] if over else ""
            asked += 1  # it was decided, and the process died before it went on
            await self._say(name, session, f"wait {asked}")

    async def program(self, name: str) -> None:
        """Begin automations, one after the other, by request or by hand, and wait for their end."""
        number = 0
        while not self.closing:
            number += 1
            made = await self._ask(name, "POST", "/api/sessions")
            if made is None:
                continue
            self.open_stories += 1
            values = {"order": f"A-{name[4:]}-{number}", "session": made.json()["id"]}
            if number % 3:
                run = await self._by_request(name, values)
            else:
                run = await self._by_hand(name, values["order"])
            state = ""
            while run and state not in _ENDS:
                await asyncio.sleep(0.2)
                state = (await self._read(name, f"/api/automation-runs/{run}"))["state"]
            self.open_stories -= 1

    async def _by_request(self, name: str, values: dict[str, str]) -> str:
        """Sent until it is answered, and once more for good measure; the run's id."""
        found: list[str] = []
        while len(found) < 2:
            headers, body = signed(values["order"], int(time.time()), values)
            answer = await self._ask(name, "POST", "/hooks/walked", headers=headers, content=body)
            if answer is not None:
                assert answer.status_code in (200, 202), answer.text
                found.append(answer.json()["run"])
                self.note(kind="began", run=found[-1], order=values["order"], by="request")
        return found[0]

    async def _by_hand(self, name: str, order: str) -> str:
        """Begun once, whether or not an answer comes; the run's id, if one came."""
        told = {"values": {"order": order}}
        answer = await self._ask(name, "POST", "/api/automations/vouched/runs", told)
        if answer is None:
            return ""
        assert answer.status_code == 201, answer.text
        self.note(kind="began", run=answer.json()["id"], order=order, by="hand")
        return str(answer.json()["id"])

    async def _fill_in(self, name: str) -> None:
        """Fill every form in that one sees, and click twice; some nobody fills in."""
        for form in await self._read(name, "/api/forms"):
            if form["title"].endswith(_LATE):
                continue
            body = {"values": {"sure": True}}
            clicks = (self._ask(name, "POST", f"/api/forms/{form['id']}", body) for _ in range(2))
            for answer in await asyncio.gather(*clicks):
                if answer is not None and answer.status_code == 200:
                    self.note(kind="filled", form=form["id"], by=name, run=form["run_id"])

    async def staff(self, name: str) -> None:
        """Take what waits, in a race with the others; answer; give it back or close it."""
        chance = random.Random(f"{self._seed} {name}")
        while not (self.closing and not self.open_stories):
            await asyncio.sleep(chance.uniform(0.01, 0.1))
            await self._fill_in(name)
            desk = await self._read(name, "/api/desk")
            for row in desk["sessions"]:
                path = f"/api/desk/sessions/{row['id']}"
                if row["owner"] == "queued":
                    won = await self._ask(name, "POST", f"{path}/claim", {})
                    if won is not None and won.status_code == 204:
                        self.note(kind="claimed", session=row["id"], by=name)
                elif row["claimed_by"] == name and row["owner"] in ("human", "waiting"):
                    await self._ask(name, "POST", f"{path}/messages", {"text": "A person here."})
                    await asyncio.sleep(chance.uniform(0.0, 0.05))
                    stuck = str(row["title"]).startswith("blind")
                    await self._ask(name, "POST", f"{path}/{'resolve' if stuck else 'return'}")

    async def boss(self, name: str) -> None:
        """Decide what waits, in a race with the other, and click twice."""
        chance, decided = random.Random(f"{self._seed} {name}"), 0
        while not (self.closing and not self.open_stories):
            await asyncio.sleep(chance.uniform(0.01, 0.1))
            for row in await self._read(name, "/api/approvals"):
                if row["state"] == "pending":
                    decided += 1
                    yes = decided % _NO_EACH > 0
                    clicks = (self._decide(name, row, yes=yes) for _ in range(2))
                    await asyncio.gather(*clicks)

    async def _decide(self, name: str, row: dict[str, Any], *, yes: bool) -> None:
        body = {"yes": yes, "shown": row["shown"]}
        answer = await self._ask(name, "POST", f"/api/approvals/{row['id']}", body)
        if answer is not None and answer.status_code == 200:
            self.note(kind="decided", approval=row["id"], by=name, yes=yes)


async def main(home: Path, log: Path, seed: int) -> None:
    office = Office(home, log, seed)

    def close() -> None:
        office.closing = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, close)
    await asyncio.gather(
        *(office.customer(name) for name in office.customers),
        *(office.staff(name) for name in STAFF),
        *(office.boss(name) for name in BOSSES),
        *(office.program(name) for name in PROGRAMS),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(main(options.home, options.log, options.seed))
