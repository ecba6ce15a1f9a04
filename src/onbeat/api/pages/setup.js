// A file of its own, as the page's policy lets no script stand in the page.
"use strict";

const FIELDS = ["name", "password", "again"];
const NO_TOKEN = "This address has no token in it. Open the link as it was printed, with all that " +
  "stands behind its #; if it is lost, a new start of Onbeat prints another.";
const NO_ANSWER = "The server did not answer. See that it runs, then press the button again.";

const at = (id) => document.getElementById(id);
let token = null;
let isUnderWay = false;

// The part behind the # is sent to nobody; nor does it stay in the browser's history.
function readLink() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    token = given;
    history.replaceState(null, "", location.pathname);
  }
  at("form").hidden = token === null;
  at("told").textContent = token === null ? NO_TOKEN : "";
}

// Addresses are relative, so that the page works under any path and behind any proxy.
async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  return { isDone: answer.ok, status: answer.status, told };
}

// Beside its field what is wrong with one, above the form all else; the first one is gone to.
function say(wrong) {
  at("told").textContent = "";
  for (const field of FIELDS) {
    const words = wrong.filter((each) => each.field === field).map((each) => each.detail);
    at(`${field}-wrong`).textContent = words.join("; ");
    if (words.length) at(field).setAttribute("aria-invalid", "true");
    else at(field).removeAttribute("aria-invalid");
  }
  const others = wrong.filter((each) => !FIELDS.includes(each.field));
  at("told").textContent = others.map((each) => each.detail).join("; ");
  const first = FIELDS.find((field) => at(field).hasAttribute("aria-invalid"));
  if (first) at(first).focus();
}

function wrongIn({ status, told }) {
  if (told.errors) return told.errors;
  return [{ detail: told.detail || `The server answered ${status}; its log says why.` }];
}

async function signIn(name, password) {
  const answer = await ask("auth/login", { name, password }).catch(() => ({ isDone: false }));
  at("signed-in").textContent = answer.isDone
    ? "You are signed in with this browser."
    : "Open Onbeat, and sign in there.";
}

async function make() {
  const [name, password, again] = FIELDS.map((field) => at(field).value);
  if (password !== again) {
    say([{ field: "again", detail: "the two are not the same; type both again" }]);
    return;
  }
  const answer = await ask("auth/setup", { name, password, token });
  if (!answer.isDone) {
    say(wrongIn(answer));
    return;
  }
  await signIn(name, password);
  at("form").remove();
  at("told").textContent = "";
  at("made").textContent = `${answer.told.name} is the first admin`;
  at("done").hidden = false;
  at("made").focus();
}

at("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isUnderWay) return;
  isUnderWay = true;
  at("make").setAttribute("aria-disabled", "true");
  await make().catch(() => say([{ detail: NO_ANSWER }]));
  at("make")?.removeAttribute("aria-disabled");
  isUnderWay = false;
});
window.addEventListener("hashchange", () => at("form") && readLink());
readLink();
