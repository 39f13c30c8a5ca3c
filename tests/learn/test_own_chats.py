"""What the store exports of a person's chats is read as conversations."""

import asyncio
import json
from pathlib import Path

from attenda.core.principal import Principal
from attenda.store import privacy, sessions
from tests.learn.rows import made, said, sorted_out
from tests.scripted_house import scripted_house


def test_an_export_of_the_store_is_read(home: Path, owner: Principal, tmp_path: Path) -> None:
    """The shown branch alone, and nothing of a chat in the trash."""

    async def talk() -> str:
        script = ["Hello!", "Bye!", "Farewell!", "Never mind."]
        async with scripted_house(home, script) as (house, _):

            async def ask(session_id: str, text: str) -> str:
                started = await house.runs.start(owner, session_id, text)
                async for _ in house.runs.follow(session_id, started.after):
                    pass
                return started.user_message_id

            write = house.database.write
            kept = await write(lambda c: sessions.create_session(c, house.stamps, owner))
            await ask(kept.id, "Hi")
            asked = await ask(kept.id, "I must go.")
            again = await house.runs.regenerate(owner, kept.id, asked)
            async for _ in house.runs.follow(kept.id, again.after):
                pass
            gone = await write(lambda c: sessions.create_session(c, house.stamps, owner))
            await ask(gone.id, "Forget this.")
            await write(lambda c: sessions.update_session(c, owner, gone.id, deleted_at=1))
            found = await house.database.read(lambda c: privacy.export_person(c, owner.id))
            return json.dumps(found, default=str, indent=1)

    found, problems = sorted_out(made(tmp_path, "export.json", asyncio.run(talk())))
    assert problems == []
    assert [said(row) for row in found] == [
        [
            ("user", "Hi"),
            ("assistant", "Hello!"),
            ("user", "I must go."),
            ("assistant", "Farewell!"),
        ]
    ]
