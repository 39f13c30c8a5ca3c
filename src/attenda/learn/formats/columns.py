"""Names that the world's data sets give to the same things, in the order of preference."""

__all__ = ["ANSWERS", "DIALOGUES", "GROUPS", "IDS", "QUESTIONS", "ROLES", "TEXTS"]

QUESTIONS = (
    "question",
    "prompt",
    "instruction",
    "input",
    "query",
    "user",
    "human",
    "utterance",
    "request",
    "问题",
    "提问",
    "用户",
)
ANSWERS = (
    "answer",
    "response",
    "output",
    "completion",
    "reply",
    "assistant",
    "bot",
    "gpt",
    "答案",
    "回答",
    "回复",
    "助手",
)
DIALOGUES = ("dialogue", "dialog", "conversation", "transcript", "chat", "对话")
ROLES = ("role", "speaker", "from", "author", "sender")
TEXTS = ("content", "text", "message", "utterance", "value", "内容")
GROUPS = (
    "group",
    "movie_id",
    "conversation_id",
    "dialogue_id",
    "dialog_id",
    "session_id",
    "thread_id",
    "chat_id",
)
"""Rows with the same value here must stay on one side of a split."""
IDS = ("id", "dialogue_id", "dialog_id", "qid", "uid", "uuid")
