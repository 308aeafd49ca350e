// The published grid_client, unchanged, at a gateway of ours: one JSON object
// a line, in and out.
//
//     node client.mjs REDIS-PORT CHAIN-FILE
//
// What is not the client's own: the chain, which is the gateway's file; and
// RMB, of which this is the peer, as strict as rmb-peer is.

import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import readline from 'node:readline';

const require = createRequire(import.meta.url);

// by its path: a package's exports hide what it does not mean to be used alone
const dist = new URL('node_modules/@threefold/grid_client/dist/node/',
                     import.meta.url).pathname;
const { TwinDeploymentHandler } =
    require(dist + 'high_level/twinDeploymentHandler.js');
const { GatewayHL } = require(dist + 'high_level/gateway.js');
const { TwinDeployment, Operations } = require(dist + 'high_level/models.js');

const [ port, file ] = process.argv.slice(2);
const twin = 7341, node = 11;


// ---- Redis, and rmb-peer

class Redis {
    constructor() {
        this.waiting = [];
        this.buffer = Buffer.alloc(0);
        this.socket = net.connect(Number(port), '127.0.0.1');
        this.socket.on('data', data => {
            this.buffer = Buffer.concat([ this.buffer, data ]);

            for (let r; (r = parse(this.buffer, 0)); ) {
                this.buffer = this.buffer.subarray(r.end);
                this.waiting.shift()(r.value);
            }
        });
    }

    call(...words) {
        this.socket.write('*' + words.length + '\r\n' + words.map(w =>
            `$${Buffer.byteLength(String(w))}\r\n${w}\r\n`).join(''));

        return new Promise(resolve => this.waiting.push(resolve));
    }
}


function parse(buffer, at) {
    const end = buffer.indexOf('\r\n', at);

    if (end < 0) return null;

    const kind = String.fromCharCode(buffer[at]);
    const rest = buffer.toString('utf8', at + 1, end);

    if (kind !== '$' && kind !== '*') return { value: rest, end: end + 2 };
    if (Number(rest) < 0) return { value: null, end: end + 2 };

    if (kind === '$') {
        const stop = end + 2 + Number(rest);

        return buffer.length < stop + 2 ? null
            : { value: buffer.toString('utf8', end + 2, stop), end: stop + 2 };
    }

    const value = [];
    let next = end + 2;

    for (let i = 0; i < Number(rest); i++) {
        const r = parse(buffer, next);

        if (!r) return null;
        value.push(r.value);
        next = r.end;
    }

    return { value, end: next };
}


const redis = new Redis(), replies = new Redis(), asked = new Map();

async function peer() {
    for (;;) {
        const popped = await replies.call('BRPOP', 'msgbus.system.reply', 0);
        const reply = JSON.parse(popped[1]);

        if (strict(reply)) asked.get(reply.ref)?.(reply);
    }
}

peer();


// What rmb-peer takes.

function strict(r) {
    const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

    return r.ver === 1 && typeof r.ref === 'string'
        && base64.test(r.dat) && /^\d+(:.*)?$/.test(r.dst)
        && Number.isInteger(r.now) && Math.abs(r.now - Date.now() / 1000) < 60
        && (r.err === null || (Number.isInteger(r.err.code)
                               && typeof r.err.message === 'string'));
}


const rmbClient = {
    async send(cmd, payload, destination, minutes) {
        const ref = randomUUID();

        this[ref] = new Promise((resolve, reject) => {
            const late = setTimeout(() => reject(new Error('no reply')),
                                    minutes * 60000);

            asked.set(ref, reply => {
                clearTimeout(late);
                asked.delete(ref);

                if (reply.err) {
                    reject(new Error(`${reply.err.code} ${reply.err.message}`));
                } else {
                    resolve(JSON.parse(
                        Buffer.from(reply.dat, 'base64').toString('ascii')));
                }
            });
        });
        this[ref].catch(() => { });

        await redis.call('LPUSH', `msgbus.${cmd}`, JSON.stringify({
            ver: 1, ref, src: String(twin), cmd, exp: Math.round(minutes * 60),
            dat: Buffer.from(payload).toString('base64'), tag: null,
            ret: 'msgbus.system.reply', shm: 'application/json',
            now: Math.floor(Date.now() / 1000)
        }));

        return ref;
    },

    read(ref) {
        const reply = this[ref];

        delete this[ref];

        return reply;
    }
};


