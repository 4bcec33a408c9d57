"""What the application has in the offline demo alone: traffic, the routes that it needs, and a tenant by header."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response

from ai_client import AsyncOpenAI, labels
from ai_client_fastapi import AIClientDep
from example_apps._chat import LAST_HOUR, Answer, Question, is_local
from example_apps._offline.traffic import begin


async def label(x_tenant: Annotated[str | None, Header()] = None) -> None:
    """Label the calls of the request; a real application knows its tenant from the session."""
    labels(tenant=x_tenant)


def dependencies() -> list[Any]:
    """Return the dependencies of all routes."""
    return [Depends(label)] if is_local() else []


routes = APIRouter(include_in_schema=False)


@routes.post("/api/search")
async def search(question: Question, client: AIClientDep) -> dict[str, int]:
    """Embed the question, as a search would."""
    found = await client.embeddings.create(model=question.model, input=question.question)
    return {"dimensions": len(found.data[0].embedding)}


@routes.post("/api/digest")
async def digest(question: Question) -> Answer:
    """Answer with a client for this request alone: the mistake that the dashboard is to show."""
    async with AsyncOpenAI() as client:  # ai-client: ignore
        return Answer.of(await client.chat.completions.create(**question.params()))


@routes.post("/traffic")
async def traffic(sec_fetch_site: Annotated[str | None, Header()] = None) -> Response:
    """Start a minute of traffic, and show it."""
    return Response(status_code=begin(sec_fetch_site), headers={"location": LAST_HOUR})
