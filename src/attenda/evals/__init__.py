"""Measured, not claimed: scenarios through the real turn, and public exams."""

__all__: list[str] = []
