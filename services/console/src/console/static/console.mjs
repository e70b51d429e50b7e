// Everything works without this file. It counts ticks, ticks all, keeps a followed page fresh, and
// a chosen file in its form while its columns are looked at.

const EVERY_MS = 1500; // below a person's patience, far above what a service notices

function boxes(form) {
  return [...document.querySelectorAll(`input[name="id"][form="${form}"]`)];
}

function count(form) {
  const ticked = boxes(form).filter((box) => box.checked).length;
  for (const place of document.querySelectorAll(`[data-count="${form}"]`)) {
    place.dataset.before ??= place.textContent;
    place.textContent = ticked ? `${ticked} selected` : place.dataset.before;
  }
  for (const button of document.querySelectorAll(`[data-needs-tick="${form}"]`)) {
    button.disabled = ticked === 0;
  }
}

for (const all of document.querySelectorAll("[data-tick-all]")) {
  const form = all.dataset.tickAll;
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes(form)) box.checked = all.checked;
    count(form);
  });
  for (const box of boxes(form)) box.addEventListener("change", () => count(form));
  count(form);
}

document.querySelector("[data-focus]")?.focus();
document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest" });

async function follow() {
  const here = document.querySelector("[data-live]");
  if (!here) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = answer.ok && page.getElementById(here.id);
    if (!fresh) return location.reload();
    if (fresh.textContent !== here.textContent) here.replaceWith(fresh);
    if (!fresh.hasAttribute("data-live")) return location.reload();
  } catch {
    // The network is away for a moment: the next look tells.
  }
  setTimeout(follow, EVERY_MS);
}
setTimeout(follow, EVERY_MS);

// A header that is dropped on another one takes its place (C51): the settings' form says so.
for (const form of document.querySelectorAll("form[data-arranges]")) {
  const heads = () => [...document.querySelectorAll(`#${form.dataset.arranges} th[data-column]`)];
  let moved = null;
  for (const head of heads()) {
    head.draggable = true;
    head.addEventListener("dragstart", () => { moved = head; });
    head.addEventListener("dragover", (event) => { if (moved) event.preventDefault(); });
    head.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!moved || moved === head) return;
      const names = heads().map((each) => each.dataset.column);
      const to = names.indexOf(head.dataset.column);
      names.splice(names.indexOf(moved.dataset.column), 1);
      names.splice(to, 0, moved.dataset.column);
      names.forEach((name, at) => { form.elements[`place-${name}`].value = at + 1; });
      form.requestSubmit();
    });
  }
}

// The file stays chosen: its columns, and what is wrong with it, come into the open page.
for (const form of document.querySelectorAll("form[data-inspects]")) {
  const place = form.querySelector("[data-inspected]");
  const buttons = [...form.querySelectorAll("button")];
  const file = form.querySelector("[type=file]");
  const say = (text) => {
    const note = document.createElement("p");
    note.className = "note problem";
    note.setAttribute("role", "alert");
    note.textContent = text;
    place.querySelectorAll(":scope > .note").forEach((old) => old.remove());
    place.prepend(note);
  };
  let asked = 0;
  const ask = async (address, pressed) => {
    // A server that will not read so much ends the line without a word.
    if (file.files[0]?.size > Number(form.dataset.most)) return say("A file may have 20 MB: send it in parts.");
    const turn = (asked += 1);
    const body = new FormData(form);
    if (pressed?.name) body.append(pressed.name, pressed.value);
    for (const button of buttons) button.disabled = true;
    try {
      const answer = await fetch(address, { method: "POST", body, headers: { Accept: "text/html" } });
      if (answer.redirected) return location.assign(answer.url);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (turn !== asked) return;
      const fresh = page.querySelector("[data-inspected]") ?? page.querySelector("main");
      place.replaceChildren(...fresh.childNodes);
    } catch {
      if (turn !== asked) return;
      say("There was no answer. Nothing is lost here: try once more in a moment.");
    }
    for (const button of buttons) button.disabled = false;
    place.querySelector("[data-focus]")?.focus();
  };
  file.addEventListener("change", () => {
    if (file.files.length) ask(form.dataset.inspects);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(form.getAttribute("action") ?? location.href, event.submitter);
  });
}
