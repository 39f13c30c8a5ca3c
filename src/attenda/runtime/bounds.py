"""What one person may take: so many answers at once, in turn with others, and tokens of a day.

The first two hold in this process; the day's tokens are the store's (`store/quota.py`), looked at
before each call of a model and stored as soon as it is over.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing

from attenda.core.errors import Conflict, Denied
from attenda.core.message import Message
from attenda.core.ports import ChatModel, ModelChunk, ModelSettings, Usage
from attenda.core.principal import Principal
from attenda.store import quota
from attenda.store.database import Database
from attenda.store.stamps import Stamps

__all__ = ["Allowance", "AtOnce", "Meter"]

_LETTERS_A_TOKEN = 4
"""Of alphabets; a sign of another script is taken for a token of its own."""
_GAP_S, _BURST = 0.25, 8
"""Beside others a person's answers begin so far apart in the long run, after so many at once."""
_ABOUT_S = 10.0
"""Somebody is about for so long after an answer."""


class AtOnce:
    """Answers under way by person; who runs the machine may have as many as they like."""

    def __init__(self, most: int, patience_s: float = 5.0) -> None:
        """`most` is for each, 0 is no limit; nobody waits longer than `patience_s` for a turn."""
        self._most = most
        self._patience_s = patience_s
        self._under_way: Counter[str] = Counter()
        self._in_hand: Counter[str] = Counter()
        self._waiting: list[asyncio.Future[None]] = []
        self._due: dict[str, float] = {}
        """When the next answer of who is about is due, were they evenly spaced."""

    def enter(self, who: Principal, *, bounded: bool = True) -> None:
        """One more answer; `leave` must follow. What is not `bounded` is never refused.

        Raises:
            Conflict: they have as many as they may.
        """
        bounded = bounded and self._most > 0 and who.role != "owner"
        if bounded and self._under_way[who.id] >= self._most:
            raise Conflict("quota.at_once", limit=self._most)
        self._under_way[who.id] += 1

    def leave(self, who: Principal) -> None:
        """One answer is over."""
        self._under_way[who.id] -= 1
        if self._under_way[who.id] <= 0:
            del self._under_way[who.id]

    @contextlib.contextmanager
    def one(self, who: Principal) -> Iterator[None]:
        """One more answer while the block runs.

        Raises:
            Conflict: they have as many as they may.
        """
        self.enter(who)
        try:
            yield
        finally:
            self.leave(who)

    @contextlib.asynccontextmanager
    async def turn(self, who: Principal) -> AsyncIterator[None]:
        """The block runs in turn: a person's second answer waits while others have theirs in hand.

        So whoever asks in many chats at once takes no more from the others than in one, and who
        asks without a pause while others are about no more than a quick typist. An answer in
        hand may itself wait for a person, so patience ends.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await asyncio.sleep(self._wait_s(who))
                while self._in_hand[who.id] and len(self._in_hand) > 1:
                    await self._changed()
        self._in_hand[who.id] += 1
        try:
            yield
        finally:
            self._in_hand[who.id] -= 1
            self._in_hand = +self._in_hand
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                if not one.done():
                    one.set_result(None)

    def _wait_s(self, who: Principal) -> float:
        """How long a person's next answer waits for its time, which is theirs from now on.

        A leaky bucket, as the generic cell rate algorithm (ITU-T I.371) keeps it.
        """
        now = asyncio.get_running_loop().time()
        self._due = {one: due for one, due in self._due.items() if due > now - _ABOUT_S}
        due = max(now, self._due.pop(who.id, now))
        wait_s = max(0.0, due - _BURST * _GAP_S - now) if self._due else 0.0
        self._due[who.id] = min(due, now + wait_s + _BURST * _GAP_S) + _GAP_S
        return wait_s

    async def _changed(self) -> None:
        """Return when the next block ended."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(ended)
        await ended


