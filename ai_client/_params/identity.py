"""The identity of a workload, as an argument."""

from ..errors import members_of

_TOKEN_TYPES = frozenset({"jwt", "id"})


def check_identity(identity: object) -> None:
    """Validate the identity of a workload.

    Raises:
        ValueError: It is none that can be exchanged for a key.
    """
    provider = members_of(members_of(identity).get("provider"))
    if members_of(identity).get("type") == "x509":
        raise ValueError(
            "X.509 identities are not supported. Use a subject token, as from"
            " ai_client.auth.k8s_service_account_token_provider()"
        )
    if not callable(provider.get("get_token")) or provider.get("token_type") not in _TOKEN_TYPES:
        raise ValueError("`provider` must hold a function `get_token` and a `token_type`, 'jwt' or 'id'")
