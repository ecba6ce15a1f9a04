// Graphile Worker with the settings of its page on performance: batches of 500, 24 at once.
"use strict";

const { Logger, makeWorkerUtils, run } = require("graphile-worker");
const { Pool } = require("pg");
const { Tally, batches, drive, order, sendAtPace, serve, timed } = require("driving");

const silent = new Logger(() => () => {});

async function utilities() {
  return makeWorkerUtils({ connectionString: order.url, logger: silent });
}

async function work() {
  const pool = new Pool({ connectionString: order.url, max: 1 });
  const tally = new Tally(order.count);
  const task = (payload) => tally.run(payload);
  await run({
    noHandleSignals: true,
    taskList: { noop: task, nap: task },
    preset: {
      worker: {
        connectionString: order.url,
        concurrentJobs: 24,
        maxPoolSize: 25,
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
        logger: silent,
      },
    },
  });
  // A completed job is deleted.
  const isStored = async () =>
    (await pool.query("SELECT NOT EXISTS (SELECT 1 FROM graphile_worker._private_jobs) AS stored")).rows[0].stored;
  await serve(tally, isStored);
}

const specs = (payloads) => payloads.map((payload) => ({ identifier: order.task, payload }));

drive({
  async set_up() {
    await (await utilities()).migrate();
    await timed(async () => {});
  },
  async enqueue_many() {
    const utils = await utilities();
    await timed(async () => {
      for (const payloads of batches(order.count)) await utils.addJobs(specs(payloads));
    });
  },
  async enqueue_each() {
    const utils = await utilities();
    await utils.addJob("noop", { i: 0 });
    await timed(async () => {
      for (let i = 0; i < order.count; i++) await utils.addJob("noop", { i });
    });
  },
  async pace() {
    const utils = await utilities();
    await utils.addJob("noop", { i: 0 });
    await sendAtPace((payloads) =>
      payloads.length === 1 ? utils.addJob("noop", payloads[0]) : utils.addJobs(specs(payloads)),
    );
  },
  work,
});
