// Sorts tables by their columns and shows the rows that are chosen. Without it every row is there, in the first order.
"use strict";

function valueOf(row, column) {
  const cell = row.children[column];
  if (cell === undefined) return null;
  if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
  return cell.classList.contains("n") ? null : cell.textContent.trim();
}

// What is not known comes last, whichever way the column is sorted; equal rows keep their order.
function compare(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === "number" && typeof b === "number") return direction * (a - b);
  return direction * String(a).localeCompare(String(b), "en", { numeric: true });
}

function sort(header) {
  const table = header.closest("table");
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const column = [...header.parentElement.children].indexOf(header);
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
  rows.sort(([a], [b]) => compare(a, b, ascending ? 1 : -1));
  body.append(...rows.map(([, row]) => row));
}

function choose(chooser) {
  const chosen = [...chooser.querySelectorAll("select")].map((select) => [select.dataset.key, select.value]);
  const tables = chooser.dataset.governs.split(" ").map((id) => document.getElementById(id));
  for (const table of tables) {
    for (const row of table.tBodies[0].rows) {
      row.hidden = !chosen.every(([key, value]) => !value || !row.dataset[key] || row.dataset[key] === value);
    }
  }
  for (const [key, value] of chosen) {
    for (const table of tables) table.classList.toggle(`one-${key}`, value !== "");
  }
  const rows = [...tables[0].tBodies[0].rows];
  const shown = rows.filter((row) => !row.hidden).length;
  const said = chosen.filter(([, value]) => value).map(([key, value]) => `${key} ${value}`);
  const output = chooser.querySelector("output");
  output.textContent = `${shown} of ${rows.length} rows`;
  output.dataset.chosen = said.map((text) => `${text}, `).join("");  // for paper, where nothing can be chosen
}

for (const header of document.querySelectorAll("table.sortable th[aria-sort]")) {
  header.querySelector("button").addEventListener("click", () => sort(header));
}
// Where a table or a figure goes on beyond the edge of its box, the edge fades; see style.css.
function mark(box) {
  box.classList.toggle("right", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
  box.classList.toggle("below", box.scrollTop + box.clientHeight < box.scrollHeight - 2);
}

const sizes = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
for (const box of document.querySelectorAll(".scroll")) {
  box.addEventListener("scroll", () => mark(box), { passive: true });
  sizes.observe(box);
}
for (const chooser of document.querySelectorAll(".chooser")) {
  chooser.hidden = false;
  chooser.addEventListener("change", () => choose(chooser));
  choose(chooser);
}
