"use strict";
// Sorting, filtering, choosing columns and the ranking metric. The page is complete without; nothing is fetched or kept.
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const words = (text) => text.toLowerCase().split(/[\s,]+/).filter(Boolean);

// "−.031 ± .012", "1,234", "3/5", "[−.1, +.2]": the first number counts; what has none comes last.
const value = (row, column) => {
  const text = row.cells[column].textContent.replace(/−/g, "-").replace(/,(?=\d{3})/g, "");
  const found = text.match(/[+-]?(\d+\.?\d*|\.\d+)/);
  return found ? Number(found[0]) : NaN;
};
const heads = (table) => [...table.tHead.rows[table.tHead.rows.length - 1].cells];
const say = (table, text) => {
  const tools = table.closest("section").querySelector(".tools [role=status]");
  if (tools) tools.textContent = text;
};
const sort = (table, column, ascending) => {
  const body = table.tBodies[0], rows = [...body.rows];
  const collator = new Intl.Collator(undefined, {numeric: true});
  const keys = new Map(rows.map(row => [row, column ? value(row, column) : row.cells[0].textContent]));
  rows.sort((a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if (!column) return ascending ? collator.compare(x, y) : collator.compare(y, x);
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return ascending ? x - y : y - x;
  });
  body.append(...rows);
  heads(table).forEach((head, i) => i === column
    ? head.setAttribute("aria-sort", ascending ? "ascending" : "descending") : head.removeAttribute("aria-sort"));
  const name = heads(table)[column].textContent.trim();
  say(table, `Sorted by ${name}, ${ascending ? "ascending" : "descending"}`);
};
for (const table of all("table[data-sort]"))
  heads(table).forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const now = head.getAttribute("aria-sort");
    // The first press puts the best on top: high values unless the heading points down, names from the start.
    sort(table, column, now ? now === "descending" : !column || head.dataset.first === "low");
  }));

// A table of a board, its tools, and the figures of the same section: what does not match is hidden, or drawn faintly.
for (const table of all("table[data-board]")) {
  const section = table.closest("section"), tools = section.querySelector(".tools");
  const groups = [...table.tHead.rows[0].cells];
  tools.hidden = false;
  const search = tools.querySelector("input[type=search]");
  search.addEventListener("input", () => {
    const wanted = words(search.value);
    const fits = (text) => !wanted.length || wanted.some(word => text.toLowerCase().includes(word));
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !fits(row.cells[0].textContent);
      shown += !row.hidden;
    }
    for (const series of all("g.series", section)) series.classList.toggle("faint", !fits(series.dataset.name));
    say(table, `${shown} of ${table.tBodies[0].rows.length} strategies`);
  });
  const choose = (box) => {
    const group = groups[Number(box.value)];
    let start = 0;
    for (const other of groups) { if (other === group) break; start += Number(other.dataset.span); }
    group.hidden = !box.checked;
    for (const row of [table.tHead.rows[1], ...table.tBodies[0].rows])
      for (let i = start; i < start + Number(group.dataset.span); i++) row.cells[i].hidden = !box.checked;
    cue(table.closest(".scroll"));
  };
  for (const box of all("input[type=checkbox]", tools)) {
    box.addEventListener("change", () => choose(box));
    if (!box.checked) choose(box);
  }
}

// Where a table goes on to the right, a shadow and a line under it say so.
function cue(box) {
  if (!box) return;
  const more = box.scrollWidth - box.clientWidth - box.scrollLeft > 4;
  box.classList.toggle("goes-on", more);
  box.classList.toggle("came-from", box.scrollLeft > 4);
  const line = box.nextElementSibling;
  if (line && line.classList.contains("more")) line.hidden = !more;
}
const boxes = all(".scroll, .drawn");
for (const box of boxes) box.addEventListener("scroll", () => cue(box), {passive: true});
const cueAll = () => boxes.forEach(cue);
addEventListener("resize", cueAll);
for (const fold of all("details")) fold.addEventListener("toggle", cueAll);

// The filters of the page, and the metric that ranks: headlines and figures keep the designed one.
const filters = document.getElementById("filters");
if (filters) {
  filters.hidden = false;
  const field = (name) => document.getElementById(name);
  const chosen = (name) => field(name) ? field(name).value : "";
  const filter = () => {
    const wanted = words(chosen("find")), model = chosen("model"), tuned = chosen("tuned");
    const fits = (element) => {
      const {set, model: own} = element.dataset;
      return (set === undefined || !wanted.length || wanted.some(word => set.toLowerCase().includes(word)))
        && (!model || own === undefined || own === model) && (!tuned || !element.dataset.tuned
          || element.dataset.tuned === tuned || (tuned === "no" && element.querySelector("tr:not([data-tuned])")));
    };
    for (const element of all("[data-model]")) element.hidden = !fits(element);
    for (const clause of all(".clause")) clause.hidden = all("a", clause).every(link => link.hidden);
    for (const item of all(".answers li:not([data-model])")) item.hidden = all(".clause", item).every(c => c.hidden);
    for (const row of all("[data-board] tbody tr"))
      row.hidden = !!tuned && !row.classList.contains("base") && (tuned === "yes") !== (row.dataset.tuned === "yes");
    const sections = all("main > section[data-set]");
    filters.querySelector("[role=status]").textContent =
      `${sections.filter(section => !section.hidden).length} of ${sections.length} boards`;
    cueAll();
  };
  const first = new Map();
  const rank = () => {
    const metric = chosen("metric") || "designed";
    for (const box of all(".matrix .by")) box.hidden = box.dataset.metric !== metric;
    for (const table of all("table[data-by]")) {
      if (!first.has(table)) first.set(table, {
        rows: [...table.tBodies[0].rows], heading: heads(table)[1].textContent, low: heads(table)[1].dataset.first,
        cells: [...table.tBodies[0].rows].map(row => [...row.cells].slice(1).map(c => [c.textContent, c.className])),
      });
      const before = first.get(table), by = JSON.parse(table.dataset.by)[metric];
      const low = by ? by.low : before.low === "low";
      heads(table)[1].querySelector("button").textContent = by ? by.heading : before.heading;
      for (const head of heads(table).slice(1, 3))
        if (low) head.dataset.first = "low"; else delete head.dataset.first;
      before.rows.forEach((row, i) => ((by || before).cells[i] || []).forEach(([text, kind], column) => {
        row.cells[column + 1].textContent = text;
        row.cells[column + 1].className = kind;
      }));
      table.classList.toggle("otherwise", !!by);
      if (by) sort(table, 1, low);
      else {
        table.tBodies[0].append(...before.rows);
        heads(table).forEach(head => head.removeAttribute("aria-sort"));
      }
    }
    filters.querySelector("[role=status]").textContent = metric === "designed" ? ""
      : "Tables and matrix are ranked by this; sentences and figures keep the designed metric.";
    cueAll();
  };
  for (const name of ["find", "model", "tuned"]) if (field(name)) field(name).addEventListener("input", filter);
  if (field("metric")) { field("metric").addEventListener("input", rank); }
  for (const box of all(".matrix .by")) box.hidden = box.dataset.metric !== "designed";
}
cueAll();
document.documentElement.dataset.ready = "yes";
