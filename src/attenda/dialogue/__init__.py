"""Pure: what the user wants, and what comes next."""

__all__: list[str] = []
