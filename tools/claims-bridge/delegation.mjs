// delegation: makes UCAN delegations 1.0, and containers of them.

import { createHash, createPrivateKey, createPublicKey, sign }
    from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

import { encode } from '@ipld/dag-cbor';
import { base58btc } from 'multiformats/bases/base58';

// a key of Ed25519 in PKCS #8, all but the seed
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

// Ed25519, SHA-512, DAG-CBOR
const VARSIG = Uint8Array.of(0x34, 0x01, 0xed, 0x01, 0xed, 0x01, 0x13, 0x71);

const TAG = 'ucan/dlg@1.0.0';
const COMMAND = '/assert/location';

export class KeyError extends Error {
    name = 'KeyError';
}

// Of a file that nobody else may read.  Its text is never part of an error.

export function openKey(path) {
    const text = readSecret(path);

    if (!/^[0-9a-f]{64}\r?\n?$/i.test(text)) {
        throw new KeyError(`${path} is not 64 hexadecimal digits`);
    }

    const secret = createPrivateKey({
        key: Buffer.concat([PKCS8, Buffer.from(text.slice(0, 64), 'hex')]),
        format: 'der', type: 'pkcs8',
    });
    const raw = createPublicKey(secret)
          .export({ format: 'der', type: 'spki' }).subarray(-32);

    return {
        did: 'did:key:' + base58btc.encode(
            Uint8Array.of(0xed, 0x01, ...raw)),
        sign: (bytes) => new Uint8Array(sign(null, bytes, secret)),
    };
}

function readSecret(path) {
    let fd;

    try {
        // no FIFO may make it wait
        fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
        throw new KeyError(`${path}: ${error.code}`);
    }

    try {
        const stat = fstatSync(fd);

        if (!stat.isFile()) {
            throw new KeyError(`${path} is no file`);
        }
        if (stat.mode & 0o077) {
            throw new KeyError(`${path} may be read by others: chmod 600`);
        }

        const buffer = Buffer.alloc(68);
        return buffer.toString('latin1', 0, readSync(fd, buffer));
    } finally {
        closeSync(fd);
    }
}

// The same fields make the same bytes: what is issued again is no other
// token, and what was counted for it still counts.

export function delegate(key, { iss, aud, sub, pol, exp, claim, part }) {
    const nonce = createHash('sha256').update(`${claim} ${part}`).digest();
    const signed = {
        h: VARSIG,
        [TAG]: {
            iss, aud, sub, pol, exp, cmd: COMMAND,
            nonce: new Uint8Array(nonce.subarray(0, 12)),
            meta: { claim },
        },
    };

    return encode([key.sign(encode(signed)), signed]);
}

// ctn-v1, raw: in order, none twice.

export function container(tokens) {
    const sorted = tokens.map((token) => Buffer.from(token))
          .sort(Buffer.compare)
          .filter((token, i, all) => i === 0 || !token.equals(all[i - 1]));

    return Buffer.concat([Buffer.from('@'), encode({ 'ctn-v1': sorted })]);
}
