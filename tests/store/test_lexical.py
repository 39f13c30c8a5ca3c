"""Whatever is typed into a search, it is words: no error, no operator, no runaway work."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from attenda.api import NotFound, Principal
from attenda.knowledge import search
from attenda.knowledge.search import Searcher
from attenda.store import documents, lexical, passages
from attenda.store.database import Database
from tests.knowledge.workshop import CountingEmbedder, add, working

OPERATORS = [
    *(
        '"',
        '""',
        "'",
        "''",
        "*",
        "^",
        "(",
        ")",
        "{",
        "}",
        "+",
        "-",
        ":",
        ",",
        "\\",
        "\x00",
        "%",
        "_",
    ),
    *("AND", "OR", "NOT", "NEAR", "NEAR(a b, 3)", "heading:", "body:", "a*", "-body : a", "^a"),
    *(
        "&",
        "|",
        "!",
        "<->",
        "<2>",
        ":*",
        ":A",
        "a:*B",
        "!!a",
        "a & | b",
        "'a",
        "a'b",
        "$1",
        ":match",
    ),
    *(
        "; DROP TABLE documents; --",
        "' OR '1'='1",
        "/*",
        "*/",
        "?",
        ":who",
        "%(x)s",
        "{0}",
        "\ud800",
    ),
    *(
        "\u202e",
        "\ufdfa",
        "ß",
        "İ",
        "ǆ",
        "𝔘𝔫𝔦",
        "e\u0301",
        "中文",
        "한국어",
        "💥",
        "\u0000\u0000",
        "²½",
    ),
]
QUERIES = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(OPERATORS), max_size=12).map(" ".join),
    st.lists(st.sampled_from(OPERATORS), max_size=12).map("".join),
    st.sampled_from(OPERATORS).map(lambda one: (one * 100_000)[:100_000]),
)
SLOW = [
    *(one * 25_000 for one in ("a", "a ", "A. ", "e.g. ", "1. ", "No. ", ". ", ".", "!\n", "? ")),
    *(one * 25_000 for one in ("%", "_", "%_", "*", '"', "'", "\\", "(", "[", "a'", "a-a.", "a,")),
    *(
        one * 25_000
        for one in ("\n", " ", "\t", "\x00", "\u3000", "中", "中 ", "。", "\ufdfa", "\u0301")
    ),
    *(
        one * 10_000
        for one in ("a% ", "(a+)+", "(a|aa)+", "(.*)*b", "[a-z]*", "x*y*", "^(a?)a", "a{9}")
    ),
    *(one * 10_000 for one in ("AND ", "OR ", "NEAR ", "a* ", "b:* ", "<-> ", "NOT a ", '"a" OR ')),
    " ".join(str(number) for number in range(20_000)),
    " ".join(chr(0x4E00 + number) for number in range(20_000)),
    "".join(chr(0x4E00 + number) for number in range(20_000)),
    "a" * 100_000 + "!",
]


@pytest.fixture
def filled(database: Database, owner: Principal, tmp_path: Path) -> Database:
    """A database with some documents of odd words."""
    rows = [
        {"id": "plain", "title": "Gate 100%", "text": "The gate opens at noon. Zebra_one is here."},
        {
            "id": "odd",
            "title": "Ünïcode",
            "text": 'Straße ﬁne 𝔘𝔫𝔦 e\u0301 中文文档 한국어 a\'b C:\\x "y" 50 %.',
        },
        {"id": "words", "title": "AND OR NOT", "text": "NEAR heading body match who NULL true."},
    ]
    content = "\n".join(json.dumps(row) for row in rows).encode()

    async def body() -> None:
        async with working(database, tmp_path / "files") as ingester:
            await add(ingester, owner, "odd.jsonl", content)

    asyncio.run(body())
    return database


@pytest.mark.parametrize("many", [lexical._MANY, 1])
def test_any_text_can_be_searched_for(
    filled: Database, owner: Principal, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(lexical, "_MANY", many)
    searcher = Searcher(filled, CountingEmbedder())

    async def ask(query: str) -> None:
        for mode in ("both", "words", "vectors", query[:20]):
            for one in await searcher.search(owner, query, 5, mode=mode):
                assert one.passage.document in ("Gate 100%", "Ünïcode", "AND OR NOT")
        await searcher.search(owner, query, 5, collection_ids=[query[:50], "\x00", "\ud800"])
        await searcher.whole_collection(owner, query, collection_ids=[query[:50]])
        await filled.read(lambda c: _ask_store(c, owner, query))

    @settings(
        max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(QUERIES)
    @example("\x00")
    @example("\ud800")
    @example('"')
    @example("%" * 60_000)
    def holds(query: str) -> None:
        asyncio.run(ask(query))

    holds()


def _ask_store(c: Any, who: Principal, text: str) -> None:
    """Every function of the library that takes a person's text."""
    assert lexical.passage_counts(c, [text, *lexical.query_terms(text)[:3]]) is not None
    passages.term_rarity(c, lexical.query_terms(text)[:3], who)
    documents.list_documents(c, who, words=text)
    assert documents.list_documents(c, who, container_id=text) == []
    assert documents.count_records(c, who, text) == passages.count_passages(c, who, text) == 0
    documents.documents_from(c, who, f"x{text[:50]}")
    assert documents.named_documents(c, who, text, text) == []
    for get in (documents.get_document, documents.document_text, passages.get_passage):
        with pytest.raises(NotFound):
            get(c, who, text)


