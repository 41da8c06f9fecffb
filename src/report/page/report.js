"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const list = document.querySelector(".clips, .grid");
  const tools = document.querySelector(".tools");
  if (!list || !tools) return;
  const clips = [...list.children];
  const inOrder = clips.slice();
  let shown = clips.slice();
  let current = null;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)");

  tools.hidden = false;
  document.querySelector(".controls").hidden = false;

  // A clip matches if it contains all words in any order, ignoring case and accents.
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ß", "ss");
  let texts = null;
  const textOf = (clip) => {
    texts ??= new Map(clips.map((one) => [one, fold(`${one.textContent} ${one.dataset.words ?? ""}`)]));
    return texts.get(clip);
  };

  const choices = ["camera", "card", "tag"].map(byId).filter(Boolean);
  const search = byId("q");
  const sort = byId("sort");
  const only = byId("only");
  const matches = (clip, words) => {
    if (only.checked && !("odd" in clip.dataset)) return false;
    for (const choice of choices) {
      if (choice.value === "") continue;
      const has = choice.id === "tag" ? clip.dataset.tags.split(" ") : [clip.dataset[choice.id]];
      if (!has.includes(choice.value)) return false;
    }
    return words.every((word) => textOf(clip).includes(word));
  };

  const number = (clip, name) => (name in clip.dataset ? Number(clip.dataset[name]) : -Infinity);
  const names = new Map(clips.map((clip) => [clip, clip.querySelector("h3").textContent]));
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const position = new Map(clips.map((clip, at) => [clip, at]));
  const largest = (name) => (a, b) => number(b, name) - number(a, name) || position.get(a) - position.get(b);
  const orders = {
    time: (a, b) => position.get(a) - position.get(b),
    name: (a, b) => collator.compare(names.get(a), names.get(b)) || position.get(a) - position.get(b),
    length: largest("length"),
    merit: largest("merit"),
    bytes: largest("bytes"),
  };
  let sorted = "time";

  const plural = (count) => `${count.toLocaleString("en")} clip${count === 1 ? "" : "s"}`;
  const apply = (isSaved) => {
    if (sort.value !== sorted) {
      sorted = sort.value;
      inOrder.sort(orders[sorted]);
      list.append(...inOrder);
    }
    const words = fold(search.value).split(/\s+/).filter(Boolean);
    shown = inOrder.filter((clip) => {
      const isShown = matches(clip, words);
      if (clip.hidden === isShown) clip.hidden = !isShown;
      return isShown;
    });
    const all = clips.length;
    const label = shown.length === all ? plural(all) : `${shown.length.toLocaleString("en")} of ${plural(all)}`;
    if (byId("count").textContent !== label) byId("count").textContent = label;
    byId("nothing").hidden = shown.length > 0;
    if (!shown.includes(current)) choose(shown[0] ?? null);
    if (isSaved) saveFilters();
  };

  // The filters are stored in the URL fragment, so that a link can be shared.
  const saveFilters = () => {
    const state = new URLSearchParams();
    if (search.value.trim()) state.set("q", search.value.trim());
    for (const choice of choices) {
      if (choice.value !== "") state.set(choice.id, choice.selectedOptions[0].dataset.name);
    }
    if (sort.value !== "time") state.set("sort", sort.value);
    if (only.checked) state.set("odd", "1");
    const hash = state.toString().replaceAll("+", "%20");
    history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
  };
  const restoreFilters = () => {
    const hash = location.hash.slice(1);
    const target = /^c\d+$/.test(hash) ? byId(hash) : null;
    if (target) {
      if (target.hidden) clear(false);
      go(target);
      return;
    }
    if (!hash.includes("=")) return;
    const state = new URLSearchParams(hash);
    search.value = state.get("q") ?? "";
    for (const choice of choices) {
      const value = state.get(choice.id);
      const option = [...choice.options].find((one) => one.dataset.name === value && value !== null);
      choice.value = option ? option.value : "";
    }
    sort.value = state.get("sort") in orders ? state.get("sort") : "time";
    only.checked = state.has("odd");
    apply(false);
    byId("clips").scrollIntoView();
  };
  const clear = (isSaved) => {
    tools.reset();
    apply(isSaved);
  };

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => apply(true), 60);
  });
  tools.addEventListener("change", (event) => event.target !== search && apply(true));
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", () => setTimeout(() => apply(true)));
  addEventListener("hashchange", restoreFilters);

  // The current clip is the one that Tab reaches and that arrow keys start from.
  const choose = (clip) => {
    if (current) {
      current.tabIndex = -1;
      slider(current, false);
    }
    current = clip;
    if (current) {
      current.tabIndex = 0;
      slider(current, true);
    }
  };
  const go = (clip) => {
    choose(clip);
    clip.focus({ preventScroll: true });
    clip.scrollIntoView({ block: "nearest", behavior: isStill.matches ? "auto" : "smooth" });
  };
  const step = (by) => {
    if (!shown.length) return;
    const isInside = current?.contains(document.activeElement);
    const at = isInside ? shown.indexOf(current) + by : shown.indexOf(current);
    go(shown[Math.max(0, Math.min(shown.length - 1, at))]);
  };
  list.addEventListener("focusin", (event) => {
    const clip = event.target.closest(".clip");
    if (clip && clip !== current) choose(clip);
  });

  // A filmstrip is decoded on first use. Scrubbing moves it behind a window of one moment.
  const films = new WeakMap();
  const film = (box) => {
    if (!box?.dataset.strip) return null;
    if (films.has(box)) return films.get(box);
    const stops = box.dataset.stops.split(" ");
    const frame = document.createElement("span");
    frame.className = "window";
    const picture = new Image();
    picture.alt = "";
    picture.draggable = false;
    picture.style.width = `${stops.length * 100}%`;
    picture.addEventListener("load", () => {
      frame.style.aspectRatio = `${picture.naturalWidth / stops.length} / ${picture.naturalHeight}`;
    });
    picture.src = box.dataset.strip;
    const label = document.createElement("span");
    label.className = "stop tc";
    const where = document.createElement("span");
    where.className = "where";
    frame.append(picture);
    const entry = { stops, picture, label, where, parts: [frame, label, where], at: -1 };
    films.set(box, entry);
    return entry;
  };
  const show = (box, at) => {
    const it = film(box);
    if (!it) return;
    at = Math.max(0, Math.min(it.stops.length - 1, at));
    if (it.at < 0) box.append(...it.parts);
    it.at = at;
    it.picture.style.transform = `translateX(${(-100 * at) / it.stops.length}%)`;
    it.where.style.transform = `scaleX(${(at + 1) / it.stops.length})`;
    it.label.textContent = it.stops[at];
    if (box.getAttribute("role") === "slider") updateSlider(box, it);
  };
  const hide = (box) => {
    const it = films.get(box);
    if (!it || it.at < 0) return;
    it.parts.forEach((part) => part.remove());
    it.at = -1;
  };
  const updateSlider = (box, it) => {
    box.setAttribute("aria-valuenow", String(it.at + 1));
    box.setAttribute("aria-valuetext", it.at < 0 ? "poster" : it.stops[it.at]);
  };
  const slider = (clip, isOne) => {
    const box = clip.querySelector(".poster[data-strip]");
    if (!box) return;
    if (isOne) {
      const stops = box.dataset.stops.split(" ");
      box.setAttribute("role", "slider");
      box.setAttribute("aria-label", `Moments of ${names.get(clip)}`);
      box.setAttribute("aria-valuemin", "0");
      box.setAttribute("aria-valuemax", String(stops.length));
      updateSlider(box, films.get(box) ?? { at: -1, stops });
      box.tabIndex = 0;
    } else {
      for (const name of ["role", "aria-label", "aria-valuemin", "aria-valuemax", "aria-valuenow", "aria-valuetext", "tabindex"]) {
        box.removeAttribute(name);
      }
      hide(box);
    }
  };
  const boxAt = (event) => event.target.closest?.(".poster[data-strip]");
  const follow = (box, event) => {
    const edge = box.getBoundingClientRect();
    const share = (event.clientX - edge.left) / edge.width;
    show(box, Math.floor(share * box.dataset.stops.split(" ").length));
  };
  list.addEventListener("pointermove", (event) => {
    const box = boxAt(event);
    if (box && (event.pointerType === "mouse" || event.buttons)) follow(box, event);
  });
  list.addEventListener("pointerdown", (event) => {
    const box = boxAt(event);
    if (!box) return;
    box.setPointerCapture(event.pointerId);
    follow(box, event);
  });
  list.addEventListener("pointerout", (event) => {
    const box = boxAt(event);
    if (box && event.pointerType === "mouse" && !box.contains(event.relatedTarget)) hide(box);
  });
  const scrub = (by) => {
    const box = current?.querySelector(".poster[data-strip]");
    if (!box) return;
    const at = films.get(box)?.at ?? -1;
    show(box, at + by);
  };

  // Keys
  const keys = byId("keys");
  const unfold = () => {
    const more = current?.querySelector("details");
    if (more) more.open = !more.open;
  };
  addEventListener("keydown", (event) => {
    if (keys.open || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const isTyping = target.matches?.("input[type=search], select, textarea");
    if (event.key === "Escape") {
      clear(true);
      if (isTyping) target.blur();
      return;
    }
    if (isTyping) return;
    const isClip = Boolean(target.closest?.(".clip"));
    const isItself = target === current || target.getAttribute?.("role") === "slider";
    const act = {
      "/": () => search.focus(),
      "?": () => keys.showModal(),
      j: () => step(1),
      k: () => step(-1),
      o: () => {
        only.checked = !only.checked;
        apply(true);
      },
      ArrowDown: isClip && (() => step(1)),
      ArrowUp: isClip && (() => step(-1)),
      ArrowRight: isClip && (() => scrub(1)),
      ArrowLeft: isClip && (() => scrub(-1)),
      Enter: isItself && unfold,
      " ": isItself && unfold,
    }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
  byId("help").addEventListener("click", () => keys.showModal());
  const themes = ["auto", "light", "dark"];
  byId("theme").addEventListener("click", (event) => {
    const root = document.documentElement;
    const next = themes[(themes.indexOf(root.dataset.theme ?? "auto") + 1) % themes.length];
    root.dataset.theme = next;
    event.currentTarget.textContent = `Theme: ${next}`;
  });
  // Load lazy pictures before printing.
  addEventListener("beforeprint", () => {
    document.querySelectorAll("img[loading=lazy]").forEach((picture) => (picture.loading = "eager"));
  });

  choose(shown[0] ?? null);
  restoreFilters();
})();
