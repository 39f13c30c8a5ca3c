"""Documents in, cited passages out."""

__all__: list[str] = []
