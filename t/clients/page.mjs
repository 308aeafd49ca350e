// page.mjs CHROMIUM: does in a headless Chromium what it is told, a JSON text
// a line, and answers each with one:
//
//     {"goto":URL}               loads it, and waits for the end of that
//     {"eval":TEXT}              {"value":...}; a promise is waited for
//     {"wait":TEXT}              until that is true, for ten seconds
//     {"view":[WIDTH,HEIGHT],"dark":BOOLEAN,"script":BOOLEAN}
//     {"shot":FILE,"of":SELECTOR}    a PNG, of an element if one is named
//     {"told":true}              what the console got, and what was blocked

import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { launch, open } from './devtools.mjs';

const told = [];
let loaded = () => {};

const { call, end } = await launch(process.argv[2], (method, params) => {
    if (method === 'Page.loadEventFired') {
        loaded();

    } else if (method === 'Log.entryAdded') {
        told.push(params.entry.text);

    } else if (method === 'Runtime.exceptionThrown') {
        told.push(params.exceptionDetails.text);
    }
}, 240000);

const session = await open(call);
const say = (method, params) => call(method, params, session);

await say('Log.enable');

async function evaluate(expression) {
    const { result, exceptionDetails } = await say('Runtime.evaluate', {
        expression, awaitPromise: true, returnByValue: true });

    if (exceptionDetails) {
        throw new Error(exceptionDetails.exception.description);
    }

    return result.value;
}

async function clip(selector) {
    const box = await evaluate(`(() => { const b = document.querySelector(
        ${JSON.stringify(selector)}).getBoundingClientRect();
        return { x: b.x + scrollX, y: b.y + scrollY,
                 width: b.width, height: b.height }; })()`);

    return { ...box, scale: 1 };
}

const commands = {
    async goto(url) {
        const done = new Promise((resolve) => { loaded = resolve; });

        await say('Page.navigate', { url });
        await done;
    },

    async eval(text) {
        return { value: await evaluate(text) };
    },

    async wait(text) {
        for (let i = 0; i < 200; i++) {
            if (await evaluate(text)) {
                return { value: true };
            }

            await new Promise((resolve) => setTimeout(resolve, 50));
        }

        return { value: false };
    },

    async view([width, height], { dark, script }) {
        await say('Emulation.setDeviceMetricsOverride', {
            width, height, deviceScaleFactor: 1, mobile: width < 500 });
        await say('Emulation.setEmulatedMedia', { features: [
            { name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' },
        ] });
        await say('Emulation.setScriptExecutionDisabled', {
            value: script === false });
    },

    async shot(file, { of }) {
        const { data } = await say('Page.captureScreenshot', {
            captureBeyondViewport: true,
            ...(of ? { clip: await clip(of) } : {}) });

        writeFileSync(file, Buffer.from(data, 'base64'));
    },

    async told() {
        return { value: told };
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    const [name] = Object.keys(command).filter((key) => key in commands);
    let answer;

    try {
        answer = await commands[name](command[name], command) ?? {};

    } catch (error) {
        answer = { error: String(error) };
    }

    console.log(JSON.stringify(answer));
}

await end();
process.exit(0);
