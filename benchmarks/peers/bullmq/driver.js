// BullMQ with 100 jobs at once; a completed job is removed.
"use strict";

const { Queue, Worker } = require("bullmq");
const { Tally, batches, drive, order, sendAtPace, serve, timed } = require("driving");

const HOUR = 3_600_000;
const AT_ONCE = 100;

const connection = { url: order.url, maxRetriesPerRequest: null };
const queue = new Queue("bench", { connection });
const opts = { removeOnComplete: true };
const jobs = (payloads) => payloads.map((data) => ({ name: order.task, data, opts }));

async function work() {
  const tally = new Tally(order.count);
  let stored = 0;
  const worker = new Worker("bench", (job) => tally.run(job.data), { connection, concurrency: AT_ONCE });
  // It says so when Redis has answered that the job is moved.
  worker.on("completed", () => (stored += 1));
  await worker.waitUntilReady();
  await serve(tally, async () => stored >= order.count);
}

drive({
  set_up: () => timed(async () => {}),
  async enqueue_many() {
    await queue.waitUntilReady();
    await timed(async () => {
      for (const payloads of batches(order.count)) await queue.addBulk(jobs(payloads));
    });
  },
  async enqueue_each() {
    await queue.waitUntilReady();
    await timed(async () => {
      for (let i = 0; i < order.count; i++) await queue.add("noop", { i }, opts);
    });
  },
  async pace() {
    await queue.waitUntilReady();
    await sendAtPace((payloads) =>
      payloads.length === 1 ? queue.add("noop", payloads[0], opts) : queue.addBulk(jobs(payloads)),
    );
  },
  // Every hour; the first job of each is due at once.
  async add_schedules() {
    await timed(async () => {
      for (const payloads of batches(order.count, AT_ONCE)) {
        await Promise.all(
          payloads.map((data) =>
            queue.upsertJobScheduler(`schedule-${data.i}`, { every: HOUR }, { name: "noop", data, opts }),
          ),
        );
      }
    });
  },
  work,
  dispatch: work,
});
