"""Everything: the tools, resources and prompts that the MCP conformance suite and the clients of these tests call."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    Completion,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequests,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import Field

from claimstack.runtime.tools import Pack, Prompt, Resource, Tool

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
"""A PNG of one pixel."""
SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
"""A WAV file without a sound."""
STEP_SECONDS = 0.01
SIGNAL_SECONDS = 20
REQUIRED_TEXT = {"type": "string"}


def form(**properties: dict[str, Any]) -> dict[str, Any]:
    """A schema of an elicitation: all properties are required."""
    return {"type": "object", "properties": properties, "required": list(properties)}


DEFAULTS_FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    },
}
_TITLED = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]
_UNTITLED = ["option1", "option2", "option3"]
ENUMS_FORM = form(
    untitledSingle={"type": "string", "enum": _UNTITLED},
    titledSingle={"type": "string", "oneOf": _TITLED},
    legacyEnum={"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]},
    untitledMulti={"type": "array", "items": {"type": "string", "enum": _UNTITLED}},
    titledMulti={"type": "array", "items": {"anyOf": _TITLED}},
)


SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""Keywords that have to reach the client as they are."""


# Tools of both eras


async def test_simple_text() -> str:
    """Return a text."""
    return "This is a simple text response for testing."


async def test_image_content() -> list[ImageContent]:
    """Return an image."""
    return [ImageContent(data=PIXEL, mime_type="image/png")]


async def test_audio_content() -> list[AudioContent]:
    """Return a sound."""
    return [AudioContent(data=SILENCE, mime_type="audio/wav")]


def embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


async def test_embedded_resource() -> list[EmbeddedResource]:
    """Return a resource."""
    return [embedded("test://embedded-resource", "This is an embedded resource content.")]


async def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Return a text, an image and a resource."""
    return [
        TextContent(text="Multiple content types test:"),
        ImageContent(data=PIXEL, mime_type="image/png"),
        embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ]


async def test_error_handling() -> str:
    """Fail."""
    raise RuntimeError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(ctx: Context[Any, Any]) -> str:
    """Report progress three times."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"Completed step {done} of 100")
        await asyncio.sleep(STEP_SECONDS)
    return "Progress reported"


async def test_wait_for_file(path: str, ctx: Context[Any, Any]) -> str:
    """Report progress, then wait until the file exists: only a client that hears of the progress in time can make it."""
    await ctx.report_progress(1, 2, "waiting")
    async with asyncio.timeout(SIGNAL_SECONDS):
        while not Path(path).exists():
            await asyncio.sleep(STEP_SECONDS)
    await ctx.report_progress(2, 2, "seen")
    return "The file was there"


async def test_query_region(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})], query: str) -> str:
    """Take one argument that clients of 2026-07-28 repeat in a header."""
    return f"{query} in {region}"


async def json_schema_2020_12_tool() -> str:
    """Take what no annotation of a function can say: `extend` gives it its schema."""
    return "ok"


# Tools that log to clients, or ask those of the legacy era


async def test_tool_with_logging(ctx: Context[Any, Any]) -> str:
    """Log three messages."""
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message(level="info", data=text, related_request_id=ctx.request_id)
        await asyncio.sleep(STEP_SECONDS)
    return "Tool with logging executed successfully"


async def test_sampling(prompt: str, ctx: Context[Any, Any]) -> str:
    """Ask the client's model."""
    message = SamplingMessage(role="user", content=TextContent(text=prompt))
    answer = await ctx.session.create_message(messages=[message], max_tokens=100, related_request_id=ctx.request_id)
    return f"LLM response: {answer.content.text if isinstance(answer.content, TextContent) else answer.content.type}"


async def test_elicitation(message: str, ctx: Context[Any, Any]) -> str:
    """Ask the user for a text."""
    return shown("User response", await ask(ctx, message, form(response=REQUIRED_TEXT)))


async def test_elicitation_sep1034_defaults(ctx: Context[Any, Any]) -> str:
    """Ask the user with defaults."""
    return shown("Elicitation completed", await ask(ctx, "Please provide user information", DEFAULTS_FORM))


