// browser.mjs CHROMIUM KEY URL ...: opens each page in a headless Chromium
// that has a wallet with this key, as an extension would bring it, and prints
// what the page's run() came to, a JSON text a line.

import { privateKeyToAccount } from 'viem/accounts';

import { launch, open } from './devtools.mjs';

const [chromium, key, ...urls] = process.argv.slice(2);
const account = privateKeyToAccount(key);

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

const { call, end } = await launch(chromium,
                                   async (method, params, sessionId) => {
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
    const sessionId = await open(call);

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

await end();
process.exit(0);
