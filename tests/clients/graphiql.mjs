// GraphiQL in a real browser: signs in as bob, follows his miner, claims, and sees the event arrive.
//
//   node tests/clients/graphiql.mjs <base URL> [folder for screenshots]
//   node tests/clients/graphiql.mjs <base URL> --below <URL>     only shows that the page works behind a proxy at this URL
//
// GOODGO_CHROMIUM names the browser. Anything the browser complains about fails, and so does a request to another host.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { serveBelow } from './proxy.mjs';

const [server, option, below] = process.argv.slice(2);
assert(server, 'usage: node graphiql.mjs <base URL> [folder for screenshots | --below URL]');
const shots = option === '--below' ? undefined : option;
const base = below ?? server;
if (below) await serveBelow(below, server);
const host = new URL(base).host;
const examples = join(import.meta.dirname, '../../web-admin/graphiql/examples');
const PATIENCE = 120_000;

const browser = await puppeteer.launch({
  executablePath: process.env.GOODGO_CHROMIUM ?? '/usr/bin/chromium',
  // Root may not make sandboxes; the pages are our own.
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--no-first-run', '--disable-gpu'],
});
const complaints = [];

try {
  const page = await open('/graphiql');
  if (below) await visit(page);
  else await run(page);
  assert.deepEqual(complaints, []);
  console.log('graphiql: all is well');
} finally {
  await browser.close();
}
// The proxy keeps connections open.
if (below) process.exit();

