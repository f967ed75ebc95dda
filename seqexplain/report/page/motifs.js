// The table of motifs: sorted, searched, shown on either strand; logos are drawn when they come into view.
function startMotifs(showSequences) {
  const table = byId("motif-table");
  if (!table) return;
  const body = table.tBodies[0];
  const state = { key: "order", rising: true, strand: "+", text: "" };
  const waiting = new Map(); // row of the table → draws its logos
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) drawNow(entry.target);
  }, { rootMargin: "300px" });

  function drawNow(row) {
    const draw = waiting.get(row);
    if (!draw) return;
    waiting.delete(row);
    seen.unobserve(row);
    draw();
  }
  function later(row) {
    const whole = head.motifs[row.dataset.motif];
    const motif = row.dataset.part === undefined ? whole : whole.parts[row.dataset.part];
    waiting.set(row, () => drawMotif(row, motif, state.strand === "-"));
    seen.observe(row);
  }

  const lines = head.motifs.map((motif, k) => motifRow(motif, k, showSequences));
  const parts = new Map(); // place of a motif → the rows of its sub-patterns, once they were asked for
  lines.forEach((line, k) => line.querySelector(".parts")?.addEventListener("click", (event) => {
    const open = event.target.getAttribute("aria-expanded") !== "true";
    event.target.setAttribute("aria-expanded", open);
    if (open && !parts.has(k)) {
      parts.set(k, head.motifs[k].parts.map((part) => partRow(part, k)));
      parts.get(k).forEach(later);
    }
    refresh();
  }));
  const shownParts = (k) => (lines[k].querySelector(".parts")?.getAttribute("aria-expanded") === "true" ? parts.get(k) : []);
  const keys = {
    order: (m, k) => k,
    q: (m) => m.matches[0]?.q ?? Infinity,
    size: (m) => m.size ?? -1,
    hits: (m) => m.hits ?? -1,
    contribution: (m) => m.hit_contribution ?? m.contribution ?? 0,
  };
  const texts = head.motifs.map((m) =>
    [m.id, m.name, m.consensus, ...m.matches.flatMap((x) => [x.id, x.name, x.family])].join(" ").toLowerCase());

  function refresh() {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    const key = keys[state.key];
    const order = head.motifs.map((_, k) => k)
      .filter((k) => words.every((word) => texts[k].includes(word)))
      .sort((a, b) => {
        const [x, y] = [key(head.motifs[a], a), key(head.motifs[b], b)];
        return (x === y ? 0 : x < y ? -1 : 1) * (state.rising ? 1 : -1) || a - b;
      });
    body.replaceChildren(...order.flatMap((k) => [lines[k], ...shownParts(k)]));
    if (!order.length) body.append(html("tr", {}, html("td", { colspan: 8, class: "small" }, head.motifs.length ? "No motif fits." : "No motif was found.")));
    const all = head.motifs.length;
    byId("motif-count").textContent = order.length === all ? `${all} motif${all === 1 ? "" : "s"}` : `${order.length} of ${all} motifs`;
    for (const cell of table.tHead.rows[0].cells) {
      if (cell.dataset.key === state.key) cell.setAttribute("aria-sort", state.rising ? "ascending" : "descending");
      else cell.removeAttribute("aria-sort");
    }
  }

  for (const cell of table.tHead.rows[0].cells) {
    cell.querySelector("button")?.addEventListener("click", () => {
      const key = cell.dataset.key;
      // of numbers the largest come first, of order and q-values the smallest
      state.rising = state.key === key ? !state.rising : key === "order" || key === "q";
      state.key = key;
      refresh();
    });
  }
  byId("motif-search").addEventListener("input", (event) => {
    state.text = event.target.value;
    refresh();
  });
  for (const choice of document.querySelectorAll("input[name=strand]")) {
    choice.addEventListener("change", () => {
      state.strand = choice.value;
      allRows().forEach(later);
    });
  }
  const allRows = () => [...lines, ...[...parts.values()].flat()];
  addEventListener("beforeprint", () => allRows().forEach(drawNow));
  refresh();
  lines.forEach(later);
}

const sure = (match) => match.q !== null && match.q <= 0.05; // as names are given in `name_patterns`

