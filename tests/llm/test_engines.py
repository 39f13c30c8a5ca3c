"""Both embedded engines behind the one door: they stream, stop, refuse, die and come back alike.

The weights are real, the answers are small. What a person's machine would need seconds for is
waited for, never timed.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attenda.core.errors import AttendaError, ModelError, UserError
from attenda.core.message import text_message
from attenda.core.ports import Grammar, ModelChunk, ModelSettings
from attenda.llm import catalogue
from attenda.llm.embedded import EmbeddedChat, open_embedded
from attenda.llm.gguf_header import read_header

PATIENCE_S = 120
SHORT = ModelSettings(max_tokens=8)
OBJECT = {
    "type": "object",
    "properties": {"city": {"enum": ["Paris", "Lyon"]}, "big": {"type": "boolean"}},
    "required": ["city", "big"],
    "additionalProperties": False,
}
NEVER_COMPILES = Grammar(
    kind="json_schema", text=json.dumps({"type": "integer", "minimum": 5, "maximum": 1})
)
"""A valid JSON schema that no value fits; either engine refuses it."""
WORDS = ("apple", "river", "window", "seven", "green", "doctor", "music", "paper")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(params=["openvino", "llamacpp"])
def engine(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    pytest.importorskip({"openvino": "openvino_genai", "llamacpp": "xllamacpp"}[name])
    return name


@pytest.fixture
def model(weights_home: Path) -> catalogue.LocalModel:
    return catalogue.find(weights_home, catalogue.DEFAULT_CHAT)


@asynccontextmanager
async def opened(
    model: catalogue.LocalModel, engine: str, **options: Any
) -> AsyncIterator[EmbeddedChat]:
    chat = open_embedded(model, engine, **options)
    try:
        yield chat
    finally:
        await chat.close()


async def answer(chat: EmbeddedChat, question: str, settings: ModelSettings) -> list[ModelChunk]:
    messages = [text_message("user", question)]
    return [chunk async for chunk in chat.stream(messages, settings)]


async def said(chat: EmbeddedChat, question: str, settings: ModelSettings = SHORT) -> str:
    return "".join(chunk.text for chunk in await answer(chat, question, settings))


async def failure(chat: EmbeddedChat, question: str, settings: ModelSettings) -> AttendaError:
    with pytest.raises(AttendaError) as caught:
        await answer(chat, question, settings)
    return caught.value


def regex(text: str, max_tokens: int = 64) -> ModelSettings:
    return ModelSettings(max_tokens=max_tokens, grammar=Grammar(kind="regex", text=text))


def endless(chat: EmbeddedChat, max_tokens: int = 6000) -> Any:
    """A generation that goes on for a minute or more unless it is stopped."""
    settings = ModelSettings(max_tokens=max_tokens).model_dump(exclude={"stop"})
    prompt = "<|im_start|>user\nCount.<|im_end|>\n<|im_start|>assistant\n"
    return chat.process.ask({"op": "generate", "prompt": prompt, "ignore_eos": True, **settings})


def pid_of(chat: EmbeddedChat) -> int:
    assert chat.process.pid is not None
    return chat.process.pid


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def until(condition: Callable[[], bool], pause_s: float = 0.1) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        await asyncio.sleep(pause_s)


def test_an_answer_streams_and_ends_with_its_usage(
    model: catalogue.LocalModel, engine: str
) -> None:
    async def scene() -> None:
        async with opened(model, engine) as chat:
            chunks = await answer(chat, "Tell me a story.", ModelSettings(max_tokens=24))
            counted = await chat.count_tokens([text_message("user", "Tell me a story.")])
        assert len(chunks) > 3
        assert all(chunk.text and chunk.usage is None for chunk in chunks[:-1])
        last = chunks[-1]
        assert last.stop_reason == "length" and last.usage is not None
        assert last.usage.prompt_tokens == counted and last.usage.answer_tokens == 24
        assert "<|" not in "".join(chunk.text for chunk in chunks)

    asyncio.run(scene())


def test_the_end_of_an_answer_and_characters_of_several_tokens(
    model: catalogue.LocalModel, engine: str
) -> None:
    async def scene() -> None:
        async with opened(model, engine) as chat:
            chunks = await answer(chat, "Say it.", regex("(你好|🙂){3}end"))
        text = "".join(chunk.text for chunk in chunks)
        assert re.fullmatch("(你好|🙂){3}end", text), text
        assert chunks[-1].stop_reason == "stop"
        assert not any("\ufffd" in chunk.text for chunk in chunks)

    asyncio.run(scene())


def test_many_at_once_all_finish_and_none_is_mixed_with_another(
    model: catalogue.LocalModel, engine: str
) -> None:
    async def scene() -> None:
        async with opened(model, engine) as chat:
            bound = [said(chat, f"Say {word}.", regex(f"{word}( {word}){{5}}")) for word in WORDS]
            free = [said(chat, f"Tell me about {word}.") for word in WORDS]
            texts = await asyncio.gather(*bound, *free)
        assert texts[:8] == [" ".join([word] * 6) for word in WORDS]
        assert all(text.strip() for text in texts[8:])

    asyncio.run(scene())


def test_a_closed_stream_stops_the_engine(model: catalogue.LocalModel, engine: str) -> None:
    async def scene() -> None:
        async with opened(model, engine) as chat:
            for _ in range(2):
                async with aclosing(endless(chat)) as answers:
                    async for piece in answers:
                        if piece.get("text"):
                            break
            assert (await said(chat, "Hello")).strip()
            seen = [cpu_ticks(pid_of(chat))]

            def is_idle() -> bool:
                """It worked for less than a tenth of the last half second."""
                seen.append(cpu_ticks(pid_of(chat)))
                return seen[-1] - seen[-2] < 0.05 * os.sysconf("SC_CLK_TCK")

            await asyncio.sleep(0.5)
            await until(is_idle, 0.5)
            assert chat.process.starts == 1
            # Two generations of 6,000 tokens would have cost ten times that.
            assert seen[-1] < 60 * os.sysconf("SC_CLK_TCK")

    asyncio.run(scene())


def test_a_killed_engine_is_reported_and_started_again(
    model: catalogue.LocalModel, engine: str
) -> None:
    async def scene() -> None:
        async with opened(model, engine) as chat:
            with pytest.raises(ModelError) as caught:
                async with aclosing(endless(chat)) as answers:
                    async for piece in answers:
                        if piece.get("text") and chat.process.pid:
                            os.kill(chat.process.pid, signal.SIGKILL)
            assert caught.value.key == "model.died"
            assert (await said(chat, "Hello")).strip()
            assert chat.process.starts == 2

    asyncio.run(scene())


def test_a_hung_engine_is_killed_and_started_again(
    model: catalogue.LocalModel, engine: str
) -> None:
    async def scene() -> None:
        async with opened(model, engine, hang_s=2) as chat:
            with pytest.raises(ModelError) as caught:
                async with aclosing(endless(chat)) as answers:
                    async for piece in answers:
                        if piece.get("text"):
                            os.kill(pid_of(chat), signal.SIGSTOP)
            assert caught.value.key == "model.hung"
            assert (await said(chat, "Hello")).strip()
            assert chat.process.starts == 2

    asyncio.run(scene())


def test_a_grammar_that_does_not_compile_fails_its_own_request_alone(
    model: catalogue.LocalModel, engine: str
) -> None:
    async def scene() -> None:
        broken = ModelSettings(max_tokens=8, grammar=NEVER_COMPILES)
        async with opened(model, engine) as chat:
            word = regex("(la ){30}", 200)
            others = [
                asyncio.ensure_future(answer(chat, "Tell a story.", ModelSettings(max_tokens=60))),
                asyncio.ensure_future(answer(chat, "Sing.", word)),
            ]
            await chat.process.start()
            await asyncio.sleep(0.3)
            errors = await asyncio.gather(*(failure(chat, "Hello", broken) for _ in range(3)))
            story, song = await asyncio.gather(*others)
            assert {error.key for error in errors} == {"model.bad_grammar"}
            assert "\n" not in str(errors[0])
            assert story[-1].usage is not None and story[-1].usage.answer_tokens == 60
            assert "".join(chunk.text for chunk in song) == "la " * 30
            assert (await said(chat, "Hello")).strip()
            assert chat.process.starts == 1

    asyncio.run(scene())


@pytest.mark.parametrize("text", ["(a", r"(?=a)b", r"(a)\1"])
def test_a_pattern_that_is_not_regular_is_refused(
    model: catalogue.LocalModel, engine: str, text: str
) -> None:
    async def scene() -> None:
        async with opened(model, engine) as chat:
            error = await failure(chat, "Hello", regex(text))
            assert isinstance(error, UserError) and error.key == "model.bad_grammar"
            assert chat.process.starts == 0

    asyncio.run(scene())


def test_output_matches_its_grammar(model: catalogue.LocalModel, engine: str) -> None:
    patterns = [
        r"(Paris|Lyon)/\d{3,4}[a-c]?\.",
        r"[A-Z][a-z]{2,5}\n\w{1,3}\s-\\/",
        r'"(?:yes|no)" \[x\]\{2\}',
    ]

    async def scene() -> None:
        async with opened(model, engine) as chat:
            schema = Grammar(kind="json_schema", text=json.dumps(OBJECT))
            settings = ModelSettings(max_tokens=600, grammar=schema)
            for seed in range(3):
                warm = settings.model_copy(update={"temperature": 1.0, "seed": seed})
                value = json.loads(await said(chat, "Name a city in France.", warm))
                assert value["city"] in ("Paris", "Lyon") and isinstance(value["big"], bool)
            for pattern in patterns:
                text = await said(chat, "What is the capital of France?", regex(pattern))
                assert re.fullmatch(pattern, text), (pattern, text)

    asyncio.run(scene())


def test_a_prompt_beyond_the_context_is_refused(model: catalogue.LocalModel, engine: str) -> None:
    async def scene() -> None:
        async with opened(model, engine, context_tokens=256) as chat:
            error = await failure(chat, "word " * 300, SHORT)
            assert isinstance(error, UserError) and error.key == "model.too_long"
            chunks = await answer(chat, "word " * 150, ModelSettings(max_tokens=1000))
            usage = chunks[-1].usage
            assert usage is not None and usage.prompt_tokens + usage.answer_tokens <= 256

    asyncio.run(scene())


def test_more_requests_than_the_context_holds_wait_their_turn(
    model: catalogue.LocalModel, engine: str
) -> None:
    async def scene() -> None:
        async with opened(model, engine, context_tokens=512) as chat:
            asked = [said(chat, f"{word} " * 200, regex(f"{word}!{{9}}", 100)) for word in WORDS]
            assert await asyncio.gather(*asked) == [f"{word}!!!!!!!!!" for word in WORDS]

    asyncio.run(scene())


@pytest.mark.parametrize("harm", ["missing", "cut by a byte", "cut in the header", "not a model"])
def test_a_bad_file_is_one_clear_line(
    model: catalogue.LocalModel, engine: str, home: Path, harm: str
) -> None:
    source = home.parent / "model.gguf"
    shutil.copyfile(model.path, source)
    added = catalogue.add_file(home, source, "mine", "smollm2")
    match harm:
        case "missing":
            added.path.unlink()
        case "cut by a byte":
            os.truncate(added.path, added.size - 1)
        case "cut in the header":
            os.truncate(added.path, 1000)
        case _:
            added.path.write_text("hello")

    async def scene() -> None:
        async with opened(added, engine) as chat:
            error = await failure(chat, "Hello", SHORT)
            assert isinstance(error, ModelError) and error.key == "model.load_failed"
            assert "model.gguf" in str(error) and "\n" not in str(error)

    asyncio.run(scene())


PARENT = """
import asyncio, sys
from pathlib import Path
from attenda.llm import catalogue
from attenda.llm.embedded import open_embedded

