#!/usr/bin/env node
// claims-bridge: answers a gateway's look-ups (wgw_content lookup=) from a
// content-claims service whose tokens are UCAN 0.9; see usage below and
// docs/claims.md.

import { chmodSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';

import { openKey } from './delegation.mjs';
import { Lookups } from './lookups.mjs';
import { parseMultihash } from './service.mjs';

const usage = `usage: claims-bridge --service URL --key FILE --gateway DID
                     --node DID [...] [OPTION ...]

Answers GET /claims/multihash/MULTIHASH: asks a content-claims service for
the location claims about a content, verifies them, and issues delegations
of UCAN 1.0 that say the same, in a container, for a gateway that trusts
this key (wgw_claims ... subject=DID, where DID is what --print-did prints).

  --service URL        the content-claims service
  --service-did DID    its name (did:web:claims.web3.storage)
  --key FILE           64 hexadecimal digits, which only their owner may
                       read; as of tools/claim key
  --gateway DID        whom payers delegate to
  --node DID           whose commitments count; several
  --did DID=DID:KEY    a did:key for a DID that is none; several
  --payer DID=NAME     who has delegated a commitment to the gateway pays
                       under this name, a did:web that the gateway knows
                       by this key (wgw_claims_did NAME KEY); several
  --listen ADDRESS     127.0.0.1:PORT, [::1]:PORT or unix:PATH
                       (127.0.0.1:8647)
  --any-url            leave out from where a content is committed
  --life SECONDS       of what is issued, at least; at most twice (3600)
  --fresh SECONDS      that an answer is kept (60)
  --keep BYTES         of answers that are kept, at most (67108864)
  --timeout SECONDS    for the service to answer (8)
  --answer BYTES       of the service, at most (1048576)
  --claims N           of an answer, at most (64)
  --asks N             under way at once; more are told 503 (32)
  --print-did          say whose key it is, and end
  --help
`;

const options = {
    'service': { type: 'string' },
    'service-did': { type: 'string', default: 'did:web:claims.web3.storage' },
    'key': { type: 'string' },
    'gateway': { type: 'string' },
    'node': { type: 'string', multiple: true, default: [] },
    'did': { type: 'string', multiple: true, default: [] },
    'payer': { type: 'string', multiple: true, default: [] },
    'listen': { type: 'string', default: '127.0.0.1:8647' },
    'any-url': { type: 'boolean', default: false },
    'life': { type: 'string', default: '3600' },
    'fresh': { type: 'string', default: '60' },
    'keep': { type: 'string', default: '67108864' },
    'timeout': { type: 'string', default: '8' },
    'answer': { type: 'string', default: '1048576' },
    'claims': { type: 'string', default: '64' },
    'asks': { type: 'string', default: '32' },
    'print-did': { type: 'boolean', default: false },
    'help': { type: 'boolean', default: false },
};

// smallest and largest
const ranges = {
    life: [60, 86400 * 30], fresh: [0, 86400], keep: [0, 2 ** 34],
    timeout: [1, 600], answer: [1024, 2 ** 26], claims: [1, 128],
    asks: [1, 1024],
};

class Wrong extends Error {}

function say(text) {
    process.stderr.write(`claims-bridge: ${text}\n`);
}

function checkDid(text, option) {
    if (!/^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$/.test(text)) {
        throw new Wrong(`--${option}: "${text}" is no DID`);
    }
    return text;
}

// DID=DID, several

function pairs(values, option) {
    const map = new Map();

    for (const value of values) {
        const [name, other, more] = value.split('=');
        checkDid(name, option);
        checkDid(other ?? '', option);
        if (more !== undefined) {
            throw new Wrong(`--${option}: "${value}" is no DID=DID`);
        }
        map.set(name, [...(map.get(name) ?? []), other]);
    }

    return map;
}

function numbers(values) {
    const result = {};

    for (const [name, [low, high]] of Object.entries(ranges)) {
        const n = Number(values[name]);
        if (!/^\d+$/.test(values[name]) || n < low || n > high) {
            throw new Wrong(`--${name} must be from ${low} to ${high}`);
        }
        result[name] = n;
    }

    return result;
}

function parseService(text) {
    let url;

    try {
        url = new URL(text);
    } catch {
        throw new Wrong(`--service: "${text}" is no URL`);
    }
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
        throw new Wrong('--service must be an http or https URL');
    }

    return url;
}

