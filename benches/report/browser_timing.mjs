// Opens a page five times and prints medians in milliseconds: first paint, end of loading, one search. Then scrolls
// from end to end and prints the median and the worst frame time.

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
      const start = performance.now();
      field.dispatchEvent(new Event("input", { bubbles: true }));
      await found;
      await frame();
      // The page waits 60 ms for more input before it searches.
      const search = performance.now() - start - 60;
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
const medianOf = (name) => median(rounds.map((round) => round[name])).toFixed(0);
const frames = rounds.flatMap((round) => round.frames);
console.log(`| ${medianOf("paint")} | ${medianOf("load")} | ${medianOf("search")} | ${median(frames).toFixed(0)} | ${Math.max(...frames).toFixed(0)} |`);
