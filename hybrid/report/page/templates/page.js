"use strict";
(() => {
  const byId = (name) => document.getElementById(name);

  function make(tag, text = "", properties = {}) {
    const element = document.createElement(tag);
    element.textContent = text;
    return Object.assign(element, properties);
  }

  // ---- tables that sort: headers become buttons

  function keyOf(cell) {
    const key = cell.dataset.sort ?? cell.textContent.trim();
    if (key === "" || key === "–") return null;
    const number = Number(key);
    return Number.isNaN(number) ? key : number;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  }

  // What is not known stays last in both directions.
  function sortRows(table, column, descending) {
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [keyOf(row.cells[column]), row]);
    const known = keyed.filter(([key]) => key !== null);
    known.sort(([a], [b]) => (descending ? compare(b, a) : compare(a, b)));
    body.append(...[...known, ...keyed.filter(([key]) => key === null)].map(([, row]) => row));
  }

  function makeSortable(table) {
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = make("button", header.textContent, { type: "button" });
      header.replaceChildren(button);
      button.addEventListener("click", () => {
        const descending = header.getAttribute("aria-sort") === "ascending";
        headers.forEach((other) => other.removeAttribute("aria-sort"));
        header.setAttribute("aria-sort", descending ? "descending" : "ascending");
        sortRows(table, column, descending);
      });
    });
  }

  document.querySelectorAll("table[data-sortable]").forEach(makeSortable);

  // ---- what is folded is printed, too

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));

  // ---- utterances: hypotheses are kept as their errors, see hybrid/report/page/utterances.py

  const PAGE = 20;
  const LACKING = -1, ABSENT = -2;
  const RIGHT_TO_LEFT = /^[^\p{L}]*[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
  if (!byId("utterance-list")) return;
  const data = JSON.parse(byId("utterance-data").textContent);
  const audio = JSON.parse(byId("audio-data").textContent);
  const utterances = data.utterances.map(unpack);
  const filters = byId("filters");
  let matching = [];
  let shown = 0;

  function unpack([id, test, speaker, seconds, reference, different, which, conditions], place) {
    const errors = different.map(countErrors);
    const words = (list) => list.map((word) => data.words[word]).join(" ");
    const counts = which.map((variant) => (variant === LACKING ? [0, reference.length, 0] : errors[variant]));
    const inserted = different.flatMap((pairs) => pairs.filter((word, at) => at % 2 && word !== LACKING));
    return {
      id, place, speaker, seconds, reference, different, which, conditions, counts, test: data.tests[test],
      total: counts.reduce((sum, kinds) => sum + total(kinds), 0),
      variants: new Set(which.filter((variant) => variant !== ABSENT)).size,
      text: `${id} ${words(reference)} ${words(inserted)}`.toLowerCase(),
    };
  }

  // Of a system that was not asked (its counts are undefined): 0.
  function total(kinds) { return kinds ? kinds[0] + kinds[1] + kinds[2] : 0; }

  // Substitutions, deletions, insertions.
  function countErrors(pairs) {
    const kinds = [0, 0, 0];
    for (let at = 0; at < pairs.length; at += 2) {
      kinds[pairs[at] < 0 ? 2 : pairs[at + 1] === LACKING ? 1 : 0] += 1;
    }
    return kinds;
  }

  const chosen = (name) => { const value = byId(name).value; return value === "" ? null : Number(value); };

  function test(utterance, wish) {
    const { system, rival, kind } = wish;
    const own = (system === null ? utterance.counts : [utterance.counts[system]]).filter(Boolean);
    if (own.length === 0 || (rival !== null && !utterance.counts[rival])) return false;
    const wrong = own.some((kinds) => (kind === "error" ? total(kinds) : kinds[kind]) > 0);
    if (kind === "right" && own.some((kinds) => total(kinds) > 0)) return false;
    if (kind !== "right" && kind !== "any" && !wrong) return false;
    if (rival !== null && !own.some((kinds) => total(kinds) > total(utterance.counts[rival]))) return false;
    if (wish.agreement === "differ" && utterance.variants < 2) return false;
    if (wish.agreement === "same" && utterance.variants > 1) return false;
    if (wish.speaker !== null && utterance.speaker !== wish.speaker) return false;
    return utterance.text.includes(wish.text);
  }

  const errorsOf = (utterance, system) => (system === null ? utterance.total : total(utterance.counts[system]));
  const orders = {
    interest: () => (a, b) => b.variants - a.variants || b.total - a.total || a.place - b.place,
    errors: (system) => (a, b) => errorsOf(b, system) - errorsOf(a, system) || a.place - b.place,
    given: () => (a, b) => a.place - b.place,
  };

  function find() {
    const wish = {
      system: chosen("by-system"), rival: chosen("by-rival"), speaker: chosen("by-speaker"),
      kind: byId("by-kind").value, agreement: byId("by-agreement").value,
      text: byId("by-text").value.trim().toLowerCase(),
    };
    matching = utterances.filter((utterance) => test(utterance, wish));
    matching.sort(orders[byId("by-order").value](wish.system));
    byId("utterance-list").replaceChildren();
    shown = 0;
    showMore();
  }

  function showMore() {
    const next = matching.slice(shown, shown + PAGE);
    byId("utterance-list").append(...next.map(draw));
    shown += next.length;
    byId("more").hidden = shown >= matching.length;
    byId("found").textContent = `${matching.length} of ${utterances.length} utterances` +
      (shown < matching.length ? `, the first ${shown} shown` : "");
  }

  // ---- one utterance

  function draw(utterance) {
    const article = make("article");
    article.append(make("h3", "", {}));
    article.firstChild.append(make("bdi", utterance.id));
    const about = [utterance.test, `speaker ${data.speakers[utterance.speaker]}`, `${utterance.seconds} s`];
    if (utterance.conditions) about.push(utterance.conditions);
    article.append(make("div", about.join(", "), { className: "soft" }));
    const scroll = make("div", "", { className: "scroll", tabIndex: 0 });
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", `Hypotheses of ${utterance.id}`);
    scroll.append(drawWords(utterance));
    article.append(scroll);
    const sound = audio[`${utterance.test}/${utterance.id}`];
    if (sound) {
      const player = make("audio", "", { controls: true, preload: "none", src: sound });
      player.setAttribute("aria-label", `Audio of ${utterance.id}`);
      article.append(player);
    }
    return article;
  }

  // [[variant, systems that have it]], fewest errors first
  function groups(utterance) {
    const wanted = [chosen("by-system"), chosen("by-rival")].filter((system) => system !== null);
    const only = byId("only-chosen").checked && wanted.length > 0;
    const found = new Map();
    utterance.which.forEach((variant, system) => {
      if (variant === ABSENT || (only && !wanted.includes(system))) return;
      found.set(variant, [...(found.get(variant) ?? []), system]);
    });
    return [...found].sort(([, a], [, b]) => errorsOf(utterance, a[0]) - errorsOf(utterance, b[0]));
  }

  // Of one hypothesis: reference word -> what it was taken for; place -> words inserted before it.
  function parts(utterance, variant) {
    const taken = new Map(), inserted = new Map();
    if (variant === LACKING) utterance.reference.forEach((_, place) => taken.set(place, LACKING));
    const pairs = variant === LACKING ? [] : utterance.different[variant];
    for (let at = 0; at < pairs.length; at += 2) {
      const place = pairs[at], word = pairs[at + 1];
      if (place >= 0) taken.set(place, word);
      else inserted.set(-place - 1, [...(inserted.get(-place - 1) ?? []), word]);
    }
    return { taken, inserted };
  }

  function drawWords(utterance) {
    const rows = groups(utterance).map(([variant, systems]) => ({ variant, systems, ...parts(utterance, variant) }));
    const places = utterance.reference.length + 1;
    const slots = Array.from({ length: places }, (_, place) =>
      Math.max(0, ...rows.map(({ inserted }) => (inserted.get(place) ?? []).length)));
    const table = make("table", "", { className: "words" });
    if (RIGHT_TO_LEFT.test(utterance.reference.map((word) => data.words[word]).join(""))) table.dir = "rtl";
    const reference = { taken: new Map(), inserted: new Map() };
    table.append(drawRow("reference", "errors", utterance, slots, reference));
    for (const row of rows) {
      const names = row.systems.map((system) => data.systems[system]).join(", ");
      const figure = row.variant === LACKING ? "no output" : String(errorsOf(utterance, row.systems[0]));
      table.append(drawRow(names, figure, utterance, slots, row));
    }
    return table;
  }

  function drawRow(name, figure, utterance, slots, { taken, inserted }) {
    const row = make("tr");
    const header = make("th", "", { scope: "row" });
    header.append(make("bdi", name));
    row.append(header, make("td", figure, { className: "count" }));
    slots.forEach((wide, place) => {
      const own = inserted.get(place) ?? [];
      for (let at = 0; at < wide; at += 1) {
        row.append(at < own.length ? drawWord("inserted", "ins", data.words[own[at]]) : make("td"));
      }
      if (place === utterance.reference.length) return;
      const word = data.words[utterance.reference[place]];
      if (!taken.has(place)) row.append(make("td", word, { className: name === "reference" ? "" : "same" }));
      else if (taken.get(place) === LACKING) row.append(drawWord("deleted", "del", word));
      else row.append(drawWord("substituted", "mark", data.words[taken.get(place)]));
    });
    return row;
  }

  function drawWord(said, tag, word) {
    const cell = make("td");
    cell.append(make("span", `${said}: `, { className: "hidden" }), make(tag, word));
    return cell;
  }

  // ---- the form

  function fill(name, first, texts) {
    byId(name).append(new Option(first, ""), ...texts.map((text, number) => new Option(text, number)));
  }

  fill("by-system", "any system", data.systems);
  fill("by-rival", "–", data.systems);
  fill("by-speaker", "all speakers", data.speakers);
  filters.hidden = false;
  let waiting = 0;
  filters.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(find, 120); });
  filters.addEventListener("reset", () => setTimeout(find));
  filters.addEventListener("submit", (event) => event.preventDefault());
  byId("more").addEventListener("click", showMore);
  find();
})();
