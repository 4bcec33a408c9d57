"""mem0: its model and its embedder, which get the client once they are made."""

from mem0.configs.embeddings.base import BaseEmbedderConfig
from mem0.embeddings.openai import OpenAIEmbedding
from mem0.llms.openai import OpenAILLM

from libraries.side import MODEL, City, Side


class Chat(Side):
    """The model and the embedder of a memory, sync."""

    def model(self) -> OpenAILLM:
        """Return a model."""
        model = OpenAILLM({"model": MODEL, "api_key": "unused", "max_tokens": 1000})
        model.client = self.client
        return model

    def plain(self, prompt: str) -> str:
        return self.model().generate_response([{"role": "user", "content": prompt}])

    def structured(self, prompt: str) -> City:
        schema = {"name": "city", "strict": True, "schema": City.model_json_schema()}
        form = {"type": "json_schema", "json_schema": schema}
        return City.model_validate_json(
            self.model().generate_response([{"role": "user", "content": prompt}], form)
        )

    def embeddings(self, texts: list[str]) -> list[list[float]]:
        embedder = OpenAIEmbedding(BaseEmbedderConfig(api_key="unused"))
        embedder.client = self.client
        return embedder.embed_batch(texts)
