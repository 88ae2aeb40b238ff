"use strict";
// Draws the report whose JSON stands in the page. Names in it come from files that anybody may have
// written: they enter the page as text, never as markup.

const page = JSON.parse(document.getElementById("report").textContent);

// MARK: Building blocks

function element(tag, attributes = {}, ...children) {
  const isDrawing = ["svg", "g", "line", "rect", "path", "circle", "text", "title"].includes(tag);
  const made = isDrawing
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function number(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e9) ? value.toExponential(4) : String(Number(value.toPrecision(6)));
}

/// A number in the little room beside an axis: three digits that count.
function short(value) {
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e5) return String(value);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
  return `${unit === 0 ? count : count.toFixed(1)} ${units[unit]}`;
}

const shapeText = (shape) => (shape ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "");

/// `minimumWidth` as words with a space before each capital.
const label = (key) => key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();

function facts(pairs) {
  return element("table", {}, ...pairs
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([key, value]) => element("tr", {}, element("th", {}, key),
      element("td", { class: typeof value === "number" ? "number" : "" }, number(value)))));
}

// MARK: Pictures

/// Bars of counts between edges, with axes.
function histogram({ edges, counts }, { width = 380, height = 130, isSmall = false } = {}) {
  const left = isSmall ? 0 : 44, bottom = isSmall ? 0 : 18, top = isSmall ? 0 : 6;
  const most = Math.max(1, ...counts);
  const step = (width - left) / counts.length;
  const drawing = element("svg", { viewBox: `0 0 ${width} ${height}`, class: isSmall ? "spark" : "",
    role: "img", "aria-label": `histogram of ${counts.reduce((a, b) => a + b, 0)} elements`,
    preserveAspectRatio: isSmall ? "none" : null, width: isSmall ? null : "100%" });
  counts.forEach((count, index) => {
    const size = count === 0 ? 0 : Math.max(1, (count / most) * (height - bottom - top));
    drawing.append(element("rect", { class: "bar", x: left + index * step, width: Math.max(0.5, step - 0.5),
      y: height - bottom - size, height: size },
    element("title", {}, `${number(edges[index])} to ${number(edges[index + 1])}: ${count}`)));
  });
  if (!isSmall) {
    drawing.append(
      element("line", { class: "axis", x1: left, x2: width, y1: height - bottom, y2: height - bottom }),
      element("text", { x: left, y: height - 4 }, short(edges[0])),
      element("text", { x: width, y: height - 4, "text-anchor": "end" }, short(edges[edges.length - 1])),
      element("text", { x: left - 4, y: top + 8, "text-anchor": "end" }, short(most)),
      element("text", { x: left - 4, y: height - bottom, "text-anchor": "end" }, "0"));
  }
  return drawing;
}

/// Blue over white to red around zero; or, for values of one sign, pale to dark.
function colour(position, isSigned) {
  const mix = (a, b, t) => a.map((value, index) => Math.round(value + (b[index] - value) * t));
  if (!isSigned) return mix([247, 251, 255], [8, 48, 107], position);
  return position < 0.5 ? mix([33, 90, 172], [247, 247, 247], position * 2)
    : mix([247, 247, 247], [178, 24, 43], position * 2 - 1);
}

const notFinite = 255; // the cell's code for "no finite element here"

