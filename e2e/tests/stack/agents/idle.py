"""Opens WebSocket connections, begins the protocol on each, leaves them idle, and tells what they cost the server.

Prints the KiB that process PID holds before, and while COUNT connections to ADDRESS:3001 are open for KEY's holder.
"""

import json
import os
import resource
import socket
import time

COUNT = int(os.environ["COUNT"])


def held():
    with open(f"/proc/{os.environ['PID']}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def frame(message):
    # Masked with zeros, which leave the text as it is.
    text = json.dumps(message).encode()
    length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    return b"\x81" + length + bytes(4) + text


def read_until(connection, end):
    data = b""
    while end not in data:
        more = connection.recv(65536)
        assert more, data
        data += more
    return data


def opened():
    connection = socket.create_connection((os.environ["ADDRESS"], 3001), timeout=60)
    connection.sendall(
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: mcp\r\nAuthorization: Bearer " + os.environ["KEY"].encode() + b"\r\n\r\n"
    )
    head = read_until(connection, b"\r\n\r\n")
    assert b" 101 " in head, head
    client = {"name": "idle", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
    connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}))
    read_until(connection, b"serverInfo")
    connection.sendall(frame({"jsonrpc": "2.0", "method": "notifications/initialized"}))
    return connection


_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (COUNT + 100, max(COUNT + 100, most)))
before = held()
connections = [opened() for _ in range(COUNT)]
time.sleep(5)
print(before, held())
