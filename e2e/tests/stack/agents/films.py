"""Lists, reads, pages, creates and deletes films by the official client of MCP, in one era of the protocol.

What the server is and who asks stands in the environment: URL, KEY, CERTIFICATE, ERA.
"""

import asyncio
import os
import ssl
import uuid

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def films(client):
    tools = {tool.name for tool in (await client.list_tools()).tools}
    assert {"models_describe", "records_list", "records_get", "records_create"} <= tools, tools
    described = await call(client, "models_describe", model="Film")
    assert "title" in str(described), described

    seen, cursor = [], {}
    for _ in range(3):
        question = {"model": "Film", "order": ["title"], "select": ["id", "title"], "limit": 5}
        page = await call(client, "records_list", **question, **cursor)
        seen += [record["id"] for record in page["records"]]
        cursor = {"cursor": page["next_cursor"]}
    assert len(set(seen)) == 15, seen
    film = await call(client, "records_get", model="Film", id=seen[0])
    assert film["record"]["id"] == seen[0], film

    title = f"By an agent {uuid.uuid4()}"
    made = await call(client, "records_create", model="Film", values={"title": title})
    found = await call(client, "records_list", model="Film", where={"title": title})
    assert [record["id"] for record in found["records"]] == [made["record"]["id"]], found
    await call(client, "records_delete", model="Film", id=made["record"]["id"])


async def main():
    headers = {"Authorization": f"Bearer {os.environ['KEY']}"}
    trust = ssl.create_default_context(cafile=os.environ["CERTIFICATE"])
    async with httpx2.AsyncClient(headers=headers, verify=trust, timeout=60, trust_env=False) as http:
        transport = streamable_http_client(os.environ["URL"], http_client=http)
        async with Client(transport, mode=os.environ["ERA"]) as client:
            await films(client)
            print(client.protocol_version)


asyncio.run(main())
