"""FastMCP over asyncpg: what a Python server of the same two tools does. `server.py <postgres url> <port>`"""

import sys

import asyncpg
import uvicorn
from fastmcp import FastMCP

DATABASE, PORT = sys.argv[1], int(sys.argv[2])
READ = """SELECT id::text, title, released::text, gross, rating::text, director, extract(epoch FROM created_at)::float8 AS created_at,
extract(epoch FROM updated_at)::float8 AS updated_at, created_by, _version FROM film WHERE id = $1"""

mcp = FastMCP("bench")
pool = None


@mcp.tool
def echo(text: str) -> dict:
    return {"text": text}


@mcp.tool
async def get_film(id: str) -> dict:
    global pool
    if pool is None:
        pool = await asyncpg.create_pool(DATABASE, min_size=4, max_size=16)
    return dict(await pool.fetchrow(READ, id))


app = mcp.http_app(path="/mcp", stateless_http=True, json_response=True)
uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning", access_log=False)
