"""Tokens as an auth server issues them: HS256 by a secret, EdDSA by a key that is published as a JWKS."""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

LIFETIME = 24 * 3600


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unsigned(header: dict[str, str], user: str) -> str:
    now = int(time.time())
    claims = {"sub": user, "iat": now, "exp": now + LIFETIME}
    return ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))


class Secret:
    """A secret made for this run."""

    def __init__(self) -> None:
        self.text = secrets.token_urlsafe(48)

    def token(self, user: str) -> str:
        """A token of `user`, signed by HS256."""
        unsigned = _unsigned({"alg": "HS256", "typ": "JWT"}, user)
        return f"{unsigned}.{_base64url(hmac.digest(self.text.encode(), unsigned.encode(), hashlib.sha256))}"


class Ed25519:
    """A key pair made for this run, by OpenSSL: Python's library has no signatures."""

    def __init__(self, folder: Path) -> None:
        self.key, self.message = folder / "ed25519.pem", folder / "unsigned"
        self.key.touch(0o600)
        self._openssl("genpkey", "-algorithm", "ed25519", "-out", str(self.key))
        # The key itself is the end of its DER form.
        self.public = _base64url(self._openssl("pkey", "-in", str(self.key), "-pubout", "-outform", "DER")[-32:])

    @staticmethod
    def _openssl(*arguments: str) -> bytes:
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout

    def token(self, user: str) -> str:
        """A token of `user`, signed by EdDSA."""
        unsigned = _unsigned({"alg": "EdDSA", "kid": "bench"}, user)
        self.message.write_text(unsigned)
        signature = self._openssl("pkeyutl", "-sign", "-inkey", str(self.key), "-rawin", "-in", str(self.message))
        return f"{unsigned}.{_base64url(signature)}"


class KeyServer:
    """Publishes a key, as an auth server does."""

    def __init__(self, key: Ed25519) -> None:
        jwk = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "bench", "x": key.public}
        body = json.dumps({"keys": [jwk]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Closes it."""
        self._server.shutdown()
        self._server.server_close()
