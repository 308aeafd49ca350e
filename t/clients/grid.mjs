// What the chain's own libraries say of keys, signatures and extrinsics.  One
// JSON object a line, in and out.

import { createInterface } from 'node:readline';

import { Keyring } from '@polkadot/keyring';
import { Metadata, TypeRegistry } from '@polkadot/types';
import * as real from '@polkadot/types-support/metadata/v14/polkadot-hex';
import { hexToU8a, u8aToHex } from '@polkadot/util';
import { cryptoWaitReady, signatureVerify } from '@polkadot/util-crypto';

function pairOf({ phrase, kind }) {
    return new Keyring({ type: kind, ss58Format: 42 }).addFromUri(phrase);
}

function registryOf(metadata) {
    const registry = new TypeRegistry();

    registry.setMetadata(new Metadata(registry, metadata));

    return registry;
}

function optionsOf(registry, { genesis, spec, transaction, nonce }) {
    return {
        blockHash: genesis,
        era: registry.createType('ExtrinsicEra'),
        genesisHash: genesis,
        nonce,
        runtimeVersion: { specVersion: spec, transactionVersion: transaction },
        signedExtensions: registry.signedExtensions,
        tip: 0,
    };
}

const operations = {
    identity(arguments_) {
        const pair = pairOf(arguments_);

        return {
            address: pair.address,
            key: u8aToHex(pair.publicKey),
            signature: u8aToHex(pair.sign(arguments_.message)),
        };
    },

    verify({ address, message, signature }) {
        return signatureVerify(message, signature, address).isValid;
    },

    // an extrinsic, taken apart and made again with the same account
    extrinsic(arguments_) {
        const { metadata, bytes } = arguments_;
        const registry = registryOf(metadata);
        const given = registry.createType('Extrinsic', hexToU8a(bytes));
        const options = optionsOf(registry, {
            ...arguments_, nonce: given.nonce.toNumber(),
        });
        const payload = registry.createType('ExtrinsicPayload', {
            ...options, method: given.method.toHex(),
            specVersion: options.runtimeVersion.specVersion,
            transactionVersion: options.runtimeVersion.transactionVersion,
        }, { version: 4 });
        const made = registry.createType('Extrinsic', given.method);

        made.sign(pairOf(arguments_), options);

        const raw = payload.toU8a({ method: true });
        const signed = raw.length > 256 ? registry.hash(raw) : raw;

        return {
            call: `${given.method.section}.${given.method.method}`,
            arguments: given.method.args.map((one) => one.toJSON()),
            nonce: given.nonce.toNumber(),
            signer: given.signer.toString(),
            valid: signatureVerify(signed, given.signature,
                                   given.signer.toString()).isValid,
            same: u8aToHex(made.toU8a()) === bytes,
        };
    },

    metadata() {
        return real.default;
    },
};

await cryptoWaitReady();

for await (const line of createInterface({ input: process.stdin })) {
    const { op, ...rest } = JSON.parse(line);
    let answer;

    try {
        answer = { ok: await operations[op](rest) };
    } catch (error) {
        answer = { failed: String(error.stack ?? error) };
    }

    console.log(JSON.stringify(answer));
}