function motifRow(motif, k, showSequences) {
  const chip = svg("svg", { class: "chip", viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("rect", { width: 10, height: 10, rx: 3, fill: hueOf(k) }));
  const who = html("td", {},
    html("div", { class: "motif-name" }, html("bdi", {}, motif.name || (motif.consensus ?? motif.id))),
    html("div", { class: "motif-id" }, chip, html("bdi", {}, motif.id), motif.sign < 0 ? " · against the target" : ""));
  if (motif.parts) {
    const label = `${motif.parts.length} sub-pattern${motif.parts.length === 1 ? "" : "s"}`;
    who.append(html("button", { type: "button", class: "parts", "aria-expanded": false, title: "What occurrences of this motif differ in" }, label));
  }
  const cells = [who];
  for (const kind of ["cwm", "ppm"]) {
    cells.push(html("td", { class: kind }, motif[kind] ? emptyLogo(motif[kind], `${motif.id}, ${motif.consensus}`) : html("span", { class: "small" }, "no matrix")));
  }
  if (motif.best) {
    const best = emptyLogo(motif.best, `${motif.matches[0].name} on ${motif.id}`, BEST_HEIGHT);
    best.classList.add("best");
    cells.at(-1).append(best, html("div", { class: "best-name" }, sure(motif.matches[0]) ? "below: " : "nearest, not alike: ", html("bdi", {}, motif.matches[0].name)));
  }
  const matches = html("ul", { class: "matches" });
  for (const one of motif.matches.slice(0, 3)) {
    matches.append(html("li", sure(one) ? {} : { class: "unsure" }, html("bdi", {}, one.name === one.id ? one.id : `${one.name} (${one.id})`), " ", html("span", { class: "q" }, `q = ${number(one.q, 2)}`)));
  }
  if (motif.matches[0]?.family) matches.append(html("li", { class: "family" }, html("bdi", {}, motif.matches[0].family)));
  if (!motif.matches.length) matches.append(html("li", { class: "small" }, "not compared"));
  cells.push(html("td", {}, matches));
  cells.push(html("td", { class: "number" }, motif.size === undefined ? "–" : whole(motif.size),
    motif.sequences === undefined ? "" : html("span", {}, `in ${whole(motif.sequences)} seq.`)));
  const hits = html("td", { class: "number" }, motif.hits === undefined ? "–" : whole(motif.hits));
  if (motif.hits) {
    hits.append(html("span", {}, `in ${number((100 * motif.hit_sequences) / head.n)} % of seq.`));
    hits.append(html("button", { type: "button", class: "show", "aria-label": `Show the sequences with ${nameOf(k)}`, onclick: () => showSequences(k) }, "show"));
  }
  cells.push(hits);
  cells.push(html("td", { class: "number" }, signed(motif.hit_contribution ?? motif.contribution)));
  cells.push(html("td", {}, ...(motif.where ? [wherePicture(motif), html("div", { class: "ends" }, html("span", {}, "begin"), html("span", {}, "end"))] : ["–"])));
  const row = html("tr", {}, ...cells);
  row.dataset.motif = k;
  return row;
}

// a part of a motif's occurrences, shown below it; hits and matches are those of the whole motif
function partRow(part, k) {
  const logos = ["cwm", "ppm"].map((kind) => html("td", { class: kind }, emptyLogo(part[kind], `${part.id}, ${part.consensus}`)));
  const row = html("tr", { class: "part" },
    html("td", {}, html("div", { class: "motif-id" }, html("bdi", {}, part.id))),
    ...logos, html("td", {}),
    html("td", { class: "number" }, whole(part.size), html("span", {}, `in ${whole(part.sequences)} seq.`)), html("td", {}),
    html("td", { class: "number" }, signed(part.contribution)),
    html("td", {}, part.where ? wherePicture(part) : "–"));
  row.dataset.motif = k;
  row.dataset.part = head.motifs[k].parts.indexOf(part);
  return row;
}

function wherePicture(motif) {
  const most = Math.max(...motif.where, 1);
  const bins = motif.where.length;
  let d = "M0 40";
  motif.where.forEach((count) => { d += `V${two(40 - (38 * count) / most)}h1`; });
  const best = motif.where.indexOf(most);
  const label = `Places in the sequence, begin to end: most at ${Math.round((100 * (best + 0.5)) / bins)} % of its length.`;
  return svg("svg", { class: "where", viewBox: `0 0 ${bins} 42`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("path", { d: `${d}V40Z` }),
    svg("line", { x1: 0, x2: bins, y1: 40.5, y2: 40.5, "vector-effect": "non-scaling-stroke" }),
    svg("line", { x1: bins / 2, x2: bins / 2, y1: 40, y2: 42, "vector-effect": "non-scaling-stroke" }));
}

function drawMotif(row, motif, minus) {
  if (!motif.cwm) return;
  const strand = minus ? ", reverse complement" : "";
  const consensus = minus ? [...motif.consensus].reverse().map((b) => BASES[3 - BASES.indexOf(b)]).join("") : motif.consensus;
  const shown = (matrix) => (minus ? turned(matrix) : matrix);
  drawLogo(row.querySelector(".cwm svg"), shown(motif.cwm), null, `Contributions of ${motif.id}, ${consensus}${strand}`);
  if (motif.best) {
    drawLogo(row.querySelector(".ppm .best"), information(shown(motif.best)), [0, 2], `${motif.matches[0].name} on ${motif.id}${strand}`, BEST_HEIGHT);
  }
  drawLogo(row.querySelector(".ppm svg"), information(shown(motif.ppm)), [0, 2], `Base frequencies of ${motif.id}, ${consensus}${strand}`);
}
