// Checks of a report: reading, search, filters, sorting and scrubbing, by mouse, touch and keyboard; in
// print, on a phone, in the dark scheme, and without its script. The tests run it with the tools, the
// pages, and a folder for screenshots.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { check, end, faults, launch, names, open, serious } from "./browser.mjs";

const [, report, folder, sheet, shots] = process.argv.slice(2);
const browser = await launch();
const page = await open(browser, report);
const all = await names(page);
const countText = () => page.textContent("#count");
const settle = () => page.waitForTimeout(150);
const clip = (name) => page.locator(".clip", { has: page.locator("h3", { hasText: name }) }).first();
const clear = async () => {
  await page.keyboard.press("Escape");
  await settle();
  assert.equal((await names(page)).length, all.length);
};

await check("clips are listed in the order in which they were shot", async () => {
  assert.equal(all.length, 18);
  assert.equal(await countText(), "18 clips");
  const timed = all.filter((name) => /^C000[1-8]/.test(name));
  assert.deepEqual(timed, [...timed].sort());
});

await check("words are searched in names, tags and notes, ignoring accents and case", async () => {
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "q");
  for (const [words, found] of [
    ["CAFE", ["C0002.MP4"]],
    ["laugh morning", ["C0003.MP4"]],
    ["laugh evening", []],
    ["drummer c0001", ["C0001.MP4"]],
    ["日本語", all.filter((name) => name.includes("日本語"))],
  ]) {
    await page.fill("#q", words);
    await settle();
    assert.deepEqual(await names(page), found, words);
    assert.match(await countText(), new RegExp(`^${found.length} of 18 clips$`));
    assert.equal(await page.isVisible("#nothing"), found.length === 0);
  }
  await clear();
});

await check("clips are filtered by camera, card, tag and irregularity", async () => {
  await page.selectOption("#camera", { label: "GoPro HERO12 Black" });
  await settle();
  assert.deepEqual(await names(page), ["GX010042.MP4", "GX010043.MP4"]);
  await page.selectOption("#tag", { label: "drummer" });
  await settle();
  assert.deepEqual(await names(page), []);
  await clear();
  await page.selectOption("#card", { label: "B001" });
  await page.selectOption("#tag", { label: "drummer" });
  await settle();
  assert.deepEqual(await names(page), ["B001C002_260520_CANON.MOV"]);
  await clear();
  await page.check("#only");
  await settle();
  assert.deepEqual((await names(page)).sort(), ["C0004.MP4", "C0006.MP4", "C0007.MP4", "C0009.MP4"]);
  await clear();
});

await check("clips are sorted", async () => {
  await page.selectOption("#sort", "name");
  await settle();
  const byName = await names(page);
  assert.deepEqual(byName, [...byName].sort(new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare));
  assert.notDeepEqual(byName, all);
  for (const [order, field] of [["length", "length"], ["bytes", "bytes"], ["merit", "merit"]]) {
    await page.selectOption("#sort", order);
    await settle();
    const values = await page.$$eval(".clip", (clips, name) => clips.map((one) => Number(one.dataset[name] ?? -1)), field);
    assert.deepEqual(values, [...values].sort((a, b) => b - a), order);
    assert.ok(new Set(values).size > 1);
  }
  assert.equal((await names(page))[0], "C0003.MP4");
  await clear();
  assert.deepEqual(await names(page), all);
});

await check("filters are stored in the address and restored from it", async () => {
  await page.fill("#q", "drummer");
  await page.selectOption("#camera", { label: "A · Sony ILME-FX3" });
  await page.selectOption("#sort", "length");
  await settle();
  const found = await names(page);
  assert.equal(found.length, 2);
  const hash = await page.evaluate(() => location.hash);
  const other = await open(browser, report, { hash });
  assert.deepEqual(await names(other), found);
  assert.equal(await other.inputValue("#q"), "drummer");
  await other.context().close();
  await clear();
  assert.equal(await page.evaluate(() => location.hash), "");
  await page.click("table.chart a:has-text('vertical')");
  await settle();
  assert.equal((await names(page)).length, 1);
  await clear();
});

await check("a bar of the timeline leads to its clip, even if a filter hides it", async () => {
  await page.fill("#q", "gx010042");
  await settle();
  await page.locator(".timeline svg a").nth(2).click();
  await settle();
  assert.equal((await names(page)).length, all.length);
  const current = await page.evaluate(() => document.activeElement.id);
  assert.match(current, /^c\d+$/);
  assert.ok(await page.locator(`#${current}`).isVisible());
});

