"""All tools, in the order in which an agent usually needs them."""

from typing import Any

from levered_site.mcp.tool import Tool
from levered_site.mcp.tools import (
    connection,
    creation,
    definitions,
    deletion,
    events,
    optimization_details,
    overview,
    results,
    serving,
    status,
    training,
    update,
    warehouse,
)

ALL_TOOLS: tuple[Tool[Any], ...] = (
    overview.TOOL,
    warehouse.TOOL,
    definitions.TOOL,
    creation.TOOL,
    optimization_details.TOOL,
    update.TOOL,
    status.TOOL,
    serving.SERVE_TOOL,
    serving.EXPLAIN_TOOL,
    events.SEND_TOOL,
    training.TOOL,
    results.TOOL,
    connection.TOOL,
    events.CREATE_KEY_TOOL,
    deletion.TOOL,
)
TOOLS_BY_NAME = {tool.name: tool for tool in ALL_TOOLS}
