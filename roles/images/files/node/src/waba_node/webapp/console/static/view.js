// Writes the state into the page. Cells are changed in place and only where their text changed, so that a reader keeps its position.

const ROLES = { primary_master: "primary master", secondary_master: "secondary master", coreapp: "coreapp" };
const QUEUES = {
  outbox: "Outbox: messages to send",
  webhooks: "Webhooks to deliver",
  updates: "Updates of the upstream",
  uncertain: "Uncertain messages",
  set_aside: "Updates set aside",
};
// Queues in which any row is a problem or a notice.
const WARNED = { uncertain: "problem", set_aside: "notice" };
const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

// Columns: label, and whether a change is worth a highlight. Ages change with every reading.
const TABLES = {
  shards: [["Shard", false], ["Owner", true], ["Upstream", true], ["Epoch", true]],
  nodes: [["Node", false], ["Role", true], ["State", true], ["Running for", false], ["Version", true]],
  queues: [["Queue", false], ["Waiting", true], ["Oldest", false]],
  changes: [["What", false], ["From", false], ["To", false], ["Epoch", false], ["Without one", false], ["When", false]],
  certificates: [["Certificate", false], ["Expires", true], ["Left", true]],
};

const ROWS = {
  shards: (shards) =>
    shards.map((one) => [
      `Shard ${one.shard}`,
      one.owner ?? { text: "none", kind: "problem" },
      one.connected ? { text: "connected", kind: "good" } : { text: "not connected", kind: "problem" },
      String(one.epoch),
    ]),
  nodes: (nodes) =>
    nodes.map((one) => [
      one.name,
      ROLES[one.role],
      nodeState(one),
      one.uptime === null ? "" : duration(one.uptime),
      one.version,
    ]),
  queues: (queues) =>
    Object.entries(QUEUES).map(([name, title]) => [
      title,
      { text: amount(queues[name]), kind: queues[name].waiting ? WARNED[name] : undefined },
      queues[name].oldest === null ? "" : duration(queues[name].oldest),
    ]),
  changes: (changes) =>
    changes.latest.map((one) => [
      one.shard === null ? "Primary master" : `Shard ${one.shard}`,
      one.former ?? "",
      one.holder,
      String(one.epoch),
      one.vacancy === null ? "" : duration(one.vacancy),
      `${duration(one.age)} ago`,
    ]),
  certificates: (certificates) =>
    certificates.map((one) => [
      one.name,
      one.expires_at?.slice(0, 10) ?? { text: one.problem, kind: "problem" },
      one.days === null ? "" : { text: remaining(one.days), kind: one.severity ?? "good" },
    ]),
};

/** Return a time span with its two largest units, such as "2 h 5 min". */
export function duration(seconds) {
  let rest = Math.max(0, Math.round(seconds));
  if (seconds > 0 && seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count) parts.push(`${count} ${unit}`);
    else if (parts.length) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 s";
}

function amount(queue) {
  return queue.more ? `more than ${queue.waiting.toLocaleString("en")}` : queue.waiting.toLocaleString("en");
}

function remaining(days) {
  return days < 0 ? "expired" : days === 1 ? "1 day" : `${days} days`;
}

function nodeState(node) {
  if (node.status === "unreachable") return { text: "no answer", kind: "problem" };
  if (node.problem) return { text: node.problem, kind: "problem" };
  if (node.role !== "coreapp") return { text: "running", kind: "good" };
  if (node.status === "connected") return { text: "connected", kind: "good" };
  return node.status === "disconnected" ? "standby" : { text: node.status, kind: "notice" };
}

/** The page of one session. */
export class View {
  #readAt = {}; // part -> when it was read last
  #first = true;

