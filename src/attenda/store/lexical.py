"""Words and how they are indexed: FTS5 on SQLite, `tsvector` on PostgreSQL, alike for both.

Han text is cut into overlapping pairs of characters before it is indexed and before it is looked
for, since neither database knows where a Chinese word ends. A query is words alone: whatever a
person types, no operator of the query language reaches the database.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

__all__ = [
    "add_words",
    "create_words",
    "forget_words",
    "index_text",
    "passage_counts",
    "query_terms",
    "remove_words",
    "word_scores",
]

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_TOKEN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_IS_HAN = re.compile(rf"[{_HAN}]")
_MAX_TERMS = 200
"""Terms of one query: a long story finds more by all of its words than by the rarest or first."""
_MAX_QUERY = 6000
"""Characters of a query that are looked at."""
_MANY = 4000
"""Passages that are ranked for one query; a microsecond or two each."""
_WIDEN = 4

_STOP_WORDS = frozenset(
    "a an and are as at be been but by can could did do does for from had has have how i if in "
    "is it its me my of on or our s should so t that the their them there they this to was we "
    "were what when where which who why will with would you your".split()
)


def index_text(source: str) -> str:
    """The words of `source` as the index holds them: folded, Han as pairs of characters."""
    return " ".join(_terms(source))


def query_terms(query: str) -> list[str]:
    """The distinct terms of a query, stop words left out unless nothing else remains."""
    terms = list(dict.fromkeys(_terms(query[:_MAX_QUERY])))
    telling = [term for term in terms if term not in _STOP_WORDS]
    return (telling or terms)[:_MAX_TERMS]


def _terms(source: str) -> list[str]:
    folded = unicodedata.normalize("NFKC", source).lower()
    terms: list[str] = []
    for token in _TOKEN.findall(folded):
        if _IS_HAN.match(token) and len(token) > 1:
            terms.extend(token[at : at + 2] for at in range(len(token) - 1))
        else:
            terms.append(token[:64])
    return terms


def create_words(connection: Connection) -> None:
    """Make the index of words; called by the first migration."""
    if connection.dialect.name == "sqlite":
        connection.execute(
            text(
                "CREATE VIRTUAL TABLE passage_words USING fts5("
                "heading, body, tokenize='porter unicode61 remove_diacritics 2')"
            )
        )
        return
    connection.execute(
        text(
            "CREATE TABLE passage_words (rowid INTEGER PRIMARY KEY REFERENCES passages(number) "
            "ON DELETE CASCADE, words tsvector NOT NULL)"
        )
    )
    connection.execute(text("CREATE INDEX ix_passage_words ON passage_words USING gin(words)"))


def add_words(connection: Connection, rows: list[tuple[int, str, str]]) -> None:
    """Index passages given as (number, heading, body)."""
    if not rows:
        return
    values = [
        {"number": number, "heading": index_text(heading), "body": index_text(body)}
        for number, heading, body in rows
    ]
    if connection.dialect.name == "sqlite":
        statement = (
            "INSERT INTO passage_words(rowid, heading, body) VALUES (:number, :heading, :body)"
        )
    else:
        statement = (
            "INSERT INTO passage_words(rowid, words) VALUES (:number, "
            "setweight(to_tsvector('english', :heading), 'A') || to_tsvector('english', :body))"
        )
    connection.execute(text(statement), values)


def remove_words(connection: Connection, numbers: list[int]) -> None:
    """Take passages out of the index."""
    if numbers:
        connection.execute(
            text("DELETE FROM passage_words WHERE rowid = :number"),
            [{"number": number} for number in numbers],
        )


def forget_words(connection: Connection) -> None:
    """Rewrite the index without what was removed from it.

    SQLite only notes that a row is gone; its words would stay in the file until a later merge.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO passage_words(passage_words) VALUES('optimize')"))


def passage_counts(
    connection: Connection,
    terms: Sequence[str],
    allowed_sql: str = "",
    values: Mapping[str, object] | None = None,
) -> dict[str, int]:
    """In how many passages each term stands; a term is looked for as a beginning of words.

    With `allowed_sql`, a condition on the table `documents`, only passages it allows count.
    """
    statement = "SELECT COUNT(*) FROM passage_words "
    if allowed_sql:
        statement += (
            "JOIN passages ON passages.number = passage_words.rowid "
            "JOIN documents ON documents.id = passages.document_id "
        )
    if connection.dialect.name == "sqlite":
        statement += "WHERE passage_words MATCH :match"
        pattern = '"{}"*'
    else:
        statement += "WHERE passage_words.words @@ to_tsquery('english', :match)"
        pattern = "'{}':*"
    if allowed_sql:
        statement += f" AND {allowed_sql}"
    counts: dict[str, int] = {}
    for term in terms[:_MAX_TERMS]:
        words = index_text(term[:_MAX_QUERY]).split()
        if words:
            bound = {**(values or {}), "match": pattern.format(words[0])}
            counts[term] = int(connection.execute(text(statement), bound).scalar_one())
    return counts


