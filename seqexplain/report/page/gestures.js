// Wheel, mouse and fingers on the picture: one drags, two zoom, a tap reads a base out.
const WHEEL = 0.0022; // how fast the wheel zooms
const TAP = 6; // px; a finger that moves less has tapped

// `view`: look(from, to), move(bases), zoom(factor, at), point(base) and hover(base); each of the first three says whether it moved
function startGestures(plot, state, view) {
  const pointers = new Map(); // id → x in the plot, of each finger or button that is down
  let held = null; // the part that was shown when the number of pointers last changed, and where they were
  const inner = () => Math.max(state.width - LEFT - RIGHT, 50);
  const xOf = (event) => event.clientX - plot.getBoundingClientRect().left - LEFT;
  const positionAt = (event) => state.from + (xOf(event) / inner()) * (state.to - state.from);

  function hold() {
    held = { from: state.from, to: state.to, at: [...pointers.values()] };
    plot.classList.toggle("dragging", pointers.size > 0);
  }

  // what lay under one pointer, or under both, lies there again
  function follow() {
    const per = (held.to - held.from) / inner();
    const now = [...pointers.values()];
    if (now.length === 1) {
      const size = held.to - held.from;
      const from = Math.min(Math.max(held.from + (held.at[0] - now[0]) * per, 0), state.data.length - size);
      view.look(from, from + size);
      return;
    }
    const [a, b] = held.at.map((x) => held.from + x * per);
    const apart = now[1] - now[0];
    if (Math.abs(apart) < 10 || (b - a) * apart <= 0) return;
    const size = ((b - a) / apart) * inner();
    const from = a - (now[0] / inner()) * size;
    view.look(from, from + size);
  }

  plot.addEventListener("wheel", (event) => {
    if (!state.data) return;
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const unit = event.deltaMode === 1 ? 16 : 1;
    const moved = sideways
      ? view.move((event.deltaX * unit * (state.to - state.from)) / state.width)
      : view.zoom(Math.exp(event.deltaY * unit * WHEEL), positionAt(event));
    if (moved) event.preventDefault(); // at the end of it the page scrolls
  }, { passive: false });

  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !state.data || pointers.size === 2) return;
    pointers.set(event.pointerId, xOf(event));
    plot.setPointerCapture(event.pointerId);
    hold();
  });
  plot.addEventListener("pointermove", (event) => {
    if (!state.data) return;
    if (pointers.has(event.pointerId)) {
      pointers.set(event.pointerId, xOf(event));
      follow();
      return;
    }
    const base = Math.floor(positionAt(event));
    view.hover(base >= 0 && base < state.data.length && base >= state.from - 1 && base <= state.to ? base : -1);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    plot.addEventListener(name, (event) => {
      if (!pointers.has(event.pointerId)) return;
      const still = pointers.size === 1 && Math.abs(held.at[0] - xOf(event)) < TAP;
      pointers.delete(event.pointerId);
      if (name === "pointerup" && event.pointerType === "touch" && still) view.point(Math.floor(positionAt(event)));
      hold();
    });
  }
  plot.addEventListener("pointerleave", (event) => {
    if (!pointers.size && event.pointerType !== "touch") view.hover(-1);
  });
  plot.addEventListener("dblclick", (event) => {
    if (!event.target.closest(".hit")) view.zoom(0.4, positionAt(event));
  });
}
