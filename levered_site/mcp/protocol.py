"""The MCP SDK's server and its handlers, imported with a process's first message.

The view's thread owns the request: asgiref runs the SDK's coroutines in an event loop
beside it and runs every tool call in the view's thread. So a tool has the thread's own
database connection and request id, as a view has, and a client that disconnects interrupts
nothing.
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

from levered_site.mcp import asgi_adapter, prompts, resources, tool_calls, tools
from levered_site.mcp.rest_api import Api
from levered_site.mcp.tool import Tool

Argument = TypeVar("Argument")
Result = TypeVar("Result")
RequestContext = ServerRequestContext[Any, Any]

INSTRUCTIONS = (
    "Levered finds the best variant of anything a product can branch on while real "
    "traffic flows, and measures the lift against a holdout. Start with `overview`. The "
    "usual order: define_metric (what counts as success), create_optimization, "
    "change_status to live, serve_variant (a dry run by default), send_events, "
    "train_model, get_results, change_status to shipped. A call that is destructive or "
    "affects live traffic changes nothing without confirm: true; it answers what would "
    "change. Answers are short: ask for a detail or the next page."
)


def answer_message(api: Api) -> HttpResponse:
    """Answer the MCP message in the body of the caller's request."""
    response: HttpResponse = async_to_sync(asgi_adapter.handle_request)(_server, api)
    return response


def _get_api(context: RequestContext) -> Api:
    assert context.request is not None, "every message arrives over HTTP"
    api: Api = context.request.scope[asgi_adapter.API_SCOPE_KEY]
    return api


async def _list_tools(
    _context: RequestContext, _params: PaginatedRequestParams | None
) -> ListToolsResult:
    return TOOL_LISTING


async def _call_tool(
    context: RequestContext, params: CallToolRequestParams
) -> CallToolResult:
    tool = tools.TOOLS_BY_NAME.get(params.name)
    if tool is None:
        names = ", ".join(tools.TOOLS_BY_NAME)
        message = f"There is no tool {params.name[:100]!r}. Tools: {names}."
        raise MCPError(code=INVALID_PARAMS, message=message)
    call = sync_to_async(tool_calls.call_tool, thread_sensitive=True)
    response = await call(tool, _get_api(context), params.arguments or {})
    return CallToolResult(
        content=[TextContent(type="text", text=response.text)],
        structured_content=response.document,
        is_error=response.failed,
    )


async def _list_prompts(
    _context: RequestContext, _params: PaginatedRequestParams | None
) -> ListPromptsResult:
    return ListPromptsResult(prompts=prompts.LISTED_PROMPTS)


async def _get_prompt(
    _context: RequestContext, params: GetPromptRequestParams
) -> GetPromptResult:
    try:
        return prompts.render_prompt(params.name, params.arguments or {})
    except ValueError as error:
        raise MCPError(code=INVALID_PARAMS, message=str(error)) from error


async def _list_resources(
    context: RequestContext, params: PaginatedRequestParams | None
) -> ListResourcesResult:
    cursor = params.cursor if params else None
    return await _read_in_view_thread(
        resources.list_resources, _get_api(context), cursor
    )


async def _list_templates(
    _context: RequestContext, _params: PaginatedRequestParams | None
) -> ListResourceTemplatesResult:
    return resources.RESOURCE_TEMPLATES


async def _read_resource(
    context: RequestContext, params: ReadResourceRequestParams
) -> ReadResourceResult:
    return await _read_in_view_thread(
        resources.read_resource, _get_api(context), str(params.uri)
    )


async def _read_in_view_thread(
    read: Callable[[Api, Argument], Result], api: Api, argument: Argument
) -> Result:
    """Call `read` in the view's thread; an error becomes an MCP protocol error."""
    try:
        return await sync_to_async(read, thread_sensitive=True)(api, argument)
    except Exception as raised:
        error = tool_calls.describe_error(raised)
        code = INTERNAL_ERROR if error["code"] == "internal_error" else INVALID_PARAMS
        raise MCPError(code=code, message=error["message"]) from raised


def _describe_tool(tool: Tool[Any]) -> ListedTool:
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema(),
        output_schema=tool.output_schema(),
        annotations=ToolAnnotations(
            read_only_hint=tool.is_read_only,
            destructive_hint=tool.is_destructive,
            idempotent_hint=tool.is_idempotent,
            open_world_hint=False,
        ),
    )


TOOL_LISTING = ListToolsResult(
    tools=[_describe_tool(tool) for tool in tools.TOOLS_BY_NAME.values()]
)

INPUT_SCHEMAS = {tool.name: tool.input_schema for tool in TOOL_LISTING.tools}

_server: Server[Any] = Server(
    "levered",
    version="0.1.0",
    title="Levered",
    instructions=INSTRUCTIONS,
    get_tool_input_schema=INPUT_SCHEMAS.get,
    on_list_tools=_list_tools,
    on_call_tool=_call_tool,
    on_list_prompts=_list_prompts,
    on_get_prompt=_get_prompt,
    on_list_resources=_list_resources,
    on_list_resource_templates=_list_templates,
    on_read_resource=_read_resource,
)
