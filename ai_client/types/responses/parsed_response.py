"""Responses with structured output."""

from typing import TYPE_CHECKING, Annotated, Generic, TypeAlias, TypeVar

from ai_client.types.responses.response import (
    Response,
)
from ai_client.types.responses.response_item import (
    AdditionalTools,
    ImageGenToolCall,
    LocalShellToolCall,
    LocalShellToolCallOutput,
    McpApprovalRequest,
    McpApprovalResponseResource,
    McpListTools,
    McpToolCall,
    Program,
    ProgramOutput,
    ResponseApplyPatchToolCall,
    ResponseApplyPatchToolCallOutput,
    ResponseCodeInterpreterToolCall,
    ResponseCompactionItem,
    ResponseComputerToolCall,
    ResponseComputerToolCallOutputItem,
    ResponseCustomToolCall,
    ResponseCustomToolCallOutputItem,
    ResponseFileSearchToolCall,
    ResponseFunctionShellToolCall,
    ResponseFunctionShellToolCallOutput,
    ResponseFunctionToolCall,
    ResponseFunctionToolCallOutputItem,
    ResponseFunctionWebSearch,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
    ResponseToolSearchCall,
    ResponseToolSearchOutputItem,
)

from ..._models.parsed import Parsed
from ..._models.unions import OneOf

ContentType = TypeVar("ContentType")


class ParsedResponseOutputText(ResponseOutputText, Parsed, Generic[ContentType]):
    """A text of the model."""

    _own = "parsed"

    parsed: ContentType | None = None
    """The text as an instance of the requested type; `None` where none was requested."""


ParsedContent: TypeAlias = Annotated[
    ParsedResponseOutputText[ContentType] | ResponseOutputRefusal, OneOf("type")
]


class ParsedResponseOutputMessage(ResponseOutputMessage, Generic[ContentType]):
    """The model's message, with its texts parsed."""

    if TYPE_CHECKING:
        content: list[ParsedContent[ContentType]]  # type: ignore[assignment]
        """The parts of the message: texts with what they were parsed into, or a refusal."""
    else:
        content: list[ParsedContent]  # a union takes no parameter at run time


class ParsedResponseFunctionToolCall(ResponseFunctionToolCall, Parsed):
    """A function call with parsed arguments."""

    _own = "parsed_arguments"

    parsed_arguments: object | None = None
    """An instance of the tool's model, the decoded JSON for other strict tools, else `None`."""


ParsedResponseOutputItem: TypeAlias = Annotated[
    ParsedResponseOutputMessage[ContentType]
    | ParsedResponseFunctionToolCall
    | ResponseFileSearchToolCall
    | ResponseFunctionToolCallOutputItem
    | ResponseFunctionWebSearch
    | ResponseComputerToolCall
    | ResponseComputerToolCallOutputItem
    | ResponseReasoningItem
    | Program
    | ProgramOutput
    | ResponseToolSearchCall
    | ResponseToolSearchOutputItem
    | AdditionalTools
    | ResponseCompactionItem
    | ImageGenToolCall
    | ResponseCodeInterpreterToolCall
    | LocalShellToolCall
    | LocalShellToolCallOutput
    | ResponseFunctionShellToolCall
    | ResponseFunctionShellToolCallOutput
    | ResponseApplyPatchToolCall
    | ResponseApplyPatchToolCallOutput
    | McpToolCall
    | McpListTools
    | McpApprovalRequest
    | McpApprovalResponseResource
    | ResponseCustomToolCall
    | ResponseCustomToolCallOutputItem,
    OneOf("type"),
]


class ParsedResponse(Response, Generic[ContentType]):
    """A response with parsed output."""

    if TYPE_CHECKING:
        output: list[ParsedResponseOutputItem[ContentType]]  # type: ignore[assignment]
        """The items that the model made, in order, texts and arguments parsed; `output_parsed` is the first text's."""
    else:
        output: list[ParsedResponseOutputItem]  # a union takes no parameter at run time

    @property
    def output_parsed(self) -> ContentType | None:
        """The first parsed text, as an instance of the requested type; `None` if there is none."""
        for item in self.output:
            for content in (item.content or ()) if isinstance(item, ParsedResponseOutputMessage) else ():
                if isinstance(content, ParsedResponseOutputText) and content.parsed is not None:
                    return content.parsed
        return None
