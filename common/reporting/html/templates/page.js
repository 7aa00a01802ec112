"use strict";
// The gallery, its filters and the detail of a row; tables that sort; pictures by their names.
(() => {
const $ = (query, from = document) => from.querySelector(query);
const all = (query, from = document) => [...from.querySelectorAll(query)];
const read = id => JSON.parse($("#" + id)?.textContent || "null");
const data = read("gallery"), pictures = read("pictures") || {};
const source = name => name in pictures ? "data:image/jpeg;base64," + pictures[name] : "";

function element(tag, words = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(words))
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  made.append(...inside.filter(each => each !== null));
  return made;
}

for (const image of all("img[data-picture]")) image.src = source(image.dataset.picture);

// ---- tables that sort
for (const table of all("table.sortable")) {
  const heads = all("thead th", table), body = $("tbody", table);
  heads.forEach((head, column) => $("button", head)?.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending" && column > 0 ||
      head.getAttribute("aria-sort") === "ascending";
    heads.forEach(each => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => {
      const cell = row.cells[column];
      return column ? (cell.dataset.value === "" ? -Infinity : +cell.dataset.value)
        : cell.textContent.trim();
    };
    const rows = [...body.rows].map(row => [value(row), row]);
    rows.sort(([a], [b]) => column ? a - b : a.localeCompare(b, undefined, {numeric: true}));
    if (down) rows.reverse();
    body.append(...rows.map(([, row]) => row));
  }));
}
for (const table of all("table.confusion"))
  if (all("thead span", table).some(each => each.textContent.length > 5)) table.classList.add("long");

if (!data) return;

// ---- rows
const first = data.runs[0], several = data.runs.length > 1, count = data.ids.length;
const sets = data.form === "sets", numbers = data.form === "columns";
const doubt = new Map(data.doubt.map((row, place) => [row, place]));
const same = (a, b) => sets ? a.length === b.length && a.every((each, at) => each === b[at]) : a === b;
const has = (answer, name) => sets ? answer.includes(name) : answer === name;
const right = (run, row) => !numbers && same(run.said[row], data.true[row]);
const named = answer => numbers ? answer
  : sets ? answer.map(at => data.names[at]).join(", ") || "none" : data.names[answer];
const order = new Map(data.ids.map((id, row) => [row, row]));
const shots = new Map();
data.group.forEach((group, row) => {
  if (group < 0) return;
  if (!shots.has(group)) shots.set(group, []);
  shots.get(group).push(row);
});

const form = $("#filters"), tiles = $("#tiles"), PAGE = 56;
const folds = [...new Set(data.fold)].sort((a, b) => a - b);
form.fold.append(...folds.map(fold => element("option", {value: fold}, String(fold))));
let shown = [], drawn = 0, run = 0;

function shows(kind, row) {
  if (kind === "wrong") return !right(data.runs[run], row);
  if (kind === "right") return right(data.runs[run], row);
  if (kind === "doubt") return doubt.has(row);
  if (kind === "cam") return row in data.cams;
  if (kind === "shots") return data.group[row] >= 0;
  if (kind === "disagree") return data.runs.some(each => !same(each.said[row], first.said[row]));
  const at = +kind.slice(kind.startsWith("only") ? 4 : 3), only = kind.startsWith("only");
  return data.runs.every((each, place) => right(each, row) === (place === at ? only : !only));
}

function keys(kind) {
  const by = values => row => values[row];
  const of = data.runs[run];
  if (kind === "loss") return row => -of.loss[row];
  if (kind === "-loss") return by(of.loss);
  if (kind === "sure") return row => -of.sure[row];
  if (kind === "-sure") return by(of.sure);
  if (kind === "order") return by(data.order);
  if (kind === "doubt") return row => doubt.get(row) ?? count;
  if (kind === "apart") return row => {
    const losses = data.runs.map(each => each.loss[row]);
    return Math.min(...losses) - Math.max(...losses);
  };
  return null; // by id
}

