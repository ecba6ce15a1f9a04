// pg-boss: four workers that each take 500 at once, looking twice a second; completed jobs are kept.
"use strict";

const PgBoss = require("pg-boss");
const { Pool } = require("pg");
const { Tally, batches, drive, order, sendAtPace, serve, timed } = require("driving");

const WORKERS = 4;
const AT_ONCE = 2000;
const QUEUE = "bench";

async function started() {
  const boss = new PgBoss({ connectionString: order.url, max: 10 });
  boss.on("error", (error) => console.error(error.message));
  await boss.start();
  return boss;
}

const rows = (payloads) => payloads.map((data) => ({ name: QUEUE, data }));

async function work() {
  const pool = new Pool({ connectionString: order.url, max: 1 });
  const boss = await started();
  const tally = new Tally(order.count);
  const options = { batchSize: AT_ONCE, pollingIntervalSeconds: 0.5 };
  const runAll = (jobs) => Promise.all(jobs.map((job) => tally.run(job.data)));
  for (let n = 0; n < WORKERS; n++) await boss.work(QUEUE, options, runAll);
  const isStored = async () =>
    (await pool.query("SELECT NOT EXISTS (SELECT 1 FROM pgboss.job WHERE name = $1 AND state < 'completed') AS stored", [QUEUE]))
      .rows[0].stored;
  await serve(tally, isStored);
}

drive({
  async set_up() {
    const boss = await started();
    await boss.createQueue(QUEUE);
    await timed(async () => {});
  },
  async enqueue_many() {
    const boss = await started();
    await timed(async () => {
      for (const payloads of batches(order.count)) await boss.insert(rows(payloads));
    });
  },
  async enqueue_each() {
    const boss = await started();
    await boss.send(QUEUE, { i: 0 });
    await timed(async () => {
      for (let i = 0; i < order.count; i++) await boss.send(QUEUE, { i });
    });
  },
  async pace() {
    const boss = await started();
    await sendAtPace((payloads) =>
      payloads.length === 1 ? boss.send(QUEUE, payloads[0]) : boss.insert(rows(payloads)),
    );
  },
  work,
});
