"""The connection to a server: what is tried again, what is followed, and where the key goes."""

import asyncio
import logging

import pytest

from attenda.api import ModelError, OperatorError
from attenda.core.message import text_message
from attenda.llm.endpoint import EndpointModel, EndpointSpec, open_endpoint
from tests.llm.far_model import far, requests, said, text_of, writes
from tests.llm.faulty_server import Wire, chunk, serving

KEY = "sk-0123456789abcdef"
DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("refusals", "status", "header", "tries"),
    [
        (2, "429 Too Many Requests", {}, 3),
        (1, "503 Service Unavailable", {"retry_after": "0"}, 2),
        (3, "500 Internal Server Error", {}, 3),
        (1, "429 Too Many Requests", {"retry_after": "6"}, 1),
        (1, "400 Bad Request", {}, 1),
        (1, "404 Not Found", {}, 1),
    ],
)
def test_only_what_may_pass_is_tried_again(
    refusals: int, status: str, header: dict[str, str], tries: int
) -> None:
    async def body() -> None:
        async with far() as (server, model):
            left = [status] * refusals

            async def chat(wire: Wire) -> None:
                if left:
                    await wire.whole(b"<html>no</html>", left.pop(), kind="text/html", **header)
                else:
                    await writes(chunk({"content": "Yes."}, finish_reason="stop"), DONE)(wire)

            server.chat = chat
            if tries > refusals:
                assert text_of(await said(model)) == "Yes."
            else:
                with pytest.raises(ModelError, match=status[:3]) as caught:
                    await said(model)
                assert "<" not in str(caught.value)
            assert len(requests(server)) == tries

    asyncio.run(body())


def test_nothing_is_asked_twice_once_text_has_come() -> None:
    async def body() -> None:
        async with far() as (server, model):
            with pytest.raises(ModelError):
                await said(model, [text_message("user", "Go on [reset]")])
            assert len(requests(server)) == 1

    asyncio.run(body())


def test_a_redirect_is_not_followed() -> None:
    async def body() -> None:
        async with far(key=KEY) as (server, model), serving() as other:

            async def chat(wire: Wire) -> None:
                place = other.url() + "/chat/completions"
                await wire.whole(b"", "307 Temporary Redirect", kind="text/plain", location=place)

            server.chat = chat
            with pytest.raises(ModelError, match="307") as caught:
                await said(model)
            assert caught.value.key == "endpoint.redirected"
            assert not other.asked

    asyncio.run(body())


def test_the_key_is_in_its_header_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(wire: Wire) -> None:
        words = f"{'Sorry. ' * 41} {KEY}".encode()  # cut for the sentence inside the key
        await wire.whole(words, "401 Unauthorized", kind="text/plain")

    async def break_off(wire: Wire) -> None:
        await writes(b'data: {"error": "no %s"}\n\n' % KEY.encode())(wire)

    async def body() -> None:
        async with far(key=KEY) as (server, model):
            await said(model)
            for server.chat in (refuse, break_off):
                with pytest.raises(ModelError) as caught:
                    await said(model)
                assert caught.value.key in ("endpoint.key_refused", "endpoint.failed")
                assert KEY[:6] not in f"{caught.value} {caught.value.values}"
            assert {one.headers["authorization"] for one in server.asked} == {f"Bearer {KEY}"}
            assert KEY not in str([(one.path, one.body) for one in server.asked])

    caplog.set_level(logging.DEBUG)
    asyncio.run(body())
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost:8080",
        "ftp://127.0.0.1/v1",
        "http://",
        "http://me:secret@127.0.0.1/v1",
        "http://127.0.0.1/v1?key=secret",
        "http://[::1/v1",
        "http://127.0.0.1:99999/v1",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_its_secrets(address: str) -> None:
    with pytest.raises(OperatorError) as caught:
        open_endpoint(EndpointSpec(name="far", base_url=address, model="m"))
    assert caught.value.key == "endpoint.bad_url"
    assert "secret" not in str(caught.value)


def test_the_key_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = EndpointSpec(name="far", base_url="http://127.0.0.1:9/v1", model="m", key_env="FAR_KEY")
    with pytest.raises(OperatorError, match="FAR_KEY"):
        open_endpoint(spec)
    monkeypatch.setenv("FAR_KEY", f"{KEY}\nX-More: 1")
    with pytest.raises(OperatorError) as caught:
        open_endpoint(spec)
    assert KEY not in str(caught.value)
    monkeypatch.setenv("FAR_KEY", f"{KEY}\n")
    asyncio.run(open_endpoint(spec).close())


def test_an_address_without_a_path_means_v1() -> None:
    async def body() -> None:
        async with far() as (server, _):
            spec = EndpointSpec(name="far", base_url=server.url()[: -len("/v1")], model="m")
            model = EndpointModel(spec)
            assert text_of(await said(model)) == server.answer
            await model.close()
            with pytest.raises(ModelError, match="shut down"):
                await said(model)

    asyncio.run(body())
