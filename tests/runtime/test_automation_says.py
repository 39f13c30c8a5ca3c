"""What an automation says in a session that came in by a channel."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from attenda.api import Label, Labelled
from attenda.core.errors import Unauthenticated
from attenda.core.label import SYSTEM
from attenda.runtime.automation import MessageStep
from attenda.runtime.automation_message import send_message
from attenda.store import channels
from tests.runtime.mail_servers import MailServer, letter
from tests.runtime.test_mail import OWNER, post, server

__all__ = ["server"]


def test_it_goes_out_as_a_mail_in_the_customers_language(home: Path, server: MailServer) -> None:
    async def body() -> None:
        async with post(home, server) as p:
            await p.arrive(letter("请问我的账户开通了吗？", id_="first"))
            ((session_id, _, _), *_) = await p.said()
            session = Labelled(value=session_id, label=Label(integrity="user"))
            words = {"en": "Your card has come.", "zh-CN": "您的卡到了。"}
            step = MessageStep(message=words, session="input")

            def say(c: Any) -> Any:
                return send_message(c, p.house.stamps, step, session, {}, SYSTEM, OWNER)

            await p.house.database.write(say)
            await p.look()
            assert "您的卡到了。" in p.out()[-1].get_content() and len(p.out()) == 2
            stamps = p.house.stamps
            await p.house.database.write(
                lambda c: channels.revoke_channel(c, stamps, OWNER, p.channel.id)
            )
            with pytest.raises(Unauthenticated):
                await p.house.database.write(say)

    asyncio.run(body())
