"""The shape of the settings; where each value came from is kept beside it.

Reading files and the environment is the command line's; here are names, meanings and defaults.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from attenda.core.silence import SilenceTimes

__all__ = ["EndpointSpec", "MailboxSpec", "Settings", "SmtpSpec"]


class EndpointSpec(BaseModel):
    """Where a server is and what is known of its model; its key is not part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1)
    """The model's name here."""
    base_url: str
    """Where the OpenAI-compatible API begins, as in `http://127.0.0.1:8080/v1`."""
    model: str
    """The model's name on the server."""
    key_env: str = ""
    """Name of the environment variable that holds the key; empty where no key is needed."""
    context_tokens: int = Field(default=0, ge=0)
    """Tokens to read at most; 0 for as many as the server does."""
    languages: frozenset[str] = frozenset({"en", "zh"})
    """Languages that the model is good at."""
    tools: bool = True
    """Whether the model can choose tools; an agent may then let it."""


class SmtpSpec(BaseModel):
    """The server by which mail goes out; its password is not part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is kept secret; `none` is for a relay on this machine."""
    sender: str = Field(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$")
    """Address that mail comes from."""
    user: str = ""
    """Empty where no sign-in is needed."""
    password_env: str = ""
    """Name of the environment variable that holds the password."""
    timeout_s: float = Field(default=20.0, gt=0)
    """Seconds that one step of sending may take."""


class MailboxSpec(BaseModel):
    """Where a mailbox is read and its answers are sent; its password is not part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(min_length=1, max_length=80)
    """What channels call it."""
    address: str = Field(pattern=r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,180}")
    """The address that people write to, and that answers come from."""
    imap_host: str
    imap_port: int = Field(default=993, ge=1, le=65535)
    smtp_host: str
    smtp_port: int = Field(default=465, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    """How both are shut to listeners; `none` on this very machine alone."""
    user: str = ""
    """Who signs in; empty for the address."""
    password_env: str = ""
    """Name of the environment variable that holds the password."""
    password_file: str = ""
    """A file that holds the password, instead."""
    folder: str = "INBOX"
    """Folder that is read; nothing in it is changed."""
    every_s: float = Field(default=30.0, gt=0)
    """Seconds between two looks."""
    plus_addresses: bool = False
    """Whether the server brings `name+anything@host` to `name@host`; replies are known by it."""


class Settings(BaseModel):
    """Everything that can be set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Path("~/.attenda")
    """Folder of the database, the weights and the copies of documents."""
    host: str = "127.0.0.1"
    """Address the pages are served on."""
    port: int = Field(default=8017, ge=0, le=65535)
    """Port the pages are served on; 0 takes a free one."""
    database: str = ""
    """URL of a PostgreSQL database; empty for the SQLite file in the home."""
    model: str = "smollm2-135m-instruct"
    """Chat model that answers where an agent names none."""
    language: str = "en"
    """Language of the command line and of pages before sign-in: en or zh-CN."""
    endpoints: tuple[EndpointSpec, ...] = ()
    """OpenAI-compatible servers whose models can be chosen beside the embedded ones."""
    smtp: SmtpSpec | None = None
    """The server by which notices to the desk go out as mail."""
    mailboxes: tuple[MailboxSpec, ...] = ()
    """Mailboxes that channels of the kind `mail` read and answer from."""
    watch: tuple[str, ...] = ()
    """Folders whose files are kept in the library: new, changed and vanished ones alike."""
    trash_days: int = Field(default=30, ge=0)
    """Days that deleted chats and documents stay in the trash; 0 keeps them."""
    chat_days: int = Field(default=0, ge=0)
    """Days after its last message that a chat is erased; 0 keeps chats."""
    train_on_chats: bool = False
    """Whether chats may be used for training whose people said neither yes nor no."""
    hosts: tuple[str, ...] = ()
    """Further names under which the pages may be asked for, behind a reverse proxy."""
    answers_at_once: int = Field(default=4, ge=0)
    """Answers that one person may have under way; owners any number, 0 is no limit."""
    silence: SilenceTimes | None = SilenceTimes.of("15m", end="24h")
    """What happens when nobody answers a flow's question, where flow and pack leave it open."""
    model_silence_s: float = Field(default=60.0, gt=0)
    """Seconds without a word after which a model's process is stopped."""
    document_deadline_s: float = Field(default=600.0, gt=0)
    """Seconds that reading and indexing one file may take."""
    web_ports: tuple[int, ...] = (80, 443)
    """Ports that web addresses may have."""
    max_upload_mb: int = Field(default=200, gt=0)
    """Largest file that is taken in."""
