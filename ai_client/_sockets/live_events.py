"""The events that a client sends in a live session: a method's place and name are the event's type."""

from collections.abc import Mapping

from .._client.modes import M
from .._client.operation import operation
from .._models.accessor import accessor
from .._params.omit import Omit, omit
from .connecting import EventSender


class Commentary(EventSender[M]):
    """Events about commentary given to the model."""

    @operation
    async def append(self, *, content: str, delegation_id: str | None, event_id: str | Omit = omit) -> None:
        """Add commentary."""
        await self._send(
            "session.commentary.append", content=content, delegation_id=delegation_id, event_id=event_id
        )


class Instructions(EventSender[M]):
    """Events about instructions given to the model."""

    @operation
    async def append(self, *, content: str, delegation_id: str | None, event_id: str | Omit = omit) -> None:
        """Add instructions."""
        await self._send(
            "session.instructions.append", content=content, delegation_id=delegation_id, event_id=event_id
        )


class Thinking(EventSender[M]):
    """Events about thinking given to the model."""

    @operation
    async def append(self, *, content: str, delegation_id: str | None, event_id: str | Omit = omit) -> None:
        """Add thinking."""
        await self._send(
            "session.thinking.append", content=content, delegation_id=delegation_id, event_id=event_id
        )


class InputAudio(EventSender[M]):
    """Events about what the user says."""

    @operation
    async def append(self, *, audio: str, event_id: str | Omit = omit) -> None:
        """Add audio, in base64."""
        await self._send("session.input_audio.append", audio=audio, event_id=event_id)

    @operation
    async def mute(self, *, event_id: str | Omit = omit) -> None:
        """Stop listening."""
        await self._send("session.input_audio.mute", event_id=event_id)

    @operation
    async def unmute(self, *, event_id: str | Omit = omit) -> None:
        """Listen again."""
        await self._send("session.input_audio.unmute", event_id=event_id)


class OutputAudioFixture(EventSender[M]):
    """Events about audio played as the model's."""

    @operation
    async def play(self, *, audio: str, event_id: str | Omit = omit) -> None:
        """Play audio, in base64."""
        await self._send("session.output_audio.fixture.play", audio=audio, event_id=event_id)


class OutputAudio(EventSender[M]):
    """Events about what the model says."""

    @accessor
    def fixture(self) -> OutputAudioFixture[M]:
        """Events about audio played as the model's."""
        return OutputAudioFixture(self._channel)


class LiveSession(EventSender[M]):
    """Events about the session."""

    @accessor
    def commentary(self) -> Commentary[M]:
        """Events about commentary."""
        return Commentary(self._channel)

    @accessor
    def instructions(self) -> Instructions[M]:
        """Events about instructions."""
        return Instructions(self._channel)

    @accessor
    def thinking(self) -> Thinking[M]:
        """Events about thinking."""
        return Thinking(self._channel)

    @accessor
    def input_audio(self) -> InputAudio[M]:
        """Events about what the user says."""
        return InputAudio(self._channel)

    @accessor
    def output_audio(self) -> OutputAudio[M]:
        """Events about what the model says."""
        return OutputAudio(self._channel)

    @operation
    async def start(self, *, session: Mapping[str, object], event_id: str | Omit = omit) -> None:
        """Start the session."""
        await self._send("session.start", session=session, event_id=event_id)

    @operation
    async def update(self, *, session: Mapping[str, object], event_id: str | Omit = omit) -> None:
        """Change the session's settings."""
        await self._send("session.update", session=session, event_id=event_id)

    @operation
    async def close(self, *, event_id: str | Omit = omit) -> None:
        """End the session."""
        await self._send("session.close", event_id=event_id)


class DecisionItem(EventSender[M]):
    """Events about a decision's items."""

    @operation
    async def create(self, *, item: Mapping[str, object], event_id: str | Omit = omit) -> None:
        """Add an item."""
        await self._send("decision.item.create", item=item, event_id=event_id)

    @operation
    async def delete(self, *, item_id: str, event_id: str | Omit = omit) -> None:
        """Remove an item."""
        await self._send("decision.item.delete", item_id=item_id, event_id=event_id)


class Decision(EventSender[M]):
    """Events about decisions."""

    @accessor
    def item(self) -> DecisionItem[M]:
        """Events about a decision's items."""
        return DecisionItem(self._channel)

    @operation
    async def create(self, *, event_id: str) -> None:
        """Request a decision."""
        await self._send("decision.create", event_id=event_id)


class LiveResponseItem(EventSender[M]):
    """Events about an answer's items."""

    @operation
    async def create(self, *, item: Mapping[str, object], event_id: str | Omit = omit) -> None:
        """Add an item."""
        await self._send("response.item.create", item=item, event_id=event_id)


class LiveResponse(EventSender[M]):
    """Events about the model's answers."""

    @accessor
    def item(self) -> LiveResponseItem[M]:
        """Events about an answer's items."""
        return LiveResponseItem(self._channel)

    @operation
    async def create(self, *, event_id: str | Omit = omit) -> None:
        """Request a response."""
        await self._send("response.create", event_id=event_id)


class Dtmf(EventSender[M]):
    """Events about telephone tones."""

    @operation
    async def send(self, *, event: str, event_id: str | Omit = omit) -> None:
        """Send a tone."""
        await self._send("transport.dtmf.send", event=event, event_id=event_id)


class Transport(EventSender[M]):
    """Events about the call's transport."""

    @accessor
    def dtmf(self) -> Dtmf[M]:
        """Events about telephone tones."""
        return Dtmf(self._channel)
