"""The SDK's server and what it serves. Loaded with the first message of a process.

The view's thread owns the request: asgiref runs the SDK's coroutines in a loop beside it
and brings every tool call back into it. So a tool works as a view does, with the thread's
own database connection and request id, and a client that leaves interrupts nothing.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpResponse
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    Tool as ListedTool,
    ToolAnnotations,
)

from levered_site.mcp import bridge, calling, prompts, resources, tools
from levered_site.mcp.calls import Api
from levered_site.mcp.tool import Tool

A = TypeVar("A")
T = TypeVar("T")
Context = ServerRequestContext[Any, Any]

INSTRUCTIONS = (
    "Levered finds the best variant of anything a product can branch on while real "
    "traffic flows, and measures the lift against a holdout. Begin with `overview`. The "
    "usual way: define_metric (what counts as success), create_optimization, "
    "change_status to live, serve_variant (a dry run unless told), send_events, "
    "train_model, get_results, change_status to shipped. What is destructive or touches "
    "live traffic changes nothing until it is called with confirm: true; without, it "
    "answers what would change. Answers are short: ask for a detail or the next page."
)


def answer(api: Api) -> HttpResponse:
    """Answer the MCP message in the body of the caller's request."""
    answered: HttpResponse = async_to_sync(bridge.speak)(_server, api)
    return answered


def _api(context: Context) -> Api:
    assert context.request is not None, "every message comes by HTTP"
    found: Api = context.request.scope[bridge.API]
    return found


async def _list_tools(
    _context: Context, _params: PaginatedRequestParams | None
) -> ListToolsResult:
    return LISTING


async def _call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
    tool = tools.BY_NAME.get(params.name)
    if tool is None:
        there = ", ".join(tools.BY_NAME)
        message = f"There is no tool {params.name[:100]!r}. There are: {there}."
        raise MCPError(code=INVALID_PARAMS, message=message)
    call = sync_to_async(calling.call, thread_sensitive=True)
    said = await call(tool, _api(context), params.arguments or {})
    return CallToolResult(
        content=[TextContent(type="text", text=said.text)],
        structured_content=said.document,
        is_error=said.failed,
    )


async def _list_prompts(
    _context: Context, _params: PaginatedRequestParams | None
) -> ListPromptsResult:
    return ListPromptsResult(prompts=prompts.LISTED)


async def _get_prompt(
    _context: Context, params: GetPromptRequestParams
) -> GetPromptResult:
    try:
        return prompts.get(params.name, params.arguments or {})
    except ValueError as error:
        raise MCPError(code=INVALID_PARAMS, message=str(error)) from error


async def _list_resources(
    context: Context, params: PaginatedRequestParams | None
) -> ListResourcesResult:
    cursor = params.cursor if params else None
    return await _asked(resources.listed, _api(context), cursor)


async def _list_templates(
    _context: Context, _params: PaginatedRequestParams | None
) -> ListResourceTemplatesResult:
    return resources.TEMPLATES


async def _read_resource(
    context: Context, params: ReadResourceRequestParams
) -> ReadResourceResult:
    return await _asked(resources.read, _api(context), str(params.uri))


async def _asked(read: Callable[[Api, A], T], api: Api, given: A) -> T:
    """Read in the view's thread; a refusal becomes an error of the protocol."""
    try:
        return await sync_to_async(read, thread_sensitive=True)(api, given)
    except Exception as raised:
        error = calling.error_of(raised)
        code = INTERNAL_ERROR if error["code"] == "internal_error" else INVALID_PARAMS
        raise MCPError(code=code, message=error["message"]) from raised


def _listed(tool: Tool[Any]) -> ListedTool:
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema(),
        output_schema=tool.output_schema(),
        annotations=ToolAnnotations(
            read_only_hint=tool.reads,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.repeatable,
            open_world_hint=False,
        ),
    )


LISTING = ListToolsResult(tools=[_listed(tool) for tool in tools.BY_NAME.values()])

SCHEMAS = {tool.name: tool.input_schema for tool in LISTING.tools}

_server: Server[Any] = Server(
    "levered",
    version="0.1.0",
    title="Levered",
    instructions=INSTRUCTIONS,
    get_tool_input_schema=SCHEMAS.get,
    on_list_tools=_list_tools,
    on_call_tool=_call_tool,
    on_list_prompts=_list_prompts,
    on_get_prompt=_get_prompt,
    on_list_resources=_list_resources,
    on_list_resource_templates=_list_templates,
    on_read_resource=_read_resource,
)
