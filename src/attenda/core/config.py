"""The shape of the settings; where each value came from is kept beside it.

Reading files and the environment is the command line's; here are names, meanings and defaults.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Settings"]


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
    hosts: tuple[str, ...] = ()
    """Further names under which the pages may be asked for, behind a reverse proxy."""
    model_silence_s: float = Field(default=60.0, gt=0)
    """Seconds without a word after which a model's process is stopped."""
    document_deadline_s: float = Field(default=600.0, gt=0)
    """Seconds that reading and indexing one file may take."""
    max_upload_mb: int = Field(default=200, gt=0)
    """Largest file that is taken in."""
