// Who makes claims, with the libraries that people use: delegations of UCAN
// 1.0 by iso-ucan, and a content-claims service, whose tokens are UCAN 0.9,
// by its own packages.  One JSON object a line, in and out.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { decode, encode } from '@ipld/dag-cbor';
import * as Client from '@ucanto/client';
import * as Core from '@ucanto/core';
import { Absentee, ed25519 } from '@ucanto/principal';
import { CAR, HTTP } from '@ucanto/transport';
import { Assert } from '@web3-storage/content-claims/capability';
import * as Reader from '@web3-storage/content-claims/client';
import * as Service from '@web3-storage/content-claims/server';
import { CARWriterStream } from 'carstream';
import { ECDSASigner } from 'iso-signatures/signers/ecdsa.js';
import { EdDSASigner } from 'iso-signatures/signers/eddsa.js';
import { ES256KSigner } from 'iso-signatures/signers/es256k.js';
import { RSASigner } from 'iso-signatures/signers/rsa.js';
import { Delegation } from 'iso-ucan/delegation';
import { base58btc } from 'multiformats/bases/base58';
import { CID } from 'multiformats/cid';
import * as Digest from 'multiformats/hashes/digest';
import { sha256 } from 'multiformats/hashes/sha2';

const signers = {};             // by name, of 1.0
const principals = {};          // by name, of 0.9
const stored = new Map();       // claims of the service, by multihash
const servers = {};

let asked = 0;                  // times, for claims
let mode = {};                  // how the service misbehaves

const kinds = {
    'Ed25519': () => EdDSASigner.generate(),
    'secp256k1': () => ES256KSigner.generate(),
    'P-256': () => ECDSASigner.generate('P-256'),
    'P-384': () => ECDSASigner.generate('P-384'),
    'RSA': () => RSASigner.generate(),
};

// as people write it: base64 standard, url, and gzip of them
const forms = {
    raw: (cbor) => Buffer.concat([Buffer.from('@'), cbor]),
    base64: (cbor) => Buffer.from('B' + cbor.toString('base64')),
    base64url: (cbor) => Buffer.from('C' + cbor.toString('base64url')),
};

function multihash(cid) {
    return CID.parse(cid).multihash;
}

async function principal(name, did) {
    principals[name] ??= await ed25519.generate();
    return did ? principals[name].withDID(did) : principals[name];
}

function put(content, delegation, bytes) {
    const key = base58btc.encode(content.bytes);
    const claims = stored.get(key) ?? [];

    stored.set(key, [...claims, { claim: delegation.cid, bytes, content }]);
}

const store = {
    async put(claim) {
        put(claim.content, { cid: claim.claim }, claim.bytes);
    },
    async get(content) {
        return stored.get(base58btc.encode(content.bytes)) ?? [];
    },
};

async function read(stream) {
    const parts = [];
    for await (const part of stream) {
        parts.push(part);
    }
    return Buffer.concat(parts);
}

// what the service says about a content: a CAR, however bad

async function answer(path) {
    const digest = Digest.decode(base58btc.decode(path.split('/').at(-1)));

    asked++;

    if (mode.body) {
        return Buffer.from(mode.body, 'base64');
    }
    if (mode.large) {
        return Buffer.alloc(mode.large);
    }
    // as the service does: a header alone is an empty answer
    if (!stored.has(base58btc.encode(digest.bytes))) {
        return Buffer.from('11a265726f6f7473806776657273696f6e01', 'hex');
    }

    const car = await read(Service.walkClaims({ claimFetcher: store }, digest,
                                              new Set())
                           .pipeThrough(new CARWriterStream()));

    if (mode.flip) {
        car[car.length - mode.flip] ^= 1;
    }
    return car;
}

async function serve(server, request, response) {
    if (request.method === 'POST') {
        const { status, headers, body } = await server.request({
            headers: request.headers, body: await read(request),
        });
        response.writeHead(status ?? 200, headers);
        return response.end(body);
    }

    const body = await answer(request.url);

    if (mode.delay) {
        await new Promise((resolve) => setTimeout(resolve, mode.delay));
    }
    response.writeHead(mode.status ?? 200, {
        'Content-Type': 'application/vnd.ipld.car; version=1;',
        ...mode.headers,
    });
    response.end(body);
}

