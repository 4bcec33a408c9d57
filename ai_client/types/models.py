"""Types of `client.models`."""

from .._models import BaseModel


class Model(BaseModel):
    """A model on offer."""

    id: str
    created: int
    object: str
    owned_by: str
