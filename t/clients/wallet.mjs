// The other side of t/lib/Wgw/Auth.pm: wallets, tokens and a backend, each by
// the library that people use.  One JSON object a line, in and out.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { connect } from 'node:http2';
import { createInterface } from 'node:readline';

import { Wallet, concat, keccak256, toUtf8Bytes } from 'ethers';
import * as jose from 'jose';
import { SiweMessage } from 'siwe';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { createSiweMessage } from 'viem/siwe';
import { WebSocket, WebSocketServer } from 'ws';

const N = BigInt('0xffffffffffffffffffffffffffffffff'
                 + 'baaedce6af48a03bbfd25e8cd0364141');

const ops = {

    wallet() {
        const key = generatePrivateKey();
        return { key, address: privateKeyToAccount(key).address };
    },

    async sign({ by, key, text }) {
        return by === 'ethers'
            ? new Wallet(key).signMessage(text)
            : privateKeyToAccount(key).signMessage({ message: text });
    },

    // what no wallet does: another prefix, or none
    async signHash({ key, prefix, text }) {
        const hash = keccak256(concat([toUtf8Bytes(prefix),
                                       toUtf8Bytes(text)]));
        return new Wallet(key).signingKey.sign(hash).serialized;
    },

    twin({ sig }) {
        const s = N - BigInt('0x' + sig.slice(66, 130));
        const v = sig.slice(130) === '1b' ? '1c' : '1b';
        return sig.slice(0, 66) + s.toString(16).padStart(64, '0') + v;
    },

    message({ by, fields }) {
        const f = { ...fields };

        if (by === 'siwe') {
            return new SiweMessage(f).prepareMessage();
        }

        for (const name of ['issuedAt', 'expirationTime', 'notBefore']) {
            if (f[name]) {
                f[name] = new Date(f[name]);
            }
        }

        return createSiweMessage(f);
    },

    async mint({ alg, secret, header, payload, crit }) {
        const { privateKey } = alg === 'RS256'
            ? await jose.generateKeyPair('RS256') : {};
        const key = privateKey || new TextEncoder().encode(secret);

        return new jose.CompactSign(new TextEncoder().encode(payload))
            .setProtectedHeader({ alg, typ: 'JWT', ...header })
            .sign(key, crit ? { crit } : undefined);
    },

    none({ claims }) {
        return new jose.UnsecuredJWT(claims).encode();
    },

    async verify({ token, secret }) {
        const { payload, protectedHeader } = await jose.jwtVerify(token,
            new TextEncoder().encode(secret), { algorithms: ['HS256'] });
        return { payload, header: protectedHeader };
    },

    // requests at once; each is [url, options]
    async fetch({ requests }) {
        return Promise.all(requests.map(async ([url, options]) => {
            const reply = await fetch(url, options);
            return { status: reply.status, body: await reply.text() };
        }));
    },

    // the status; curl of Debian 12 fails when it comes before its body went
    http2({ url, headers, body }) {
        return new Promise((resolve) => {
            const session = connect(url);
            const stream = session.request(headers);
            session.on('error', (e) => resolve(e.message));
            stream.on('error', () => {});
            stream.on('close', () => session.close());
            stream.on('response', (h) => resolve(h[':status']));
            stream.resume();
            stream.end(body);
        });
    },

    websocket({ url, headers }) {
        return new Promise((resolve) => {
            const socket = new WebSocket(url, { headers });
            socket.on('unexpected-response', (_, r) => {
                resolve({ status: r.statusCode });
                r.destroy();
            });
            socket.on('error', (e) => resolve({ error: e.message }));
            socket.on('open', () => socket.send('ping'));
            socket.on('message', (data) => {
                resolve({ status: 101, data: data.toString() });
                socket.close();
            });
        });
    },

    // tells what it got; echoes on WebSockets
    backend({ port }) {
        const server = createServer((request, response) => {
            const body = [];
            request.on('data', (data) => body.push(data));
            request.on('end', () => {
                const all = Buffer.concat(body);
                response.setHeader('Content-Type', 'application/json');
                response.end(JSON.stringify({
                    method: request.method, url: request.url,
                    headers: request.headers, length: all.length,
                    body: all.length < 4096 ? all.toString() : '',
                    sha256: createHash('sha256').update(all).digest('hex'),
                }));
            });
        });

        new WebSocketServer({ server }).on('connection', (socket, request) => {
            socket.on('message', (data) => {
                socket.send(`${data} ${'x-api-key' in request.headers}`);
            });
        });

        return new Promise((resolve) => {
            server.listen(port, '127.0.0.1', () => resolve(port));
        });
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
