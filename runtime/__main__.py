"""The image's entry point: the server behind the Lambda Runtime API."""

from __future__ import annotations

from claimstack.runtime.lambda_client import main

if __name__ == "__main__":
    main()
