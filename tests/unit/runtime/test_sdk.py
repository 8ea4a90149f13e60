"""Loading the SDK fast changes nothing but the time it takes."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
import json
from claimstack.runtime.sdk import load_sdk
load_sdk()
import mcp_types
import pydantic
import sys
assert gc.isenabled() and gc.get_freeze_count() > 1000
assert "uvicorn" not in sys.modules
assert not pydantic.BaseModel.model_config
assert not mcp_types.Tool.__pydantic_complete__  # deferred: built when somebody needs it

class Mine(pydantic.BaseModel):
    a: int

assert Mine.__pydantic_complete__
assert pydantic.TypeAdapter(list[int]).pydantic_complete
import uvicorn
from claimstack.runtime.app import create_app
app = create_app({"CLAIMSTACK_PUBLIC_URL": "https://mcp.example.gov/mcp"})
app.warm()
message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami"}}
headers = {"host": "mcp.example.gov", "content-type": "application/json", "accept": "application/json"}
print(app.handle_event({"httpMethod": "POST", "path": "/mcp", "headers": headers, "body": json.dumps(message)})["body"])
app.close()
"""


def test_the_sdk_works_as_ever_and_models_of_others_are_built_as_ever() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert '"authenticated":false' in done.stdout.splitlines()[-1].replace("\\n", "").replace("\\", "").replace(" ", "")
