"""Uses a session by the official client of MCP: reads it, writes it, and has a step of a workflow write it.

What the server is and who asks stands in the environment: URL, KEY, CERTIFICATE, ERA, SESSION. Prints what the session
held, and what the workflow answered, as JSON.
"""

import asyncio
import json
import os
import ssl

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.structured_content


async def main():
    headers = {"Authorization": f"Bearer {os.environ['KEY']}"}
    trust = ssl.create_default_context(cafile=os.environ["CERTIFICATE"])
    session, era = os.environ["SESSION"], os.environ["ERA"]
    async with httpx2.AsyncClient(headers=headers, verify=trust, timeout=60, trust_env=False) as http:
        transport = streamable_http_client(os.environ["URL"], http_client=http)
        async with Client(transport, mode=era) as client:
            held = await call(client, "session_read", id=session)
            await call(client, "session_write", id=session, set={f"agent_{era}": True})
            run = await call(client, "noted", mark=f"step_{era}", session=session)
            print(json.dumps({"held": held["state"], "output": run["output"]}, ensure_ascii=False))


asyncio.run(main())
