"""Guessing gets nobody in (R11): no clock helps, no address is given away, tries become slow.

Time is compared, not asserted: guesses that share a long beginning with the right secret against
guesses that share none, in turn, by Welch's t. That the comparison can see a leak is shown with a
comparison of letters one by one in place of the real one.
"""

import asyncio
import hmac
import math
import secrets
import statistics
import string
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from attenda.core.errors import Denied, Unauthenticated
from attenda.runtime.house import House
from attenda.serve import gate
from attenda.serve.app import create_app
from attenda.store import keys, people, schema
from attenda.store.database import Connection, Database
from attenda.store.stamps import Stamps
from tests.scripted_house import scripted_house
from tests.security.live import PASSWORD, add_person

LETTERS = string.ascii_letters + string.digits
SIGNIFICANT = 5.0
SIZES = [pytest.param(10_000), pytest.param(100_000, marks=pytest.mark.long)]


def _guesses(right: str, shared: int) -> list[str]:
    """Wrong secrets of the right length that begin like the right one."""
    made = []
    while len(made) < 50:
        rest = "".join(secrets.choice(LETTERS) for _ in right[shared:])
        if rest[:1] != right[shared : shared + 1]:
            made.append(right[:shared] + rest)
    return made


def _t(attempt: Callable[[str], object], right: str, begin: int, tries: int) -> float:
    """Welch's t between guesses that share all but two letters and guesses that share none.

    The slowest tenth of each is left out: what the machine did besides, not what we compare.
    """
    near, far = _guesses(right, len(right) - 2), _guesses(right, begin)
    times: tuple[list[int], list[int]] = ([], [])
    for number in range(tries):
        which = secrets.randbelow(2)
        guess = (near, far)[which][number % 50]
        started = time.perf_counter_ns()
        attempt(guess)
        times[which].append(time.perf_counter_ns() - started)
    one, other = (sorted(side)[: len(side) * 9 // 10] for side in times)
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return float((statistics.fmean(one) - statistics.fmean(other)) / spread**0.5)


def _best_of_three(attempt: Callable[[str], object], right: str, begin: int, tries: int) -> float:
    """The least of three; no further one is made once the verdict stands."""
    least = math.inf
    for _ in range(3):
        least = min(least, abs(_t(attempt, right, begin, tries)))
        if least < SIGNIFICANT:
            break
    return least


def _refused(work: Callable[[], object]) -> None:
    try:
        work()
    except Unauthenticated:
        return
    raise AssertionError("a wrong secret was taken")


@pytest.mark.alone
@pytest.mark.parametrize("tries", SIZES)
@pytest.mark.parametrize("kind", ["key", "sign-in"])
def test_time_tells_nothing_about_a_key(database: Database, kind: str, tries: int) -> None:
    stamps = Stamps()

    def body(c: Connection) -> float:
        people.ensure_owner(c, stamps)
        who = people.principal_of(c, people.OWNER_ID)
        right = keys.create_key(c, stamps, who, "k")[1]
        begin = len(keys.KEY_PREFIX)
        if kind == "sign-in":
            right, begin = keys.sign_in(c, stamps, who.id), 0
        return _best_of_three(
            lambda guess: _refused(lambda: keys.authenticate(c, stamps, guess)), right, begin, tries
        )

    assert asyncio.run(database.write(body)) < SIGNIFICANT


class _Nobody:
    """A house of which only the owner's key is asked; its database knows nobody."""

    def __init__(self, key: str) -> None:
        self.owner_key = key
        self.stamps = Stamps()
        self.database = self

    async def read(self, work: object) -> None:
        raise Unauthenticated("gate.unknown")


def _owner_key_guess(right: str) -> Callable[[str], object]:
    house = _Nobody(right)

    def attempt(guess: str) -> None:
        coroutine = gate.identify(house, guess)  # type: ignore[arg-type]
        _refused(lambda: coroutine.send(None))

    return attempt


@pytest.mark.alone
@pytest.mark.parametrize("tries", SIZES)
def test_time_tells_nothing_about_the_owners_key(tries: int) -> None:
    right = secrets.token_urlsafe(32)
    assert _best_of_three(_owner_key_guess(right), right, 0, tries) < SIGNIFICANT


@pytest.mark.alone
def test_a_comparison_letter_by_letter_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def letter_by_letter(one: bytes, other: bytes) -> bool:
        return len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True))

    monkeypatch.setattr(hmac, "compare_digest", letter_by_letter)
    right = secrets.token_urlsafe(32)
    assert _best_of_three(_owner_key_guess(right), right, 0, 10_000) > SIGNIFICANT


def _count_verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    verify = people._verify

    def counted(hashed: str, password: str) -> bool:
        done.append(hashed)
        return verify(hashed, password)

    monkeypatch.setattr(people, "_verify", counted)
    return done


