"""A stand-in for Clerk: RSA keys, a JWKS endpoint, session tokens."""

import functools
import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://clerk.example"


@functools.cache
def make_rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Return the RSA key of a name, cached because generating one is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Clerk:
    """An issuer that signs tokens, publishes keys at `url` and counts fetches."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.published: set[str] = set()
        self.fetches = 0
        self.status = 200
        self.url = ""
        self.add_key("first")

    def add_key(self, kid: str, *, publish: bool = True) -> None:
        """Add a key, published or not."""
        self.keys[kid] = make_rsa_key(kid)
        if publish:
            self.published.add(kid)

    def build_pem(self) -> str:
        """Return the public key as PEM, as Clerk's dashboard shows it."""
        public = self.keys["first"].public_key()
        return public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode()

    def build_jwks(self) -> bytes:
        """Return the published keys as a JWKS document."""
        keys = [
            RSAAlgorithm.to_jwk(self.keys[kid].public_key(), as_dict=True)
            | {"kid": kid, "use": "sig", "alg": "RS256"}
            for kid in sorted(self.published)
        ]
        return json.dumps({"keys": keys}).encode()

    def sign_token(self, *, kid: str = "first", **claims: Any) -> str:
        """Sign a valid session token with changed claims; None removes a claim."""
        now = int(time.time())
        all_claims = {
            "iss": ISSUER,
            "sub": "user_carol",
            "iat": now,
            "nbf": now,
            "exp": now + 60,
            "v": 2,
            "o": {"id": "org_clerk", "rol": "admin", "slg": "acme"},
        } | claims
        present_claims = {
            name: value for name, value in all_claims.items() if value is not None
        }
        return jwt.encode(present_claims, self.keys[kid], "RS256", headers={"kid": kid})


@contextmanager
def run_clerk() -> Iterator[Clerk]:
    """Run the JWKS endpoint of an issuer."""
    clerk = Clerk()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            clerk.fetches += 1
            self.send_response(clerk.status)
            self.end_headers()
            self.wfile.write(clerk.build_jwks())

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    clerk.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield clerk
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
