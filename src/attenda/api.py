"""The public face: what a pack or a script may import; everything else may change.

Names are re-exported from the rooms that own them, and nothing is defined here.
"""

from attenda.core.command import (
    Affirm,
    Another,
    AskDocuments,
    AskHuman,
    Cancel,
    Clarify,
    Command,
    NotUnderstood,
    Refuse,
    SetSlot,
    StartFlow,
    Wait,
)
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
from attenda.core.label import Integrity, Label, Labelled, Span, join
from attenda.core.message import Citation, Message, text_message
from attenda.core.opening import Opening
from attenda.core.ports import ChatModel, Embedder, Grammar, ModelChunk, ModelSettings, Usage
from attenda.core.principal import Principal
from attenda.core.silence import SilenceTimes
from attenda.core.svg import short_text, svg_picture, text_width
from attenda.dialogue.dying import dying_said
from attenda.dialogue.extract_amounts import Money, amounts
from attenda.dialogue.extract_contacts import emails
from attenda.dialogue.extract_span import Found
from attenda.dialogue.opening import Catalogue
from attenda.dialogue.small_talk import asks_to_stop, greets
from attenda.llm.scripted import ScriptedAnswer, ScriptedEmbedder, ScriptedModel, scripted_call
from attenda.runtime.agent import Agent
from attenda.runtime.pack import Pack, Said, Understand, check_pack
from attenda.runtime.pack_face import (
    Asked,
    Download,
    Endpoint,
    Importer,
    OpenQuestion,
    Panel,
    ReadIn,
    Screen,
    Tables,
    Talk,
    Told,
)
from attenda.store.pack_tables import PackTable, Rows
from attenda.store.staff_mail import NewMail
from attenda.tools.call import Outcome
from attenda.tools.passage import Passage
from attenda.tools.tool import Deed, Tool, ToolRefused, tool

__all__ = [
    "Affirm",
    "Another",
    "Agent",
    "AskDocuments",
    "AskHuman",
    "Asked",
    "AttendaError",
    "Cancel",
    "Catalogue",
    "ChatModel",
    "Citation",
    "Clarify",
    "Command",
    "Conflict",
    "Deed",
    "Denied",
    "Download",
    "Embedder",
    "Endpoint",
    "Event",
    "Found",
    "Grammar",
    "Importer",
    "Integrity",
    "Label",
    "Labelled",
    "Message",
    "ModelChunk",
    "ModelError",
    "ModelSettings",
    "Money",
    "NewMail",
    "NotFound",
    "NotUnderstood",
    "OpenQuestion",
    "OperatorError",
    "Opening",
    "Outcome",
    "Passage",
    "Pack",
    "PackTable",
    "Panel",
    "Principal",
    "ReadIn",
    "Refuse",
    "Rows",
    "Said",
    "Screen",
    "ScriptedAnswer",
    "ScriptedEmbedder",
    "ScriptedModel",
    "SetSlot",
    "SilenceTimes",
    "Span",
    "StartFlow",
    "Tables",
    "Talk",
    "Told",
    "TooLarge",
    "Tool",
    "ToolRefused",
    "Unauthenticated",
    "Understand",
    "Usage",
    "UserError",
    "Wait",
    "amounts",
    "asks_to_stop",
    "check_pack",
    "dying_said",
    "emails",
    "greets",
    "join",
    "scripted_call",
    "short_text",
    "svg_picture",
    "text_width",
    "text_message",
    "tool",
]
