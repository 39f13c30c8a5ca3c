"""Customer service: orders, refunds, returns, complaints, behind identity and under rules."""

__all__: list[str] = []