def test_a_filter_is_taken_by_its_letters(filled: Database, owner: Principal) -> None:
    async def titles(words: str) -> set[str]:
        found = await filled.read(lambda c: documents.list_documents(c, owner, words=words))
        return {one.title for one in found if one.container_id}

    async def body() -> None:
        assert await titles("%") == await titles("100%") == {"Gate 100%"}
        assert await titles("_") == await titles("%_") == await titles("g_te") == set()
        assert await titles("gAtE") == {"Gate 100%"}
        assert await titles("Ünï") == {"Ünïcode"}
        assert await titles("\x00gate\x00") == {"Gate 100%"}

    asyncio.run(body())


def test_operators_are_words(filled: Database, owner: Principal) -> None:
    searcher = Searcher(filled, None)

    async def found(query: str) -> set[str]:
        return {one.passage.document for one in await searcher.search(owner, query, 9)}

    async def body() -> None:
        assert await found("+gate -zebra_one") == await found("gate AND zebra_one") == {"Gate 100%"}
        assert await found("^gate*") == await found("!gate:*") == {"Gate 100%"}
        assert await found("heading:zebra") == {"Gate 100%", "AND OR NOT"}
        assert await found('near" OR "match') == {"AND OR NOT"}
        assert (
            await found("中文") == await found("strasse fine") | await found("文档") == {"Ünïcode"}
        )

    asyncio.run(body())


def test_slow_patterns_are_many_and_each_is_long() -> None:
    assert len(set(SLOW)) >= 50
    assert all(len(one) >= 20_000 for one in SLOW)


@pytest.mark.parametrize("place", range(len(SLOW)))
def test_work_is_bounded(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms, parts, and letters that any pattern is matched against, whatever the length."""
    query = SLOW[place]
    read: list[int] = []
    spans = search.sentence_spans

    def counted(text: str, *more: int) -> Any:
        read.append(len(text) * (1 + text.count(". ")))
        return spans(text, *more)

    monkeypatch.setattr(search, "sentence_spans", counted)
    terms = lexical.query_terms(query)
    assert len(terms) <= lexical._MAX_TERMS
    assert all(len(term) <= 64 for term in terms)
    parts = search._parts(query)
    assert len(parts) <= search._LONGEST / search._PART_WORDS
    assert sum(map(len, parts)) <= 2 * search._LONGEST
    assert sum(read) <= search._LONGEST * (search._MAX_STOPS + 1)


def test_statements_and_values_are_bounded(filled: Database, owner: Principal) -> None:
    """What the database is asked for one query does not grow with the query."""
    searcher = Searcher(filled, CountingEmbedder())
    asked: list[int] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append(len(statement) + len(str(values)))

    async def body() -> None:
        for query in SLOW:
            await searcher.search(owner, query, 10)
            await filled.read(lambda c, q=query: documents.list_documents(c, owner, words=q))

    event.listen(filled.engine, "before_cursor_execute", note)
    asyncio.run(body())
    assert max(asked) < 40_000
    assert len(asked) <= 12 * len(SLOW)


def test_of_very_many_passages_those_with_a_rarer_word_are_ranked(
    database: Database, owner: Principal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left out says nothing but common words, and common words still count."""
    rows = [{"id": f"{n}", "text": f"The gate number {n} is open."} for n in range(30)]
    rows += [
        {"id": "rare", "text": "A zebra sleeps in the yard tonight."},
        {"id": "both", "text": "A zebra came to the open gate."},
    ]
    content = "\n".join(json.dumps(row) for row in rows).encode()

    async def found(query: str) -> list[str]:
        ranked = await Searcher(database, None).search(owner, query, 40, mode="words")
        return await database.read(
            lambda c: [
                documents.document_by_id(c, one.passage.document_id).external_id or ""
                for one in ranked
            ]
        )

    async def body() -> None:
        async with working(database, tmp_path / "files") as ingester:
            await add(ingester, owner, "gates.jsonl", content)
        whole = await found("zebra open gate")
        assert whole[0] == "both" and set(whole) == {row["id"] for row in rows}
        monkeypatch.setattr(lexical, "_MANY", 10)
        assert await found("zebra open gate") == ["both", "rare"]
        assert len(await found("open gate")) == 31  # common words alone: the rarest of them
        assert await found("nothing of this") == []

    asyncio.run(body())
