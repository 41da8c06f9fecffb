// Opens a page five times and prints medians, in milliseconds: the first paint, the end of loading, a search;
// and of the frames of a scroll from end to end the median and the worst.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [tools, file] = process.argv.slice(2);
const { chromium } = createRequire(`${tools}/package.json`)("playwright-core");
const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const rounds = [];
for (let round = 0; round < 5; round += 1) {
  const browser = await chromium.launch({
    executablePath: `${tools}/programs/btsindex-chromium`,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(pathToFileURL(file).href);
  rounds.push(
    await page.evaluate(async () => {
      const frame = () => new Promise((done) => requestAnimationFrame(done));
      const { loadEventEnd } = performance.getEntriesByType("navigation")[0];
      for (let tries = 0; tries < 100 && !performance.getEntriesByName("first-contentful-paint").length; tries += 1) await frame();
      const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN;
      const field = document.getElementById("q");
      const found = new Promise((done) => {
        new MutationObserver(() => done()).observe(document.getElementById("count"), { childList: true });
      });
      field.value = "interview";
      const begun = performance.now();
      field.dispatchEvent(new Event("input", { bubbles: true }));
      await found;
      await frame();
      // What is typed is waited for 60 milliseconds longer.
      const search = performance.now() - begun - 60;
      field.value = "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      await new Promise((done) => setTimeout(done, 500));
      const frames = [];
      let last = await frame();
      for (let step = 0; step < 200; step += 1) {
        scrollTo({ top: (document.documentElement.scrollHeight * step) / 200, behavior: "instant" });
        const now = await frame();
        frames.push(now - last);
        last = now;
      }
      return { paint, load: loadEventEnd, search, frames };
    }),
  );
  await browser.close();
}
const of = (name) => median(rounds.map((round) => round[name])).toFixed(0);
const frames = rounds.flatMap((round) => round.frames);
console.log(`| ${of("paint")} | ${of("load")} | ${of("search")} | ${median(frames).toFixed(0)} | ${Math.max(...frames).toFixed(0)} |`);
