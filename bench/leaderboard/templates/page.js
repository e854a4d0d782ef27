"use strict";
// Sorting, filtering and choosing columns. The page is complete without; nothing is fetched, nothing is stored.
for (const table of document.querySelectorAll("table[data-board]")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[1].cells];
  const groups = [...table.tHead.rows[0].cells];
  const tools = table.closest("section").querySelector(".tools");
  const said = tools.querySelector("[role=status]");
  tools.hidden = false;

  // "−.031 ± .012", "1,234", "3/5", "[−.1, +.2]": the first number counts; what has none comes last.
  const value = (row, column) => {
    const text = row.cells[column].textContent.replace(/−/g, "-").replace(/,(?=\d{3})/g, "");
    const found = text.match(/[+-]?(\d+\.?\d*|\.\d+)/);
    return found ? Number(found[0]) : NaN;
  };
  const sort = (column, ascending) => {
    const rows = [...body.rows];
    const collator = new Intl.Collator(undefined, {numeric: true});
    const keys = new Map(rows.map(row => [row, column ? value(row, column) : row.cells[0].textContent]));
    rows.sort((a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      if (!column) return ascending ? collator.compare(x, y) : collator.compare(y, x);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return ascending ? x - y : y - x;
    });
    body.append(...rows);
    heads.forEach((head, i) => i === column
      ? head.setAttribute("aria-sort", ascending ? "ascending" : "descending") : head.removeAttribute("aria-sort"));
    const name = heads[column].textContent.trim();
    said.textContent = `Sorted by ${name}, ${ascending ? "ascending" : "descending"}`;
  };
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      // The first press puts the best on top: high values unless the heading points down, names and ranks from the start.
      const first = column < 2 || head.dataset.first === "low";
      sort(column, now ? now === "descending" : first);
    });
  });

  const search = tools.querySelector("input[type=search]");
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.cells[0].textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
      shown += !row.hidden;
    }
    said.textContent = `${shown} of ${body.rows.length} strategies`;
  });

  const choose = (box) => {
    const group = groups[Number(box.value)];
    let start = 0;
    for (const other of groups) { if (other === group) break; start += Number(other.dataset.span); }
    group.hidden = !box.checked;
    for (const row of [table.tHead.rows[1], ...body.rows])
      for (let i = start; i < start + Number(group.dataset.span); i++) row.cells[i].hidden = !box.checked;
  };
  for (const box of tools.querySelectorAll("input[type=checkbox]")) {
    box.addEventListener("change", () => choose(box));
    if (!box.checked) choose(box);
  }
}
document.documentElement.dataset.ready = "yes";
