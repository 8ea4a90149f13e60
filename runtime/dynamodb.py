"""DynamoDB: the store that the instances of a deployed server share.

The table has the partition key `pk` and the TTL attribute `expires`. DynamoDB deletes expired items within days, not seconds (DynamoDB
developer guide, "Using time to live"), so that every read and every condition looks at the time itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from anyio.to_thread import run_sync

from claimstack.runtime.aws import make_client
from claimstack.runtime.jsonrpc import Json, parse
from claimstack.runtime.store import UNTIL, StoreError, record_text


class DynamoStore:
    """Records as items {pk, expires, data}; each is addressed by its whole key, nothing is ever listed."""

    def __init__(self, table: str, *, client: Any = None, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._client = client
        self._clock = clock

    def connect(self) -> None:
        """Make the client, which takes a fifth of a second that no request should wait for. Nothing is sent."""
        if self._client is None:
            self._client = make_client("dynamodb")

    async def get(self, key: str) -> Json | None:
        answer = await self._call("get_item", Key={"pk": {"S": key}}, ConsistentRead=True)
        item = answer.get("Item")
        if item is None or float(item["expires"]["N"]) <= self._clock():
            return None
        data: Json = parse(item["data"]["S"].encode())
        return data

    async def put(self, key: str, data: Json, seconds: float) -> None:
        await self._call("put_item", Item=self._item(key, data, seconds))

    async def put_if_absent(self, key: str, data: Json, seconds: float) -> bool:
        answer = await self._call(
            "put_item",
            Item=self._item(key, data, seconds),
            ConditionExpression="attribute_not_exists(pk) OR expires <= :now",
            ExpressionAttributeValues={":now": {"N": str(int(self._clock()))}},
        )
        return answer is not REFUSED

    async def delete(self, key: str) -> bool:
        answer = await self._call("delete_item", Key={"pk": {"S": key}}, ReturnValues="ALL_OLD")
        old = answer.get("Attributes")
        return old is not None and float(old["expires"]["N"]) > self._clock()

    def _item(self, key: str, data: Json, seconds: float) -> Json:
        return {"pk": {"S": key}, "expires": {"N": str(int(self._clock() + seconds))}, "data": {"S": record_text(data)}}

    async def _call(self, operation: str, **parameters: Any) -> Json:
        try:
            async with asyncio.timeout_at(UNTIL.get()):
                return await run_sync(self._call_now, operation, parameters)
        except TimeoutError as error:
            raise StoreError(f"{operation}: no answer within the time of the request") from error

    def _call_now(self, operation: str, parameters: Json) -> Json:
        from botocore.exceptions import ClientError

        try:
            self.connect()
            answer: Json = getattr(self._client, operation)(TableName=self._table, **parameters)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                return REFUSED
            raise StoreError(f"{operation}: {error}") from error
        except Exception as error:  # botocore raises all kinds of things over an answer that is garbled
            raise StoreError(f"{operation}: {error}") from error
        return answer


REFUSED: Final[Json] = {}
"""Stands for the answer to a write whose condition did not hold."""