async def test_elicitation_sep1330_enums(ctx: Context[Any, Any]) -> str:
    """Ask the user to choose."""
    return shown("Elicitation completed", await ask(ctx, "Please select", ENUMS_FORM))


async def test_two_questions(ctx: Context[Any, Any]) -> str:
    """Ask the user twice, with a report in between."""
    first = await ask(ctx, "Name?", form(name=REQUIRED_TEXT))
    await ctx.report_progress(1, 2, "one answer")
    second = await ask(ctx, "Colour?", form(colour=REQUIRED_TEXT))
    return f"{(first.content or {})['name']} likes {(second.content or {})['colour']}"


async def test_reconnection(ctx: Context[Any, Any]) -> str:
    """Close the stream of the call, where the server can; the client comes back for the rest."""
    await ctx.close_sse_stream()
    return "Reconnection test completed"


async def ask(ctx: Context[Any, Any], message: str, schema: dict[str, Any]) -> ElicitResult:
    answer: ElicitResult = await ctx.session.elicit_form(message, schema, ctx.request_id)
    return answer


def shown(title: str, answer: ElicitResult) -> str:
    return f"{title}: action={answer.action}, content={json.dumps(answer.content or {})}"


# Tools of the modern era: what they need of the client goes out as the result, and the call comes again with the answers


def question(message: str, **properties: dict[str, Any]) -> ElicitRequest:
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=form(**properties)))


def sampling(text: str, max_tokens: int = 100) -> CreateMessageRequest:
    messages = [SamplingMessage(role="user", content=TextContent(text=text))]
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=messages, max_tokens=max_tokens))


def answers(ctx: Context[Any, Any], *names: str) -> list[Any] | None:
    """The client's answers in this order, or None until all are there."""
    given = ctx.input_responses or {}
    return [given[name] for name in names] if all(name in given for name in names) else None


async def test_missing_capability(ctx: Context[Any, Any]) -> str:
    """Refuse clients that cannot sample."""
    if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs sampling", {"requiredCapabilities": {"sampling": {}}})
    return "The client can sample"


async def test_input_required_result_elicitation(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask for a name."""
    match answers(ctx, "user_name"):
        case [ElicitResult(content={"name": name})]:
            return f"Hello, {name}!"
    return InputRequiredResult(input_requests={"user_name": question("What is your name?", name=REQUIRED_TEXT)})


async def test_input_required_result_sampling(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask the client's model."""
    if given := answers(ctx, "capital_question"):
        return f"The client answered: {given[0].content}"
    return InputRequiredResult(input_requests={"capital_question": sampling("What is the capital of France?")})


async def test_input_required_result_list_roots(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask for the client's roots."""
    if given := answers(ctx, "client_roots"):
        return f"The client has: {', '.join(str(root.uri) for root in given[0].roots)}"
    return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})


