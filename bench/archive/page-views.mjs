// A table with many writes: page views, archived, soft-deleted or without the package.
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';

/** What `page_view` has in a database that every measurement begins with. */
export function createPageViews(rows) {
  return [
    `insert into page_view (id, session, path, referrer, agent, address, viewed_at, duration)
       select n, md5(n::text)::uuid, '/products/' || n % 5000 || '/reviews?page=' || n % 7, 'https://search.example/?q=' || md5((n % 900)::text),
         '${AGENT}', ('10.1.' || n % 256 || '.' || n / 256 % 256)::inet, timestamptz '2026-01-01' + n * interval '1 second', n % 600
       from generate_series(1, ${rows}) as n`,
    'vacuum (analyze)',
  ];
}

/** Opens the ORM over `page_view`. @param strategy - `undefined` without the package */
export async function openPageViews(url, { installSoftDelete, softDeletable, complianceEntities }, strategy) {
  const View = defineEntity({
    name: 'PageView',
    tableName: 'page_view',
    properties: {
      id: p.bigint().primary(),
      session: p.uuid().index(),
      path: p.text(),
      referrer: p.text().nullable(),
      agent: p.text(),
      address: p.type('string').columnType('inet'),
      viewedAt: p.datetime().columnType('timestamptz').index(),
      duration: p.integer().nullable(),
      ...(strategy === 'soft' ? { deletedAt: p.datetime().columnType('timestamptz').nullable() } : {}),
    },
  });
  if (strategy) {
    // A millisecond: what is deleted is due.
    softDeletable(View, { strategy, retention: 1 });
  }
  const orm = await MikroORM.init({
    clientUrl: url,
    entities: [View, ...(strategy ? complianceEntities() : [])],
  });
  if (strategy) {
    installSoftDelete(orm);
  }
  await orm.em.execute('select 1');
  return { orm, View: View.meta.class };
}

/** A template for each strategy, so that every measurement begins with the same pages. */
export async function createTemplates({ server, library, rows }) {
  for (const strategy of [undefined, 'soft', 'archive']) {
    const name = templateOf(strategy);
    await server.create(name, []);
    const { orm } = await openPageViews(server.url(name), library, strategy);
    await orm.schema.create();
    for (const sql of [
      ...createPageViews(rows),
      ...(strategy ? library.complianceTablesSql({ partition: 'month' }) : []),
    ]) {
      await orm.em.execute(sql);
    }
    await orm.close(true);
  }
}

export async function dropTemplates(server) {
  for (const strategy of [undefined, 'soft', 'archive']) {
    await server.drop(templateOf(strategy));
  }
}

/** Runs something on a fresh copy, right after a checkpoint, with the pages in memory. */
export async function onCopy({ server, library }, strategy, work) {
  await server.copy('page_views', templateOf(strategy));
  const world = await openPageViews(server.url('page_views'), library, strategy);
  const sql = (text) => world.orm.em.getConnection().execute(text);
  try {
    await sql('select sum(length(agent)) from page_view');
    await sql('set enable_seqscan = off; select count(id) from page_view where id > 0; reset enable_seqscan');
    return await work({ ...world, sql, em: world.orm.em.fork() });
  } finally {
    await world.orm.close(true);
    await server.drop('page_views');
  }
}

/** How long something takes, and how much it writes ahead, in megabytes. */
export async function measured(sql, work) {
  const lsn = async () => (await sql('select pg_current_wal_lsn() as lsn'))[0].lsn;
  const before = await lsn();
  const start = performance.now();
  const result = await work();
  const ms = performance.now() - start;
  const [{ bytes }] = await sql(`select pg_current_wal_lsn() - '${before}'::pg_lsn as bytes`);
  return { ms, wal: Number(bytes) / 2 ** 20, result };
}

function templateOf(strategy) {
  return `template_${strategy ?? 'plain'}`;
}
