"use strict";
// The places of an image or a sequence that are hidden: painted with the pointer, or moved to and
// toggled with the keyboard. What is hidden is a field of the form, in the letters of an address.
(() => {
  const pad = document.getElementById("mask");
  const field = document.getElementById("hide");
  if (!pad || !field) return;
  const across = +pad.dataset.across, down = +pad.dataset.down;
  const brush = document.getElementById(pad.dataset.brush);
  const told = document.getElementById("mask-at");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${across} ${down}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const shape = (kind) => {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("class", kind);
    svg.append(path);
    return path;
  };
  const covered = shape("covered"), cursor = shape("cursor");
  pad.append(svg);

  const hidden = new Uint8Array(across * down);
  const read = () => {
    const bytes = atob(field.value.replace(/-/g, "+").replace(/_/g, "/"));
    for (let i = 0; i < hidden.length; i++)
      hidden[i] = ((bytes.charCodeAt(i >> 3) || 0) >> (7 - (i & 7))) & 1;
  };
  const write = () => {
    const bytes = new Uint8Array((hidden.length + 7) >> 3);
    hidden.forEach((bit, i) => { if (bit) bytes[i >> 3] |= 128 >> (i & 7); });
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    field.value = btoa(text.replace(/\0+$/, ""))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };
  const show = () => {
    let path = "";
    for (let y = 0; y < down; y++)
      for (let x = 0; x < across; x++) {
        if (!hidden[y * across + x]) continue;
        let end = x;
        while (end < across && hidden[y * across + end]) end++;
        path += `M${x} ${y}H${end}v1H${x}z`;
        x = end;
      }
    covered.setAttribute("d", path);
  };
  const asked = () => {
    const before = field.value;
    write();
    if (field.value !== before) field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // The rectangle between two corners.
  let from = [0, 0], to = [0, 0];
  const span = () => [0, 1].map((k) => [Math.min(from[k], to[k]), Math.max(from[k], to[k])]);
  const fill = ([[left, right], [top, bottom]], value) => {
    for (let y = Math.max(top, 0); y <= Math.min(bottom, down - 1); y++)
      hidden.fill(value, y * across + Math.max(left, 0), y * across + Math.min(right, across - 1) + 1);
    show();
  };
  const point = () => {
    const [[left, right], [top, bottom]] = span();
    cursor.setAttribute("d", `M${left} ${top}H${right + 1}V${bottom + 1}H${left}z`);
    const place = ([x, y]) => (down > 1 ? `line ${y + 1}, column ${x + 1}` : `place ${x + 1}`);
    const is = hidden[to[1] * across + to[0]] ? "hidden" : "shown";
    told.textContent = left === right && top === bottom
      ? `At ${place(to)}, ${is}.` : `From ${place(from)} to ${place(to)}.`;
  };

  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pad.addEventListener("focus", point);
  pad.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    if (move) {
      to = [0, 1].map((k) => Math.min(Math.max(to[k] + move[k], 0), (k ? down : across) - 1));
      if (!event.shiftKey) from = to;
    } else if (event.key === " ") {
      fill(span(), hidden[to[1] * across + to[0]] ? 0 : 1);
      from = to;
      asked();
    } else if (event.key === "Escape") {
      from = to;
    } else return;
    event.preventDefault();
    point();
  });

  let painting = null;
  const at = (event) => {
    const box = pad.getBoundingClientRect();
    return [
      Math.min(Math.max(Math.floor(((event.clientX - box.left) / box.width) * across), 0), across - 1),
      Math.min(Math.max(Math.floor(((event.clientY - box.top) / box.height) * down), 0), down - 1),
    ];
  };
  const dab = (event) => {
    const size = +brush.value, before = Math.floor((size - 1) / 2);
    const next = at(event), steps = Math.max(Math.abs(next[0] - to[0]), Math.abs(next[1] - to[1]), 1);
    for (let i = 0; i <= steps; i++) {
      const [x, y] = [0, 1].map((k) => Math.round(to[k] + ((next[k] - to[k]) * i) / steps) - before);
      fill([[x, x + size - 1], [y, y + size - 1]], painting);
    }
    from = to = next;
    point();
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    to = at(event);
    painting = hidden[to[1] * across + to[0]] ? 0 : 1;
    dab(event);
  });
  pad.addEventListener("pointermove", (event) => { if (painting !== null) dab(event); });
  const end = () => { if (painting !== null) asked(); painting = null; };
  pad.addEventListener("pointerup", end);
  pad.addEventListener("pointercancel", end);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-mask]");
    if (!button) return;
    if (button.dataset.mask === "other") hidden.forEach((bit, i) => { hidden[i] = 1 - bit; });
    else hidden.fill(0);
    if (button.dataset.mask === "half") fill([[across >> 1, across - 1], [0, down - 1]], 1);
    show();
    asked();
  });
  read();
  show();
})();
