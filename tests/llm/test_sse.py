"""Event streams as bytes: every way to cut one gives the same events, and none is unbounded."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attenda.llm.sse import MAX_EVENT_BYTES, SseBroken, SseParser

STREAM = (
    b"\xef\xbb\xbf: a comment\r\n"
    b'data: {"a": 1}\n\n'
    b"event: ping\rdata:no space\r\r"
    b"data: two\r\ndata:  lines\r\n\r\n"
    b"id: 7\nretry: 10\nunknown\ndata\n\n"
    b"event: nothing\n\n\n"
    b"data: \xe8\xb4\xa6\xe6\x88\xb7 \xf0\x9f\x8e\x88\n\n"
    b"data: [DONE]\n"
)
EVENTS = ['{"a": 1}', "no space", "two\n lines", "", "账户 🎈", "[DONE]"]


def parsed(pieces: list[bytes], **options: int) -> list[str]:
    parser = SseParser(**options)
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + list(parser.finish())


def test_a_stream_cut_in_two_anywhere_has_the_same_events() -> None:
    for at in range(len(STREAM) + 1):
        assert parsed([STREAM[:at], STREAM[at:]]) == EVENTS


def test_a_stream_of_single_bytes_has_the_same_events() -> None:
    assert parsed([bytes([byte]) for byte in STREAM]) == EVENTS


@given(st.randoms(use_true_random=False))
def test_a_stream_cut_in_many_pieces_has_the_same_events(chance: random.Random) -> None:
    cuts = sorted(chance.choices(range(len(STREAM) + 1), k=chance.randrange(40)))
    bounds = [0, *cuts, len(STREAM)]
    pieces = [STREAM[start:end] for start, end in zip(bounds, bounds[1:], strict=False)]
    assert parsed(pieces) == EVENTS


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_whatever_comes_is_read_or_refused(pieces: list[bytes]) -> None:
    try:
        whole = parsed([b"".join(pieces)])
    except SseBroken:
        with pytest.raises(SseBroken):
            parsed(pieces)
    else:
        assert parsed(pieces) == whole


@pytest.mark.parametrize("cut", [1, 2])
def test_half_a_character_is_an_error(cut: int) -> None:
    parser = SseParser()
    assert list(parser.feed(b"data: whole\n\ndata: " + "户".encode()[:cut])) == ["whole"]
    with pytest.raises(SseBroken, match="UTF-8"):
        list(parser.finish())


def test_an_event_before_a_broken_one_is_given_first() -> None:
    events = SseParser().feed(b"data: whole\n\ndata: \xff\n\n")
    assert next(events) == "whole"
    with pytest.raises(SseBroken, match="UTF-8"):
        next(events)


@pytest.mark.parametrize(
    "event",
    [b"data: " + b"x" * 100, b"x" * 101, b":" + b"c" * 101, b"data: x\n" * 20],
    ids=["data", "field", "comment", "many lines"],
)
def test_an_event_over_the_limit_is_refused(event: bytes) -> None:
    for size in (1, 7, len(event)):
        with pytest.raises(SseBroken, match="more than 100 bytes"):
            parsed([event[at : at + size] for at in range(0, len(event), size)], max_bytes=100)


def test_the_limit_is_of_one_event_not_of_the_stream() -> None:
    assert parsed([b": comment\n" * 50 + b"data: x\n\n" * 50], max_bytes=30) == ["x"] * 50


def test_a_line_without_end_is_refused_before_it_is_kept() -> None:
    parser = SseParser()
    taken = 0
    with pytest.raises(SseBroken):
        while True:
            list(parser.feed(b"x" * 65536))
            taken += 65536
    assert taken <= MAX_EVENT_BYTES
