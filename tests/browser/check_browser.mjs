// The pages as a person has them, in a headless Chromium: /docs/ of the real daemon is shown, an operation is executed
// by its buttons, and the number is read. The page may ask no other host for anything, and nothing may be amiss in the
// console.
//
//     SEQD=build/seqd node tests/browser/check_browser.mjs [SCREENSHOT.png]

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";

// Installed under build/, not beside this file.
const { chromium } = createRequire(resolve("build/browser/package.json"))("playwright-core");

// No sandbox for root; the rest keeps the browser itself from looking for other hosts.
const FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

const SEQUENCES = "[sequence:default]\n[sequence:tickets]\nkind = timestamp\n";
const TOKEN = `seqd_${"A".repeat(43)}`;

async function startDaemon(folder) {
    const hash = createHash("sha256").update(TOKEN).digest("hex");
    writeFileSync(join(folder, "tokens"), `sha256:${hash} admin *\n`, { mode: 0o600 });
    writeFileSync(join(folder, "seqd.conf"), `[http]\ntokens = ${folder}/tokens\n${SEQUENCES}`);
    mkdirSync(join(folder, "data"), { mode: 0o700 });
    const words = ["-c", join(folder, "seqd.conf"), "-d", join(folder, "data"), "-p", "0"];
    const daemon = spawn(process.env.SEQD, words, { stdio: ["ignore", "pipe", "inherit"] });
    for await (const line of createInterface({ input: daemon.stdout })) {
        const found = line.match(/http:\/\/[0-9.]+:[0-9]+/);
        if (found) {
            return { daemon, origin: found[0] };
        }
    }
    throw new Error("the daemon did not come up");
}

// Everything that the page asks for, and everything that it has to complain of.
function watch(page) {
    const seen = { requests: [], complaints: [] };
    page.on("request", (request) => seen.requests.push(request.url()));
    page.on("requestfailed", (request) => seen.complaints.push(`${request.url()}: ${request.failure().errorText}`));
    page.on("response", (answer) => answer.status() >= 400 && seen.complaints.push(`${answer.url()}: ${answer.status()}`));
    page.on("pageerror", (error) => seen.complaints.push(String(error)));
    page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) {
            seen.complaints.push(message.text());
        }
    });
    return seen;
}

// Open an operation, execute it by its buttons with `fields`, return the body that the page shows.
async function execute(page, operationId, fields, { mediaType, status = 200 } = {}) {
    const operation = page.locator(`.opblock[id$="-${operationId}"]`);
    await operation.locator(".opblock-summary").click();
    await operation.getByRole("button", { name: "Try it out" }).click();
    for (const [name, value] of Object.entries(fields)) {
        await operation.locator(`tr[data-param-name="${name}"] input`).fill(value);
    }
    if (mediaType) {
        await operation.locator(".response[data-code='200'] .response-control-media-type select").selectOption(mediaType);
    }
    await operation.getByRole("button", { name: "Execute" }).click();
    const answer = operation.locator(".live-responses-table .response");
    await answer.waitFor();
    assert.equal((await answer.locator(".response-col_status").textContent()).slice(0, 3), String(status));
    return answer.locator(".response-col_description .highlight-code").first().locator("pre, code").first().textContent();
}

const JSON_TYPE = { mediaType: "application/json" };

async function nextByHand(origin) {
    return (await fetch(`${origin}/`)).text();
}

const tests = {
    async "the page shows every operation of the description"({ page, origin }) {
        await page.goto(`${origin}/docs/`);
        await page.locator(".opblock").first().waitFor();
        const description = await (await fetch(`${origin}/openapi.json`)).json();
        const operations = Object.values(description.paths).flatMap((item) =>
            Object.keys(item).filter((key) => key !== "parameters"),
        );
        assert.equal(await page.locator(".opblock").count(), operations.length);
        assert.equal((await page.locator(".info .title").textContent()).split(" ")[0].slice(0, 4), "seqd");
        assert.equal(await page.locator(".errors-wrapper").count(), 0);
    },
    async "an operation is executed, and its number read"({ page, origin }) {
        assert.equal((await execute(page, "getDefault", { count: "1" })).trim(), "1");
        assert.equal(await nextByHand(origin), "2\n");
    },
    async "a block comes as JSON"({ page }) {
        const block = JSON.parse(await execute(page, "postNext", { name: "default", count: "3" }, JSON_TYPE));
        assert.deepEqual(block, { sequence: "default", first: "3", last: "5", count: 3, increment: "1" });
    },
    async "with a token a sequence is created, and dropped"({ page, origin }) {
        await page.locator(".btn.authorize").click();
        await page.locator(".auth-container input").fill(TOKEN);
        await page.locator(".auth-btn-wrapper .authorize").click();
        await page.locator(".auth-btn-wrapper .btn-done").click();
        const created = JSON.parse(await execute(page, "createSequence", { name: "invoices" }, { status: 201 }));
        assert.equal(created.next, "1000");
        assert.equal(await (await fetch(`${origin}/v1/sequences/invoices/next`)).text(), "1000\n");
        const dropped = JSON.parse(await execute(page, "dropSequence", { name: "invoices" }));
        assert.equal(dropped.floor.low, "1000");
    },
    async "the moments of a span go through the page"({ page }) {
        const span = { name: "tickets", from: "2026-11-25T20:15:00Z", to: "2026-11-25T20:16:00Z" };
        const numbers = JSON.parse(await execute(page, "numbersOfTime", span));
        assert.equal(numbers.from, "2026-11-25T20:15:00.000Z");
        assert.ok(BigInt(numbers.first) < BigInt(numbers.last));
    },
    async "who leaves out the last slash comes to the page"({ page, origin }) {
        await page.goto(`${origin}/docs`);
        await page.locator(".opblock").first().waitFor();
        assert.equal(page.url(), `${origin}/docs/`);
    },
    async "what was shown once is asked for again, and not sent again"({ page, origin }) {
        const answers = [];
        page.on("response", (answer) => answers.push(answer));
        await page.goto(`${origin}/docs/`);
        await page.locator(".opblock").first().waitFor();
        const sizes = await Promise.all(answers.map((answer) => answer.request().sizes()));
        assert.ok(answers.length >= 5);
        assert.deepEqual(
            sizes.map((size) => size.responseBodySize),
            answers.map(() => 0),
        );
    },
    async "no other host was asked for anything"({ seen, origin }) {
        assert.ok(seen.requests.length > 0);
        assert.deepEqual(
            seen.requests.filter((url) => new URL(url).origin !== origin),
            [],
        );
    },
    async "there was nothing to complain of"({ seen }) {
        assert.deepEqual(seen.complaints, []);
    },
};

const folder = mkdtempSync(join(tmpdir(), "seqd-browser-"));
const { daemon, origin } = await startDaemon(folder);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
let passed = 0;
let failed = 0;
try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
    const stage = { page, origin, seen: watch(page) };
    for (const [name, test] of Object.entries(tests)) {
        try {
            await test(stage);
            passed++;
        } catch (error) {
            failed++;
            console.log(`${name}: ${error.message}`);
        }
    }
    if (process.argv[2]) {
        await page.screenshot({ path: process.argv[2], fullPage: true });
    }
} finally {
    await browser.close();
    daemon.kill();
    const [status] = await once(daemon, "exit");
    failed += status === 0 ? 0 : 1;
    rmSync(folder, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
