// What every Node driver shares; the same protocol as driving.py, which explains it.
"use strict";

const BATCH = 1000;
const PACE_EVERY = 20;
const LOOK_EVERY = 2;

const order = { count: 0, task: "noop", rate: 0, ...JSON.parse(process.argv[2]) };
// Waits until the line is out: a process that exits would cut a long one.
const say = (event, figures = {}) =>
  new Promise((resolve) => process.stdout.write(JSON.stringify({ event, ...figures }) + "\n", resolve));
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const wallMs = () => performance.timeOrigin + performance.now();

// Counts the jobs that run.
class Tally {
  constructor(expected) {
    this.expected = expected;
    this.begunAt = performance.now();
    this.starts = 0;
    this.ends = 0;
    this.waits = [];
  }

  // `sentAt` is the wall clock when the job was enqueued, in seconds.
  start(sentAt) {
    if (sentAt) this.waits.push(wallMs() - sentAt * 1000);
    this.starts += 1;
    if (this.starts === 1) this.firstStart = performance.now();
    if (this.starts === this.expected) this.lastStart = performance.now();
  }

  end() {
    this.ends += 1;
    if (this.ends === this.expected) this.lastEnd = performance.now();
  }

  // A task's body: nothing, or a nap of a millisecond.
  async run(payload) {
    this.start(payload.sent_at);
    if (order.task === "nap") await rest(1);
    this.end();
  }

  async untilStored(isStored) {
    while (this.ends < this.expected) await rest(LOOK_EVERY);
    while (!(await isStored())) await rest(LOOK_EVERY);
    const storedAt = performance.now();
    await say("done", {
      ended_s: (this.lastEnd - this.firstStart) / 1000,
      stored_s: (storedAt - this.firstStart) / 1000,
      fired_s: (this.lastStart - this.begunAt) / 1000,
      waits_ms: this.waits,
    });
  }
}

// Arrays of payloads, `size` at a time.
function* batches(count, size = BATCH) {
  for (let start = 0; start < count; start += size) {
    yield Array.from({ length: Math.min(size, count - start) }, (_, n) => ({ i: start + n }));
  }
}

async function timed(work) {
  const began = performance.now();
  await work();
  await say("done", { seconds: (performance.now() - began) / 1000 });
}

// Calls `send(payloads)` every 20 ms with what is due.
const sendAtPace = (send) =>
  timed(async () => {
    const began = performance.now();
    let sent = 0;
    while (sent < order.count) {
      const wanted = Math.floor(((performance.now() - began) / 1000) * order.rate) + 1;
      const due = Math.min(wanted, order.count, sent + BATCH) - sent;
      if (due > 0) {
        const sent_at = wallMs() / 1000;
        await send(Array.from({ length: due }, (_, n) => ({ i: sent + n, sent_at })));
        sent += due;
      }
      await rest(Math.min(PACE_EVERY, 1000 / order.rate));
    }
  });

// Says `ready`, then waits for the expected jobs, or without any for standard input to close.
async function serve(tally, isStored) {
  await say("ready");
  if (order.count) await tally.untilStored(isStored);
  else await new Promise((resolve) => process.stdin.on("end", resolve).resume());
}

// Runs the verb that was ordered, and ends the process.
function drive(verbs) {
  verbs[order.verb]()
    .then(() => process.exit(0))
    .catch((error) => {
      console.error(error);
      process.exit(1);
    });
}

module.exports = { Tally, batches, drive, order, rest, say, sendAtPace, serve, timed };
