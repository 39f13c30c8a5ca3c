"""The tutor: practice with hints, mastery that is reckoned, reviews, plans and reports."""

__all__: list[str] = []
