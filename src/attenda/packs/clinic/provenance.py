"""Where a fact comes from, as FHIR has it: the message and the span of the words that gave it."""

from typing import Any

__all__ = ["SPAN_URL", "span_extension"]

SPAN_URL = "urn:attenda:source-span"
"""Extension: the message and the span of its words from which a fact was taken."""


def span_extension(message_id: str, start: int, end: int, words: str) -> dict[str, Any]:
    """The extension of one fact or answer.

    Args:
        message_id: of the person's message.
        start: first letter of the words in it.
        end: letter after the last.
        words: that stand there.
    """
    return {
        "url": SPAN_URL,
        "extension": [
            {"url": "message", "valueString": message_id},
            {"url": "start", "valueInteger": start},
            {"url": "end", "valueInteger": end},
            {"url": "words", "valueString": words},
        ],
    }
