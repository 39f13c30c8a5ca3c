"""What a running installation has, built once by the command line and handed to its rooms."""

from dataclasses import dataclass, field

from attenda.core.config import Settings
from attenda.core.ports import Embedder
from attenda.dialogue.flow import words_in
from attenda.knowledge.ingest import Ingester
from attenda.knowledge.search import Searcher
from attenda.llm.loaded import LoadedModels
from attenda.runtime.automations import Automations
from attenda.runtime.notifiers import Notifier
from attenda.runtime.pack import OpenPack
from attenda.runtime.turn import Runs
from attenda.runtime.typing_now import TypingNow
from attenda.store.database import Database
from attenda.store.stamps import Stamps

__all__ = ["House"]


@dataclass(frozen=True, slots=True)
class House:
    """The parts, wired."""

    settings: Settings
    database: Database
    stamps: Stamps
    models: LoadedModels
    embedder: Embedder
    """For queries; documents have one of their own at low priority."""
    searcher: Searcher
    ingester: Ingester
    runs: Runs
    automations: Automations
    owner_key: str
    """Secret of the local owner: the command line's key."""
    channel_key: str
    """From which the secrets of channels are made."""
    packs: dict[str, OpenPack] = field(default_factory=dict)
    """Packs at work, by name."""
    notifiers: dict[str, Notifier] = field(default_factory=dict)
    """Ways of telling staff that somebody waits, by kind."""
    typing: TypingNow = field(default_factory=TypingNow)
    entrances: set[str] = field(default_factory=set)
    """Tokens of links that sign a browser in as the local owner, each once."""

    def notice_of(self, pack: str, language: str) -> str:
        """What a pack says it is meant for; empty where it says nothing or is not at work."""
        found = self.packs.get(pack)
        return words_in(dict(found.pack.notice), language) if found else ""