async def test_input_required_result_request_state(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask for a confirmation, with state."""
    if answers(ctx, "confirm") and ctx.request_state == "asked":
        return "state-ok"
    return InputRequiredResult(input_requests={"confirm": question("Please confirm", ok={"type": "boolean"})}, request_state="asked")


async def test_input_required_result_multiple_inputs(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask for three things at once."""
    if answers(ctx, "user_name", "greeting", "client_roots") and ctx.request_state == "asked":
        return "Three answers"
    requests: InputRequests = {
        "user_name": question("What is your name?", name=REQUIRED_TEXT),
        "greeting": sampling("Generate a greeting", 50),
        "client_roots": ListRootsRequest(),
    }
    return InputRequiredResult(input_requests=requests, request_state="asked")


async def test_input_required_result_multi_round(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask one question after the other."""
    if answers(ctx, "step2") and ctx.request_state == "second":
        return "Two rounds"
    if answers(ctx, "step1") and ctx.request_state == "first":
        return InputRequiredResult(
            input_requests={"step2": question("Step 2: What is your favorite color?", color=REQUIRED_TEXT)}, request_state="second"
        )
    return InputRequiredResult(input_requests={"step1": question("Step 1: What is your name?", name=REQUIRED_TEXT)}, request_state="first")


async def test_input_required_result_tampered_state(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask for a confirmation, with state that must come back as it was."""
    return await test_input_required_result_request_state(ctx)


async def test_input_required_result_capabilities(ctx: Context[Any, Any]) -> str | InputRequiredResult:
    """Ask only for what the client declared."""
    capabilities = ctx.client_capabilities
    requests: InputRequests = {}
    if capabilities is not None and capabilities.sampling is not None:
        requests["sampled"] = sampling("Say something")
    if capabilities is not None and capabilities.elicitation is not None:
        requests["elicited"] = question("Say something", text=REQUIRED_TEXT)
    if not requests or answers(ctx, *requests):
        return "Nothing to ask"
    return InputRequiredResult(input_requests=requests)


# Resources and prompts


async def static_text() -> str:
    return "This is the content of the static text resource."


async def static_binary() -> bytes:
    return base64.b64decode(PIXEL)


async def watched() -> str:
    return "Watched resource content"


async def template_data(id: str) -> str:  # noqa: A002  # the suite names the parameter of the template so
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


async def test_simple_prompt() -> list[UserMessage]:
    """A prompt without arguments."""
    return [UserMessage("This is a simple prompt for testing.")]


async def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    """A prompt with two arguments."""
    return [UserMessage(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]


async def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803  # the suite names it so
    """A prompt with a resource."""
    return [
        UserMessage(embedded(resourceUri, "Embedded resource content for testing.")),
        UserMessage("Please process the embedded resource above."),
    ]


async def test_prompt_with_image() -> list[UserMessage]:
    """A prompt with an image."""
    return [UserMessage(ImageContent(data=PIXEL, mime_type="image/png")), UserMessage("Please analyze the image above.")]


async def test_input_required_result_prompt(ctx: Context[Any, Any]) -> list[UserMessage] | InputRequiredResult:
    """A prompt that asks for its context."""
    match answers(ctx, "user_context"):
        case [ElicitResult(content={"context": context})]:
            return [UserMessage(f"Use this context: {context}")]
    return InputRequiredResult(input_requests={"user_context": question("What context should the prompt use?", context=REQUIRED_TEXT)})


# Handlers that a pack cannot bring


async def complete(_reference: Any, argument: Any, _context: Any) -> Completion:
    values = [value for value in ("paris", "park", "party") if value.startswith(argument.value)]
    return Completion(values=values, total=len(values), has_more=False)


async def acknowledge(_context: Any, _params: Any) -> EmptyResult:
    return EmptyResult()


def extend(server: MCPServer[Any]) -> None:
    """Add completion, log levels, resource subscriptions and a schema written by hand, for which packs have no place."""
    server.completion()(complete)
    tool = server._tool_manager.get_tool(json_schema_2020_12_tool.__name__)
    assert tool is not None
    tool.parameters = SCHEMA_2020_12
    lowlevel = server._lowlevel_server
    lowlevel.add_request_handler("logging/setLevel", SetLevelRequestParams, acknowledge)
    lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, acknowledge)
    lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, acknowledge)


TOOLS: tuple[Callable[..., Awaitable[Any]], ...] = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_progress,
    test_wait_for_file,
    test_query_region,
    json_schema_2020_12_tool,
    test_tool_with_logging,
    test_reconnection,
    test_missing_capability,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_tampered_state,
    test_input_required_result_capabilities,
)
ASKING_TOOLS: tuple[Callable[..., Awaitable[Any]], ...] = (
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_two_questions,
)
PROMPTS: tuple[Callable[..., Awaitable[Any]], ...] = (
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
    test_input_required_result_prompt,
)
PACK = Pack(
    name="everything",
    tools=(*(Tool(tool) for tool in TOOLS), *(Tool(tool, asks=True) for tool in ASKING_TOOLS)),
    resources=(
        Resource("test://static-text", static_text),
        Resource("test://static-binary", static_binary, mime_type="image/png"),
        Resource("test://watched-resource", watched),
        Resource("test://template/{id}/data", template_data, mime_type="application/json"),
    ),
    prompts=tuple(Prompt(prompt) for prompt in PROMPTS),
)