  constructor(root) {
    this.root = root;
    for (const [part, columns] of Object.entries(TABLES)) buildTable(this.#section(part), columns);
  }

  /** Display a state. */
  show(state) {
    const moment = new Date();
    this.connection("");
    for (const part of Object.keys(TABLES)) this.#showPart(part, state, moment);
    this.#showSummary(state);
    if (state.changes) {
      const remark = this.#section("changes").querySelector(".remark");
      setText(remark, `Observed by the running masters for ${duration(state.changes.observed)}.`);
    }
    this.#first = false;
  }

  /** Display why there is no new state, or nothing. */
  connection(text) {
    const banner = this.root.querySelector("#connection");
    setText(banner, text);
    banner.hidden = !text;
  }

  #section(part) {
    return this.root.querySelector(`[data-part="${part}"]`);
  }

  #showPart(part, state, moment) {
    const section = this.#section(part);
    const stale = section.querySelector(".stale");
    const reason = state.problems[part];
    if (state[part] !== null) {
      this.#readAt[part] = moment;
      fillTable(section.querySelector("tbody"), TABLES[part], ROWS[part](state[part]), !this.#first);
    }
    const age = this.#readAt[part] ? `Values of ${this.#readAt[part].toLocaleTimeString("en-GB")}` : "No values yet";
    setText(stale, state[part] === null ? `${age}: ${reason ?? "the part could not be read"}.` : "");
    stale.hidden = state[part] !== null;
  }

  #showSummary(state) {
    const problems = state.attention.filter((item) => item.severity === "problem").length;
    const verdict = this.root.querySelector("#verdict");
    setText(verdict, problems === 0 ? "Healthy" : problems === 1 ? "1 problem" : `${problems} problems`);
    verdict.className = problems === 0 ? "good" : "problem";
    const list = this.root.querySelector("#attention");
    resize(list, state.attention.length, () => document.createElement("li"));
    state.attention.forEach((item, index) => {
      setText(list.children[index], item.text);
      list.children[index].className = item.severity;
    });
    const { webapp } = state;
    const webhook = webapp.last_webhook === null ? "" : ` Last webhook received ${duration(webapp.last_webhook)} ago.`;
    setText(
      this.root.querySelector("#webapp"),
      `Answered by ${webapp.name}, version ${webapp.version}, running for ${duration(webapp.uptime)}. ` +
        `Upstream: ${webapp.upstream}.${webhook}`,
    );
  }
}

function buildTable(section, columns) {
  const table = section.querySelector("table");
  const head = table.createTHead();
  head.setAttribute("role", "rowgroup");
  const row = head.insertRow();
  row.setAttribute("role", "row");
  for (const [label] of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.setAttribute("role", "columnheader");
    cell.textContent = label;
    row.append(cell);
  }
  table.createTBody().setAttribute("role", "rowgroup");
}

function fillTable(body, columns, rows, highlight) {
  if (!rows.length) {
    if (!body.querySelector(".empty")) {
      const cell = element("td", "cell");
      cell.className = "empty";
      cell.colSpan = columns.length;
      cell.dataset.label = columns[0][0];
      cell.textContent = "none";
      const row = element("tr", "row");
      row.append(cell);
      body.replaceChildren(row);
    }
    return;
  }
  if (body.querySelector(".empty")) body.replaceChildren();
  resize(body, rows.length, () => newRow(columns));
  rows.forEach((cells, index) => {
    cells.forEach((given, column) => {
      const cell = body.children[index].children[column];
      const { text, kind } = typeof given === "string" ? { text: given } : given;
      const changed = highlight && columns[column][1] && cell.textContent !== "" && cell.textContent !== text;
      setText(cell, text);
      cell.className = [kind, changed ? "changed" : ""].filter(Boolean).join(" ");
    });
  });
}

function newRow(columns) {
  const row = element("tr", "row");
  columns.forEach(([label], index) => {
    const cell = index === 0 ? element("th", "rowheader") : element("td", "cell");
    if (index === 0) cell.scope = "row";
    else cell.dataset.label = label;
    row.append(cell);
  });
  return row;
}

function element(name, role) {
  const made = document.createElement(name);
  made.setAttribute("role", role);
  return made;
}

function resize(parent, count, make) {
  while (parent.children.length > count) parent.lastElementChild.remove();
  while (parent.children.length < count) parent.append(make());
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
