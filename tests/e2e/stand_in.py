"""Stand-in: what runs on the emulator in place of the image; it shows that a call arrived, and what the function was told."""

import json
import os
from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer an event of either front door: with the metadata document as the environment gives it, or with who called."""
    path = event.get("rawPath") or event["path"]
    authorizer = event["requestContext"].get("authorizer") or {}
    claims = authorizer.get("claims") or authorizer.get("jwt", {}).get("claims", {})
    if path.startswith("/.well-known/oauth-protected-resource"):
        document = {
            "resource": os.environ["CLAIMSTACK_PUBLIC_URL"],
            "authorization_servers": [os.environ["CLAIMSTACK_ISSUER"]],
            "scopes_supported": os.environ["CLAIMSTACK_SCOPES"].split(),
        }
    else:
        document = {"path": path, "client_id": claims.get("client_id")}
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(document)}
