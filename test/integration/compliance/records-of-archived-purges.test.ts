import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrimaryKeyProp } from '@mikro-orm/core';
import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import {
  createPurge,
  SoftDeletable,
  type SoftDeleteEvent,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { type Compliance, complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { findInstallation } from '../../../lib/installation/installation.js';
import { KEY_TYPES, KEY_TYPES_SQL, type KeyType } from '../../support/key-types.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const partOf = (n: number) => `"${n}",'\\`;

/** Archived rows with a key of one type, and with one of it and a text. */
function family({ name, column, value }: KeyType) {
  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_one` })
  class One {
    @PrimaryKey(column as never)
    id!: any;
  }

  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_pair` })
  class Pair {
    [PrimaryKeyProp]?: ['id', 'part'];

    @PrimaryKey(column as never)
    id!: any;

    @PrimaryKey({ type: 'text' })
    part!: string;
  }

  return { name, value, One: One as any, Pair: Pair as any };
}

const TYPES = KEY_TYPES.filter(({ name }) => ['big', 'uuid', 'text', 'moment', 'bytes'].includes(name));

describe.each(TYPES.map(family))('the records of a purge of archived rows with keys of the type $name', (entities) => {
  const { name, value, One, Pair } = entities;
  let test: TestOrm;
  let log: Compliance['log'];

  beforeAll(async () => {
    test = await createTestOrm([One, Pair, ...complianceEntities()], {}, { actor: () => "it's" }, KEY_TYPES_SQL);
    ({ log } = createCompliance(test.orm));
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`begin; set local session_replication_role = replica; delete from deletion_archive;
      delete from deletion_record; delete from ${name}_one; delete from ${name}_pair; commit`);
    const em: any = test.orm.em.fork();
    for (const n of [1, 2, 3]) {
      em.create(One, { id: value(n) });
      em.create(Pair, { id: value(n), part: partOf(n) });
    }
    await em.flush();
    for (const n of [1, 2, 3]) {
      await remove(One, value(n), n);
      await remove(Pair, [value(n), partOf(n)], n);
    }
  });

  const remove = (entity: any, key: unknown, n: number) =>
    (test.orm.em.fork().getRepository(entity) as unknown as SoftDeleteRepository<object>).softDelete(key as never, {
      reason: `deletion ${n}`,
    });
  const sorted = (keys: readonly unknown[]) => keys.map((key) => inspect(key)).toSorted();
  const expectRecords = async (entity: any, keyOf: (n: number) => unknown) => {
    const records = await log.find({ entity, action: 'purged' });
    expect(sorted(records.flatMap(({ keys }) => keys!))).toEqual(sorted([1, 2, 3].map(keyOf)));
    for (const n of [1, 2, 3]) {
      const entries = (await log.of(entity, keyOf(n) as never)).map(({ action, reason, actor }) => [
        action,
        reason,
        actor,
      ]);
      expect(entries).toEqual([
        ['purged', undefined, "it's"],
        ['archived', `deletion ${n}`, "it's"],
      ]);
    }
    return records;
  };
  const purge = (options = {}) =>
    createPurge(test.orm, { retention: 0, pauseBetweenBatches: 0, brake: false, ...options }).run();

  it('name every row where handlers are called before', async () => {
    const service = createPurge(test.orm, { retention: 0, pauseBetweenBatches: 0, brake: false });
    service.registerHook(Pair, () => undefined);
    expect(await service.run()).toMatchObject({ total: 6 });
    await expectRecords(Pair, (n) => [value(n), partOf(n)]);
  });

  it.each([1, 1000])('name every row, %s a batch, and lead to its deletion', async (batchSize) => {
    const events: SoftDeleteEvent[] = [];
    const heard = findInstallation(test.orm.em as never)!.events.stream$.subscribe((event) => events.push(event));
    expect(await purge({ batchSize })).toMatchObject({ total: 6 });
    heard.unsubscribe();
    expect(await expectRecords(One, value)).toHaveLength(batchSize === 1 ? 3 : 1);
    await expectRecords(Pair, (n) => [value(n), partOf(n)]);
    expect(events.filter(({ entity }) => entity === 'Pair').flatMap(({ keys }) => sorted(keys!))).toEqual(
      sorted([1, 2, 3].map((n) => [value(n), partOf(n)])),
    );
    expect(await test.database.query('select part from deletion_archive')).toEqual([]);
  });
});

describe('a purge of archived rows', () => {
  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: 'view' })
  class View {
    @PrimaryKey({ type: 'integer' })
    id!: number;
  }

  const ROWS = 1_200;
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([View, ...complianceEntities()], { pool: { max: 4 } });
  });
  afterAll(() => test.close());

  beforeEach(async () => {
    await test.database.query(`begin; set local session_replication_role = replica; delete from deletion_archive;
      delete from deletion_record; delete from view; commit;
      insert into view select n from generate_series(1, ${ROWS}) as n`);
    for (let from = 1; from <= ROWS; from += 100) {
      const repository = test.orm.em.fork().getRepository(View) as unknown as SoftDeleteRepository<View>;
      await repository.softDelete({ id: { $gte: from, $lt: from + 100 } });
    }
  });

  const purge = (options = {}) =>
    createPurge(test.orm, { retention: 0, pauseBetweenBatches: 0, brake: false, ...options });
  const counts = async () => {
    const [row] = await test.database.query(`select ${ROWS} - (select count(*)::int from deletion_archive) as gone,
      coalesce((select sum(count)::int from deletion_record where action = 'purged'), 0) as recorded,
      (select count(distinct k.key ->> 0)::int from deletion_record, json_array_elements(keys) as k(key) where action = 'purged') as keys`);
    return row as { gone: number; recorded: number; keys: number };
  };

  it('sends no key of a row anywhere unless somebody asks', async () => {
    test.statements.length = 0;
    expect(await purge().run()).toMatchObject({ total: ROWS });
    const removals = test.statements.filter((sql) => sql.includes('delete from "deletion_archive"'));
    expect(removals.length).toBeGreaterThan(0);
    for (const sql of removals) {
      expect(sql).toMatch(/insert into "deletion_record"/);
      expect(sql).toMatch(/select .*null::json as keys/);
    }
    expect(await counts()).toEqual({ gone: ROWS, recorded: ROWS, keys: ROWS });
  });

  it('removes nothing whose record is refused, with handlers and without', async () => {
    await test.database.query(`
      create function refuse_record() returns trigger language plpgsql as $$ begin
        if new.action = 'purged' then raise exception 'no record'; end if; return new; end $$;
      create trigger refuse_record before insert on deletion_record for each row execute function refuse_record()`);
    try {
      const withHandler = purge({ batchSize: ROWS });
      withHandler.registerHook(View, () => undefined);
      for (const service of [purge({ batchSize: ROWS }), withHandler]) {
        expect(await service.run()).toMatchObject({ total: 0, entities: [{ purged: 0, failed: ROWS }] });
      }
    } finally {
      await test.database.query('drop function refuse_record cascade');
    }
    expect(await counts()).toEqual({ gone: 0, recorded: 0, keys: 0 });
  });

  it('has on record what is gone, whenever its connections are cut', async () => {
    for (let cuts = 0; cuts < 8; cuts++) {
      const running = purge({ batchSize: 40 })
        .run()
        .catch((error: unknown) => error);
      await sleep(Math.random() * 60);
      await test.database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      const { gone, ...recorded } = await counts();
      expect(recorded).toEqual({ recorded: gone, keys: gone });
      await running;
      if (gone === ROWS) {
        break;
      }
    }
    await purge().run();
    expect(await counts()).toEqual({ gone: ROWS, recorded: ROWS, keys: ROWS });
  });
});