function parseListen(text) {
    if (text.startsWith('unix:') && text.length > 5) {
        return { path: text.slice(5) };
    }

    const match = /^(127(?:\.\d{1,3}){3}|\[::1\]):(\d{1,5})$/.exec(text);

    if (!match || Number(match[2]) > 65535) {
        throw new Wrong('--listen must be a loopback address and a port, or '
                        + 'unix:PATH');
    }

    return { host: match[1].replace(/[[\]]/g, ''), port: Number(match[2]) };
}

function configure(argv) {
    const { values } = parseArgs({ args: argv, options });

    if (values.help) {
        process.stdout.write(usage);
        process.exit(0);
    }

    for (const name of ['key', ...(values['print-did'] ? []
                                   : ['service', 'gateway'])]) {
        if (!values[name]) {
            throw new Wrong(`--${name} is missing`);
        }
    }

    const key = openKey(values.key);

    if (values['print-did']) {
        process.stdout.write(key.did + '\n');
        process.exit(0);
    }
    if (!values.node.length) {
        throw new Wrong('--node is missing');
    }

    const payers = pairs(values.payer, 'payer');
    for (const [did, names] of payers) {
        if (names.length > 1 || !names[0].startsWith('did:web:')) {
            throw new Wrong(`--payer: "${did}" needs one did:web as its name`);
        }
    }

    return {
        key, payers, ...numbers(values),
        service: parseService(values.service),
        serviceDid: checkDid(values['service-did'], 'service-did'),
        gateway: checkDid(values.gateway, 'gateway'),
        nodes: new Set(values.node.map((did) => checkDid(did, 'node'))),
        dids: pairs(values.did, 'did'),
        listen: parseListen(values.listen),
        anyUrl: values['any-url'],
    };
}


// --- HTTP

function reply(response, status, body = '', headers = {}) {
    response.writeHead(status, {
        'Content-Type': 'text/plain', 'Content-Length': body.length,
        'Cache-Control': 'no-store', ...headers,
    });
    response.end(body);
}

async function handle(lookups, request, response) {
    const match = /^\/claims\/multihash\/([^/?]{1,200})(?:\?.*)?$/
        .exec(request.url);

    if (!match) {
        return reply(response, 404, 'no such page\n');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
        return reply(response, 405, 'ask by GET\n', { Allow: 'GET, HEAD' });
    }

    const multihash = parseMultihash(match[1]);

    if (!multihash) {
        return reply(response, 400, 'no multihash in base58btc\n');
    }

    const found = await lookups.find(multihash);

    if (found.container) {
        return reply(response, 200, found.container,
                     { 'Content-Type': 'application/octet-stream' });
    }

    return reply(response, found.status, found.why + '\n',
                 found.status === 503 ? { 'Retry-After': '1' } : {});
}

// one that nobody listens at any more is in the way

function clear(path) {
    return new Promise((resolve, reject) => {
        if (!statSync(path, { throwIfNoEntry: false })?.isSocket()) {
            return resolve();
        }
        const socket = connect(path);
        socket.on('connect', () => {
            socket.destroy();
            reject(new Wrong(`${path} is in use`));
        });
        socket.on('error', () => {
            rmSync(path, { force: true });
            resolve();
        });
    });
}

async function main() {
    const conf = configure(process.argv.slice(2));
    const lookups = new Lookups(conf, say);
    const server = createServer({ maxHeaderSize: 8192 },
                                (request, response) => {
        handle(lookups, request, response).catch((error) => {
            say(`${error.stack}`);
            if (!response.headersSent) {
                reply(response, 500, 'see the log\n');
            } else {
                response.destroy();
            }
        });
    });

    server.headersTimeout = 10000;
    server.requestTimeout = 10000;
    server.keepAliveTimeout = 75000;
    server.maxConnections = 1024;

    const { path, host, port } = conf.listen;
    if (path) {
        await clear(path);
    }

    server.on('error', (error) => {
        say(error.message);
        process.exit(1);
    });
    server.listen(conf.listen, () => {
        if (path) {
            chmodSync(path, 0o660);
        }
        say(`answers at ${path ?? `${host}:${port}`} as ${conf.key.did}`);
    });

    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
        process.on(signal, () => {
            server.close(() => process.exit(0));
            server.closeIdleConnections();
            setTimeout(() => process.exit(0), 1000 * conf.timeout).unref();
        });
    }
}

main().catch((error) => {
    const usual = error instanceof Wrong || error.name === 'KeyError'
          || error.code?.startsWith('ERR_PARSE_ARGS');
    say(usual ? error.message : error.stack);
    process.exit(2);
});