// ---- the chain

const chain = {
    load() { return JSON.parse(readFileSync(file)); },

    save(all) {
        writeFileSync(file + '.client', JSON.stringify(all));
        renameSync(file + '.client', file);
    },

    seen(c) {
        return c && {
            contractId: c.contract_id, twinId: c.twin_id, state: c.state,
            contractType: c.type === 'name'
                ? { nameContract: { name: c.name } }
                : { nodeContract: { nodeId: c.node_id, deploymentData: '',
                                    deploymentHash: c.deployment_hash } }
        };
    },

    make(all, members) {
        const id = Math.max(2999, ...Object.keys(all.contracts)) + 1;

        return all.contracts[id] = { contract_id: id, twin_id: twin,
                                     state: 'Created', node_id: 0, name: '',
                                     deployment_hash: '', ...members };
    }
};

const contracts = {
    async getContractIdByName({ name }) {
        return Object.values(chain.load().contracts).find(
            c => c.type === 'name' && c.name === name
                 && c.state !== 'Deleted')?.contract_id ?? 0;
    },

    async get({ id }) { return chain.seen(chain.load().contracts[id]); },

    async createName({ name }) {
        const held = await this.getContractIdByName({ name });

        return all => all.contracts[held]
            ?? chain.make(all, { type: 'name', name });
    },

    async createNode({ hash, nodeId }) {
        return all => chain.make(all, { type: 'node', node_id: nodeId,
                                        deployment_hash: hash });
    },

    async updateNode({ id, hash }) {
        return all => Object.assign(all.contracts[id],
                                    { deployment_hash: hash });
    },

    async cancel({ id }) {
        return all => Object.assign(all.contracts[id], { state: 'Deleted' });
    }
};

const tfclient = {
    contracts, keypairType: 'sr25519',

    async applyAllExtrinsics(list) {
        const all = chain.load();
        const done = list.filter(Boolean).map(f => f(all));

        chain.save(all);

        return done.map(chain.seen).filter(
            c => c.state === 'Deleted' || c.contractType.nodeContract);
    }
};


// ---- the client

const config = {
    network: 'dev', mnemonic: 'bottom drive obey lake curtain smoke basket '
                              + 'hold race lonely fit walk',
    rmbClient, tfclient, projectName: '', keypairType: 'sr25519',
    graphqlURL: 'http://127.0.0.1:1', proxyURL: 'http://127.0.0.1:1',
    substrateURL: 'ws://127.0.0.1:1', kycURL: 'http://127.0.0.1:1',
    twinId: twin, deploymentTimeoutMinutes: 1
};

const gateway = new GatewayHL(config);
const handler = new TwinDeploymentHandler(config);

handler.kyc.status = async () => 'VERIFIED';
handler.nodes.getNodeTwinId = async () => 11;
handler.nodes.getNodeIdFromContractId = async () => node;


const operations = {
    async deploy(o) {
        return await handler.handle(await gateway.create(
            o.name, node, !!o.passthrough, o.backends, o.network, '',
            o.metadata ?? '', '', o.fqdn ?? ''));
    },

    async get(o) { return await handler.getDeployment(o.contract); },

    async update(o) {
        const deployed = await handler.getDeploymentFromFactory(o.contract);
        const wanted = await handler.getDeploymentFromFactory(o.contract);

        wanted.workloads[0].data.backends = o.backends;

        const updated = await handler.deploymentFactory.UpdateDeployment(
            deployed, wanted);

        return await handler.handle([ new TwinDeployment(
            updated, Operations.update, 0, node, '') ]);
    },

    async delete(o) {
        const deployed = await handler.getDeploymentFromFactory(o.contract);

        return await handler.handle([ new TwinDeployment(
            deployed, Operations.delete, 0, node, '') ]);
    },

    async request(o) {
        return await handler.rmb.request([ 11 ], o.cmd, o.payload ?? '');
    }
};

const lines = readline.createInterface({ input: process.stdin });

for await (const line of lines) {
    const o = JSON.parse(line);

    try {
        console.log(JSON.stringify({ ok: await operations[o.op](o) ?? null }));
    } catch (e) {
        console.log(JSON.stringify({ failed: String(e.message ?? e) }));
    }
}

process.exit(0);