await check("the mouse scrubs a filmstrip, and leaving restores the poster", async () => {
  const poster = clip("C0001.MP4").locator(".poster");
  await poster.scrollIntoViewIfNeeded();
  await page.waitForTimeout(500);
  const before = await poster.screenshot();
  const box = await poster.boundingBox();
  const seen = [];
  for (const share of [0.05, 0.5, 0.95]) {
    await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
    seen.push(await poster.locator(".stop").textContent());
  }
  assert.match(seen[0], /^09:12:4\d:\d\d$/);
  assert.equal(new Set(seen).size, 3);
  assert.deepEqual(seen, [...seen].sort());
  await page.waitForFunction(() => document.querySelector(".window img").complete);
  assert.notDeepEqual(await poster.screenshot(), before);
  await page.mouse.move(2, 2);
  assert.equal(await poster.locator(".stop").count(), 0);
});

await check("keys move between clips, scrub, unfold, and show help", async () => {
  await clear();
  const current = () => page.evaluate(() => document.activeElement.querySelector?.("h3")?.textContent);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("j");
  const first = await current();
  await page.keyboard.press("j");
  const second = await current();
  await page.keyboard.press("ArrowDown");
  const third = await current();
  assert.equal(new Set([first, second, third]).size, 3);
  await page.keyboard.press("k");
  assert.equal(await current(), second);
  await page.keyboard.press("ArrowUp");
  assert.equal(await current(), first);
  const opened = () => page.evaluate(() => document.activeElement.querySelector("details").open);
  await page.keyboard.press("Enter");
  assert.equal(await opened(), true);
  await page.keyboard.press(" ");
  assert.equal(await opened(), false);
  await page.locator(".clip", { has: page.locator(".poster[data-strip]") }).first().focus();
  await page.keyboard.press("ArrowRight");
  const slider = page.locator("[role=slider]");
  assert.equal(await slider.count(), 1);
  const at = async () => [await slider.getAttribute("aria-valuenow"), await slider.getAttribute("aria-valuetext")];
  const one = await at();
  await page.keyboard.press("ArrowRight");
  const two = await at();
  assert.deepEqual([one[0], two[0]], ["1", "2"]);
  assert.notEqual(one[1], two[1]);
  await page.keyboard.press("ArrowLeft");
  assert.deepEqual(await at(), one);
  await page.keyboard.press("?");
  assert.ok(await page.isVisible("#keys"));
  await page.keyboard.press("Escape");
  assert.ok(!(await page.isVisible("#keys")));
  await page.keyboard.press("o");
  await settle();
  assert.equal((await names(page)).length, 4);
  await clear();
});

await check("file names and user text are shown as text only", async () => {
  assert.equal(await page.locator("script").count(), 1);
  assert.equal(await page.locator("img[onerror], img[src='x']").count(), 0);
  assert.ok(all.includes("<img src=x onerror=alert(3)>.mov"));
  assert.ok(all.some((name) => name.startsWith("\\u{202e}gnp.exe")), all.join());
  assert.ok((await clip("C0002.MP4").textContent()).includes("</script><script>alert(1)</script>"));
  const broken = await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.broken = true";
    document.body.append(script);
    script.remove();
    return window.broken === true;
  });
  assert.equal(broken, false);
  // The refusal is logged on the console, which counts as a fault of the page.

  const refusals = faults.filter((fault) => /Content Security Policy|Refused to execute/.test(fault));
  assert.ok(refusals.length > 0);
  refusals.forEach((refusal) => faults.splice(faults.indexOf(refusal), 1));
});