function heatmap(map) {
  const codes = Uint8Array.from(atob(map.cells), (character) => character.charCodeAt(0));
  const isSigned = map.low < 0 && map.high > 0;
  const bound = Math.max(-map.low, map.high);
  const valueOf = (code) => map.low + (map.high - map.low) * (code / 254);
  const positionOf = (value) => isSigned ? (value / bound + 1) / 2
    : (map.high === map.low ? 0.5 : (value - map.low) / (map.high - map.low));
  const scale = Math.max(1, Math.min(12, Math.floor(360 / Math.max(map.columns, map.rows))));
  const left = 46, top = 18;
  const width = map.columns * scale, height = map.rows * scale;
  const canvas = element("canvas", { width: left + width + 2, height: top + height + 2, role: "img",
    "aria-label": `heatmap, ${map.sourceRows} by ${map.sourceColumns}` });
  canvas.style.maxWidth = "100%";
  const context = canvas.getContext("2d");
  for (let row = 0; row < map.rows; row += 1) {
    for (let column = 0; column < map.columns; column += 1) {
      const code = codes[row * map.columns + column];
      const [r, g, b] = code === notFinite ? [255, 0, 255] : colour(positionOf(valueOf(code)), isSigned);
      context.fillStyle = `rgb(${r},${g},${b})`;
      context.fillRect(left + column * scale, top + row * scale, scale, scale);
    }
  }
  const ink = getComputedStyle(document.body).color;
  context.fillStyle = context.strokeStyle = ink;
  context.font = "11px system-ui, sans-serif";
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
  for (const row of map.separators) {
    context.beginPath();
    context.moveTo(left - 6, top + row * scale);
    context.lineTo(left + width, top + row * scale);
    context.stroke();
  }
  context.fillText("0", left, 12);
  context.textAlign = "right";
  if (map.sourceColumns > 1) context.fillText(String(map.sourceColumns - 1), left + width, 12);
  context.fillText("0", left - 8, top + 9);
  if (map.sourceRows > 1) context.fillText(String(map.sourceRows - 1), left - 8, top + height);
  const place = element("span", {}, "");
  canvas.addEventListener("mousemove", (event) => {
    const zoom = canvas.width / canvas.clientWidth;
    const column = Math.floor((event.offsetX * zoom - left) / scale);
    const row = Math.floor((event.offsetY * zoom - top) / scale);
    if (row < 0 || column < 0 || row >= map.rows || column >= map.columns) { place.textContent = ""; return; }
    const range = (index, cells, size) => {
      const first = Math.floor((index * size) / cells), last = Math.max(first, Math.ceil(((index + 1) * size) / cells) - 1);
      return first === last ? `${first}` : `${first}–${last}`;
    };
    const code = codes[row * map.columns + column];
    place.textContent = `[${range(row, map.rows, map.sourceRows)}, ${range(column, map.columns, map.sourceColumns)}]: `
      + (code === notFinite ? "not finite" : number(valueOf(code)));
  });
  const ramp = element("canvas", { width: 120, height: 10 });
  const rampContext = ramp.getContext("2d");
  for (let x = 0; x < 120; x += 1) {
    const value = map.low + (map.high - map.low) * (x / 119);
    rampContext.fillStyle = `rgb(${colour(positionOf(value), isSigned).join(",")})`;
    rampContext.fillRect(x, 0, 1, 10);
  }
  return element("div", { class: "heatmap" }, canvas,
    element("div", { class: "legend" }, number(map.low), ramp, number(map.high),
      element("span", {}, map.measure), place));
}

/// A curve over steps; marked points stand out.
function curve(title, points, onselect) {
  const width = 380, height = 170, left = 56, right = 8, top = 24, bottom = 20;
  const finite = points.filter((point) => Number.isFinite(point.y));
  const xs = points.map((point) => point.x), ys = finite.map((point) => point.y);
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)], [y0, y1] = [Math.min(...ys), Math.max(...ys)];
  const x = (value) => left + (x1 === x0 ? 0.5 : (value - x0) / (x1 - x0)) * (width - left - right);
  const y = (value) => height - bottom - (y1 === y0 ? 0.5 : (value - y0) / (y1 - y0)) * (height - top - bottom);
  const drawing = element("svg", { viewBox: `0 0 ${width} ${height}`, width: "100%", role: "img", "aria-label": title },
    element("text", { x: left, y: 14 }, title),
    element("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }),
    element("line", { class: "axis", x1: left, x2: left, y1: top, y2: height - bottom }),
    element("text", { x: left - 4, y: top + 8, "text-anchor": "end" }, short(y1)),
    element("text", { x: left - 4, y: height - bottom, "text-anchor": "end" }, short(y0)),
    element("text", { x: left, y: height - 4 }, number(x0)),
    element("text", { x: width - right, y: height - 4, "text-anchor": "end" }, number(x1)));
  let path = "", isOpen = false;
  for (const point of points) {
    if (!Number.isFinite(point.y)) { isOpen = false; continue; }
    path += `${isOpen ? "L" : "M"}${x(point.x)} ${y(point.y)}`;
    isOpen = true;
  }
  drawing.append(element("path", { class: "curve", d: path }));
  for (const point of finite) {
    drawing.append(element("circle", { class: point.isMarked ? "point marked" : "point", cx: x(point.x), cy: y(point.y),
      r: point.isMarked ? 4 : 2.5, onclick: () => onselect(point.index) },
    element("title", {}, `step ${point.x}: ${number(point.y)}`)));
  }
  return drawing;
}

// MARK: Tensors: show and diff

const detail = element("section", { class: "detail", "aria-live": "polite" });
let current = null;

