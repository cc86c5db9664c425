import type { EntityManager } from '@mikro-orm/postgresql';
import { createPurge, RestoreConflictError, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql } from 'nestjs-mikro-orm-soft-delete/compliance';
import { ageArchive } from '../../support/change-archive.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Customer, SHOP, Ticket } from './erasure/shop.entities.js';
import { PLANT, useErasures } from './erasure/use-erasures.js';

const REMOVAL = 'soft_delete.archive_removal';
const REPLACEMENT = 'soft_delete.pseudonymise';
const ALLOW = (setting: string) => `select set_config('${setting}', 'allowed', true)`;

/** Statements that change or remove rows of a table. */
const changesOf = (table: string) => [
  `update ${table} set actor = 'mallory'`,
  `update ${table} set data = '{}'`,
  `delete from ${table}`,
  `delete from ${table} using customer`,
  `merge into ${table} as a using (values (1)) as v on true when matched then update set reason = 'none'`,
  `merge into ${table} as a using (values (1)) as v on true when matched then delete`,
  `with gone as (delete from ${table} returning 1) select count(*) from gone`,
];

describe('The archive, in which nobody else changes anything', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([...SHOP, ...complianceEntities()] as never, { extensions: [softDelete()] }, false);
    await test.database.query(PLANT);
    await test.orm.em.fork().getRepository(Ticket).nativeDelete([1, 2]);
  });
  afterAll(() => test.close());

  const contents = () => test.database.query('select to_jsonb(a) as row from deletion_archive as a order by part, key');
  const refused = (sql: string) =>
    expect(test.database.query(sql)).rejects.toThrow(/Refused to \w+( a row of)? public\.deletion_archive/);

  it('refuses UPDATE, DELETE and MERGE, and says how rows go', async () => {
    const before = await contents();
    expect(before).toHaveLength(4);
    for (const sql of changesOf('deletion_archive')) {
      await refused(sql);
    }
    await refused(
      `insert into deletion_archive select * from deletion_archive on conflict (part, key, unit) do update set actor = 'mallory'`,
    );
    await expect(test.database.query('delete from deletion_archive')).rejects.toThrow(
      `the table is append-only. Rows leave it with restore(), hardDelete(), erasures and the purge. To remove some in SQL, run in the same transaction: ${ALLOW(REMOVAL)}`,
    );
    expect(await contents()).toEqual(before);
  });

  it('lets a transaction that says so remove rows, but not change them; and lets an erasure replace values, but not what they belong to', async () => {
    const before = await contents();
    const inTransaction = async (setting: string, sql: string) => {
      const client = await test.database.connect();
      try {
        await client.query(`begin; ${ALLOW(setting)}`);
        return (await client.query(sql)).rowCount;
      } finally {
        await client.query('rollback');
        await client.end();
      }
    };
    expect(await inTransaction(REMOVAL, 'delete from deletion_archive')).toBe(4);
    await expect(inTransaction(REMOVAL, `update deletion_archive set data = '{}'`)).rejects.toThrow('append-only');
    await expect(inTransaction(REPLACEMENT, 'delete from deletion_archive')).rejects.toThrow('append-only');
    expect(
      await inTransaction(
        REPLACEMENT,
        `update deletion_archive set data = '{}', actor = 'erased-1', reason = '[erased]'`,
      ),
    ).toBe(4);
    for (const change of [
      `part = 'X'`,
      `key = 'X'`,
      `unit = unit - interval '1 day'`,
      `entity = 'X'`,
      `schema = 'x'`,
      `owners = '{x}'`,
      `types = 'x'`,
      `links = '[]'`,
      `actor = 'mallory'`,
      `reason = 'another one'`,
    ]) {
      await expect(inTransaction(REPLACEMENT, `update deletion_archive set ${change}`)).rejects.toThrow('append-only');
    }
    expect(await contents()).toEqual(before);
  });

  it('refuses TRUNCATE, and all of it in each of its partitions, those that are added later included', async () => {
    for (const sql of complianceTablesSql()) {
      await test.database.query(sql);
    }
    await refused('truncate deletion_archive');
    await refused('truncate ticket, deletion_archive cascade');
    const partition = async () => {
      for (const sql of complianceTablesSql({ partition: 'month' })) {
        await test.database.query(sql);
      }
    };
    await partition();
    await ageArchive(test.database, 70);
    await partition();
    const before = await contents();
    const parts = await test.database.query<{ name: string }>(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'deletion_archive'::regclass`,
    );
    expect(parts.length).toBeGreaterThan(6);
    await test.orm.em.fork().getRepository(Ticket).nativeDelete([3]);
    let filled = 0;
    for (const { name } of [{ name: 'deletion_archive' }, ...parts]) {
      await refused(`truncate ${name}`);
      const [{ count }] = (await test.database.query(`select count(*)::int from ${name}`)) as [{ count: number }];
      filled += count > 0 ? 1 : 0;
      for (const sql of count > 0 ? changesOf(name) : []) {
        await refused(sql);
      }
    }
    expect(filled).toBe(3);
    expect(await contents()).toEqual(expect.arrayContaining(before));
    expect(await test.orm.schema.getUpdateSchemaSQL()).toBe('');
  });
});

describe('The writers of the archive', () => {
  const test = useErasures();

  beforeEach(async () => {
    await test.rows(PLANT);
    await test.repo(Ticket).softDelete([1, 2], { actor: 'Ada Lovelace', reason: 'Ada Lovelace asked for it' });
    await test.repo(Ticket).softDelete(3);
  });

  const tickets = (em: EntityManager) => em.getRepository(Ticket) as ReturnType<typeof test.repo<Ticket>>;
  const archived = async () =>
    (await test.rows(`select part || ' ' || key as row from deletion_archive order by 1`)).map(({ row }) => row);
  /** Within a transaction, without ending it. */
  const expectRefused = async (em: EntityManager) => {
    for (const sql of ['delete from deletion_archive', `update deletion_archive set data = '{}'`]) {
      await expect(em.transactional((inner) => inner.execute(sql))).rejects.toThrow('append-only');
    }
  };
  const settingsOf = async (em: EntityManager) => {
    const [row] = await em.execute<{ removal: string; replacement: string }[]>(
      `select coalesce(current_setting('${REMOVAL}', true), '') as removal, coalesce(current_setting('${REPLACEMENT}', true), '') as replacement`,
    );
    return row;
  };

  const writers: [name: string, write: (em: EntityManager) => Promise<unknown>, left: string[]][] = [
    ['restore()', (em) => tickets(em).restore(1), ['Attachment 2', 'Attachment 3', 'Ticket 2', 'Ticket 3']],
    ['restore() of several', (em) => tickets(em).restore([1, 2]), ['Attachment 3', 'Ticket 3']],
    ['hardDelete()', (em) => tickets(em).hardDelete(1), ['Attachment 2', 'Attachment 3', 'Ticket 2', 'Ticket 3']],
    ['hardDelete() of several', (em) => tickets(em).hardDelete([1, 2]), ['Attachment 3', 'Ticket 3']],
  ];

  it.each(writers)(
    '%s removes what it is to, and nothing can be removed after it in the same transaction',
    async (_name, write, left) => {
      await test.fork().transactional(async (em) => {
        await write(em);
        await expectRefused(em);
        expect(await settingsOf(em)).toEqual({ removal: '', replacement: '' });
      });
      expect(await archived()).toEqual(left);
    },
  );

  it.each(writers)('%s gives back what the transaction had set', async (_name, write) => {
    await test.fork().transactional(async (em) => {
      await em.execute(`${ALLOW(REMOVAL)}, set_config('${REPLACEMENT}', 'something', true)`);
      await write(em);
      expect(await settingsOf(em)).toEqual({ removal: 'allowed', replacement: 'something' });
    });
  });

  it.each(writers)('%s leaves nothing allowed when it fails', async (_name, write) => {
    await test.rows(`
      create function fail() returns trigger as $$ begin raise exception 'no room'; end $$ language plpgsql;
      create trigger no_ticket before insert on ticket for each row execute function fail();
      create trigger no_removal after delete on deletion_archive for each row execute function fail()`);
    try {
      await test.fork().transactional(async (em) => {
        await expect(write(em)).rejects.toThrow('no room');
        await expectRefused(em);
      });
    } finally {
      await test.rows('drop function fail cascade');
    }
    expect(await archived()).toEqual([
      'Attachment 1',
      'Attachment 2',
      'Attachment 3',
      'Ticket 1',
      'Ticket 2',
      'Ticket 3',
    ]);
  });

  it('a restoration with a conflict leaves nothing allowed', async () => {
    await test.rows(`insert into ticket (id, customer_id, question) values (1, 2, 'Taken?')`);
    await test.fork().transactional(async (em) => {
      await expect(tickets(em).restore(1)).rejects.toThrow(RestoreConflictError);
      await expectRefused(em);
    });
  });

  it('previews remove nothing and leave nothing allowed', async () => {
    await test.fork().transactional(async (em) => {
      expect(await tickets(em).restore(1, { dryRun: true })).toMatchObject({ total: 2 });
      expect(await tickets(em).hardDelete(1, { dryRun: true })).toMatchObject({ total: 2 });
      await expectRefused(em);
    });
    expect(await archived()).toHaveLength(6);
  });

  it('an erasure replaces values, actor and reason, and removes rows', async () => {
    await test.erasures.erase(Customer, 1);
    expect(await archived()).toEqual(['Attachment 3', 'Ticket 1', 'Ticket 2', 'Ticket 3']);
    expect(
      await test.rows(
        `select data ->> 'question' as question, actor, reason from deletion_archive where key in ('1', '2')`,
      ),
    ).toEqual([
      { question: '[erased]', actor: expect.stringMatching(/^erased-/), reason: '[erased] asked for it' },
      { question: '[erased]', actor: expect.stringMatching(/^erased-/), reason: '[erased] asked for it' },
    ]);
    expect(await test.tablesWith('Lovelace')).toEqual([]);
  });

  it('an erasure leaves nothing allowed to its hooks and to the transaction around it, done or failed', async () => {
    await test.fork().transactional(async (em) => {
      await test.erasures.erase(Customer, 1);
      await expectRefused(em);
      expect(await settingsOf(em)).toEqual({ removal: '', replacement: '' });
    });
    await test.rows(`
      create function fail() returns trigger as $$ begin raise exception 'no room'; end $$ language plpgsql;
      create trigger no_change after update or delete on deletion_archive for each row execute function fail()`);
    try {
      await test.fork().transactional(async (em) => {
        await expect(test.erasures.erase(Customer, 2)).rejects.toThrow('no room');
        await expectRefused(em);
      });
    } finally {
      await test.rows('drop function fail cascade');
    }
  });

  it('the purge removes what is due, with hooks and without, and its hooks remove nothing else', async () => {
    await ageArchive(test.database, 70);
    await test.repo(Ticket).restore(3);
    await test.repo(Ticket).softDelete(3);
    const purge = () => createPurge(test.orm, { retention: '30d', pauseBetweenBatches: 0, brake: false } as never);
    await purge().run();
    expect(await archived()).toEqual(['Attachment 3', 'Ticket 3']);
    await ageArchive(test.database, 70);
    const hooked = purge();
    const seen: unknown[] = [];
    hooked.registerHook(Ticket, async (rows, { em }) => {
      seen.push(...rows.map(({ id }) => id));
      await expectRefused(em);
    });
    await hooked.run();
    expect(seen).toEqual([3]);
    expect(await archived()).toEqual([]);
  });
});