def word_scores(
    connection: Connection, query: str, allowed_sql: str, values: dict[str, object], limit: int
) -> list[tuple[int, float]]:
    """Passage numbers with their lexical score, best first.

    `allowed_sql` is a condition on the table `documents`, so rights are part of the query. Where
    the terms stand in very many passages, only those are ranked that have one of the rarer terms.
    """
    terms = query_terms(query)
    if not terms:
        return []
    newest = connection.execute(text("SELECT MAX(number) FROM passages")).scalar_one() or 0
    rarer = _rarer(connection, terms) if newest > _MANY else terms
    ranking, match = _RANKINGS[connection.dialect.name](terms, rarer)
    statement = text(
        f"SELECT passages.number, ranked.score FROM ({ranking}) AS ranked "
        "JOIN passages ON passages.number = ranked.rowid "
        "JOIN documents ON documents.id = passages.document_id "
        f"WHERE {allowed_sql} ORDER BY ranked.score DESC, passages.number LIMIT :limit"
    )
    bound = {**values, **match, "limit": limit}
    # Rights are judged for the best few first, and for all when too few of those are allowed.
    for reach in (limit * _WIDEN, 1 << 62):
        rows = connection.execute(statement, {**bound, "reach": reach}).all()
        if len(rows) == limit or newest <= reach:
            break
    return [(int(number), float(score)) for number, score in rows]


def _rarer(connection: Connection, terms: Sequence[str]) -> Sequence[str]:
    """The rarest of the terms that together stand in `_MANY` passages; all where all do.

    Where each alone stands in more, the rarest one.
    """
    counts = _counts_up_to(connection, terms, _MANY + 1)
    if min(counts) > _MANY:
        counts = _counts_up_to(connection, terms, 1 << 62)
    chosen: list[str] = []
    total = 0
    for count, term in sorted(zip(counts, terms, strict=True)):
        total += count
        if chosen and total > _MANY:
            break
        chosen.append(term)
    return chosen


def _counts_up_to(connection: Connection, terms: Sequence[str], most: int) -> Sequence[int]:
    """In how many passages each term stands, `most` at most."""
    sqlite = connection.dialect.name == "sqlite"
    condition = (
        "passage_words MATCH :term{0}" if sqlite else "words @@ to_tsquery('english', :term{0})"
    )
    one = f"(SELECT COUNT(*) FROM (SELECT 1 FROM passage_words WHERE {condition} LIMIT :most) AS t)"
    columns = ", ".join(one.format(place) for place in range(len(terms)))
    quote = '"' if sqlite else "'"
    bound = {f"term{place}": f"{quote}{term}{quote}" for place, term in enumerate(terms)}
    row = connection.execute(text(f"SELECT {columns}"), {**bound, "most": most}).one()
    return [int(count) for count in row]


def _sqlite_ranking(terms: Sequence[str], rarer: Sequence[str]) -> tuple[str, dict[str, str]]:
    """BM25 of the passages that match, and the values to bind.

    Where terms were left out, those that say nothing alone still count beside a rarer one. FTS5
    counts a term once for each time it is asked for, so the rarer ones count twice.
    """
    match = " OR ".join(f'"{term}"' for term in terms)
    if len(rarer) < len(terms):
        match = "({}) AND ({})".format(" OR ".join(f'"{term}"' for term in rarer), match)
    ranking = (
        "SELECT rowid, -bm25(passage_words, 2.0, 1.0) AS score FROM passage_words "
        "WHERE passage_words MATCH :match ORDER BY score DESC, rowid LIMIT :reach"
    )
    return ranking, {"match": match}


def _postgres_ranking(terms: Sequence[str], rarer: Sequence[str]) -> tuple[str, dict[str, str]]:
    """PostgreSQL's rank of the passages that match, and the values to bind."""
    ranking = (
        "SELECT rowid, ts_rank(words, to_tsquery('english', :every)) AS score FROM passage_words "
        "WHERE words @@ to_tsquery('english', :match) ORDER BY score DESC, rowid LIMIT :reach"
    )
    every, some = (" | ".join(f"'{term}'" for term in chosen) for chosen in (terms, rarer))
    return ranking, {"every": every, "match": some}


_RANKINGS = {"sqlite": _sqlite_ranking, "postgresql": _postgres_ranking}