function select(row, tensor) {
  current?.row.removeAttribute("aria-current");
  current = { row, tensor };
  row.setAttribute("aria-current", "true");
  const parts = [element("h2", { class: "name" }, tensor.name)];
  const about = Object.entries(tensor)
    .filter(([key, value]) => key !== "name" && (value === null || typeof value !== "object"))
    .map(([key, value]) => [label(key), key === "byteCount" ? bytes(value) : value]);
  if (tensor.shape) about.push(["shape", shapeText(tensor.shape)]);
  parts.push(facts(about));
  for (const [key, value] of Object.entries(tensor)) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) continue;
    const scalars = Object.entries(value).filter(([, item]) => item !== null && typeof item !== "object");
    if (scalars.length) parts.push(element("h3", {}, label(key)), facts(scalars.map(([name, item]) => [label(name), item])));
    const quantiles = Object.entries(value.quantiles ?? {});
    if (quantiles.length) parts.push(element("h3", {}, "quantiles"), facts(quantiles));
    if (value.histogram?.counts?.length) parts.push(element("h3", {}, `histogram of ${label(key)}`), histogram(value.histogram));
  }
  for (const map of page.pictures?.[tensor.name] ?? []) parts.push(element("h3", {}, map.title), heatmap(map));
  detail.replaceChildren(...parts);
}

function outcomeText(tensor) {
  if (tensor.outcome === undefined) return "";
  if (tensor.outcome !== "changed") return label(tensor.outcome);
  return `${number(tensor.changedCount)} changed`;
}

function tensorRow(tensor, text) {
  const isDiff = tensor.outcome !== undefined;
  const last = isDiff
    ? element("span", { class: "number" }, tensor.outcome === "changed" ? `max ${short(tensor.maximumAbsolute)}` : "")
    : (tensor.shape.length && tensor.statistics?.histogram?.counts?.length
      ? histogram(tensor.statistics.histogram, { width: 96, height: 16, isSmall: true }) : element("span", {}));
  const row = element("button", { type: "button", class: `row ${tensor.role}`, title: tensor.name,
    "data-name": tensor.name, onclick: () => select(row, tensor) },
  element("span", { class: "name" }, text),
  ...(isDiff
    ? [element("span", { class: "faint" }, tensor.role), element("span", {
      class: tensor.outcome === "equal" ? "good" : "changed" }, outcomeText(tensor)),
    element("span", { class: "number" }, tensor.elementCount === undefined ? "" : `of ${number(tensor.elementCount)}`), last]
    : [element("span", { class: "faint" }, tensor.dtype), element("span", { class: "faint" }, shapeText(tensor.shape)),
      element("span", { class: "number" }, bytes(tensor.byteCount)), last]));
  return row;
}

/// Variables by layer, each followed by its slots.
function groups(tensors) {
  const layers = new Map();
  const weights = new Map();
  const groupOf = (name) => { if (!layers.has(name)) layers.set(name, []); return layers.get(name); };
  for (const tensor of tensors) {
    if (tensor.role !== "weight") continue;
    const layer = tensor.layer ?? tensor.name.split("/").slice(0, -1).join("/");
    const node = { tensor, text: layer ? tensor.name.slice(layer.length + 1) : tensor.name, slots: [] };
    weights.set(tensor.name, node);
    groupOf(layer || "(the model's own)").push(node);
  }
  for (const tensor of tensors) {
    if (tensor.role === "weight") continue;
    const cut = tensor.name.indexOf("/");
    const owner = weights.get(tensor.variable ?? tensor.name.slice(cut + 1));
    if (tensor.role === "slot" && owner) owner.slots.push({ tensor, text: tensor.slot ?? tensor.name.slice(0, cut) });
    else groupOf("beside the layers").push({ tensor, text: tensor.name, slots: [] });
  }
  return layers;
}

function tensorPage(tensors) {
  const tree = element("section", { class: "tree" });
  const sections = [];
  for (const [name, nodes] of groups(tensors)) {
    const rows = nodes.flatMap((node) => [node, ...node.slots])
      .map((node) => ({ ...node, row: tensorRow(node.tensor, node.text) }));
    const changed = rows.filter(({ tensor }) => tensor.outcome && tensor.outcome !== "equal").length;
    const words = tensors[0]?.outcome === undefined
      ? `${rows.length} ${rows.length === 1 ? "tensor" : "tensors"}, ${bytes(rows.reduce((sum, { tensor }) => sum + tensor.byteCount, 0))}`
      : `${changed} of ${rows.length} changed`;
    const section = element("details", { open: "" },
      element("summary", {}, element("span", { class: "name" }, name), " ", element("span", { class: "faint" }, words)),
      ...rows.map(({ row }) => row));
    sections.push({ section, rows });
    tree.append(section);
  }

  const search = element("input", { type: "search", id: "search", placeholder: "Search names", "aria-label": "Search names" });
  const onlyChanged = element("input", { type: "checkbox", id: "only-changed" });
  const found = element("span", { class: "faint", id: "found" });
  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    for (const { section, rows } of sections) {
      let shown = 0;
      for (const { row, tensor } of rows) {
        const isShown = tensor.name.toLowerCase().includes(wanted) && !(onlyChanged.checked && tensor.outcome === "equal");
        row.hidden = !isShown;
        if (isShown) shown += 1;
      }
      section.hidden = shown === 0;
      if (wanted && shown) section.open = true;
      count += shown;
    }
    found.textContent = `${count} of ${tensors.length}`;
  };
  search.addEventListener("input", filter);
  onlyChanged.addEventListener("change", filter);
  filter();
  const setAll = (isOpen) => () => sections.forEach(({ section }) => { section.open = isOpen; });
  const toolbar = element("div", { class: "toolbar" }, search, found,
    tensors[0]?.outcome === undefined ? null : element("label", {}, onlyChanged, " only what changed"),
    element("button", { type: "button", id: "open-all", onclick: setAll(true) }, "Open all"),
    element("button", { type: "button", id: "close-all", onclick: setAll(false) }, "Close all"), themeButton());
  detail.append(element("p", { class: "faint" }, "Choose a tensor."));
  return [toolbar, element("main", {}, tree, detail)];
}

