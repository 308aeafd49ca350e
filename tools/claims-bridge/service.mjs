// service: asks a content-claims service about a content, and verifies what
// it says.  Tokens are UCAN 0.9, in CARs within a CAR.

import { CAR } from '@ucanto/core';
import { extract } from '@ucanto/core/delegation';
import { Verifier } from '@ucanto/principal';
import { claim as verify } from '@ucanto/validator';
import { location } from '@web3-storage/content-claims/capability/assert';
import { base58btc } from 'multiformats/bases/base58';
import { equals } from 'multiformats/bytes';
import * as Digest from 'multiformats/hashes/digest';
import { sha256 } from 'multiformats/hashes/sha2';

const URLS = 8, URL_BYTES = 1024;      // a token has 16 KB, at most
const LEFT = 4;                 // that a line of the log tells of
const CHAIN = 8;                // tokens, as the gateway takes them

export class ServiceError extends Error {

    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

class Left extends Error {}

// What came from elsewhere, for a line of the log.

function quote(value) {
    return JSON.stringify(String(value).slice(0, 200));
}

export function parseMultihash(text) {
    try {
        const bytes = base58btc.decode(text);

        // it throws for what is longer or shorter than it says
        return Digest.decode(bytes).size <= 64 ? { text, bytes } : null;
    } catch {
        return null;
    }
}

// { claims: [{ cid, payer, name, urls, ends }], left: [why] }

export async function ask(conf, multihash) {
    const claims = [], left = [];

    for (const archive of await fetchArchives(conf, multihash)) {
        try {
            claims.push(await judge(conf, multihash, archive));
        } catch (error) {
            if (left.length < LEFT) {
                left.push(error instanceof Left ? error.message
                          : quote(error.message));
            } else if (left.length === LEFT) {
                left.push('and others');
            }
        }
    }

    return { claims, left };
}


// --- the service

async function fetchArchives(conf, multihash) {
    const url = new URL(conf.service);
    let response, bytes;

    url.pathname = url.pathname.replace(/\/*$/, '/claims/multihash/'
                                        + multihash.text);

    try {
        response = await fetch(url, {
            redirect: 'error',
            signal: AbortSignal.timeout(1000 * conf.timeout),
        });

        if (response.status === 404) {
            await response.body?.cancel();
            return [];
        }
        if (response.status !== 200) {
            await response.body?.cancel();
            throw new ServiceError(502, `the service says ${response.status}`);
        }

        bytes = await read(response, conf.answer);

    } catch (error) {
        if (error instanceof ServiceError) {
            throw error;
        }
        if (error.name === 'TimeoutError') {
            throw new ServiceError(504, 'the service is too slow');
        }
        throw new ServiceError(502, 'the service cannot be asked: '
                               + quote(error.cause?.message
                                       ?? error.message));
    }

    return unpack(bytes, conf.claims);
}

async function read(response, limit) {
    const parts = [];
    let size = 0;

    for await (const part of response.body ?? []) {
        size += part.length;
        if (size > limit) {
            throw new ServiceError(502, 'the service\'s answer is too large');
        }
        parts.push(part);
    }

    return Buffer.concat(parts);
}

// A CAR without roots, of a block for each claim; hashes are ours to check.

async function unpack(bytes, limit) {
    let blocks;

    try {
        blocks = [...CAR.decode(bytes).blocks.values()];
    } catch (error) {
        throw new ServiceError(502, `the service's answer is no CAR: ${
            quote(error.message)}`);
    }

    return blocks.slice(0, limit);
}


// --- claims

async function check({ cid, bytes }) {
    const { code, digest } = cid.multihash;

    if (code === 0 ? !equals(digest, bytes)
        : code !== sha256.code
          || !equals((await sha256.digest(bytes)).digest, digest))
    {
        throw new Left('a block is not what its CID says');
    }
}

async function judge(conf, multihash, block) {
    await check(block);

    for (const inner of CAR.decode(block.bytes).blocks.values()) {
        await check(inner);
    }

    const { ok: delegation, error } = await extract(block.bytes);

    if (error) {
        throw new Left(quote(error.message));
    }

    // others claim other things
    if (!delegation.capabilities.some((c) => c.can === location.can)) {
        throw new Left('no location');
    }

    const result = await verify(location, [delegation], {
        authority: Verifier.parse(conf.key.did),
        principal: Verifier,
        // nobody tells of revocations: what is issued lives for --life
        validateAuthorization: () => ({ ok: {} }),
        resolveDIDKey: (did) => conf.dids.has(did)
            ? { ok: conf.dids.get(did) }
            : { error: new Left(`no --did for ${quote(did)}`) },
    });

    if (result.error) {
        throw new Left(quote(result.error.message.replace(/\s+/g, ' ')));
    }

    return describe(conf, multihash, result.ok);
}

function chainOf(authorization) {
    const chain = [];

    for (let a = authorization; a; [a] = a.proofs) {
        chain.unshift(a.delegation);
        if (chain.length > CHAIN) {
            throw new Left('the chain is too long');
        }
    }

    return chain;
}

function describe(conf, multihash, authorization) {
    const chain = chainOf(authorization);
    const [root] = chain, leaf = chain.at(-1);
    const { nb } = authorization.capability;
    const content = 'digest' in nb.content ? nb.content.digest
          : nb.content.multihash.bytes;

    if (!equals(content, multihash.bytes)) {
        throw new Left('another content');
    }

    const node = root.issuer.did();

    if (!conf.nodes.has(node)) {
        throw new Left(`no --node: ${quote(node)}`);
    }

    const payer = payerOf(conf, root, nb);
    const delegated = leaf !== root && leaf.audience.did() === conf.gateway;

    if (nb.location.length < 1 || nb.location.length > URLS
        || nb.location.some((url) => url.length > URL_BYTES))
    {
        throw new Left('no or too many locations');
    }

    return {
        cid: leaf.cid.toString(), payer, urls: nb.location,
        name: delegated ? conf.payers.get(payer)?.[0] : undefined,
        ends: Math.min(...chain.map((d) => d.expiration)),
    };
}

// Whom it is committed to; or, where a node told it to the service itself,
// the space that it is for.

function payerOf(conf, root, nb) {
    const aud = root.audience.did();
    const payer = aud === conf.serviceDid ? nb.space?.did() : aud;

    if (!payer) {
        throw new Left('nobody to pay: no space');
    }
    if (payer === conf.gateway || payer === conf.key.did) {
        throw new Left(`${quote(payer)} cannot pay`);
    }

    return payer;
}
