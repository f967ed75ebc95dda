// The list of sequences: filtered, sorted, and only the rows in view exist.
const ITEM = 46; // px, as in parts.css
const MARGIN_ITEMS = 6;

function startList(rows, show) {
  const list = byId("list");
  const spacer = list.firstElementChild;
  const state = { order: [], at: -1, text: "", motif: "", key: "", falling: true };
  const sorts = sortKeys(rows);
  const sort = byId("sort");
  for (const [key, one] of Object.entries(sorts)) sort.append(html("option", { value: key }, one.label));
  state.key = sort.value = head.predictions ? "prediction" : "order";
  const low = Math.min(0, ...finiteRange(rows.prediction));
  const high = Math.max(...finiteRange(rows.prediction));
  const items = new Map(); // place in the order → element

  const withMotif = byId("with-motif");
  if (withMotif) {
    head.motifs.forEach((motif, k) => {
      if (motif.hits) withMotif.append(html("option", { value: k }, `${nameOf(k)} · ${motif.id} (${whole(motif.hit_sequences)})`));
    });
  }

  function refresh(keep = true) {
    const selected = state.order[state.at];
    const fits = filterOf(rows, state);
    const order = [];
    for (let row = 0; row < head.n; row++) if (fits(row)) order.push(row);
    const value = sorts[state.key].value;
    const turn = state.falling ? -1 : 1;
    const keys = new Float64Array(head.n);
    for (const row of order) keys[row] = value(row);
    // what has no value comes last, whichever way
    order.sort((a, b) => {
      const [x, y] = [keys[a], keys[b]];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return turn * (x - y) || a - b;
    });
    state.order = order;
    spacer.style.height = `${Math.max(order.length * ITEM, 1)}px`;
    items.forEach((item) => item.remove());
    items.clear();
    byId("count").textContent = order.length === head.n ? `${whole(head.n)} sequence${head.n === 1 ? "" : "s"}` : `${whole(order.length)} of ${whole(head.n)} sequences`;
    list.querySelector(".empty")?.remove();
    if (!order.length) list.append(html("p", { class: "empty" }, "No sequence fits."));
    const at = keep && selected !== undefined ? order.indexOf(selected) : -1;
    state.at = at;
    list.scrollTop = at >= 0 ? Math.max(0, at * ITEM - list.clientHeight / 2) : 0;
    if (at < 0 && order.length) choose(0);
    else draw();
  }

  function draw() {
    const from = Math.max(0, Math.floor(list.scrollTop / ITEM) - MARGIN_ITEMS);
    const to = Math.min(state.order.length, Math.ceil((list.scrollTop + list.clientHeight) / ITEM) + MARGIN_ITEMS);
    for (const [place, item] of items) {
      if (place < from || place >= to) {
        item.remove();
        items.delete(place);
      }
    }
    for (let place = from; place < to; place++) {
      let item = items.get(place);
      if (!item) {
        item = itemOf(rows, state.order[place], place, state.order.length, low, high);
        items.set(place, item);
        spacer.append(item);
      }
      item.setAttribute("aria-selected", place === state.at);
    }
    const active = items.get(state.at);
    if (active) list.setAttribute("aria-activedescendant", active.id);
    else list.removeAttribute("aria-activedescendant");
  }

  function choose(place) {
    if (!state.order.length) return;
    state.at = Math.min(Math.max(place, 0), state.order.length - 1);
    const top = state.at * ITEM;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ITEM > list.scrollTop + list.clientHeight) list.scrollTop = top + ITEM - list.clientHeight;
    draw();
    show(state.order[state.at], state.at, state.order.length);
  }

  list.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(list);
  list.addEventListener("click", (event) => {
    const item = event.target.closest(".item");
    if (item) choose(Number(item.dataset.place));
  });
  const page = () => Math.max(1, Math.floor(list.clientHeight / ITEM) - 1);
  const moves = {
    ArrowDown: () => state.at + 1, ArrowUp: () => state.at - 1, PageDown: () => state.at + page(), PageUp: () => state.at - page(),
    Home: () => 0, End: () => state.order.length - 1,
  };
  list.addEventListener("keydown", (event) => {
    if (!moves[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    choose(moves[event.key]());
  });
  byId("search").addEventListener("input", (event) => {
    state.text = event.target.value.trim();
    refresh();
  });
  sort.addEventListener("change", () => {
    state.key = sort.value;
    setFalling(!["order", "name", "place"].includes(state.key));
    refresh();
  });
  function setFalling(falling) {
    state.falling = falling;
    const button = byId("direction");
    button.setAttribute("aria-pressed", falling);
    button.firstChild.textContent = falling ? "↓" : "↑";
    button.lastElementChild.textContent = falling ? " largest first" : " smallest first";
  }
  byId("direction").addEventListener("click", () => {
    setFalling(!state.falling);
    refresh();
  });
  withMotif?.addEventListener("change", () => {
    state.motif = withMotif.value;
    refresh(false);
  });
  setFalling(head.predictions);
  refresh();
  return {
    step: (by) => choose(state.at + by),
    withMotif(k) {
      withMotif.value = String(k);
      state.motif = withMotif.value;
      byId("search").value = state.text = "";
      refresh(false);
    },
  };
}

function finiteRange(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

function sortKeys(rows) {
  const keys = {};
  if (head.predictions) keys.prediction = { label: "prediction", value: (row) => rows.prediction[row] };
  keys.order = { label: "order of the input", value: (row) => row };
  let ranks = null;
  keys.name = { label: "name", value: (row) => (ranks ??= nameRanks(rows))[row] };
  if (rows.start) keys.place = { label: "place on the genome", value: (row) => (rows.chromosome[row] < 0 ? NaN : rows.chromosome[row] * 1e10 + rows.start[row]) };
  if (rows.hit_from) keys.hits = { label: "hits of motifs", value: (row) => rows.hit_from[row + 1] - rows.hit_from[row] };
  keys.total = { label: "sum of contributions", value: (row) => rows.total[row] };
  if (head.completeness) keys.error = { label: "completeness error", value: (row) => rows.error[row] };
  return keys;
}

// the place of each name in alphabetical order, numbers in names by their size
function nameRanks(rows) {
  const { compare } = new Intl.Collator("en", { numeric: true });
  const order = rows.names.map((_, row) => row).sort((a, b) => compare(rows.names[a], rows.names[b]) || a - b);
  const ranks = new Int32Array(order.length);
  order.forEach((row, rank) => { ranks[row] = rank; });
  return ranks;
}

const PLACE = /^([^\s:]+):([\d,]+)(?:-([\d,]+))?$/;
function filterOf(rows, state) {
  const words = state.text.toLowerCase();
  const motif = state.motif === "" ? -1 : Number(state.motif);
  let place = null;
  const match = rows.start && PLACE.exec(state.text);
  if (match) {
    const start = Number(match[2].replaceAll(",", ""));
    place = { chromosome: rows.chromosomes.findIndex((name) => name.toLowerCase() === match[1].toLowerCase()), start, end: match[3] ? Number(match[3].replaceAll(",", "")) : start + 1 };
  }
  return (row) => {
    if (motif >= 0) {
      let found = false;
      for (let i = rows.hit_from[row]; i < rows.hit_from[row + 1] && !found; i++) found = rows.card[rows.hit_motif[i]] === motif;
      if (!found) return false;
    }
    if (!words || rows.lower[row].includes(words)) return true;
    return place !== null && rows.chromosome[row] === place.chromosome && rows.start[row] < place.end && rows.end[row] > place.start;
  };
}

function itemOf(rows, row, place, all, low, high) {
  const chips = html("span", { class: "chips" });
  let about = "";
  if (rows.hit_from) {
    const hits = hitsOf(rows, row);
    for (const hit of hits.slice(0, 14)) {
      const chip = html("i");
      chip.style.background = hueOf(hit.motif);
      chips.append(chip);
    }
    about = `, ${hits.length} hit${hits.length === 1 ? "" : "s"}`;
  }
  const value = rows.prediction[row];
  const bar = html("i");
  bar.style.width = `${Math.max(0, (100 * (value - low)) / (high - low || 1))}%`;
  const item = html("div", {
    class: "item", role: "option", id: `row-${row}`, title: rows.names[row], "aria-setsize": all, "aria-posinset": place + 1,
    "aria-label": `${rows.names[row]}${head.predictions ? `, prediction ${number(value)}` : ""}${about}`,
  }, html("span", { class: "who" }, rows.names[row]), html("span", { class: "value" }, head.predictions ? number(value) : ""), chips,
  head.predictions ? html("span", { class: "gauge" }, bar) : "");
  item.dataset.place = place;
  item.style.top = `${place * ITEM}px`;
  return item;
}
