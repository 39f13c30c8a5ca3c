"""One turn, start to finish."""

__all__: list[str] = []
