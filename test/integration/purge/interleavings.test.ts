import { setTimeout as sleep } from 'node:timers/promises';
import { defineEntity, MikroORM, type Options, p } from '@mikro-orm/postgresql';
import type { Client } from 'pg';
import { createPurge, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Doc = softDeletable(
  defineEntity({
    name: 'Doc',
    tableName: 'doc',
    properties: { id: p.integer().primary(), filler: p.text().default(''), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
/** Its key refuses. */
const Note = softDeletable(
  defineEntity({
    name: 'Note',
    tableName: 'note',
    properties: {
      id: p.integer().primary(),
      doc: () => p.manyToOne(Doc).deleteRule('restrict').index(),
      deletedAt: deletedAt(),
    },
  }),
  { retention: '30d' },
);
/** Its key would delete it along with the document. */
const Draft = softDeletable(
  defineEntity({
    name: 'Draft',
    tableName: 'draft',
    properties: {
      id: p.integer().primary(),
      doc: () => p.manyToOne(Doc).deleteRule('cascade').index(),
      deletedAt: deletedAt(),
    },
  }),
  { retention: '30d' },
);
/** Its key would take the document from it. */
const Link = softDeletable(
  defineEntity({
    name: 'Link',
    tableName: 'link',
    properties: {
      id: p.integer().primary(),
      doc: () => p.manyToOne(Doc).deleteRule('set null').nullable().index(),
      deletedAt: deletedAt(),
    },
  }),
  { retention: '30d' },
);

const ACTIONS = ['restore', 'delete again', 'note', 'draft', 'link', 'nothing'] as const;
const ROWS = 250;
/** 10,000 by default; set PURGE_INTERLEAVINGS for more, and PURGE_SEED to repeat a run. */
const INTERLEAVINGS = Number(process.env['PURGE_INTERLEAVINGS'] ?? 10_000);
const SEED = Number(process.env['PURGE_SEED'] ?? Date.now() % 1_000_000);
const PAUSE = 4711;

describe(PurgeService.name, () => {
  let test: TestOrm;
  let other: MikroORM;
  let users: Client[];
  const random = mulberry32(SEED);
  let nextId = 1;

  beforeAll(async () => {
    test = await createTestOrm([Doc, Note, Draft, Link], {}, false);
    other = await MikroORM.init({ ...(test.orm.config.getAll() as Options), debug: false });
    users = await Promise.all(Array.from({ length: ACTIONS.length }, () => test.database.connect()));
    // The row to stop at is known by name; stopping is waiting for a lock that the test holds.
    await test.database.query(`
      create table stop_at (id int);
      create table removed (id int primary key);
      create function stop() returns trigger language plpgsql as $$ begin
        if exists (select from stop_at where stop_at.id = old.id) then
          perform pg_advisory_lock_shared(${PAUSE}); perform pg_advisory_unlock_shared(${PAUSE});
        end if;
        insert into removed values (old.id);
        return old;
      end $$;
      create trigger stop before delete on doc for each row execute function stop();
    `);
  });

  afterAll(async () => {
    await Promise.all(users.map((user) => user.end()));
    await other.close(true);
    await test.close();
  });

  const shapes = [
    { name: 'in physical order', isUnindexed: true, evidence: 'p.ctid < ', fillers: 0, hook: false, share: 0.4 },
    {
      name: 'in the order of deletion',
      isUnindexed: false,
      evidence: 'order by p."deleted_at", p."id" offset',
      fillers: 20_000,
      hook: false,
      share: 0.3,
    },
    {
      name: 'in several statements under locks',
      isUnindexed: false,
      evidence: 'for update of p skip locked',
      fillers: 0,
      hook: true,
      share: 0.3,
    },
  ];

  it.each(shapes)(
    'never removes or changes a row that is not due, whatever happens meanwhile: batches $name',
    async (shape) => {
      await test.database.query('truncate doc, note, draft, link, removed, stop_at');
      await test.database.query(
        `insert into doc select -n, repeat('x', 500), null from generate_series(1, ${shape.fillers}) as n; analyze doc`,
      );
      // Without the index on deleted rows there is but one order.
      const indexes = await test.database.query<{ indexname: string; indexdef: string }>(
        "select indexname, indexdef from pg_indexes where tablename = 'doc' and indexdef like '%deleted_at%'",
      );
      expect(indexes).toHaveLength(1);
      if (shape.isUnindexed) {
        await test.database.query(`drop index ${indexes[0]!.indexname}`);
      }
      const rounds = Math.ceil((INTERLEAVINGS * shape.share) / ROWS);
      for (let round = 0; round < rounds; round++) {
        test.statements.length = 0;
        await play(shape.hook, `seed ${SEED}, ${shape.name}, round ${round}`);
        expect(test.statements.some((sql) => sql.includes(shape.evidence))).toBe(true);
      }
      if (shape.isUnindexed) {
        await test.database.query(indexes[0]!.indexdef);
      }
    },
  );

  /** One run with a second one beside it, stopped in the middle of a batch while users act on its rows. */
  async function play(usesHook: boolean, label: string): Promise<void> {
    const first = nextId;
    nextId += ROWS;
    const ids = Array.from({ length: ROWS }, (_, i) => first + i);
    const stopAt = first + Math.floor(random() * ROWS * 0.7);
    const plan = new Map(ACTIONS.map((action) => [action, [] as number[]]));
    // A key that refuses undoes the whole batch, and hides what else would have happened to it.
    const actions = ACTIONS.filter((action) => action === 'nothing' || random() < 0.5);
    ids.forEach((id) => plan.get(actions[Math.floor(random() * actions.length)]!)!.push(id));
    const controller = users[0]!;
    await test.database.query(
      `truncate stop_at, removed; insert into stop_at values (${stopAt});
       insert into doc select n, '', now() - interval '40 days' + n * interval '1 millisecond' from generate_series(${first}, ${first + ROWS - 1}) as n`,
    );

    let acted: Promise<number[][]> | undefined;
    const options = { brake: false, pauseBetweenBatches: 0, lockTimeout: '2s' } as const;
    const one = createPurge(test.orm, { ...options, batchSize: random() < 0.5 ? ROWS : 100 });
    const two = createPurge(other, { ...options, batchSize: 60 });
    if (usesHook) {
      const begun = Promise.withResolvers<void>();
      // The rows are locked and checked, and about to go.
      one.registerHook(Doc.class, async () => {
        begun.resolve();
        acted ??= act(plan, () => true);
        await sleep(4);
      });
      const run = one.run();
      // The second run must not have all rows before the first one comes to any.
      await Promise.race([begun.promise, run]);
      const [reportOne, reportTwo] = await Promise.all([run, two.run()]);
      await verify(ids, await (acted ?? act(plan, () => true)), [reportOne, reportTwo], label);
      return;
    }
    await controller.query(`select pg_advisory_lock(${PAUSE})`);
    const runs = [one.run(), two.run()];
    await untilStopped(runs);
    // Rows before the stop are gone already, if uncommitted; the statement has yet to come to those behind it.
    acted = act(plan, (id) => id > stopAt);
    await Promise.race([acted, sleep(40)]);
    await controller.query(`select pg_advisory_unlock(${PAUSE})`);
    const late = act(plan, (id) => id < stopAt);
    const reports = await Promise.all(runs);
    const done = [await acted, await late];
    await verify(
      ids,
      ACTIONS.map((_, i) => done.flatMap((actions) => actions[i]!)),
      reports,
      label,
    );
  }

  async function untilStopped(runs: Promise<unknown>[]): Promise<void> {
    const over = Promise.all(runs).then(() => true);
    while (!(await Promise.race([over, sleep(1, false)]))) {
      const waiting = await test.database.query(
        "select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())",
      );
      if (waiting.length > 0) {
        return;
      }
    }
  }

  /** What users do to the rows. Returns the ids of the rows that each action took effect on. */
  async function act(plan: ReadonlyMap<string, number[]>, chosen: (id: number) => boolean): Promise<number[][]> {
    const statements: Record<(typeof ACTIONS)[number], (id: string) => string> = {
      restore: (list) => `update doc set deleted_at = null where id in (${list}) returning id`,
      'delete again': (list) => `update doc set deleted_at = now() where id in (${list}) returning id`,
      note: (list) => children('note', list),
      draft: (list) => children('draft', list),
      link: (list) => children('link', list),
      nothing: () => '',
    };
    return Promise.all(
      ACTIONS.map(async (action, i) => {
        const list = plan.get(action)!.filter(chosen);
        if (action === 'nothing' || list.length === 0) {
          return [];
        }
        const result = await users[i === 0 ? ACTIONS.length - 1 : i]!.query(statements[action](list.join(', ')));
        return result.rows.map(({ id }) => id as number);
      }),
    );
  }

  /** Children of those documents that are still there, as an application adds them: it locks what it has read. */
  function children(table: string, list: string): string {
    return `insert into ${table} select id, id from doc where id in (${list}) for key share returning id`;
  }

  async function verify(
    ids: readonly number[],
    [restored, deletedAgain, notes, drafts, links]: number[][],
    reports: readonly Awaited<ReturnType<PurgeService['run']>>[],
    label: string,
  ): Promise<void> {
    const kept = [...restored!, ...deletedAgain!, ...notes!, ...drafts!, ...links!].sort((a, b) => a - b);
    const list = (values: readonly number[]) => `(${[...values, -1e9].join(', ')})`;
    const [found] = await test.database.query(`select
      (select coalesce(array_agg(id order by id), '{}') from doc where id in ${list(ids)}) as docs,
      (select count(*)::int from doc where id in ${list(restored!)} and deleted_at is null) as restored,
      (select count(*)::int from doc where id in ${list(deletedAgain!)} and deleted_at > now() - interval '1 day') as "deletedAgain",
      (select count(*)::int from note where id in ${list(notes!)} and doc_id = id and deleted_at is null) as notes,
      (select count(*)::int from draft where id in ${list(drafts!)} and doc_id = id and deleted_at is null) as drafts,
      (select count(*)::int from link where id in ${list(links!)} and doc_id = id and deleted_at is null) as links,
      (select count(*)::int from removed) as removed`);
    const removed = reports.reduce((total, report) => total + report.total, 0);
    expect({ label, ...found, counted: removed }).toEqual({
      label,
      docs: kept,
      restored: restored!.length,
      deletedAgain: deletedAgain!.length,
      notes: notes!.length,
      drafts: drafts!.length,
      links: links!.length,
      removed: ids.length - kept.length,
      counted: ids.length - kept.length,
    });
  }
});

/** A small seeded generator, so that a failing run can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
