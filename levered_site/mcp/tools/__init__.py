"""Every tool there is, in the order in which an agent will want them."""

from typing import Any

from levered_site.mcp.tool import Tool
from levered_site.mcp.tools import (
    changing,
    connecting,
    creation,
    defining,
    deletion,
    events,
    overview,
    reading,
    results,
    serving,
    status,
    training,
    warehouse,
)

ALL: tuple[Tool[Any], ...] = (
    overview.TOOL,
    warehouse.TOOL,
    defining.TOOL,
    creation.TOOL,
    reading.TOOL,
    changing.TOOL,
    status.TOOL,
    serving.SERVE,
    serving.EXPLAIN,
    events.SEND,
    training.TOOL,
    results.TOOL,
    connecting.TOOL,
    events.MAKE_KEY,
    deletion.TOOL,
)
BY_NAME = {tool.name: tool for tool in ALL}