def test_no_address_is_given_away(
    home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known or not, disabled or without a password: the same answer after the same work."""
    verified = _count_verifications(monkeypatch)

    async def body(house: House, client: httpx.AsyncClient) -> None:
        stamps = house.stamps

        def fill(c: Connection) -> None:
            admin = people.principal_of(c, people.OWNER_ID)
            for name in ("known", "off", "bare"):
                add_person(c, house, name)
            people.change_user(c, stamps, admin, "usr_off", disabled=True)
            bare = schema.users.update().where(schema.users.c.id == "usr_bare")
            c.execute(bare.values(password_hash=None))

        await house.database.write(fill)
        answers = set()
        for name in (
            "known",
            "unknown",
            "off",
            "bare",
            "",
            "' OR 1=1 --",
            "nul\0",
            "known@example.org ",
        ):
            sent = {"email": f"{name}@example.org", "password": "a wrong one"}
            before = len(verified)
            answer = await client.post("/api/sign-in", json=sent)
            answers.add((answer.status_code, answer.text))
            cost = {hashed.rpartition("$")[0].rpartition("$")[0] for hashed in verified[before:]}
            assert len(verified) == before + 1, name
            assert cost == {"$argon2id$v=19$m=19456,t=2,p=1"}, name
        assert len(answers) == 1 and answers.pop()[0] == 401

    _with_client(home, database_url, body)


def _with_client(home: Path, url: str, body: Callable[..., object]) -> None:
    async def run() -> None:
        async with scripted_house(home, database=url) as (house, _):
            transport = httpx.ASGITransport(create_app(house))
            base = "http://localhost:80"
            async with httpx.AsyncClient(transport=transport, base_url=base) as client:
                await body(house, client)  # type: ignore[misc]

    asyncio.run(run())


def test_failures_make_further_tries_wait_longer_and_longer(database: Database) -> None:
    now = [1_767_614_400_000_000]
    stamps = Stamps(clock=lambda: now[0])

    def check(password: str) -> str | None:
        return asyncio.run(people.check_password(database, stamps, "o@example.org", password))

    def set_up(c: Connection) -> None:
        people.ensure_owner(c, stamps)
        people.set_up_owner(c, stamps, "o", "o@example.org", PASSWORD)

    def wait() -> int:
        """Seconds that the refusal names; the right password is refused as well."""
        with pytest.raises(Denied) as refused:
            check(PASSWORD)
        assert refused.value.key == "people.locked"
        seconds = int(str(refused.value.values["seconds"]))
        assert str(seconds) in refused.value.text("en") and str(seconds) in refused.value.text(
            "zh-CN"
        )
        return seconds

    asyncio.run(database.write(set_up))
    for _ in range(4):
        assert check("wrong password") is None
    assert check(PASSWORD) == people.OWNER_ID, "four failures are free"
    waits = []
    for number in range(20):
        assert check("wrong password") is None
        if number >= 4:
            waits.append(wait())
            now[0] += waits[-1] * 1_000_000
    assert waits == sorted(waits) and waits[0] <= 2 and waits[9] >= 500 and waits[-1] <= 901
    assert check(PASSWORD) == people.OWNER_ID
    for _ in range(4):
        assert check("wrong password") is None
    assert check(PASSWORD) == people.OWNER_ID, "the right password did not clear the failures"


def test_tries_at_once_take_turns(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty wrong passwords at the same moment are five guesses, not forty."""
    verified = _count_verifications(monkeypatch)
    frozen = Stamps(clock=lambda: 1_767_614_400_000_000)

    def set_up(c: Connection) -> None:
        people.ensure_owner(c, frozen)
        people.set_up_owner(c, frozen, "o", "o@example.org", PASSWORD)

    async def guess() -> None:
        with pytest.raises(Denied):
            await people.check_password(database, frozen, "o@example.org", "wrong password")
            raise Denied("gate.not_allowed")  # a try that counted

    async def body() -> None:
        await database.write(set_up)
        await asyncio.gather(*(guess() for _ in range(40)))
        failures = select(schema.users.c.failures).where(schema.users.c.id == people.OWNER_ID)
        assert await database.read(lambda c: c.execute(failures).scalar_one()) == 5

    asyncio.run(body())
    assert len(verified) == 5


@pytest.mark.parametrize("token", [None, "", [], {}, 0, True, ["x"], "null", "%00", "x" * 101])
def test_no_odd_token_is_taken_for_a_link(home: Path, token: object) -> None:
    """A null token must not match a null in a row (CVE-2026-41276)."""

    async def body(house: House, client: httpx.AsyncClient) -> None:
        sent = {"token": token, "email": "a@b.example", "password": PASSWORD}
        answer = await client.post("/api/join", json=sent)
        assert answer.status_code in (404, 422)
        answer = await client.post("/api/join", json={k: sent[k] for k in ("email", "password")})
        assert answer.status_code == 422

    _with_client(home, "", body)


def test_a_password_that_changes_during_the_try_opens_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps = Stamps()

    def set_up(c: Connection) -> None:
        people.ensure_owner(c, stamps)
        people.set_up_owner(c, stamps, "o", "o@example.org", PASSWORD)

    async def body() -> None:
        await database.write(set_up)
        loop = asyncio.get_running_loop()
        verify = people._verify

        def slow(hashed: str, password: str) -> bool:
            new = "another long password"
            change = database.write(lambda c: people.set_password(c, stamps, people.OWNER_ID, new))
            asyncio.run_coroutine_threadsafe(change, loop).result(30)
            return verify(hashed, password)

        monkeypatch.setattr(people, "_verify", slow)
        assert await people.check_password(database, stamps, "o@example.org", PASSWORD) is None

    asyncio.run(body())
