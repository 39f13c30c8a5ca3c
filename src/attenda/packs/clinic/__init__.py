"""Clinic: assistance for clinicians; scores and checks are reckoned by code from readable rules."""

__all__: list[str] = []