async def main():
    chat = open_embedded(catalogue.find(Path(sys.argv[1]), catalogue.DEFAULT_CHAT), sys.argv[2])
    await chat.process.start()
    print(chat.process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_the_engine_dies_with_its_parent(
    weights_home: Path, model: catalogue.LocalModel, engine: str
) -> None:
    command = [sys.executable, "-c", PARENT, str(weights_home), engine]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()
    asyncio.run(until(lambda: not is_alive(child)))


def sockets_of(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def listed(table: str) -> Iterator[list[str]]:
    for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
        yield line.split()


def test_no_port_is_open(
    model: catalogue.LocalModel, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    async def scene() -> None:
        async with opened(model, engine) as chat:
            await said(chat, "Hello")
            mine = sockets_of(pid_of(chat))
            for table in ("tcp", "tcp6", "udp", "udp6"):
                assert not [row for row in listed(table) if row[9] in mine], table
            paths = [Path(row[7]) for row in listed("unix") if row[6] in mine and len(row) > 7]
            for path in paths:
                assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    asyncio.run(scene())


def test_what_a_killed_llamacpp_left_is_removed_by_the_next(
    model: catalogue.LocalModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("xllamacpp")
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    async def scene() -> None:
        async with opened(model, "llamacpp") as first, opened(model, "llamacpp") as second:
            await first.process.start()
            await second.process.start()
            assert len(list(tmp_path.glob("attenda-llamacpp-*"))) == 2
            await first.close()
            async with opened(model, "llamacpp") as third:
                await third.process.start()
                assert len(list(tmp_path.glob("attenda-llamacpp-*"))) == 2
            assert await second.count_tokens([text_message("user", "still here")]) > 3

    asyncio.run(scene())


def constant_under(node: Any, *places: int) -> np.ndarray[Any, Any]:
    """The values of a constant, its place told from `node` down; a conversion is passed."""
    for place in places:
        node = node.input_value(place).get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    values = np.asarray(node.get_data())
    if node.get_element_type().get_type_name() != "u4":
        return values
    pairs = values.view(np.uint8).reshape(-1)
    return np.stack([pairs & 15, pairs >> 4], axis=1).reshape(*node.get_output_shape(0))


@pytest.mark.parametrize("widened_below", [0, pytest.param(1 << 30, marks=pytest.mark.long)])
def test_openvino_computes_with_the_weights_of_the_file(
    model: catalogue.LocalModel,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    widened_below: int,
) -> None:
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)  # as in the child
    openvino = pytest.importorskip("openvino")
    gguf = pytest.importorskip("gguf")
    from attenda.llm import openvino_model

    monkeypatch.setattr(openvino_model, "_WIDENED_BELOW_BYTES", widened_below)
    path = tmp_path / "model.gguf"
    path.symlink_to(model.path)
    wanted = [
        gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        for tensor in gguf.GGUFReader(path).tensors
        if "ffn_down" in tensor.name
    ]
    with openvino_model.converted(path, read_header(path)) as folder:
        read = openvino.Core().read_model(folder / "openvino_model.xml")
    assert len(wanted) == 30
    for subtract in read.get_ordered_ops():
        if subtract.get_type_name() != "Subtract" or not wanted:
            continue
        multiply = next(iter(subtract.output(0).get_target_inputs())).get_node()
        if list(multiply.get_output_shape(0)) != [576, 48, 32]:
            continue
        whole = constant_under(subtract, 0).astype(np.float32)
        zeros = constant_under(subtract, 1).astype(np.float32)
        made = ((whole - zeros) * constant_under(multiply, 1)).reshape(576, 1536)
        nearest = min(range(len(wanted)), key=lambda one: np.square(wanted[one][0] - made[0]).sum())
        weights = wanted.pop(nearest)
        error = np.sqrt(np.square(made - weights).mean() / np.square(weights).mean())
        assert error < 0.01
    assert not wanted


def test_the_header_tells_what_the_model_is(model: catalogue.LocalModel) -> None:
    header = read_header(model.path)
    assert (header.architecture, header.context_tokens) == ("llama", 8192)
    assert len(header.tensors) == 272 and "<|im_start|>" in header.chat_template
