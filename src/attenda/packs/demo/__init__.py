"""Appointment booking: the pack that `attenda pack new` copies, to begin from."""

__all__: list[str] = []
