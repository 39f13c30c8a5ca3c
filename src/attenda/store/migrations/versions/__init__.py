"""The revisions, in order of their numbers."""

__all__: list[str] = []
