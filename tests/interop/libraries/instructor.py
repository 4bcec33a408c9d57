"""instructor: a client patched to return models."""

import instructor
import openai
from instructor.core import InstructorRetryException

from libraries.side import MODEL, City, Side


class Tools(Side):
    """Its sync functions, which have the model call a function."""

    error = (InstructorRetryException, openai.BadRequestError)
    refusal = (InstructorRetryException, openai.RateLimitError)
    mode = instructor.Mode.TOOLS

    def ask(self, prompt: str) -> dict:
        """Return the arguments of a call."""
        return {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "max_retries": 0}

    def patched(self) -> instructor.Instructor:
        """Return the patched client."""
        return instructor.from_openai(self.client, mode=self.mode)

    def plain(self, prompt: str) -> str:
        answer = self.patched().chat.completions.create(response_model=None, **self.ask(prompt))
        return answer.choices[0].message.content

    def structured(self, prompt: str) -> City:
        return self.patched().create(response_model=City, **self.ask(prompt))


class Json(Tools):
    """Its sync functions, which give the model a schema."""

    mode = instructor.Mode.JSON_SCHEMA


class AsyncTools(Tools):
    """Its async functions, which have the model call a function."""

    takes = "async"

    async def plain(self, prompt: str) -> str:
        answer = await self.patched().chat.completions.create(response_model=None, **self.ask(prompt))
        return answer.choices[0].message.content

    async def structured(self, prompt: str) -> City:
        return await self.patched().create(response_model=City, **self.ask(prompt))


class AsyncResponses(AsyncTools):
    """Its async functions over the Responses API."""

    api = "responses"
    mode = instructor.Mode.RESPONSES_TOOLS
    plain = None
