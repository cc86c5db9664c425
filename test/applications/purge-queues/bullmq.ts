import { MikroORM } from '@mikro-orm/postgresql';
import { Queue, Worker } from 'bullmq';
import { createPurge } from 'nestjs-mikro-orm-soft-delete';
import config from './mikro-orm.config.js';

const connection = { url: process.env['REDIS_URL']!, maxRetriesPerRequest: null };
const orm = await MikroORM.init(config);
const purge = createPurge(orm);
const queue = new Queue('purge', { connection });
// One job at a time over all processes. A purge is not faster for running twice.
await queue.setGlobalConcurrency(1);

const attempts = { attempts: 100, backoff: { type: 'fixed', delay: 500 }, removeOnComplete: true } as const;
for (const { name } of await purge.jobs()) {
  await queue.upsertJobScheduler(name, { pattern: '0 3 * * *' }, { name, opts: attempts });
  if (process.argv.includes('--now')) {
    await queue.add(name, {}, { ...attempts, deduplication: { id: name } });
  }
}
const worker = new Worker(
  'purge',
  async (job, _token, signal) => {
    console.log('begins');
    // What is stopped rejects, so that another process goes on with it.
    const report = await purge.runJob(job.name, signal ? { signal } : {});
    console.log(`done ${report.outcome}`);
  },
  // One whose process is gone does not renew its lock, and is tried again.
  { connection, concurrency: 1, lockDuration: 3_000, stalledInterval: 1_000, maxStalledCount: 100 },
);
worker.on('error', (error) => console.error(error));
await worker.waitUntilReady();
console.log('ready');

process.once('SIGTERM', () => {
  // Without this, `close()` waits until the whole run is over.
  worker.cancelAllJobs('The process ends.');
  void worker
    .close()
    .then(() => queue.close())
    .then(() => orm.close())
    .then(() => process.exit());
});