function filter() {
  const value = name => form[name] && form[name].value !== "" ? form[name].value : null;
  const [t, s, fold, show, sure] = ["true", "said", "fold", "show", "sure"].map(value);
  const id = form.id.value.trim().toLowerCase(), of = data.runs[run];
  const [low, high] = sure ? sure.split(",").map(Number) : [0, 0];
  let rows = [], bare = 0;
  for (let row = 0; row < count; row++) {
    if (t !== null && !has(data.true[row], +t)) continue;
    if (s !== null && !has(of.said[row], +s)) continue;
    if (fold !== null && data.fold[row] !== +fold) continue;
    if (sure && !(of.sure[row] >= low && of.sure[row] < high)) continue;
    if (id && !data.ids[row].toLowerCase().includes(id)) continue;
    if (show && !shows(show, row)) continue;
    if (!(row in pictures)) { bare++; if (!form.bare.checked) continue; }
    rows.push(row);
  }
  const key = keys(show === "doubt" && form.sort.selectedIndex === 0 ? "doubt" : form.sort.value);
  if (key) {
    const of_row = new Map(rows.map(row => [row, key(row)]));
    rows.sort((a, b) => of_row.get(a) - of_row.get(b) || a - b);
  } else rows.sort((a, b) => data.ids[a] < data.ids[b] ? -1 : 1);
  shown = rows;
  drawn = 0;
  tiles.replaceChildren();
  $("#none").hidden = rows.length > 0 || bare > 0;
  const told = form.bare.checked || !bare ? "" : ` with a picture, ${bare.toLocaleString("en")} without`;
  $("#count").textContent = `${rows.length.toLocaleString("en")} row${rows.length === 1 ? "" : "s"}${told}`;
  more();
}

function picture(row, kind) {
  return row in pictures ? element("img", {src: source(row), alt: "", class: kind || null})
    : element("span", {class: "empty"}, "no picture");
}

function tile(row) {
  const lines = [element("span", {class: "name"}, data.ids[row]),
    element("span", {}, element("b", {class: "key"}, "true"), " " + named(data.true[row]))];
  data.runs.forEach((each, at) => {
    const kind = numbers ? null : right(each, row) ? "right" : "wrong";
    const sure = each.sure ? (each.sure[row] / 1000).toFixed(2) + " " : "";
    lines.push(element("span", {class: kind},
      element("b", {class: "key"}, several ? "run " + (at + 1) : "said"), " " + sure + named(each.said[row])));
  });
  lines.push(element("span", {}, element("b", {class: "key"}, "loss"),
    " " + data.runs[run].loss[row].toPrecision(3)));
  return element("button", {type: "button", class: "tile", "data-row": row}, picture(row), ...lines);
}

