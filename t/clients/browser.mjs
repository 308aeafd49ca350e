// browser.mjs CHROMIUM KEY URL ...: opens each page in a headless Chromium
// that has a wallet with this key, as an extension would bring it, and prints
// what the page's run() came to, a JSON text a line.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { privateKeyToAccount } from 'viem/accounts';
import { WebSocket } from 'ws';

const [chromium, key, ...urls] = process.argv.slice(2);
const account = privateKeyToAccount(key);
const profile = mkdtempSync(join(tmpdir(), 'wgw-chromium.'));

const browser = spawn(chromium, [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--remote-debugging-port=0',
    `--user-data-dir=${profile}`, 'about:blank',
], { stdio: ['ignore', 'ignore', 'pipe'] });

const gone = new Promise((resolve) => browser.on('exit', resolve));
const timer = setTimeout(() => browser.kill('SIGKILL'), 60000);

const address = await new Promise((resolve, reject) => {
    const lines = createInterface({ input: browser.stderr });
    lines.on('line', (line) => {
        const found = line.match(/DevTools listening on (ws:\S+)/);
        if (found) {
            resolve(found[1]);
        }
    });
    gone.then(() => reject(new Error('the browser has ended')));
});

const devtools = new WebSocket(address);
const waiting = new Map();
let last = 0;

await new Promise((resolve) => devtools.on('open', resolve));

const call = (method, params = {}, sessionId = undefined) => {
    const id = ++last;
    devtools.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
    });
};

// EIP-1193, the two methods of a sign-in
const wallet = async ({ method, params }) => {
    switch (method) {
    case 'eth_requestAccounts':
        return [account.address];
    case 'personal_sign':
        return account.signMessage({ message: { raw: params[0] } });
    default:
        throw new Error(`${method} is not supported`);
    }
};

devtools.on('message', async (data) => {
    const { id, method, params, result, error, sessionId } = JSON.parse(data);

    if (id) {
        const { resolve, reject } = waiting.get(id);
        waiting.delete(id);
        error ? reject(new Error(error.message)) : resolve(result);
        return;
    }

    if (method === 'Runtime.bindingCalled') {
        const { n, request } = JSON.parse(params.payload);
        const answer = JSON.stringify(await wallet(request));
        await call('Runtime.evaluate', {
            expression: `window.ethereum.answer(${n}, ${answer})`,
        }, sessionId);
    }
});

const provider = `{
    const asked = new Map();
    let n = 0;
    window.ethereum = {
        request(request) {
            return new Promise((resolve) => {
                asked.set(++n, resolve);
                window.askWallet(JSON.stringify({ n, request }));
            });
        },
        answer(n, result) { asked.get(n)(result); },
    };
}`;

for (const url of urls) {
    const { targetId } = await call('Target.createTarget',
                                    { url: 'about:blank' });
    const { sessionId } = await call('Target.attachToTarget',
                                     { targetId, flatten: true });
    await call('Page.enable', {}, sessionId);
    await call('Runtime.enable', {}, sessionId);
    await call('Runtime.addBinding', { name: 'askWallet' }, sessionId);
    await call('Page.addScriptToEvaluateOnNewDocument',
               { source: provider }, sessionId);
    await call('Page.navigate', { url }, sessionId);

    for (let i = 0; i < 200; i++) {
        const { result } = await call('Runtime.evaluate', {
            expression: 'document.readyState === "complete"'
                        + ' && typeof run === "function"',
        }, sessionId);
        if (result.value === true) {
            break;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }

    const { result } = await call('Runtime.evaluate', {
        expression: 'run().then(JSON.stringify, (e) => JSON.stringify('
                    + '{ failed: String(e) }))',
        awaitPromise: true,
    }, sessionId);

    console.log(result.value);
}

await call('Browser.close').catch(() => {});
await gone;
clearTimeout(timer);
rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
process.exit(0);
