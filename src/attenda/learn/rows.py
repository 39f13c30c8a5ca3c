"""From a plan's files to rows of tokens: read, split, render, cut.

What is learned of a conversation depends on the recipe alone: all of it (pretrain), or the
assistant's words and their stops (tune, prefer).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from attenda.core.errors import UserError
from attenda.core.message import Message
from attenda.core.template import ChatTemplate, render
from attenda.learn.dialogues import Dialogue, Problem, fingerprint, read
from attenda.learn.doctor import Leakage, leakage
from attenda.learn.plan import DataPlan
from attenda.learn.split import split, split_by_template
from attenda.learn.tokenizer import TextTokenizer, TokenRow

__all__ = ["DataSplit", "answers", "overlap", "questions", "read_data", "rendered", "token_rows"]

Said = Callable[[Problem], None]


@dataclass(frozen=True, slots=True)
class DataSplit:
    """Conversations to learn from, and those only measured on."""

    train: list[Dialogue]
    validation: list[Dialogue]

    @property
    def fingerprint(self) -> str:
        """Hash of both sides."""
        return fingerprint([*self.train, *self.validation])


def read_data(
    plan: DataPlan,
    seed: int,
    said: Said = lambda _: None,
    erased: frozenset[str] = frozenset(),
) -> DataSplit:
    """Read a plan's files and part them.

    Args:
        plan: which files.
        seed: of the split.
        said: called with each problem in them.
        erased: marks of people and chats that are left out.

    Raises:
        UserError: no file is named, one can't be read, no conversation is left, or they can't be
            parted as the plan wants.
    """
    if not plan.files:
        raise UserError("learn.plan.bad", name="data.files", problem="no file is named")
    rows = [row for file in plan.files for row in _whole(read(file, plan.format), said, erased)]
    if plan.validation is None:
        parted = split_by_template if plan.split == "template" else split
        train, validation = parted(rows, plan.validation_share, seed)
    else:
        train, validation = rows, list(_whole(read(plan.validation, plan.format), said, erased))
    if not train:
        raise UserError("learn.data.unlearned", texts=len(rows))
    return DataSplit(train, validation)


def _whole(
    rows: Iterable[Dialogue | Problem], said: Said, erased: frozenset[str]
) -> Iterator[Dialogue]:
    for row in rows:
        if isinstance(row, Problem):
            said(row)
        elif not erased.isdisjoint(row.marks):
            said(Problem(row.place, "learn.data.erased", {}, "warning"))
        else:
            yield row


def overlap(plan: DataPlan, data: DataSplit) -> Leakage:
    """How much of what is measured on is known from training.

    Raises:
        UserError: it is more than the plan allows.
    """
    found = leakage(data.train, data.validation)
    if found.share > plan.most_overlap:
        raise UserError("learn.data.overlap", **found.shown, most=f"{plan.most_overlap:.0%}")
    return found


def rendered(dialogues: Iterable[Dialogue], template: ChatTemplate) -> Iterator[str]:
    """Conversations as the model reads them."""
    return (render(one.messages, template, answer_next=False) for one in dialogues)


def token_rows(
    dialogues: Iterable[Dialogue], tokenizer: TextTokenizer, *, all_learned: bool
) -> Iterator[TokenRow]:
    """Conversations as ids with what is learned of them.

    Args:
        dialogues: the conversations.
        tokenizer: with the template.
        all_learned: all of a conversation is learned, else the assistant's words.
    """
    for one in dialogues:
        row = tokenizer.row(one.messages)
        yield replace(row, learned=(True,) * len(row.ids)) if all_learned else row


def questions(dialogues: Iterable[Dialogue], most: int) -> list[Sequence[Message]]:
    """What was said up to the last answer, of the first `most` conversations that have one."""
    lasts = ([said for said, _ in answers(one)][-1:] for one in dialogues)
    return list(islice((said for last in lasts for said in last), most))


def answers(dialogue: Dialogue) -> Iterator[tuple[Sequence[Message], Message]]:
    """Each answer of a conversation, with all that was said before it."""
    for place, message in enumerate(dialogue.messages):
        if message.role == "assistant" and place:
            yield dialogue.messages[:place], message
