// Makes the tables sortable and the submissions searchable. Without it all is there to read.
"use strict";

const key = (row, column) => {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text);
  return row.cells[column].classList.contains("number") ? (Number.isNaN(number) ? -1 : number) : text.toLowerCase();
};
const order = new Intl.Collator("en", { numeric: true }).compare;

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (head.classList.contains("bars")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
      rows.sort(([a], [b]) => (typeof a === "number" ? a - b : order(a, b)));
      if (!up) rows.reverse();
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  });
}

for (const table of document.querySelectorAll("table.searchable")) {
  const label = document.createElement("label");
  const field = document.createElement("input");
  const shown = document.createElement("output");
  field.type = "search";
  label.append("Search ", field, " ", shown);
  label.className = "search";
  table.parentElement.before(label);
  const rows = [...table.tBodies[0].rows].map((row) => [row.textContent.toLowerCase(), row]);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    let count = 0;
    for (const [text, row] of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      count += row.hidden ? 0 : 1;
    }
    shown.value = field.value ? `${count} of ${rows.length}` : "";
  });
}
