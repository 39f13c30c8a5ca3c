"""What one check of `attenda doctor` found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: how it went and, when it failed, what to do."""

    check: str
    ok: bool
    detail: str
    fix: str = ""
    about: Mapping[str, object] = field(default_factory=dict)
    """The same for programs, where the sentence says more than one thing."""
