"use strict";
// One form, one question at a time: a change of the form is a new address and a new stream of
// answers, which replaces the one before.
(() => {
  const main = document.getElementById("main");
  const form = document.querySelector("[data-form]");
  if (!main || !form) return;
  let source = null, timer = 0, retry = 0;

  const params = () => {
    const found = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "") found.append(name, value);
    return found;
  };

  const show = (parts) => {
    for (const [id, html] of Object.entries(parts)) {
      const place = document.getElementById(id);
      if (place && place.innerHTML !== html) place.innerHTML = html;
    }
  };

  const refuse = (told) => {
    const line = document.createElement("p");
    line.className = "notice";
    line.setAttribute("role", "alert");
    line.textContent = [told.where && told.where + ": ", told.what, "."].join("")
      + (told.fix ? " To do: " + told.fix + "." : "");
    (document.getElementById("notices") || main).replaceChildren(line);
  };

  // The events of a stream, each with its kind and what it tells.
  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
        const [kind, data] = text.slice(0, end).split("\n");
        yield [kind.slice("event: ".length), JSON.parse(data.slice("data: ".length))];
      }
    }
  }

  const ask = async () => {
    stop();
    main.setAttribute("aria-busy", "true");
    const notices = document.getElementById("notices");
    const own = new AbortController();
    source = own;
    let first = true, again = 0;
    try {
      const answer = await fetch(main.dataset.ask + "?" + params(), { signal: own.signal });
      if (!answer.ok) {
        again = +answer.headers.get("Retry-After");
        refuse((await answer.json()).error);
      } else {
        for await (const [kind, told] of events(answer.body)) {
          if (source !== own) return;
          if (kind === "refused") {
            refuse(told);
            again = told.again;
          } else if (kind === "parts") {
            if (first && notices) notices.replaceChildren();
            first = false;
            show(told);
          }
        }
      }
    } catch (error) {
      if (source !== own) return; // a newer question
      refuse({ what: "the service does not answer", fix: "start it again, then reload this page" });
    }
    if (source !== own) return;
    main.removeAttribute("aria-busy");
    if (again) retry = setTimeout(ask, 1000 * again);
  };

  const stop = () => {
    clearTimeout(retry);
    const own = source;
    source = null;
    if (own) own.abort();
  };

  // Links to other views of the same row follow the form.
  const follow = (found) => {
    for (const link of document.querySelectorAll("[data-follows]")) {
      const theirs = new URLSearchParams(found);
      const { row, sample } = link.dataset;
      if (row || sample) { theirs.delete("row"); theirs.delete("sample"); }
      if (row) theirs.set("row", row);
      if (sample) theirs.set("sample", sample);
      if (link.dataset.follows === "/whatif")
        for (const [name, value] of found) if (name.startsWith("c.")) theirs.append("b" + name, value);
      link.href = link.dataset.follows + "?" + theirs;
    }
  };

  // The cells in which the second row differs.
  const compare = () => {
    for (const input of form.querySelectorAll("[name^='bc.']")) {
      const first = form.elements[input.name.slice(1)];
      input.closest(".of-b").classList.toggle("differs", first.value !== input.value);
    }
  };

  const changed = () => {
    stop();
    main.setAttribute("aria-busy", "true");
    compare();
    for (const input of form.querySelectorAll("[data-resets]")) input.value = "";
    const found = params();
    history.replaceState(null, "", location.pathname + (found.size ? "?" + found : ""));
    follow(found);
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  };

  const twin = (input) => document.getElementById(input.dataset.of || input.id + "-slider");

  form.addEventListener("input", (event) => {
    const other = twin(event.target);
    if (other && other !== event.target) {
      other.value = event.target.value;
      const slider = other.type === "range" ? other : event.target;
      slider.classList.toggle("unset", event.target.value === "");
    }
    changed();
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); changed(); });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-clear]");
    if (!button) return;
    const input = document.getElementById(button.dataset.clear);
    input.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.focus();
  });
  window.addEventListener("pagehide", stop);
  ask();
})();
