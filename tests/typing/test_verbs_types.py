from typing import Any, assert_type

from ai_client import AsyncOpenAI, AsyncStream, BaseModel, OpenAI, Stream


class Thing(BaseModel):
    id: str


def sync(client: OpenAI, flag: bool) -> None:
    assert_type(client.get("/x", cast_to=Thing), Thing)
    assert_type(client.post("/x", cast_to=Thing, body={}), Thing)
    assert_type(client.post("/x", cast_to=Thing, stream=True, stream_cls=Stream[Thing]), Stream[Thing])
    assert_type(
        client.post("/x", cast_to=Thing, stream=flag, stream_cls=Stream[Thing]), Thing | Stream[Thing]
    )
    assert_type(client.put("/x", cast_to=str), str)
    assert_type(client.delete("/x", cast_to=dict[str, Any]), dict[str, Any])
    assert_type(client.with_options(timeout=3, deadline=None), OpenAI)


async def async_client(client: AsyncOpenAI) -> None:
    assert_type(await client.get("/x", cast_to=Thing), Thing)
    assert_type(
        await client.post("/x", cast_to=Thing, stream=True, stream_cls=AsyncStream[Thing]), AsyncStream[Thing]
    )
    assert_type(await client.patch("/x", cast_to=Thing, body={}), Thing)
    assert_type(client.copy(max_retries=0), AsyncOpenAI)
