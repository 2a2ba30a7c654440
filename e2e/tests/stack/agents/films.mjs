// Lists, reads, pages, creates and deletes films by the official client of MCP, in one era of the protocol.
//
// What the server is and who asks stands in the environment: URL, KEY, ERA; MODULES is where the client is installed.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(process.env.MODULES + '/');
const { Client, StreamableHTTPClientTransport } = require('@modelcontextprotocol/client');

const client = new Client({ name: 'films', version: '1' }, { versionNegotiation: { mode: process.env.ERA } });
const headers = { Authorization: `Bearer ${process.env.KEY}` };
await client.connect(new StreamableHTTPClientTransport(new URL(process.env.URL), { requestInit: { headers } }));

async function call(name, input) {
    const result = await client.callTool({ name, arguments: input });
    assert.ok(!result.isError, JSON.stringify(result));
    return result.structuredContent;
}

const tools = (await client.listTools()).tools.map(tool => tool.name);
for (const tool of ['models_describe', 'records_list', 'records_get', 'records_create']) {
    assert.ok(tools.includes(tool), tool);
}

const seen = [];
let cursor = {};
for (let page = 0; page < 3; page++) {
    const question = { model: 'Film', order: ['title'], select: ['id', 'title'], limit: 5 };
    const films = await call('records_list', { ...question, ...cursor });
    seen.push(...films.records.map(film => film.id));
    cursor = { cursor: films.next_cursor };
}
assert.equal(new Set(seen).size, 15);
const { record } = await call('records_get', { model: 'Film', id: seen[0] });
assert.equal(record.id, seen[0]);

const title = `By an agent ${randomUUID()}`;
const made = await call('records_create', { model: 'Film', values: { title } });
const found = await call('records_list', { model: 'Film', where: { title } });
assert.deepEqual(found.records.map(film => film.id), [made.record.id]);
await call('records_delete', { model: 'Film', id: made.record.id });

console.log(client.getNegotiatedProtocolVersion());
await client.close();
