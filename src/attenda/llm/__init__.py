"""A finished model behind one port; the engines live in child processes."""

__all__: list[str] = []
