// Headless Chromium that records requests outside the page and errors in it.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [tools] = process.argv.slice(2);
const required = createRequire(`${tools}/package.json`);
const { chromium } = required("playwright-core");
export const axe = readFileSync(required.resolve("axe-core/axe.min.js"), "utf8");

/** Starts the browser. */
export const launch = () =>
  chromium.launch({
    executablePath: `${tools}/programs/btsindex-chromium`,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/** Faults of all pages. */
export const faults = [];

/** Opens a file in a new page; requests to other addresses, and all errors, are faults. */
export const open = async (browser, file, { hash = "", below = file, ...options } = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", ...options });
  const page = await context.newPage();
  const address = pathToFileURL(file).href;
  const home = pathToFileURL(below).href;
  const pictures = [];
  page.on("request", (request) => {
    const url = request.url();
    if (url.startsWith("data:") || url.split("#")[0] === address) return;
    if (below !== file && url.startsWith(home)) pictures.push(url);
    else faults.push(`request of ${url.slice(0, 200)}`);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  await page.goto(address + hash);
  return Object.assign(page, { pictures });
};

let failed = 0;
let count = 0;

/** Runs a check; a failure does not stop the others. */
export const check = async (name, act) => {
  count += 1;
  try {
    await act();
    console.log(`ok - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`NOT OK - ${name}\n  ${error.message.split("\n").slice(0, 12).join("\n  ")}`);
  }
};

/** Reports the number of failed checks and exits. */
export const end = async (browser) => {
  await browser.close();
  console.log(`${count} checks, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
};

/** Names of the visible clips, in order. */
export const names = (page) =>
  page.$$eval(".clip", (clips) => clips.filter((clip) => clip.checkVisibility()).map((clip) => clip.querySelector("h3").textContent));

/** Faults that axe-core rates serious or critical. */
export const serious = async (page) => {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations
    .filter((fault) => ["serious", "critical"].includes(fault.impact))
    .map((fault) => `${fault.id}: ${fault.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
};
