"""Ways in by network: pages, streams and APIs over the runtime."""

__all__: list[str] = []
