// devtools.mjs: a headless Chromium, and what is said to it.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { WebSocket } from 'ws';

// Starts it; event(method, params, sessionId) gets what it tells.  Returns
// call(method, params, sessionId) and end().  It is killed after `limit` ms.

export async function launch(chromium, event = () => {}, limit = 60000) {
    const profile = mkdtempSync(join(tmpdir(), 'wgw-chromium.'));

    const browser = spawn(chromium, [
        '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
        '--disable-dev-shm-usage', '--no-first-run', '--disable-sync',
        '--disable-background-networking', '--disable-component-update',
        '--hide-scrollbars', '--remote-debugging-port=0',
        `--user-data-dir=${profile}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'pipe'] });

    const gone = new Promise((resolve) => browser.on('exit', resolve));
    const timer = setTimeout(() => browser.kill('SIGKILL'), limit);

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

    devtools.on('message', (data) => {
        const { id, method, params, result, error, sessionId }
            = JSON.parse(data);

        if (!id) {
            event(method, params, sessionId);
            return;
        }

        const { resolve, reject } = waiting.get(id);
        waiting.delete(id);
        error ? reject(new Error(error.message)) : resolve(result);
    });

    const call = (method, params = {}, sessionId = undefined) => {
        const id = ++last;
        devtools.send(JSON.stringify({ id, method, params, sessionId }));
        return new Promise((resolve, reject) => {
            waiting.set(id, { resolve, reject });
        });
    };

    const end = async () => {
        await call('Browser.close').catch(() => {});
        await gone;
        clearTimeout(timer);
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    };

    return { call, end };
}

// A page of its own, empty: the session to say things to.

export async function open(call) {
    const { targetId } = await call('Target.createTarget',
                                    { url: 'about:blank' });
    const { sessionId } = await call('Target.attachToTarget',
                                     { targetId, flatten: true });

    await call('Page.enable', {}, sessionId);
    await call('Runtime.enable', {}, sessionId);

    return sessionId;
}
