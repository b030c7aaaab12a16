"""Tool: connect the organization's one warehouse."""

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


def connect_warehouse(api: Api, given: ConnectInput) -> Json:
    """Connect, tested first; without a confirm it is tested and nothing is stored."""
    sent = given.dump_sent("confirm")
    body = {name: value for name, value in sent.items() if value is not None}
    before = api.get("/warehouse/connections")["connection"]
    old = before["provider"] if before else "managed"

    def post_connection() -> Json:
        return api.post("/warehouse/connections", body)

    if not given.confirm:
        confirmation.run_and_roll_back(api, post_connection)
        would = (
            f"replace the organization's connection ({old}) by {given.provider}, which "
            "was reached just now. From then on metrics and results read there."
        )
        return confirmation.ask_to_confirm(would, provider=[old, given.provider])
    return {
        "summary": f"The organization is on the {given.provider} warehouse now.",
        "done": True,
        "connection": post_connection(),
        "next": "explore_warehouse (look: tables) shows what it holds; then define_metric."
        if given.provider == "managed"
        else "define_metric with kind: assignment_source says where exposures live.",
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
