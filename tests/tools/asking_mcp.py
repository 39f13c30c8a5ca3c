"""An MCP server by the official SDK that asks back in the middle of a call; on standard input."""

from typing import Annotated, Literal

from mcp.server.mcpserver import AcceptedElicitation, Elicit, ElicitationResult, MCPServer, Resolve
from pydantic import BaseModel, Field

server = MCPServer("asking")


class Table(BaseModel):
    """What it must know."""

    guests: int = Field(title="Guests", description="How many come", ge=1, le=8)
    room: Literal["window", "garden"] = "window"
    smoking: bool = False
    mail: str = Field(default="", json_schema_extra={"format": "email"})


def table(day: str) -> Elicit[Table]:
    return Elicit(f"For {day}: how many guests?", Table)


@server.tool()
async def reserve(day: str, asked: Annotated[ElicitationResult[Table], Resolve(table)]) -> str:
    """Reserve a table."""
    if not isinstance(asked, AcceptedElicitation):
        return f"nothing: {asked.action}"
    return f"{asked.data.guests} by the {asked.data.room} on {day}"


if __name__ == "__main__":
    server.run("stdio")