/** A page whose complaints are collected. */
async function open(path, window = browser, width = 1280, scheme = 'light') {
  const page = await window.newPage();
  await page.setViewport({ width, height: 800 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await watch(page);
  await page.goto(base + path);
  await page.waitForSelector('.graphiql-execute-button', { timeout: PATIENCE });
  return page;
}

/** Collects what a page complains about, and what it asks elsewhere. */
async function watch(page) {
  await page.evaluateOnNewDocument(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  page.on('console', (message) => message.type() === 'error' && complaints.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`page: ${error}`));
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  const stay = (url) => {
    const { protocol, host: other } = new URL(url);
    if (['http:', 'https:', 'ws:', 'wss:'].includes(protocol) && other !== host) complaints.push(`elsewhere: ${url}`);
  };
  page.on('request', (request) => stay(request.url()));
  const devtools = await page.createCDPSession();
  await devtools.send('Network.enable');
  devtools.on('Network.webSocketCreated', ({ url }) => stay(url));
}

/** Uses everything that the page asks the server for: demo people, the schema, operations and the socket. */
async function visit(page) {
  await hasText(page, '.goodgo-who', 'Not signed in');
  await signInAs(page, 'bob');
  await hasText(page, '.goodgo-who', 'Signed in as bob (USER)');
  await panel(page, 'Documentation Explorer');
  await hasText(page, '.graphiql-doc-explorer', 'Query');
  await panel(page, 'Examples');
  await example(page, 'Watch my miner');
  await execute(page);
  await until(async () => /goodgo_event_followers [1-9]/.test(await (await fetch(`${server}/metrics`)).text()));
  assert.equal(await page.evaluate(async () => (await fetch('schema.graphql')).status), 200);
}

async function run(page) {
  await hasText(page, '.goodgo-who', 'Not signed in');
  await signInAs(page, 'bob');
  await hasText(page, '.goodgo-who', 'Signed in as bob (USER)');
  assert.equal(await page.evaluate(() => localStorage.getItem('goodgo.token')), null);
  await screenshot(page, 'signed-in');

  // The panels: every example, the explorer's fields, the documentation.
  const listed = await page.$$eval('.goodgo-examples li', (items) => items.length);
  assert.equal(listed, readdirSync(examples).filter((name) => name.endsWith('.graphql')).length);
  await panel(page, 'GraphiQL Explorer');
  await hasText(page, '.docExplorerWrap', 'leaderboard');
  await panel(page, 'Documentation Explorer');
  await hasText(page, '.graphiql-doc-explorer', 'Query');
  await screenshot(page, 'documentation');

  // Follows, and claims in a second window that begins signed in.
  await panel(page, 'Examples');
  await example(page, 'Watch my miner');
  await execute(page);
  await page.waitForSelector('.graphiql-execute-button[aria-label*="Stop"]', { timeout: PATIENCE });
  await until(async () => /goodgo_event_followers [1-9]/.test(await (await fetch(new URL('/metrics', base))).text()));
  const second = await openClaim(page);
  await hasText(second, '.goodgo-who', 'Signed in as bob');
  await execute(second);
  await hasText(second, '.result-window', '"pointsEarned": "');
  await screenshot(second, 'claimed');
  await page.bringToFront();
  await hasText(page, '.result-window', '"__typename": "PointsUpdated"');
  await hasText(page, '.result-window', '"pointsEarned": "');
  await screenshot(page, 'watched');

  // Signing out ends what ran as bob.
  await button(page, 'Sign out');
  await hasText(page, '.goodgo-who', 'Not signed in');
  await page.waitForSelector('.graphiql-execute-button[aria-label*="Execute"]', { timeout: PATIENCE });
  assert.equal(await page.evaluate(() => sessionStorage.getItem('goodgo.token')), null);

  // A token that is none is said to be none, by us; one that isn't good, by the server.
  await type(page, 'not a token');
  await hasText(page, '[role=alert]', 'that is no token');
  const before = complaints.length;
  await type(page, 'Bearer e30.e30.e30');
  await hasText(page, '[role=alert]', 'not valid');
  const refused = complaints.splice(before);
  assert(refused.every((one) => one.includes('401')), `${refused}`);
  await screenshot(page, 'refused');

  if (shots) await looks();
}

/** How it looks elsewhere: in the dark, and on a telephone. */
async function looks() {
  for (const scheme of ['light', 'dark']) {
    for (const width of [1280, 400]) {
      const window = await browser.createBrowserContext();
      const page = await open('/graphiql', window, width, scheme);
      await hasText(page, '.goodgo-who', 'Not signed in');
      await signInAs(page, 'alice');
      await hasText(page, '.goodgo-who', 'Signed in as alice');
      await execute(page);
      await hasText(page, '.result-window', '"serverInfo"');
      await screenshot(page, `${scheme}-${width}`);
      await panel(page, 'Examples');
      await page.waitForSelector('.goodgo-examples');
      await screenshot(page, `${scheme}-${width}-examples`);
      await example(page, 'Leaderboard');
      await screenshot(page, `${scheme}-${width}-example`);
      await window.close();
    }
  }
}

async function signInAs(page, name) {
  await button(page, 'Sign in as');
  const item = await page.waitForSelector(`::-p-xpath(//*[@role="menuitem"][normalize-space()="${name}"])`, { timeout: PATIENCE });
  if (name === 'bob') await screenshot(page, 'people');
  await item.click();
}

async function button(page, text) {
  const found = await page.waitForSelector(`::-p-xpath(//header//button[contains(., "${text}")])`, { timeout: PATIENCE });
  await found.click();
}

async function panel(page, title) {
  const shown = await page.$(`.graphiql-sidebar button[aria-label="Show ${title}"]`);
  if (shown) await shown.click();
}

async function example(page, title) {
  const found = await page.waitForSelector(`::-p-xpath(//li/button[contains(., "${title}")])`, { timeout: PATIENCE });
  await found.click();
  await hasText(page, '.graphiql-query-editor', title);
  // The editor looks at what it holds a little later.
  await page.waitForFunction((wanted) => document.querySelector('.graphiql-tab-active')?.textContent?.includes(wanted), { timeout: PATIENCE }, title.replaceAll(' ', '').slice(0, 5));
}

/** The second window, opened by the arrow beside the example. */
async function openClaim(page) {
  const opened = new Promise((resolve) => page.once('popup', resolve));
  const arrow = await page.waitForSelector('a[aria-label^="Claim a session"]', { timeout: PATIENCE });
  await arrow.click();
  const second = await opened;
  await watch(second);
  await second.setViewport({ width: 1280, height: 800 });
  await hasText(second, '.graphiql-query-editor', 'miningSessionClaim');
  await second.waitForFunction(() => document.querySelector('.graphiql-tab-active')?.textContent?.includes('Claim'), { timeout: PATIENCE });
  return second;
}

async function execute(page) {
  const run = await page.waitForSelector('.graphiql-execute-button', { timeout: PATIENCE });
  await run.click();
}

async function type(page, token) {
  const field = await page.waitForSelector('::-p-aria(Token[role="textbox"])', { timeout: PATIENCE });
  await field.click({ count: 3 });
  await field.type(token);
  await page.keyboard.press('Enter');
}

/** Waits until an element holds a text; editors write spaces of their own kind. */
async function hasText(page, selector, text) {
  const holds = (where, wanted) =>
    [...document.querySelectorAll(where)].some((element) => (element.textContent ?? '').replaceAll('\u00a0', ' ').includes(wanted));
  await page.waitForFunction(holds, { timeout: PATIENCE, polling: 50 }, selector, text).catch(async () => {
    const found = await page.$$eval(selector, (elements) => elements.map((element) => element.textContent));
    await screenshot(page, 'failed');
    throw new Error(`${selector} doesn't say ${text}, but ${JSON.stringify(found)}; ${complaints}`);
  });
}

async function until(condition) {
  const end = Date.now() + PATIENCE;
  while (!(await condition())) {
    assert(Date.now() < end, 'it took too long');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function screenshot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`) });
}
