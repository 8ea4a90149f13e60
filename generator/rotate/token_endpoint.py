"""Token endpoint: whether a secret of a client gets a token."""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from claimstack.controls.errors import InputError
from claimstack.generator.rotate.aws import RotationError
from claimstack.generator.rotate.cognito import Client

TOKEN_SECONDS: Final = 20
LOOPBACK: Final = ("127.0.0.1", "localhost")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the secret to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


def token_seconds(client: Client, secret: str) -> int | None:
    """How long a token lives that this secret gets; None where the token domain does not know the secret."""
    url = urlsplit(client.token_url)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        raise InputError(f"{client.token_url}: the output TokenUrl is no https address; a secret is not sent there")
    basic = base64.b64encode(f"{client.id}:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", **({"scope": client.scope} if client.scope else {})}
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
        client.token_url,
        data=urlencode(form).encode(),
        headers={"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TOKEN_SECONDS) as response:
            return int(json.load(response)["expires_in"])
    except urllib.error.HTTPError as refusal:
        with refusal:
            said = _error_code(refusal.read(10_000))
        if said == "invalid_client":
            return None
        why = f"answers {refusal.code}" + (f" {said}" if said else "")
    except (OSError, ValueError, LookupError, TypeError) as error:
        why = f"cannot be asked ({error})"
    raise RotationError(f"{client.token_url}: {why}, so that it is not known whether the secret of {client.consumer} is good. "
                        "No secret was deleted; run the command again.")  # fmt: skip


def _error_code(body: bytes) -> str:
    """`error` of an OAuth answer, where it is one."""
    try:
        code = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError):
        return ""
    return code if isinstance(code, str) and re.fullmatch(r"[a-z_]{1,60}", code) else ""