class Allowance:
    """Tokens of a day, held before each call of a model: they are overrun by one call at most.

    While calls under way may take all that is left, the next one waits until they are over.
    """

    def __init__(self, database: Database, stamps: Stamps) -> None:
        self._database, self._stamps = database, stamps
        self._held: Counter[str] = Counter()
        """What calls under way may take, by whose tokens they are."""
        self._ended = asyncio.Event()

    async def begin(self, who: Principal, most: int) -> bool:
        """A call of `most` tokens may begin; whether it counts, so that `end` must follow.

        Raises:
            Denied: the day's tokens are used up.
        """
        whose = _whose(who)
        while True:
            before = self._held[whose]
            left = await self._database.read(lambda c: quota.check(c, who, self._stamps.now()))
            if left is None:
                return False
            if left > max(before, self._held[whose]):
                self._held[whose] += most
                return True
            if self._held[whose]:
                await self._ended.wait()

    async def end(self, who: Principal, most: int, used: Usage) -> None:
        """The call is over: what it took is stored."""
        try:
            await self._spend(who, used)
        finally:
            self._held[_whose(who)] -= most
            self._held = +self._held
            self._ended.set()
            self._ended = asyncio.Event()

    async def settle(self, meter: "Meter") -> None:
        """Store what was counted and is not stored yet."""
        await self._spend(meter.who, meter.unstored)

    async def _spend(self, who: Principal, used: Usage) -> None:
        await self._database.write(lambda c: quota.spend(c, who.id, self._stamps.now(), used))


class Meter:
    """A `ChatModel` and an `Account`: counts what is read and written, and holds it to a bound.

    An answer that was cut off, by a stop or by a failure, has no count of its own: it is reckoned
    from its letters, so that nobody reads for nothing by stopping each answer before its end.
    """

    def __init__(
        self, model: ChatModel, who: Principal, allowance: Allowance, most: int | None = None
    ) -> None:
        """`who` asks, out of their `allowance`; all calls together may take `most` tokens."""
        self.name, self.languages = model.name, model.languages
        self.calls_tools = model.calls_tools
        self.spent = Usage()
        self.unstored = Usage()
        """Of `spent`, what its owner has to store: nobody's calls are held to it."""
        self.who = who
        self._model, self._allowance, self._most = model, allowance, most

    @property
    def context_tokens(self) -> int:
        """Those of the model itself."""
        return self._model.context_tokens

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered prompt."""
        return await self._model.count_tokens(messages)

    def stream(
        self, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        """The model's answer, as `ask` gives it."""
        return self.ask(self._model, messages, settings)

    async def ask(
        self, model: ChatModel, messages: Sequence[Message], settings: ModelSettings
    ) -> AsyncGenerator[ModelChunk, None]:
        """The answer of any model; what it took is added to `spent` in any case.

        Raises:
            Denied: the day's tokens or those of the turn are used up; the model is not asked.
        """
        if self._most is not None and self.spent.total >= self._most:
            raise Denied("loop.too_far")
        told: Usage | None = None
        written = 0
        read = sum(_tokens(one.text) for one in messages)
        most = read + settings.max_tokens
        counts = await self._allowance.begin(self.who, most)
        try:
            async with aclosing(model.stream(messages, settings)) as chunks:
                async for chunk in chunks:
                    told = chunk.usage or told
                    written += _tokens(chunk.text)
                    yield chunk
        finally:
            used = told or Usage(prompt_tokens=read, answer_tokens=written)
            self.spent = self.spent + used
            if counts:
                await asyncio.shield(self._allowance.end(self.who, most, used))
            else:
                self.unstored = self.unstored + used

    async def close(self) -> None:
        """The model is its owner's to close."""


def _whose(who: Principal) -> str:
    """Visitors of a channel share its tokens."""
    return who.grant.channel_id if who.grant is not None else who.id


def _tokens(text: str) -> int:
    """About how many tokens a text is; of no text none, of any text at least one."""
    plain = sum(one.isascii() for one in text)
    return -(-plain // _LETTERS_A_TOKEN) + len(text) - plain