await check("touch scrubs sideways, and scrolls up and down", async () => {
  const phone = await open(browser, report, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${wide} pixels wide`);
  const poster = phone.locator(".clip", { has: phone.locator("h3", { hasText: "C0001.MP4" }) }).locator(".poster");
  await poster.evaluate((box) => box.scrollIntoView({ block: "center", behavior: "instant" }));
  await phone.waitForTimeout(300);
  const box = await poster.boundingBox();
  const client = await phone.context().newCDPSession(phone);
  const touch = (type, x, y) =>
    client.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y }] });
  const middle = box.y + box.height / 2;
  await touch("touchStart", box.x + 20, middle);
  const seen = [await poster.locator(".stop").textContent()];
  for (const share of [0.3, 0.6, 0.9]) await touch("touchMove", box.x + box.width * share, middle);
  seen.push(await poster.locator(".stop").textContent());
  await touch("touchEnd");
  assert.notEqual(seen[0], seen[1]);
  const top = await phone.evaluate(() => scrollY);
  await touch("touchStart", box.x + 100, middle);
  for (const by of [40, 90, 150]) await touch("touchMove", box.x + 100, middle - by);
  await touch("touchEnd");
  await phone.waitForTimeout(300);
  assert.ok((await phone.evaluate(() => scrollY)) > top);
  assert.deepEqual(await serious(phone), []);
  await phone.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
  await phone.screenshot({ path: `${shots}/phone.png` });
  await phone.context().close();
});

await check("light and dark schemes differ, can be chosen, and have no serious fault in axe", async () => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  assert.deepEqual(await serious(page), []);
  await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }));
  await page.screenshot({ path: `${shots}/light.png` });
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await paper();
  assert.notEqual(dark, light);
  assert.deepEqual(await serious(page), []);
  await page.screenshot({ path: `${shots}/dark.png` });
  await page.click("#theme");
  assert.equal(await paper(), light);
  await page.click("#theme");
  await page.emulateMedia({ colorScheme: "light" });
  assert.equal(await paper(), dark);
  await page.click("#theme");
  assert.equal(await paper(), light);
});

await check("print shows the filtered clips and no controls", async () => {
  await page.selectOption("#card", { label: "B001" });
  await settle();
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.ok(!(await page.isVisible(".tools")));
  assert.equal((await names(page)).length, 4);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  const few = await page.pdf({ path: `${shots}/print.pdf`, format: "A4" });
  await page.emulateMedia({ media: "screen", colorScheme: "light" });
  await clear();
  await page.emulateMedia({ media: "print" });
  await page.screenshot({ path: `${shots}/print.png` });
  const whole = await page.pdf({ format: "Letter" });
  const sheets = (pdf) => pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length;
  assert.ok(sheets(whole) >= sheets(few) && sheets(whole) <= 8, `${sheets(few)} and ${sheets(whole)} pages`);
  await page.emulateMedia({ media: "screen" });
});

await check("everything can be read without the script", async () => {
  const plain = await open(browser, report, { javaScriptEnabled: false });
  const text = await plain.locator("body").textContent();
  for (const said of ["C0001.MP4", "C0005 is missing", "23.976, where", "Stage 4", "8 of 8 files verified"]) {
    assert.ok(text.includes(said), said);
  }
  assert.equal(await plain.locator(".clip").count(), 18);
  assert.ok(await plain.isVisible("#c1 h3"));
  assert.ok(await plain.isVisible("#c1 img, #c1 .blank"));
  assert.ok(!(await plain.isVisible(".tools")));
  assert.ok(!(await plain.isVisible(".controls")));
  await plain.context().close();
});

await check("pictures of a folder report come from its folder only", async () => {
  const apart = await open(browser, `${folder}/index.html`, { below: `${folder}/` });
  const poster = apart.locator(".poster img").first();
  await poster.scrollIntoViewIfNeeded();
  await apart.waitForFunction(() => document.querySelector(".poster img").complete);
  assert.ok(await poster.evaluate((picture) => picture.naturalWidth > 0));
  const box = await apart.locator(".poster[data-strip]").first().boundingBox();
  await apart.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await apart.waitForFunction(() => document.querySelector(".window img")?.naturalWidth > 0);
  assert.ok(apart.pictures.some((url) => url.endsWith("-strip.webp")), apart.pictures.join());
  await apart.context().close();
});

await check("a contact sheet has its columns, can be searched, and has no serious fault in axe", async () => {
  const grid = await open(browser, sheet, {});
  const columns = await grid.evaluate(() => getComputedStyle(document.querySelector(".grid")).gridTemplateColumns.split(" ").length);
  assert.equal(columns, 6);
  assert.equal((await names(grid)).length, 18);
  await grid.fill("#q", "drummer");
  await grid.waitForTimeout(150);
  assert.equal((await names(grid)).length, 3);
  await grid.keyboard.press("Escape");
  assert.deepEqual(await serious(grid), []);
  await grid.screenshot({ path: `${shots}/sheet.png` });
  await grid.context().close();
});

await check("the pages made no outside requests and had no errors", async () => {
  assert.deepEqual(faults, []);
});

await end(browser);
