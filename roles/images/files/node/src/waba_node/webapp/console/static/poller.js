// Reads the state again and again: every few seconds, more rarely after failures, and not while the page is hidden or paused.

const INTERVAL = 3000; // milliseconds after an answer
const LONGEST = 60000; // milliseconds after many failures
const JITTER = 0.2; // share of a pause, so that pages that failed together do not return together

export class Poller {
  #read;
  #timer = 0;
  #call = null;
  #failures = 0;
  #running = false;
  #paused = false;

  /** read: reads and displays the state; it gets an AbortSignal, and throws when it fails. onPause: gets the milliseconds after a failure. */
  constructor(read, onFailure) {
    this.#read = read;
    this.onFailure = onFailure;
    this.onVisibility = () => this.#next(0);
  }

  get paused() {
    return this.#paused;
  }

  start() {
    this.#running = true;
    this.#failures = 0;
    document.addEventListener("visibilitychange", this.onVisibility);
    this.#next(0);
  }

  stop() {
    this.#running = false;
    document.removeEventListener("visibilitychange", this.onVisibility);
    this.#cancel();
  }

  setPaused(paused) {
    this.#paused = paused;
    this.#next(0);
  }

  #cancel() {
    clearTimeout(this.#timer);
    this.#call?.abort();
    this.#call = null;
  }

  #next(pause) {
    this.#cancel();
    if (!this.#running || this.#paused || document.hidden) return;
    this.#timer = setTimeout(() => this.#poll(), pause);
  }

  async #poll() {
    const call = new AbortController();
    this.#call = call;
    let pause = INTERVAL;
    try {
      await this.#read(call.signal);
      this.#failures = 0;
    } catch (error) {
      if (call.signal.aborted) return;
      pause = Math.min(LONGEST, INTERVAL * 2 ** this.#failures) * (1 - JITTER * Math.random());
      this.#failures += 1;
      this.onFailure(error, pause);
    }
    if (this.#call === call) this.#next(pause);
  }
}
