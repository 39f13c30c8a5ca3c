"""A simulated user: a model plays the person of a scenario from a brief, in a bounded talk.

What the brief forbids is never sent: it is drawn again, and a model that can't keep to its brief
ends the talk with a fault that is not the agent's. With a script in the brief no model is needed,
and what is said follows from the answers alone.
"""

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from attenda.core.errors import ModelError
from attenda.core.message import Message, text_message
from attenda.core.ports import ChatModel, ModelSettings

__all__ = ["Brief", "BriefBroken", "Line", "SimulatedUser", "Texts", "scripted_answers"]

_DRAWS = 3
"""Times that a message is drawn before its model is given up."""
_LONGEST = 2000
"""Code points of one message."""
_LANGUAGES = {"en": "English", "zh-CN": "Chinese"}
_BEGIN = "(The assistant waits for your first message.)"


def _many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_many)]
"""One text, or several."""


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(_Written):
    """One thing that a scripted user says, once."""

    when: Texts = ()
    """Said when the agent's last answer has one of these; whatever that is, where none stands."""
    say: Texts = Field(min_length=1)
    """Ways to say it; trial k takes the k-th, and begins anew after the last."""


class Brief(_Written):
    """What a simulated user wants, what they know, and what they must not say."""

    goal: str = Field(min_length=1)
    knows: dict[str, str] = Field(default_factory=dict)
    never_says: Texts = ()
    opens: Texts = ()
    """The first message, a way for each trial; the model's own where none stands."""
    script: tuple[Line, ...] = ()
    """What is said, where no model plays the user."""
    at_most: int = Field(default=12, ge=1, le=50)
    """Messages of the user."""
    ends_with: Texts = Field(default=("[done]",), min_length=1)
    """A message that has one of these ends the talk, and is not sent."""

    @model_validator(mode="after")
    def _keeps_its_own_rules(self) -> "Brief":
        said = [text for line in self.script for text in line.say]
        for text in (*self.opens, *said):
            if forbidden := _first_in(self.never_says, text):
                raise ValueError(f"“{text}” says “{forbidden}”, which is never to be said")
        return self


class BriefBroken(ModelError):
    """The model said what its brief forbids, or nothing, each time it was asked."""


def scripted_answers(brief: Brief, trial: int) -> Callable[[Sequence[Message]], str]:
    """What a scripted user says next: the first line that fits and was not said yet."""
    left = list(brief.script)

    def answer(messages: Sequence[Message]) -> str:
        heard = messages[-1].text.casefold()
        for line in left:
            if not line.when or any(text.casefold() in heard for text in line.when):
                left.remove(line)
                return line.say[trial % len(line.say)]
        return brief.ends_with[0]

    return answer


class SimulatedUser:
    """The user of one trial."""

    def __init__(self, brief: Brief, model: ChatModel, language: str, trial: int) -> None:
        """`language` is what the user speaks; the trial seeds what the model draws."""
        self._brief, self._model, self._trial = brief, model, trial
        self._talk = [text_message("system", _prompt(brief, language))]

    async def say(self, heard: str) -> str | None:
        """The next message after an answer, empty at the beginning; nothing when the talk is over.

        Raises:
            BriefBroken: the model did not keep to the brief.
            ModelError: it failed.
        """
        said = sum(one.role == "assistant" for one in self._talk)
        if said >= self._brief.at_most:
            return None
        self._talk.append(text_message("user", heard or _BEGIN))
        if not said and self._brief.opens:
            text = self._brief.opens[self._trial % len(self._brief.opens)]
        else:
            text = await self._drawn()
        if any(end in text for end in self._brief.ends_with):
            return None
        self._talk.append(text_message("assistant", text))
        return text

    async def _drawn(self) -> str:
        broken = ""
        for draw in range(_DRAWS):
            text = await self._written(self._trial * _DRAWS + draw)
            broken = _first_in(self._brief.never_says, text)
            if text and not broken:
                return text
        raise BriefBroken("eval.brief_broken", model=self._model.name, text=broken or "—")

    async def _written(self, seed: int) -> str:
        settings = ModelSettings(max_tokens=120, temperature=0.7, top_p=0.95, seed=seed)
        pieces = [chunk.text async for chunk in self._model.stream(self._talk, settings)]
        return "".join(pieces).strip()[:_LONGEST]


def _first_in(forbidden: Sequence[str], text: str) -> str:
    """What of the text is forbidden; empty where nothing is."""
    folded = text.casefold()
    return next((one for one in forbidden if one.casefold() in folded), "")


def _prompt(brief: Brief, language: str) -> str:
    template = files("attenda.evals").joinpath("prompts/simulated_user.txt").read_text("utf-8")
    return template.format(
        goal=brief.goal,
        facts="\n".join(f"- {name}: {value}" for name, value in brief.knows.items()) or "- nothing",
        secrets="; ".join(brief.never_says) or "-",
        language=_LANGUAGES.get(language, language),
        end=brief.ends_with[0],
    )
