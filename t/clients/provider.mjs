// The other side of t/lib/Wgw/Router.pm: providers that misbehave in every
// way, and look at what routers send with the libraries that people use.
// One JSON object a line, in and out.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createInterface } from 'node:readline';
import { gzipSync } from 'node:zlib';

import { verifyMessage } from 'ethers';
import { SiweMessage } from 'siwe';
import { recoverMessageAddress } from 'viem';
import { parseSiweMessage } from 'viem/siwe';
import { WebSocketServer } from 'ws';

const mocks = {};

// which libraries take a message, and whose they say it is

async function verify(body) {
    const { msg, sig } = JSON.parse(body);
    const seen = { msg, sig };

    try {
        seen.ethers = verifyMessage(msg, sig);
    } catch (e) {
        seen.ethers = String(e);
    }

    try {
        seen.viem = await recoverMessageAddress({
            message: msg, signature: sig,
        });
        seen.parsed = parseSiweMessage(msg);
        delete seen.parsed.issuedAt;
        delete seen.parsed.expirationTime;
    } catch (e) {
        seen.viem = String(e);
    }

    try {
        const siwe = new SiweMessage(msg);
        const { data } = await siwe.verify({
            signature: sig, domain: siwe.domain, nonce: siwe.nonce,
        });
        seen.siwe = data.address;
    } catch (e) {
        seen.siwe = String(e.error?.type ?? e);
    }

    return seen;
}

