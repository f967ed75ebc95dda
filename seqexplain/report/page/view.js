// The sequence that is looked at: which part of it, and how one moves.
const LEAST = 8; // bases; nearer there is nothing to see
const STRONGEST = 60; // bases that are shown around the largest contribution, or as many as letters have room
const MAP_HEIGHT = 46;

function startView(rows, step) {
  const plot = byId("plot");
  const map = byId("map");
  const state = { data: null, from: 0, to: 1, cursor: -1, width: 0, lanes: 0, asked: -1 };
  const layers = {};
  let planned = false;

  for (const [name, layer] of Object.entries(LAYERS)) {
    if (!layer.has()) continue;
    layers[name] = layer.on;
    const button = html("button", { type: "button", class: "layer", "aria-pressed": layer.on, title: layer.title, onclick: () => {
      layers[name] = !layers[name];
      button.setAttribute("aria-pressed", layers[name]);
      plan();
    } }, layer.label);
    byId("layers").append(button);
  }
  byId("layers").hidden = !byId("layers").childElementCount;

  async function show(row, place, all) {
    state.asked = row;
    const data = await sequenceOf(rows, row);
    if (state.asked !== row) return; // another was chosen meanwhile
    state.lanes = laneHits(data.hits);
    state.genome = genomeOf(rows, row);
    state.data = data;
    [state.from, state.to, state.cursor] = [0, Math.max(data.length, 1), -1];
    byId("name").firstElementChild.textContent = rows.names[row];
    byId("facts").textContent = factsOf(rows, row, state.genome);
    byId("previous").disabled = place === 0;
    byId("next").disabled = place === all - 1;
    hitList(data, rows, state.genome, zoomTo);
    paint();
    document.documentElement.dataset.shown = row;
  }

  function plan() {
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      paint();
    });
  }

  function paint() {
    const { data } = state;
    if (!data || !state.width) return;
    const frame = frameOf(state.width, state.from, state.to);
    const group = svg("g");
    const lanes = Math.max(state.lanes, 0) * LANE;
    const logo = LOGO_TRACK;
    let top = lanes + 8;
    const body = svg("g");
    const kind = contributionTrack(body, data, frame, top, logo, byId("fit").checked, head.unit);
    hitTrack(group, data.hits, state.lanes, frame, 0, top + logo, zoomTo);
    group.append(body);
    top += logo + 6;
    positionTrack(group, frame, top, state.genome);
    top += positionHeight(state.genome);
    for (const [name, on] of Object.entries(layers)) {
      const layer = LAYERS[name];
      if (!on) continue;
      const mine = svg("g", { class: `layer-${name}` });
      top += 8;
      if (!layer.of(data)) {
        group.append(svg("text", { x: LEFT, y: top + 11 }, layer.missing));
        top += 18;
        continue;
      }
      layer.draw(mine, data, frame, top);
      group.append(mine);
      top += layer.height(data, frame);
    }
    if (state.cursor >= 0) group.prepend(svg("rect", { class: "cursor", x: two(frame.x(state.cursor)), y: 0, width: two(Math.max(frame.per, 1)), height: top }));
    const picture = svg("svg", { width: state.width, height: top, viewBox: `0 0 ${state.width} ${top}`, role: "img", "aria-hidden": "true" },
      svg("clipPath", { id: "inside" }, svg("rect", { x: LEFT, y: 0, width: two(frame.inner), height: top })), group);
    plot.replaceChildren(picture);
    plot.dataset.kind = kind;
    plot.dataset.from = two(state.from);
    plot.dataset.to = two(state.to);
    paintMap();
    describe(frame);
  }

  function paintMap() {
    const frame = frameOf(state.width, 0, Math.max(state.data.length, 1));
    const [low, high] = rangeOf(state.data.observed, 0, state.data.length);
    const y = (value) => 2 + ((high - value) / (high - low)) * (MAP_HEIGHT - 12);
    const picture = svg("svg", { width: state.width, height: MAP_HEIGHT, viewBox: `0 0 ${state.width} ${MAP_HEIGHT}` }, outline(state.data.observed, frame, y));
    for (const hit of state.data.hits) {
      picture.append(svg("rect", { x: two(frame.x(hit.start)), y: MAP_HEIGHT - 8, width: two(Math.max(frame.x(hit.end) - frame.x(hit.start), 2)), height: 5, fill: hueOf(hit.motif) }));
    }
    picture.append(svg("rect", { class: "brush", x: two(frame.x(state.from)) + 0.5, y: 0.5, width: two(Math.max(frame.x(state.to) - frame.x(state.from) - 1, 3)), height: MAP_HEIGHT - 1, rx: 3 }));
    map.replaceChildren(picture);
  }

  let quiet = 0;
  function describe() {
    const { data, from, to, cursor } = state;
    const text = cursor >= 0 ? baseText(data, rows, cursor, state.genome, layers) : "";
    byId("readout").replaceChildren(...(text ? [html("b", {}, text[0]), ` ${text.slice(1).join(" · ")}`] : []));
    const span = `Bases ${whole(Math.round(from))} to ${whole(Math.round(to))} of ${whole(data.length)}`;
    plot.setAttribute("aria-label", `Contributions of ${rows.names[data.row]}. ${span}.`);
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      byId("spoken").textContent = text ? text.join(", ") : `${span}. ${strongestText(data, from, to)}`;
    }, 500);
  }

  function look(from, to) {
    const length = Math.max(state.data.length, 1);
    const size = Math.min(Math.max(to - from, Math.min(LEAST, length)), length);
    const begin = Math.min(Math.max((from + to - size) / 2, 0), length - size);
    const moved = begin !== state.from || begin + size !== state.to;
    [state.from, state.to] = [begin, begin + size];
    if (moved) plan();
    return moved;
  }
  function zoom(factor, at = (state.from + state.to) / 2) {
    const size = Math.min(Math.max((state.to - state.from) * factor, Math.min(LEAST, state.data.length)), state.data.length);
    const share = (at - state.from) / (state.to - state.from);
    return look(at - share * size, at + (1 - share) * size);
  }
  const move = (bases) => {
    const size = state.to - state.from;
    const from = Math.min(Math.max(state.from + bases, 0), state.data.length - size);
    return look(from, from + size);
  };
  function zoomTo(start, end) {
    const room = Math.max(8, (end - start) * 0.8);
    look(start - room, end + room);
  }
  const everything = () => look(0, state.data.length);
  function strongest() {
    const at = strongestAt(state.data, 0, state.data.length);
    const letters = Math.floor(Math.max(state.width - LEFT - RIGHT, 50) / LETTERS_FROM);
    const size = Math.min(STRONGEST, Math.max(letters, LEAST), state.data.length);
    const from = Math.min(Math.max(at + 0.5 - size / 2, 0), state.data.length - size);
    look(from, from + size);
  }
  function point(base) {
    state.cursor = Math.min(Math.max(base, 0), state.data.length - 1);
    if (state.cursor < state.from) move(state.cursor - state.from);
    if (state.cursor + 1 > state.to) move(state.cursor + 1 - state.to);
    plan();
  }
  function hover(base) {
    if (base === state.cursor) return;
    state.cursor = base;
    plan();
  }
  startGestures(plot, state, { look, move, zoom, point, hover });
  plot.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !state.data) return;
    const size = state.to - state.from;
    const cursor = state.cursor < 0 ? Math.floor((state.from + state.to) / 2) : state.cursor;
    const doing = {
      ArrowLeft: () => (event.shiftKey ? point(state.cursor < 0 ? cursor : cursor - 1) : move(-size / 8)),
      ArrowRight: () => (event.shiftKey ? point(state.cursor < 0 ? cursor : cursor + 1) : move(size / 8)),
      "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1 / 0.7), "_": () => zoom(1 / 0.7),
      0: everything, m: strongest, Home: () => move(-Infinity), End: () => move(Infinity),
      PageUp: () => move(-size), PageDown: () => move(size),
    }[event.key];
    if (!doing) return;
    event.preventDefault();
    doing();
  });
  let brushing = false;
  const brush = (event) => {
    const box = map.getBoundingClientRect();
    const at = ((event.clientX - box.left - LEFT) / Math.max(state.width - LEFT - RIGHT, 50)) * state.data.length;
    move(at - (state.from + state.to) / 2);
  };
  map.addEventListener("pointerdown", (event) => {
    brushing = true;
    map.setPointerCapture(event.pointerId);
    brush(event);
  });
  map.addEventListener("pointermove", (event) => brushing && brush(event));
  for (const name of ["pointerup", "pointercancel"]) map.addEventListener(name, () => { brushing = false; });

  byId("zoom-in").addEventListener("click", () => zoom(0.5));
  byId("zoom-out").addEventListener("click", () => zoom(2));
  byId("whole").addEventListener("click", everything);
  byId("peak").addEventListener("click", strongest);
  byId("fit").addEventListener("change", plan);
  byId("save").addEventListener("click", () => savePicture(plot.firstElementChild, rows.names[state.data.row]));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.key === "n" || event.key === "p") step(event.key === "n" ? 1 : -1);
  });
  lookListeners.push(paint);
  new ResizeObserver(() => {
    const width = Math.floor(plot.clientWidth);
    if (width !== state.width) {
      state.width = width;
      plan();
    }
  }).observe(plot);
  return { show };
}
