// Words about a sequence, its hits as a table, pictures as files; and the start.
function factsOf(rows, row, genome) {
  const parts = [`${whole(rows.length[row])} bp`];
  if (genome) parts.unshift(`${genome.chromosome}:${whole(genome.start)}–${whole(genome.end)}${genome.minus ? " (− strand)" : ""}`);
  const unit = head.unit ? ` (${head.unit})` : "";
  if (head.predictions) parts.push(`prediction ${number(rows.prediction[row], 4)}${unit}`);
  parts.push(`contributions add up to ${signed(rows.total[row], 4)}`);
  if (head.completeness && Number.isFinite(rows.error[row])) parts.push(`error of that at most ${number(rows.error[row], 2)}`);
  return parts.join(" · ");
}

function baseText(data, rows, at, genome, layers) {
  const base = data.codes[at] < 4 ? BASES[data.codes[at]] : "N";
  const parts = [`${base} at ${whole(at)}`];
  if (genome) parts.push(`${genome.chromosome}:${whole(genome.at(at))}`);
  parts.push(`contribution ${signed(data.observed[at])}`);
  const four = (values) => [...BASES].map((b, k) => `${b} ${signed(values[4 * at + k], 2)}`).join(", ");
  if (layers.hypothetical && data.hypothetical) parts.push(`hypothetical ${four(data.hypothetical)}`);
  if (layers.ism && data.ism) parts.push(`substitutions ${four(data.ism)}`);
  if (layers.sis && data.sis?.subset[at]) parts.push(`in subset ${data.sis.subset[at]}`);
  const hits = data.hits.filter((hit) => hit.start <= at && at < hit.end);
  if (hits.length) parts.push(hits.map((hit) => nameOf(hit.motif)).join(", "));
  return parts;
}

function strongestAt(data, from, to) {
  let best = Math.max(Math.floor(from), 0);
  for (let i = best; i < Math.min(Math.ceil(to), data.length); i++) if (Math.abs(data.observed[i]) > Math.abs(data.observed[best])) best = i;
  return best;
}

function strongestText(data, from, to) {
  const at = strongestAt(data, from, to);
  return data.length ? `Largest contribution ${signed(data.observed[at])}, at ${whole(at)}.` : "";
}

function hitList(data, rows, genome, zoomTo) {
  const place = byId("sequence-hits");
  place.className = "sequence-hits";
  if (!head.hits) return place.replaceChildren();
  if (!data.hits.length) return place.replaceChildren(html("p", { class: "small" }, "No motif has a hit here."));
  const lines = data.hits.map((hit) => {
    const chip = html("i", { class: "chip" });
    chip.style.background = hueOf(hit.motif);
    const span = `${whole(hit.start)}–${whole(hit.end)}`;
    const button = html("button", { type: "button", "aria-label": `Zoom to ${nameOf(hit.motif)} at ${span}`, onclick: () => zoomTo(hit.start, hit.end) }, chip, html("bdi", {}, nameOf(hit.motif)));
    const cells = [html("td", {}, button), html("td", { class: "number" }, span), html("td", {}, hit.minus ? "−" : "+"),
      html("td", { class: "number" }, signed(hit.contribution)), html("td", { class: "number" }, number(hit.q, 2))];
    if (genome) {
      const [a, b] = [genome.at(hit.start), genome.at(hit.end - 1)];
      cells.splice(2, 0, html("td", { class: "number" }, `${genome.chromosome}:${whole(Math.min(a, b))}–${whole(Math.max(a, b) + 1)}`));
    }
    return html("tr", {}, ...cells);
  });
  const titles = ["Hit", "Span", ...(genome ? ["Genome"] : []), "Strand", "Contribution", "q-value"];
  return place.replaceChildren(html("table", {},
    html("caption", { class: "hidden" }, "Hits of motifs in this sequence"),
    html("thead", {}, html("tr", {}, ...titles.map((title) => html("th", { scope: "col" }, title)))),
    html("tbody", {}, ...lines)));
}

// the picture as a file of its own: styles of the page become attributes
function savePicture(picture, name) {
  const copy = picture.cloneNode(true);
  const originals = [picture, ...picture.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((node, k) => {
    const style = getComputedStyle(originals[k]);
    for (const property of ["fill", "fill-opacity", "stroke", "stroke-width", "opacity", "font-family", "font-size", "font-weight", "text-anchor"]) {
      node.setAttribute(property, style.getPropertyValue(property));
    }
    node.removeAttribute("class");
  });
  copy.setAttribute("xmlns", SVG);
  copy.prepend(svg("rect", { width: "100%", height: "100%", fill: styleOf("--card") }));
  copy.querySelectorAll("[opacity='0.08']").forEach((cursor) => cursor.remove());
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
  link.download = `${name.replace(/[^\w.-]+/g, "_").slice(0, 80) || "sequence"}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function start() {
  startLooks();
  if (typeof DecompressionStream === "undefined") throw new Error("This browser is too old for the page; use one from 2023 or later.");
  const rows = await readRows();
  let list = null;
  startMotifs((motif) => {
    list?.withMotif(motif);
    byId("browser").scrollIntoView();
    byId("list").focus({ preventScroll: true });
  });
  if (head.n) {
    const view = startView(rows, (by) => list.step(by));
    list = startList(rows, view.show);
  } else document.querySelector(".panes").replaceChildren(html("p", { class: "empty" }, "There is no sequence in these results."));
  document.documentElement.dataset.ready = "yes";
  performance.mark("usable");
}

start().catch((error) => {
  byId("failure").hidden = false;
  byId("failure").textContent = `The page could not be built: ${error.message}`;
  throw error;
});