function read(request) {
    return new Promise((resolve) => {
        const parts = [];
        request.on('data', (data) => parts.push(data));
        request.on('end', () => resolve(Buffer.concat(parts)));
        request.on('error', () => resolve(Buffer.concat(parts)));
    });
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function signIn(mock, request, response, body) {
    const b = mock.auth;
    const n = mock.signins.length + 1;

    mock.signins.push({
        method: request.method, url: request.url,
        headers: request.rawHeaders, body: body.toString(),
        at: Date.now(), ...await verify(body).catch(() => ({})),
    });

    if (b.delay) {
        await wait(b.delay);
    }

    if (b.hang) {
        return;
    }

    if (b.close) {
        request.socket.destroy();
        return;
    }

    if (b.redirect) {
        response.writeHead(307, { Location: b.redirect });
        response.end();
        return;
    }

    if (b.endless) {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        const timer = setInterval(() => response.write(' '.repeat(1024)), 5);
        response.on('close', () => clearInterval(timer));
        return;
    }

    const key = `${mock.name}-${n}-${b.tag ?? ''}`;
    let text = b.body;

    if (text === undefined) {
        const reply = {
            [b.capital ? 'Headers' : 'headers']:
                { 'x-api-key': key, ...b.headers },
        };

        if (b.exp !== null) {
            reply.exp = Math.floor(Date.now() / 1000)
                        + (b.shift ?? 0) + (b.exp ?? 3600);
        }

        if (b.uses) {
            reply.uses = b.uses;
        }

        text = JSON.stringify(reply) + '\n';
    }

    mock.keys[key] = b.uses ?? Infinity;

    const headers = { 'Content-Type': 'text/plain; charset=utf-8' };
    let data = Buffer.from(text);

    if (b.gzip) {
        headers['Content-Encoding'] = 'gzip';
        data = gzipSync(data);
    }

    if (b.undated) {
        response.sendDate = false;
    }

    if (b.shift) {
        headers.Date = new Date(Date.now() + b.shift * 1000).toUTCString();
    }

    response.writeHead(b.status ?? 200, headers);
    response.end(data);
}

function serves(mock, method) {
    if (method === 'eth_blockNumber') {
        if (mock.step) {
            mock.height += mock.step;
        }

        return { result: '0x' + mock.height.toString(16) };
    }

    if (mock.node.code) {
        return { error: { code: mock.node.code, message: 'cannot' } };
    }

    return { result: mock.name };
}

async function call(mock, request, response, body) {
    const check = body.length < 4096
                  && body.includes('"eth_blockNumber","params":[]}');
    const b = check && mock.check ? mock.check : mock.node;
    const key = request.headers['x-api-key'];

    (check ? mock.checks : mock.calls).push({
        method: request.method, url: request.url, headers: request.headers,
        raw: request.rawHeaders, length: body.length, at: Date.now(),
        port: request.socket.remotePort,
        sha256: createHash('sha256').update(body).digest('hex'),
        body: body.length < 4096 ? body.toString() : '',
    });

    if (b.delay) {
        await wait(b.delay);
    }

    if (b.hang) {
        return;
    }

    if (b.close) {
        request.socket.destroy();
        return;
    }

    if (mock.protected) {
        if (key === undefined) {
            mock.bare++;
            response.writeHead(401, { 'Content-Type': 'application/json' });
            response.end('{"error": "no auth token"}\n');
            return;
        }

        if (!(mock.keys[key] > 0) || b.forbid) {
            mock.denied++;
            response.writeHead(b.forbid ?? 403,
                               { 'Content-Type': 'application/json' });
            response.end('{"error": "token is not good"}\n');
            return;
        }

        mock.keys[key]--;
    }

    if (b.status) {
        response.writeHead(b.status, { ...b.headers,
                                       'Content-Type': 'application/json' });
        response.end(b.body ?? `{"error":"${mock.name} ${b.status}"}`);
        return;
    }

    if (b.size) {
        response.writeHead(200, { 'Content-Length': b.size });
        const part = Buffer.alloc(65536, mock.name);
        let left = b.size;
        const more = () => {
            while (left > 0) {
                const n = Math.min(left, part.length);
                left -= n;
                if (!response.write(part.subarray(0, n))) {
                    response.once('drain', more);
                    return;
                }
            }
            response.end();
        };
        more();
        return;
    }

    let answer = { jsonrpc: '2.0', id: null, error: { code: -32700 } };

    try {
        const rpc = JSON.parse(body);
        answer = Array.isArray(rpc)
            ? rpc.map((r) => ({ jsonrpc: '2.0', id: r.id,
                                ...serves(mock, r.method) }))
            : { jsonrpc: '2.0', id: rpc.id, ...serves(mock, rpc.method) };
    } catch {
        // not JSON: what it is
    }

    const text = b.body ?? JSON.stringify(answer);

    if (b.chunked) {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.write(text.slice(0, 5));
        await wait(b.chunked);
        response.end(text.slice(5));
        return;
    }

    response.writeHead(200, { 'Content-Type': 'application/json',
                              'Content-Length': Buffer.byteLength(text),
                              ...b.headers });
    response.end(text);
}

async function handle(mock, request, response) {
    const body = await read(request);

    try {
        if (new URL(request.url, 'http://x').pathname.endsWith('/auth')) {
            await signIn(mock, request, response, body);
        } else {
            await call(mock, request, response, body);
        }
    } catch (e) {
        response.destroy(e);
    }
}

const ops = {

    // name, port, address, tls: { key, cert }; protected
    start({ name, port, address, tls, ...rest }) {
        const mock = mocks[name] = {
            name, signins: [], calls: [], checks: [], keys: {}, bare: 0,
            denied: 0, auth: {}, node: {}, height: 1000, protected: true,
            ...rest,
        };

        const handler = (q, a) => handle(mock, q, a);

        mock.server = tls ? createTlsServer(tls, handler)
                          : createServer(handler);
        mock.server.keepAliveTimeout = 0;

        new WebSocketServer({ server: mock.server }).on('connection',
            (socket) => socket.on('message', (data) => {
                socket.send(`${mock.name} ${data}`);
            }));

        return new Promise((resolve, reject) => {
            mock.server.on('error', reject);
            mock.server.listen(port, address ?? '127.0.0.1',
                               () => resolve(port));
        });
    },

    set({ name, ...rest }) {
        Object.assign(mocks[name], rest);
        return true;
    },

    // all that it saw since the last time
    seen({ name }) {
        const { signins, calls, checks, bare, denied } = mocks[name];
        Object.assign(mocks[name], { signins: [], calls: [], checks: [],
                                     bare: 0, denied: 0 });
        return { signins, calls, checks, bare, denied };
    },

    forget({ names }) {
        for (const name of names) {
            Object.assign(mocks[name], { signins: [], calls: [],
                                         checks: [] });
        }
        return true;
    },

    // counts only, and nothing is forgotten
    count({ name }) {
        const { signins, calls, checks, bare, denied } = mocks[name];
        return { signins: signins.length, calls: calls.length,
                 checks: checks.length, bare, denied };
    },

    revoke({ name }) {
        mocks[name].keys = {};
        return true;
    },

    stop({ name }) {
        return new Promise((resolve) => {
            mocks[name].server.close(() => resolve(true));
            mocks[name].server.closeAllConnections();
        });
    },

    again({ name, port, address }) {
        return new Promise((resolve, reject) => {
            const { server } = mocks[name];
            server.once('error', reject);
            server.listen(port, address ?? '127.0.0.1', () => {
                server.removeListener('error', reject);
                resolve(port);
            });
        });
    },

    // many requests at once
    async fetch({ url, n, headers, body }) {
        const all = [];

        for (let i = 0; i < n; i++) {
            all.push(fetch(url, { method: 'POST', body, headers })
                .then(async (r) => ({ status: r.status,
                                      body: await r.text() }))
                .catch((e) => ({ status: 0, body: String(e) })));
        }

        return Promise.all(all);
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { op, ...rest } = JSON.parse(line);
    let answer;

    try {
        answer = { ok: await ops[op](rest) };
    } catch (e) {
        answer = { failed: String(e) };
    }

    process.stdout.write(JSON.stringify(answer) + '\n');
}

process.exit(0);