const ops = {

    // --- UCAN 1.0

    async signer({ name, kind }) {
        signers[name] ??= await kinds[kind]();
        return signers[name].did;
    },

    async delegate({ by, cid, pol = [], exp = null, ...fields }) {
        const signer = signers[by];
        const statement = cid ? [['==', '.content', multihash(cid).bytes]]
              : [];
        const made = await Delegation.create({
            iss: signer, sub: signer.did, cmd: '/assert/location',
            ...fields, exp, pol: [...statement, ...pol],
        });

        return {
            token: Buffer.from(made.bytes).toString('base64'),
            cid: made.cid.toString(),
        };
    },

    async post({ url, tokens, form }) {
        const bytes = tokens.map((token) => Buffer.from(token, 'base64'));
        const response = await fetch(url, {
            method: 'POST',
            body: form ? forms[form](Buffer.from(encode({
                'ctn-v1': bytes.sort(Buffer.compare),
            }))) : bytes[0],
        });

        return { status: response.status, answer: await response.json() };
    },

    // what is in a container

    container({ bytes }) {
        const all = Buffer.from(bytes, 'base64');

        return decode(all.subarray(1))['ctn-v1'].map((token) => {
            const [signature, signed] = decode(token);
            const payload = signed['ucan/dlg@1.0.0'];

            return {
                ...payload, signature: signature.length,
                nonce: payload.nonce.length,
                pol: JSON.stringify(payload.pol),
            };
        });
    },

    // --- UCAN 0.9

    async did({ name }) {
        return (await principal(name)).did();
    },

    async service({ port, did }) {
        const server = Service.createServer({
            id: await principal('service', did),
            codec: CAR.inbound,
            claimStore: store,
            validateAuthorization: () => ({ ok: {} }),
        });

        servers[port] = createServer((request, response) => {
            serve(server, request, response).catch((error) => {
                response.destroy(error);
            });
        });
        await new Promise((resolve) => {
            servers[port].listen(port, '127.0.0.1', resolve);
        });

        return port;
    },

    // published as the package's client does

    async publish({ port, by, as, did, cid, urls, space }) {
        const connection = Client.connect({
            id: { did: () => did },
            codec: CAR.outbound,
            channel: HTTP.open({ url: new URL(`http://127.0.0.1:${port}/`) }),
        });
        const issuer = await principal(by, as);
        const { out } = await Assert.location.invoke({
            issuer, audience: { did: () => did }, with: issuer.did(),
            nb: {
                content: { digest: multihash(cid).bytes }, location: urls,
                ...(space ? {
                    space: Core.DID.parse((await principal(space)).did()),
                } : {}),
            },
            expiration: Math.floor(Date.now() / 1000) + 3600,
        }).execute(connection);

        return out.error ? { error: out.error.message } : { ok: true };
    },

    // what its client reads

    async read({ port, cid }) {
        const claims = await Reader.read(multihash(cid), {
            serviceURL: new URL(`http://127.0.0.1:${port}`),
        });
        return claims.map((claim) => claim.type);
    },

    // A commitment, by `by` in the name of `as`, to `to`, and from there on
    // to each of `on`; stored as the service would have it.

    async commit({ by, as, to, on = [], cid, about, urls, exp, last, break: b,
                   can = 'assert/location' }) {
        const ends = exp === 'never' ? Infinity
            : exp ?? Math.floor(Date.now() / 1000) + 3600;
        let issuer = b === 'absent' ? Absentee.from({ id: as })
            : await principal(by, as);
        const resource = issuer.did();
        const proofs = [];
        let made;

        for (const name of [to, ...on]) {
            const audience = name.startsWith('did:') ? { did: () => name }
                  : await principal(name);

            made = await Core.delegate({
                issuer, audience,
                capabilities: [{
                    can, with: resource,
                    nb: {
                        content: { digest: multihash(about ?? cid).bytes },
                        location: urls,
                    },
                }],
                proofs: proofs.slice(-1).map((p) => b === 'linked' ? p.cid
                                             : p),
                expiration: ends,
            });
            proofs.push(made);

            if (!name.startsWith('did:')) {
                issuer = await principal(b === 'stranger' ? 'mallory' : name);
            }
        }

        const { ok } = await made.archive();

        if (last) {
            ok[ok.length - last] ^= 1;
        }

        put(multihash(cid), made, ok);
        return made.cid.toString();
    },

    async forget({ cid }) {
        stored.delete(base58btc.encode(multihash(cid).bytes));
    },

    misbehave({ how }) {
        mode = how;
    },

    asked() {
        return asked;
    },

    async cid({ text }) {
        const digest = await sha256.digest(Buffer.from(text));
        return CID.createV1(0x55, digest).toString();
    },

    multihash({ cid }) {
        return base58btc.encode(multihash(cid).bytes);
    },

    // a request of the bridge's own, with any method and path

    async get({ port, path, method = 'GET' }) {
        const response = await fetch(`http://127.0.0.1:${port}${path}`,
                                     { method });
        return {
            status: response.status,
            headers: Object.fromEntries(response.headers),
            body: Buffer.from(await response.arrayBuffer())
                .toString('base64'),
        };
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { op, ...rest } = JSON.parse(line);
    let answer;

    try {
        answer = { ok: await ops[op](rest) ?? null };
    } catch (e) {
        answer = { failed: String(e.stack ?? e) };
    }

    process.stdout.write(JSON.stringify(answer) + '\n');
}

process.exit(0);