// MARK: Runs: log

function runPage({ columns, rows }) {
  const stepColumn = columns.indexOf("step");
  const markColumn = columns.indexOf("marks");
  const isEmpty = (value) => value === null || value === "" || value.length === 0;
  const shown = [...columns.keys()].filter((place) => !rows.every((row) => isEmpty(row[place])));
  const cell = (value, column) => {
    if (Array.isArray(value)) return value.join(", ");
    return column === "path" ? value.split("/").pop() : number(value);
  };
  const tableRows = rows.map((row) => element("tr", {}, ...shown.map((place) => element("td",
    { class: typeof row[place] === "number" ? "number" : columns[place] }, cell(row[place], columns[place])))));
  const choose = (index) => {
    tableRows.forEach((row) => row.removeAttribute("aria-current"));
    tableRows[index].setAttribute("aria-current", "true");
    tableRows[index].scrollIntoView({ block: "nearest" });
  };
  tableRows.forEach((row, index) => row.addEventListener("click", () => choose(index)));
  const charts = columns.map((column, place) => ({ column, place }))
    .filter(({ column, place }) => column !== "step" && column !== "epoch"
      && new Set(rows.map((row) => row[place]).filter((value) => typeof value === "number")).size > 1)
    .map(({ column, place }) => curve(label(column), rows
      .map((row, index) => ({ x: row[stepColumn], y: row[place] ?? NaN, index, isMarked: (row[markColumn] ?? "").length > 0 }))
      .filter(({ x }) => typeof x === "number"), choose));
  return [element("div", { class: "toolbar" }, element("span", { class: "faint" }, `${rows.length} checkpoints`), themeButton()),
    element("section", { class: "charts" }, ...charts),
    element("section", { class: "wide" }, element("table", { id: "run" },
      element("thead", {}, element("tr", {}, ...shown.map((place) => element("th", {
        class: rows.some((row) => typeof row[place] === "number") ? "number" : "" }, label(columns[place]))))),
      element("tbody", {}, ...tableRows)))];
}

// MARK: The page

function themeButton() {
  const order = ["auto", "light", "dark"];
  const button = element("button", { type: "button", id: "theme", onclick: () => {
    const next = order[(order.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % order.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    button.textContent = `Theme: ${next}`;
    if (current) select(current.row, current.tensor); // canvases do not follow the theme by themselves
  } }, "Theme: auto");
  return button;
}

function folded(title, value) {
  if (value === null || value === undefined || (Array.isArray(value) && !value.length)) return null;
  return element("details", { class: "notes" }, element("summary", {}, title),
    element("pre", {}, JSON.stringify(value, null, 2)));
}

function configurationChanges(changes) {
  if (!changes?.length) return null;
  return element("section", { class: "notes" }, element("h3", {}, "configuration"),
    element("table", {}, ...changes.map((change) => element("tr", {},
      element("td", { class: "name" }, change.path), element("td", {}, change.before ?? "absent"), element("td", {}, "→"),
      element("td", { class: "changed" }, change.after ?? "absent"), element("td", { class: "faint" }, change.meaning ?? "")))));
}

const report = page.report;
document.body.append(
  element("header", {}, element("h1", {}, page.title), ...page.facts.map((line) => element("p", { class: "facts" }, line))),
  ...(page.kind === "log" ? runPage(page.records) : tensorPage(report.variables)));
const notes = (report.notes ?? []).map((note) => element("li", {}, note));
document.body.append(...[
  page.kind === "diff" ? configurationChanges(report.configuration) : folded("Optimizer", report.optimizer),
  folded("Model", report.model), folded("Resumption", report.resumption), folded("Descent", report.descent),
  notes.length ? element("section", { class: "notes" }, element("h3", {}, "notes"), element("ul", {}, ...notes)) : null,
].filter((part) => part !== null));
