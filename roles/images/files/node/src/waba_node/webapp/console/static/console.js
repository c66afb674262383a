// The login, and the page of one session.

import { Poller } from "./poller.js";
import { CallError, login, logout, readState } from "./session.js";
import { duration, View } from "./view.js";

const PASSWORD_CHANGE_REQUIRED = 1024;

const main = document.getElementById("main");
const controls = document.getElementById("controls");
let poller = null;

function template(name) {
  return document.getElementById(`${name}-template`).content.cloneNode(true);
}

/** Display the login alone. problem: why the last session or login ended, "" for none. */
function showLogin(problem = "") {
  poller?.stop();
  poller = null;
  document.title = "Console";
  controls.replaceChildren();
  main.replaceChildren(template("login"));
  const form = main.querySelector("form");
  main.querySelector("#login-problem").textContent = problem;
  form.addEventListener("submit", submitLogin);
  form.elements.username.focus();
}

async function submitLogin(event) {
  event.preventDefault();
  const form = event.target;
  const { username, password } = form.elements;
  const button = form.querySelector("button");
  const problem = main.querySelector("#login-problem");
  button.disabled = true;
  problem.textContent = "";
  try {
    await login(username.value, password.value);
    showState();
  } catch (error) {
    problem.textContent = loginProblem(error);
    button.disabled = false;
    password.value = "";
    password.focus();
  }
}

function loginProblem(error) {
  if (!(error instanceof CallError)) throw error;
  if (error.code === PASSWORD_CHANGE_REQUIRED) return "This user must set a new password first, with POST /v1/users/login.";
  if (error.status === 401) return "Wrong user name or password.";
  return error.message;
}

/** Display the state until the session ends. */
function showState() {
  main.replaceChildren(template("state"));
  controls.replaceChildren(template("controls"));
  const view = new View(main);
  const clock = controls.querySelector("#clock");
  const pause = controls.querySelector("#pause");
  main.focus();

  poller = new Poller(
    async (signal) => {
      const state = await readState(signal);
      view.show(state);
      document.title = `${main.querySelector("#verdict").textContent} – Console`;
      clock.textContent = `Updated ${new Date().toLocaleTimeString("en-GB")}`;
    },
    (error, wait) => {
      if (!(error instanceof CallError)) {
        view.connection("The page failed to display the state.");
        throw error;
      }
      if (error.status === 401) showLogin("The session has ended.");
      else if (error.status === 403) endSession("Only an administrator may use the console.");
      else if (error.status === 404) endSession("The console is switched off on this webapp.");
      else view.connection(`${sentence(error.message)} The values below are the last ones. Next attempt in ${duration(Math.ceil(wait / 1000))}.`);
    },
  );
  poller.start();

  pause.addEventListener("click", () => {
    poller.setPaused(!poller.paused);
    pause.textContent = poller.paused ? "Resume" : "Pause";
  });
  controls.querySelector("#logout").addEventListener("click", () => endSession());
}

function sentence(text) {
  const capitalised = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capitalised) ? capitalised : `${capitalised}.`;
}

function endSession(problem = "") {
  logout();
  showLogin(problem);
}

// A page that is left has no session any more, also when the browser stores it and returns to it.
window.addEventListener("pagehide", logout);
window.addEventListener("pageshow", (event) => {
  if (event.persisted) showLogin();
});
showLogin();
