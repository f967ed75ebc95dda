// Small tools: numbers as text, elements of SVG and HTML. Text goes in as text only.
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function html(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? value.toExponential(Math.max(digits - 2, 0)) : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−").replace("e+", "e");
}

const signed = (value, digits = 3) => (value > 0 ? `+${number(value, digits)}` : number(value, digits));
const whole = (value) => value.toLocaleString("en-US");
const two = (value) => Math.round(value * 100) / 100;

// steps of 1, 2 or 5 times a power of ten, at least so large
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1e-12)));
  for (const times of [1, 2, 5]) if (times * power >= least) return times * power;
  return 10 * power;
}

function ticks(low, high, most) {
  const step = roundStep((high - low) / Math.max(most, 1));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step || 0); // never −0
  return found;
}

// hues that the colour-blind tell apart, also by lightness; motifs take them in turn
const HUES = ["#4477aa", "#cc6677", "#ddaa33", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499", "#bb5566"];
const hueOf = (motif) => HUES[motif % HUES.length];
const nameOf = (motif) => head.motifs[motif].name || head.motifs[motif].id;
