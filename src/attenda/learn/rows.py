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
from attenda.learn.dialogues import Dialogue, Problem, fingerprint, read, split
from attenda.learn.plan import DataPlan
from attenda.learn.tokenizer import TextTokenizer, TokenRow

__all__ = ["DataSplit", "answers", "questions", "read_data", "rendered", "token_rows"]

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


def read_data(plan: DataPlan, seed: int, said: Said = lambda _: None) -> DataSplit:
    """Read a plan's files and part them.

    Args:
        plan: which files.
        seed: of the split.
        said: called with each problem in them.

    Raises:
        UserError: no file is named, one can't be read, or no conversation is left.
    """
    if not plan.files:
        raise UserError("learn.plan.bad", name="data.files", problem="no file is named")
    rows = [row for file in plan.files for row in _whole(read(file, plan.format), said)]
    if plan.validation is None:
        train, validation = split(rows, plan.validation_share, seed)
    else:
        train, validation = rows, list(_whole(read(plan.validation, plan.format), said))
    if not train:
        raise UserError("learn.data.unlearned", texts=len(rows))
    return DataSplit(train, validation)


def _whole(rows: Iterable[Dialogue | Problem], said: Said) -> Iterator[Dialogue]:
    for row in rows:
        if isinstance(row, Problem):
            said(row)
        else:
            yield row


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
