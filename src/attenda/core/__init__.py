"""Nouns: the values that every room passes on. No clock, no chance, no input or output."""

__all__: list[str] = []
