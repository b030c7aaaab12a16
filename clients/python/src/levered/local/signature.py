"""Check that a policy is the service's: an Ed25519 signature over its bytes."""

import base64
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from levered.errors import PolicyError, UnusableAnswerError
from levered.exchange import Answer, Flow, Request, build_error, read_object

KEYS_PATH = "/.well-known/levered-keys.json"
HEADER = re.compile(r'keyid="([^"]+)", alg="ed25519", sig=:([^:]+):')


class Verifier:
    """Verifies signatures by the keys that the service publishes."""

    def __init__(self) -> None:
        self._keys: dict[str, Ed25519PublicKey] = {}

    def verify(self, answer: Answer) -> Flow[None]:
        """Return if the signature of an answer is right.

        Raise PolicyError for one that is missing, wrong, or by an unknown key.
        """
        match = HEADER.fullmatch(answer.headers.get("levered-signature", ""))
        if match is None:
            raise PolicyError("the policy is not signed")
        key_id, signature = match.groups()
        if key_id not in self._keys:
            self._keys |= read_keys((yield Request("GET", KEYS_PATH)))
        key = self._keys.get(key_id)
        if key is None:
            raise PolicyError("the policy is not signed with a published key")
        try:
            key.verify(base64.b64decode(signature), answer.content)
        except (InvalidSignature, ValueError) as error:
            raise PolicyError("the signature of the policy is wrong") from error


def read_keys(answer: Answer) -> dict[str, Ed25519PublicKey]:
    """Return the Ed25519 keys of a JWK set (RFC 8037) by their ids."""
    if answer.status != 200:
        raise build_error(answer)
    try:
        return {
            jwk["kid"]: Ed25519PublicKey.from_public_bytes(_decode(jwk["x"]))
            for jwk in read_object(answer)["keys"]
            if jwk.get("crv") == "Ed25519"
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableAnswerError("the answer has no keys") from error


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
