import { MikroORM } from '@mikro-orm/postgresql';
import { createPurge } from 'nestjs-mikro-orm-soft-delete';
import { PgBoss } from 'pg-boss';
import config from './mikro-orm.config.js';

const orm = await MikroORM.init(config);
const purge = createPurge(orm);
// On the ORM's own pool, so that there is no second one. Not by `fromKysely()`: of several statements in one text, Kysely returns no rows.
const pool = await orm.em.getConnection().getNativeClient();
const boss = new PgBoss({
  db: { executeSql: (text, values) => pool.query(text, values) },
  // How often it looks for jobs whose process is gone. By default it takes a minute to notice one.
  superviseIntervalSeconds: 1,
  monitorIntervalSeconds: 1,
});
boss.on('error', (error) => console.error(error));
await boss.start();

const leaving = new AbortController();
for (const { name } of await purge.jobs()) {
  // One job of a name at a time, whoever sends it. One whose process is gone is noticed by its heartbeat and tried again.
  await boss.createQueue(name, { policy: 'exclusive', heartbeatSeconds: 10, retryLimit: 100, retryDelay: 1 });
  await boss.schedule(name, '0 3 * * *');
  await boss.work(name, { pollingIntervalSeconds: 0.5 }, async ([job]) => {
    console.log('begins');
    // What is stopped rejects, so that another process goes on with it.
    const report = await purge.runJob(name, { signal: AbortSignal.any([job!.signal, leaving.signal]) });
    console.log(`done ${report.outcome}`);
  });
  if (process.argv.includes('--now')) {
    await boss.send(name);
  }
}
console.log('ready');

process.once('SIGTERM', () => {
  leaving.abort();
  void boss
    .stop({ graceful: true, timeout: 5_000 })
    .then(() => orm.close())
    .then(() => process.exit());
});
