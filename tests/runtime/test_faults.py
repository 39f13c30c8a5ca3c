"""A server's faults, met in a chat, in a bound call and in a row of calls: each has an end.

Sixteen faults (a busy server is met twice, with and without a time to wait), each within its
deadline; what the server sent before is never lost, and a reason is always given.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from attenda.api import Grammar, ModelError, ModelSettings, Principal, ScriptedEmbedder
from attenda.cli.wiring import open_house
from attenda.core.config import Settings
from attenda.core.event import RunFinished
from attenda.core.message import text_message
from attenda.llm.endpoint import Deadlines, EndpointModel, EndpointSpec
from attenda.llm.loaded import LoadedModels
from attenda.store import sessions
from tests.llm.faulty_server import BEFORE_SENDING, FAULTS, UNREACHABLE, FaultyServer, serving

PATIENT = Deadlines(first_token_s=10, gap_s=10, total_s=20)
SHORT = Deadlines(first_token_s=1, gap_s=10, total_s=20)
DEADLINES = {"hang": SHORT, "drip": SHORT, "gap": Deadlines(10, 0.5, 20)}
"""Short where the fault is met by a deadline; elsewhere a busy machine must not meet one."""


def seconds_for(fault: str) -> float:
    """By when a call that meets the fault has ended: its deadline and 5 seconds."""
    deadlines = DEADLINES.get(fault, PATIENT)
    return min(deadlines.first_token_s, deadlines.gap_s) + 5


REASONS = {
    "refused": "unreachable",
    "tls": "tls",
    "hang": "silent",
    "drip": "silent",
    "html": "no_stream",
    "busy": "busy",
    "busy_for_long": "busy",
    "storm": "status",
    "reset": "cut_off",
    "no_end": "cut_off",
    "half_character": "broken",
    "half_json": "cut_off",
    "endless": "endless",
    "long_line": "broken",
    "wrong_tool": "unasked_tool",
    "wrong_arguments": "unasked_tool",
    "gap": "silent",
}
"""What each fault is said to be: the ends of the sentences' keys."""
EVERY_FAULT = pytest.mark.parametrize("fault", [*UNREACHABLE, *FAULTS])
COMMAND = Grammar(
    kind="json_schema",
    text=json.dumps(
        {
            "type": "object",
            "properties": {"command": {"enum": ["set", "stop"]}, "slot": {"type": "string"}},
            "required": ["command", "slot"],
            "additionalProperties": False,
        }
    ),
)


@contextlib.asynccontextmanager
async def endpoint(
    server: FaultyServer, fault: str, address: str | None = None
) -> AsyncIterator[EndpointModel]:
    """A model on the server, for meeting the fault; `address` replaces where it is reached."""
    base_url = server.url(fault) if address is None else address
    spec = EndpointSpec(name="far", base_url=base_url, model="m")
    model = EndpointModel(spec, deadlines=DEADLINES.get(fault, PATIENT))
    try:
        yield model
    finally:
        await model.close()


async def answer(
    model: EndpointModel, question: str, settings: ModelSettings | None = None
) -> tuple[str, ModelError | None]:
    """The text that came, and the error it ended with, if it did."""
    pieces: list[str] = []
    try:
        asked = [text_message("user", question)]
        async for chunk in model.stream(asked, settings or ModelSettings(max_tokens=64)):
            pieces.append(chunk.text)
    except ModelError as error:
        return "".join(pieces), error
    return "".join(pieces), None


def holds_what_was_sent(text: str, sent: str, fault: str) -> bool:
    """All that was sent is there; of what never ends, a beginning is."""
    return bool(text) and sent.startswith(text) if fault == "endless" else text == sent


@EVERY_FAULT
def test_a_run_ends_with_a_reason_and_all_that_was_sent(
    tmp_path: Path, owner: Principal, fault: str
) -> None:
    async def body() -> None:
        async with serving() as server, endpoint(server, fault) as model:
            models = LoadedModels(tmp_path, "far")
            models.register(model)
            models.register_embedder(ScriptedEmbedder())
            async with open_house(Settings(home=tmp_path, model="far"), models) as house:
                made = await house.database.write(
                    lambda c: sessions.create_session(c, house.stamps, owner)
                )
                async with asyncio.timeout(seconds_for(fault)):
                    started = await house.runs.start(owner, made.id, f"Tell me more [{fault}]")
                    heard = [one async for one in house.runs.follow(made.id, started.after)]
                finished = heard[-1].event
                assert isinstance(finished, RunFinished)
                assert finished.reason == "failed"
                assert finished.error_key == f"endpoint.{REASONS[fault]}"
                tree = await house.database.read(lambda c: sessions.message_tree(c, made.id))
                stored = tree[-1]
                assert stored.status == "failed"
                assert holds_what_was_sent(stored.message.text, server.sent, fault)
                assert bool(server.sent) == (fault not in BEFORE_SENDING)

    asyncio.run(body())


@EVERY_FAULT
def test_a_bound_call_gives_a_valid_value_or_an_error(fault: str) -> None:
    async def body() -> None:
        async with serving() as server, endpoint(server, fault) as model:
            server.answer = '{"command": "set", "slot": "the amount of the transfer"}'
            settings = ModelSettings(max_tokens=64, grammar=COMMAND)
            async with asyncio.timeout(seconds_for(fault)):
                text, error = await answer(model, f"Send 5 euros [{fault}]", settings)
            assert error is not None
            assert error.key == f"endpoint.{REASONS[fault]}"
            assert "“far”" in str(error)
            assert holds_what_was_sent(text, server.sent, fault)
        async with serving() as server, endpoint(server, "") as model:
            server.answer = '{"command": "set", "slot": "amount"}'
            text, error = await answer(model, "Send 5 euros", settings)
            assert (error, json.loads(text)) == (None, {"command": "set", "slot": "amount"})

    asyncio.run(body())


@EVERY_FAULT
def test_of_a_row_of_calls_the_one_that_met_the_fault_is_known(fault: str) -> None:
    async def body() -> None:
        async with (
            serving() as server,
            endpoint(server, fault, server.url()) as model,
            endpoint(server, fault) as elsewhere,
        ):
            ended: list[tuple[str, ModelError | None]] = []
            before = after = ""
            for number in range(1, 6):
                met = number == 3
                used = elsewhere if met and fault in UNREACHABLE else model
                before = server.sent
                async with asyncio.timeout(seconds_for(fault)):
                    ended.append(await answer(used, f"Part {number} [{fault}]"[: 99 if met else 6]))
                after = server.sent if met else after
                if met:
                    assert holds_what_was_sent(ended[-1][0], after.removeprefix(before), fault)
            failed = [number for number, (_, error) in enumerate(ended, start=1) if error]
            assert failed == [3]
            whole = {text for number, (text, _) in enumerate(ended, start=1) if number != 3}
            assert whole == {server.answer}

    asyncio.run(body())
