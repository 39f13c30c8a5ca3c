"""A process with a mail channel that kills itself at a named point, as if the power went.

`python -m tests.runtime.mail_child HOME SPEC POINT`; with no such point it ends once every answer
went out or is lost, and prints what became of them.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from attenda.api import Principal, ScriptedEmbedder, ScriptedModel
from attenda.cli.wiring import open_house
from attenda.core.config import MailboxSpec, Settings
from attenda.llm.loaded import LoadedModels
from attenda.store import agents, channels, mail, people
from attenda.store.schema_mail import outbox

OWNER = Principal(id=people.OWNER_ID, role="owner")


def passing(point: str) -> None:
    if point == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)


def make(c: Any, stamps: Any) -> str:
    found = channels.mail_channels(c)
    if found:
        return found[0].id
    agent = agents.create_agent(c, stamps, OWNER, name="Help")
    values = {"name": "Help", "agent_id": agent, "mailbox": "support"}
    return channels.create_channel(c, stamps, OWNER, "mail", **values).id


def states(c: Any) -> list[str]:
    return [one.state for one in c.execute(outbox.select())]


async def main(home: Path, spec: MailboxSpec) -> None:
    models = LoadedModels(home, "scripted")
    models.register(ScriptedModel(lambda _: "Your account is open."))
    models.register_embedder(ScriptedEmbedder())
    settings = Settings(home=home, model="scripted", mailboxes=(spec,))
    async with open_house(settings, models, None, [], None, passing) as house:
        channel_id = await house.database.write(lambda c: make(c, house.stamps))
        while await house.database.read(lambda c: mail.position_of(c, channel_id)) is None:
            await asyncio.sleep(0.05)
        print("ready", flush=True)
        while True:
            await asyncio.sleep(0.05)
            found = await house.database.read(states)
            if found and not {"waiting", "sending"} & set(found):
                break
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), MailboxSpec.model_validate_json(sys.argv[2])))
