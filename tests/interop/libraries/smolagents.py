"""smolagents: a model that has the client."""

from smolagents import ChatMessage, OpenAIModel, tool

from libraries.side import MODEL, City, Side, weather

WEATHER = tool(weather)


class Chat(Side):
    """Its sync functions."""

    def model(self) -> OpenAIModel:
        """Return a model."""
        return OpenAIModel(MODEL, client=self.client, retry=False)

    def plain(self, prompt: str) -> str:
        return self.model().generate([ChatMessage("user", prompt)]).content

    def stream(self, prompt: str) -> list[str]:
        pieces = self.model().generate_stream([ChatMessage("user", prompt)])
        return [piece.content for piece in pieces if piece.content]

    def structured(self, prompt: str) -> City:
        schema = {"name": "city", "strict": True, "schema": City.model_json_schema()}
        form = {"type": "json_schema", "json_schema": schema}
        answer = self.model().generate([ChatMessage("user", prompt)], response_format=form)
        return City.model_validate_json(answer.content)
