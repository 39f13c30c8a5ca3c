"""The public face: what a pack or a script may import; everything else may change.

Names are re-exported from the rooms that own them, and nothing is defined here.
"""

from attenda.core.errors import (
    AttendaError,
    Conflict,
    Denied,
    ModelError,
    NotFound,
    OperatorError,
    TooLarge,
    Unauthenticated,
    UserError,
)
from attenda.core.event import Event
from attenda.core.label import Integrity, Label, join
from attenda.core.message import Citation, Message, text_message
from attenda.core.ports import ChatModel, Embedder, Grammar, ModelChunk, ModelSettings, Usage
from attenda.core.principal import Principal
from attenda.llm.scripted import ScriptedEmbedder, ScriptedModel
from attenda.runtime.agent import Agent

__all__ = [
    "Agent",
    "AttendaError",
    "ChatModel",
    "Citation",
    "Conflict",
    "Denied",
    "Embedder",
    "Event",
    "Grammar",
    "Integrity",
    "Label",
    "Message",
    "ModelChunk",
    "ModelError",
    "ModelSettings",
    "NotFound",
    "OperatorError",
    "Principal",
    "ScriptedEmbedder",
    "ScriptedModel",
    "TooLarge",
    "Unauthenticated",
    "Usage",
    "UserError",
    "join",
    "text_message",
]