function more(many = PAGE) {
  const next = shown.slice(drawn, drawn + many);
  drawn += next.length;
  tiles.append(...next.map(tile));
  const left = shown.length - drawn, button = $("#more");
  button.hidden = !left;
  button.textContent = `show ${Math.min(left, 4 * PAGE).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
}

$("#more").addEventListener("click", () => {
  const at = drawn;
  more(4 * PAGE);
  tiles.children[at]?.focus({preventScroll: true});
});
form.addEventListener("input", () => { run = 0; filter(); });
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("reset", () => { run = 0; setTimeout(filter); });

function choose(values, of = 0) {
  for (const name of ["true", "said", "show", "fold", "sure"])
    if (form[name]) form[name].value = values[name] ?? "";
  form.id.value = "";
  form.sort.selectedIndex = 0;
  run = +of || 0;
  if (!numbers && data.ids.length > Object.keys(pictures).length) form.bare.checked = true;
  filter();
  $("#images").scrollIntoView();
  $(".tile", tiles)?.focus({preventScroll: true});
}

// ---- the detail of a row
const dialog = $("#detail");
let current = -1, among = [];

function table(run, at, row) {
  const top = (data.top[row] || [])[at] || [];
  const lines = [["predicted", named(run.said[row])], ["loss", run.loss[row].toPrecision(4)]];
  if (run.sure) lines.push(["confidence", (run.sure[row] / 1000).toFixed(3)]);
  return element("div", {}, several ? element("h4", {}, run.name) : null,
    element("table", {}, element("tbody", {}, ...lines.map(([name, value]) =>
      element("tr", {}, element("th", {scope: "row"}, name), element("td", {}, value))))),
    top.length ? element("table", {class: "bars"}, element("tbody", {}, ...top.map(([name, p]) =>
      element("tr", {}, element("th", {scope: "row"}, data.names[name]),
        element("td", {}, p.toFixed(3)), bar(p))))) : null);
}

function bar(share) {
  const inner = element("span");
  inner.style.width = 100 * Math.min(1, Math.max(0, share)) + "%";
  return element("td", {class: "bar"}, inner);
}

function detail(row, list) {
  if (list) among = list;
  current = row;
  $("#detail-id").textContent = data.ids[row];
  const facts = [["true", named(data.true[row])], ["fold", String(data.fold[row])]];
  if (doubt.has(row)) facts.push(["label", `doubtful, place ${doubt.get(row) + 1} of ${doubt.size}`]);
  const others = (shots.get(data.group[row]) || []).filter(each => each !== row).slice(0, 24);
  const images = element("div", {}, picture(row, "large"));
  const cams = (data.cams[row] || []).map(([told, cam]) => element("figure", {},
    element("img", {src: "data:image/jpeg;base64," + cam, alt: ""}), element("figcaption", {}, told)));
  if (data.small) images.classList.add("small");
  const text = element("div", {}, element("table", {}, element("tbody", {}, ...facts.map(([name, value]) =>
    element("tr", {}, element("th", {scope: "row"}, name), element("td", {}, value))))),
    ...data.runs.map((each, at) => table(each, at, row)));
  const near = others.length ? element("div", {class: "shots"},
    element("h4", {}, `${others.length} more of the same shot or group`),
    element("div", {class: "tiles" + (data.small ? " small" : "")}, ...others.map(tile))) : null;
  const heat = cams.length ? element("div", {class: "cams"}, ...cams) : null;
  $("#detail-body").replaceChildren(...[images, text, heat, near].filter(Boolean));
  for (const button of all("[data-move]", dialog)) button.disabled = among.length < 2;
  if (!dialog.open) dialog.showModal();
}

function move(by) {
  const at = among.indexOf(current);
  if (at >= 0 && among[at + by] !== undefined) detail(among[at + by]);
}

document.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (event.target === dialog || button?.hasAttribute("data-close")) return dialog.close();
  if (!button) return;
  if (button.dataset.move) return move(+button.dataset.move);
  if (button.dataset.row !== undefined) {
    const row = +button.dataset.row, tiled = tiles.contains(button);
    return detail(row, dialog.contains(button) ? null : tiled ? shown
      : all("button[data-row]", button.parentElement.parentElement).map(each => +each.dataset.row));
  }
  if (button.dataset.true !== undefined)
    choose({true: button.dataset.true, said: button.dataset.said}, button.dataset.run);
});
dialog.addEventListener("keydown", event => {
  if (event.key === "ArrowLeft") move(-1);
  if (event.key === "ArrowRight") move(1);
});
dialog.addEventListener("close", () => $(`.tile[data-row="${current}"]`, tiles)?.focus());
tiles.addEventListener("keydown", event => {
  const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns()}[event.key];
  const at = [...tiles.children].indexOf(document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  if (at + step >= drawn) more();
  tiles.children[at + step]?.focus();
});
const columns = () => getComputedStyle(tiles).gridTemplateColumns.split(" ").length;
document.addEventListener("keydown", event => {
  if (event.key !== "/" || dialog.open || /INPUT|SELECT/.test(document.activeElement.tagName)) return;
  event.preventDefault();
  form.id.focus();
});

// ---- a confusion matrix of many classes
const canvas = $("#confusion");
if (canvas) {
  const size = data.names.length, counts = new Map(), totals = new Array(size).fill(0);
  data.true.forEach((t, row) => {
    const key = t * size + first.said[row];
    counts.set(key, (counts.get(key) || 0) + 1);
    totals[t]++;
  });
  const paint = canvas.getContext("2d"), dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    paint.clearRect(0, 0, size, size);
    for (const [key, n] of counts) {
      const t = Math.floor(key / size), s = key % size;
      paint.fillStyle = `rgb(${style.getPropertyValue(t === s ? "--good" : "--bad")} / ${Math.sqrt(n / totals[t])})`;
      paint.fillRect(s, t, 1, 1);
    }
  };
  draw();
  dark.addEventListener("change", draw);
  const cell = event => {
    const box = canvas.getBoundingClientRect();
    const at = [event.clientY - box.top, event.clientX - box.left];
    return at.map((place, axis) => Math.min(size - 1, Math.floor(place / [box.height, box.width][axis] * size)));
  };
  canvas.addEventListener("mousemove", event => {
    const [t, s] = cell(event);
    canvas.title = `${data.names[t]}, predicted ${data.names[s]}: ${counts.get(t * size + s) || 0}`;
  });
  canvas.addEventListener("click", event => {
    const [t, s] = cell(event);
    choose({true: t, said: s});
  });
  const pairs = [...counts].filter(([key]) => Math.floor(key / size) !== key % size);
  pairs.sort((a, b) => b[1] - a[1]);
  $("#confused").append(...pairs.slice(0, 15).map(([key, n]) => element("li", {}, element("span", {}, String(n)),
    element("button", {type: "button", class: "link", "data-true": Math.floor(key / size), "data-said": key % size},
      `${data.names[Math.floor(key / size)]}, predicted ${data.names[key % size]}`))));
}

filter();
})();
