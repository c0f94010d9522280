"""A small OpenID Connect provider on loopback: discovery, authorization with PKCE, signed tokens, user info."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT_ID = "liaoyuan"
CLIENT_SECRET = "provider-secret-of-the-test"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Provider:
    """What it will say about whoever comes next, and what it was asked."""

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""
    # The host of its sign-in page, where that is another one, and what that page changes in its answer.
    sign_in: str = ""
    bent: dict[str, str] = field(default_factory=dict)
    audience: str = CLIENT_ID
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.sign_in or self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where to send the browser: it is signed in here already and always agrees."""
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']} | self.bent)}"

    def token(self, given: dict[str, str]) -> dict[str, Any] | None:
        """Each code once, only for the right client, only for who began."""
        begun = self.codes.pop(given.get("code", ""), None)
        if begun is None or given.get("client_secret") != CLIENT_SECRET:
            return None
        if b64(hashlib.sha256(given["code_verifier"].encode()).digest()) != begun["code_challenge"]:
            return None
        now = int(time.time())
        claims = {"iss": self.issuer or self.url, "aud": self.audience, "iat": now, "exp": now + 60} | self.claims
        return {"access_token": "opaque", "token_type": "Bearer", "expires_in": 60, "id_token": self.signed(claims)}

    def signed(self, claims: dict[str, Any]) -> str:
        head = b64(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "1"}).encode())
        body = f"{head}.{b64(json.dumps(claims).encode())}"
        return f"{body}.{b64(self.key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def jwks(self) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        n, e = (value.to_bytes((value.bit_length() + 7) // 8, "big") for value in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "n": b64(n), "e": b64(e)}]}


@contextmanager
def provider_running() -> Iterator[Provider]:
    """A provider that answers until the block ends."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if parts.path == "/authorize":
                self.send_response(302)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_header("Location", provider.authorize(asked))
                self.end_headers()
                return
            pages = {
                "/.well-known/openid-configuration": provider.discovery,
                "/jwks": provider.jwks,
                "/userinfo": lambda: provider.claims,
            }
            self.answer(pages[parts.path]() if parts.path in pages else None)

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.answer(provider.token({name: values[0] for name, values in parse_qs(text).items()}))

        def answer(self, found: dict[str, Any] | None) -> None:
            body = json.dumps(found or {"error": "invalid_grant"}).encode()
            self.send_response(200 if found else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
