"""Public data sets as exams."""

__all__: list[str] = []
