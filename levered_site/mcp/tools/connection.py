"""Tool: connect the organization's warehouse."""

from typing import Any, Literal

from pydantic import Field

from levered_site.mcp import confirmation
from levered_site.mcp.arguments import Confirm
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tool import Input, Tool


class ConnectInput(Input):
    """The connection to make."""

    provider: Literal["managed", "postgres", "bigquery", "snowflake"]
    project_id: str | None = None
    dataset_id: str | None = None
    credentials: dict[str, Any] | None = Field(
        None,
        description="postgres: host, port, database, username, password, sslmode. "
        "bigquery: the service account's key. snowflake: account, username, password or "
        "private_key, warehouse, database, schema. Never shown again.",
    )
    confirm: Confirm = False


def connect_warehouse(api: Api, arguments: ConnectInput) -> Json:
    """Test the connection and store it; without a confirm only test it."""
    fields = arguments.dump_sent("confirm")
    body = {name: value for name, value in fields.items() if value is not None}
    connection = api.get("/warehouse/connections")["connection"]
    old = connection["provider"]

    def post_connection() -> Json:
        return api.post("/warehouse/connections", body)

    if not arguments.confirm:
        confirmation.run_and_roll_back(api, post_connection)
        would = (
            f"replace the organization's connection ({old}) with {arguments.provider}, "
            "which answered a test just now. Metrics and results then read from there."
        )
        return confirmation.ask_to_confirm(would, provider=[old, arguments.provider])
    return {
        "summary": f"The organization now uses the {arguments.provider} warehouse.",
        "done": True,
        "connection": post_connection(),
        "next": "explore_warehouse (look: tables) lists its tables; then define_metric."
        if arguments.provider == "managed"
        else "define_metric with kind: assignment_source defines where exposures are.",
    }


TOOL = Tool(
    name="connect_warehouse",
    title="Connect a warehouse",
    description="Make or replace the organization's one warehouse connection; managed "
    "needs no credentials. Admins only. Tested first; stored with confirm: true. Back to "
    "managed: provider managed.",
    input_model=ConnectInput,
    answer_fields={"done": "b", "connection": "o", "changes": "o"},
    run=connect_warehouse,
    is_destructive=True,
    is_idempotent=True,
)
