import { MikroORM } from '@mikro-orm/postgresql';
import type { EntityManager } from '@mikro-orm/postgresql';
import { createPurge, softDelete, SoftDeleteDoctor, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import {
  type Compliance,
  complianceEntities,
  createCompliance,
  LegalHoldService,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import type { Client } from 'pg';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import {
  Complaint,
  Contract,
  Customer,
  Document,
  Folder,
  HELD_ENTITIES,
  HELD_ROWS,
  Line,
  Note,
  Order,
  Product,
  Tag,
  Vehicle,
} from './held.entities.js';

const ALLOW = `select set_config('soft_delete.physical_delete', 'allowed', true)`;

describe(`${LegalHoldService.name} and @SoftDeletable({ guard: true })`, () => {
  let test: TestOrm;
  let client: Client;
  let em: EntityManager;
  let holds: Compliance['holds'];

  beforeAll(async () => {
    test = await createTestOrm(
      [...HELD_ENTITIES, ...complianceEntities()],
      { extensions: [softDelete({ actor: () => 'ada' })] },
      false,
    );
    ({ holds } = createCompliance(test.orm));
    client = await test.database.connect();
  });
  beforeEach(async () => {
    await test.database.query(HELD_ROWS);
    em = test.orm.em.fork() as EntityManager;
  });
  afterAll(async () => {
    await client.end();
    await test.close();
  });

  const place = (on: any[], name = 'dispute') => holds.place({ name, reason: 'case 7', on });
  const deleted = async (sql: string, begin = 'begin') => {
    try {
      await client.query(`${begin}; ${ALLOW}`);
      const { rowCount } = await client.query(sql);
      return rowCount;
    } finally {
      await client.query('rollback');
    }
  };
  const HELD = {
    code: '23001',
    message: expect.stringMatching(/Refused to delete a row of .*legal hold \d+, "dispute"/),
  };

  it('refuses a delete that the transaction allows, of the row, of what lies behind it, and through a foreign key', async () => {
    await place([[Customer, 1]]);
    await expect(deleted('delete from customer where id = 1')).rejects.toMatchObject(HELD);
    await expect(deleted('delete from purchase where id = 2')).rejects.toMatchObject(HELD);
    await expect(
      deleted(`delete from document where id = '00000000-0000-0000-0000-000000000001'`),
    ).rejects.toMatchObject(HELD);
    await expect(deleted('delete from product where id = 1')).rejects.toMatchObject(HELD);
    await expect(deleted('delete from customer')).rejects.toMatchObject(HELD);
    expect(await deleted('delete from customer where id = 3')).toBe(1);
    expect(await deleted('delete from product where id > 1')).toBe(2);
  });

  it('covers what a foreign key of an unguarded table takes along, though the held row is gone by then', async () => {
    await place([[Customer, 1]]);
    await test.database.query('alter table customer disable trigger soft_delete_guard');
    await expect(deleted('delete from customer where id = 1')).rejects.toMatchObject(HELD);
    expect(await deleted('delete from customer where id = 3')).toBe(1);
    await test.database.query('alter table customer enable trigger soft_delete_guard');
  });

  it('covers rows that are added later, and frees them with the last hold', async () => {
    const { id } = await place([[Customer, 3]]);
    const other = await place([[Order, 4]]);
    await test.database.query('insert into purchase (id, customer_id) values (9, 3)');
    await expect(deleted('delete from purchase where id = 9')).rejects.toMatchObject(HELD);
    await holds.release(id, { reason: 'over' });
    expect(await deleted('delete from purchase where id = 9')).toBe(1);
    await expect(deleted('delete from purchase where id = 4')).rejects.toMatchObject(HELD);
    await holds.release(other.id, { reason: 'over' });
    expect(await deleted('delete from complaint')).toBe(3);
    expect(await deleted('delete from customer where id = 3')).toBe(1);
  });

  it('refuses what has not said that it is meant as before, held or not', async () => {
    await place([[Customer, 1]]);
    for (const id of [1, 2]) {
      await expect(test.database.query('delete from customer where id = $1', [id])).rejects.toThrow(
        'its table is soft-deleted',
      );
    }
  });

  it('refuses what a transaction with an older snapshot deletes, which does not see what was placed meanwhile', async () => {
    for (const level of ['repeatable read', 'serializable']) {
      await expect(
        deleted('delete from customer where id = 1', `begin isolation level ${level}`),
      ).rejects.toMatchObject({
        code: '23001',
        message: expect.stringContaining(`isolation level ${level.toUpperCase()} does not see`),
      });
    }
  });

  it('asks once in a transaction where there is no hold, and again after one was placed in it', async () => {
    await client.query(`begin; ${ALLOW}; delete from line; delete from purchase where id = 1`);
    const { rows } = await client.query(`select current_setting('soft_delete.holds') as said`);
    expect(rows).toEqual([{ said: 'checked' }]);
    await client.query('rollback');
    const broken = em.transactional(async (tx) => {
      await tx.execute(ALLOW);
      await tx.execute('delete from purchase where id = 1');
      await place([[Order, 2]]);
      await tx.execute('delete from purchase where id = 3');
      await tx.execute('delete from purchase where id = 2');
    });
    await expect(broken).rejects.toThrow(/legal hold/);
    expect(await test.database.query('select id from purchase order by id')).toHaveLength(4);
  });

  it('waits for a hold that is being placed', async () => {
    let refusal: Promise<unknown> | undefined;
    await em.transactional(async () => {
      await place([[Order, 1]]);
      await client.query(`begin; ${ALLOW}`);
      refusal = client.query('delete from purchase where id = 1').catch((error: unknown) => error);
      await new Promise((resolve) => setTimeout(resolve, 100));
    });
    await expect(refusal).resolves.toMatchObject(HELD);
    await client.query('rollback');
  });

  it('is passed by hardDelete() and the purge, which ask for holds themselves', async () => {
    await place([[Order, 1]]);
    const repository = em.getRepository(Order) as unknown as SoftDeleteRepository<Order>;
    expect(await repository.hardDelete(3)).toBe(3);
    await expect(repository.hardDelete(1)).rejects.toMatchObject({ code: 'LEGAL_HOLD' });
    await em
      .transactional(async (tx) => {
        expect(await (tx.getRepository(Order) as unknown as SoftDeleteRepository<Order>).hardDelete(4)).toBe(2);
        await expect(tx.execute('delete from customer where id = 2')).rejects.toThrow('its table is soft-deleted');
      })
      .catch(() => undefined);
    await test.database.query(`update purchase set deleted_at = now() - interval '2 days'`);
    const report = await createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 }).run({ entities: [Order] });
    expect(report.entities[0]).toMatchObject({ held: 2, failed: 0 });
    expect(await test.database.query('select id from purchase')).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('keeps the rows from the purge of an ORM that has no tables for holds', async () => {
    await place([[Order, 1]]);
    await test.database.query(`update purchase set deleted_at = now() - interval '2 days'`);
    const other = await MikroORM.init({
      clientUrl: test.database.url,
      entities: [Order, Customer, Line, Note, Product, Document, Contract, Complaint],
      extensions: [softDelete()],
    });
    const report = await createPurge(other, { brake: false, pauseBetweenBatches: 0 }).run({ entities: [Order] });
    expect(report.entities[0]).toMatchObject({ purged: 2, failed: 2 });
    expect(report.entities[0]!.failures[0]!.message).toContain('legal hold');
    expect(other.getMetadata().get(Order).triggers[0]!.body).not.toContain('legal_hold');
    expect(test.orm.getMetadata().get(Order).triggers[0]!.body).toContain('legal_hold');
    await other.close(true);
  });

  it('leaves nothing to do for the schema generator, and the doctor nothing to find', async () => {
    expect(await test.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
    const guards = async () =>
      (await new SoftDeleteDoctor(test.orm).examine()).filter(({ code }) => code === 'guard-out-of-date');
    expect(await guards()).toEqual([]);
    await test.database.query(
      `create or replace function purchase_soft_delete_guard_fn() returns trigger as $$ begin return old; end; $$ language plpgsql`,
    );
    expect((await guards()).map(({ entity }) => entity)).toEqual(['Order']);
    const update = await test.orm.schema.getUpdateSchemaSQL({ wrap: false });
    await test.database.query(update);
    expect(await guards()).toEqual([]);
  });

  it('answers for every row as the service does, whatever the hold was placed on', async () => {
    const folders: [Date, string][] = [
      [new Date('2024-05-01T08:00:00.123Z'), 'top'],
      [new Date('2024-05-02'), 'in "it"'],
      [new Date('2024-05-03'), 'deep'],
      [new Date('2024-05-04'), 'other'],
    ];
    // Without foreign keys, which would take held rows along.
    await test.database.query(`do $$ declare one record; begin
      for one in select conrelid::regclass as tbl, conname from pg_constraint where contype = 'f' loop
        execute format('alter table %s drop constraint %I', one.tbl, one.conname); end loop; end $$`);
    const document = (n: number) => `00000000-0000-0000-0000-00000000000${n}`;
    const rows: [any, unknown, string][] = [
      ...[1, 2, 3].flatMap((id): [any, unknown, string][] => [
        [Customer, id, `customer where id = ${id}`],
        [Order, id, `purchase where id = ${id}`],
        [Product, id, `product where id = ${id}`],
        [Document, document(id), `document where id = '${document(id)}'`],
        [Vehicle, id, `vehicle where id = ${id}`],
        [Tag, id, `tag where id = ${id}`],
        [Complaint, id, `complaint where id = ${id}`],
      ]),
      ...folders.map((key): [any, unknown, string] => [Folder, key, `papers."Folder Tree" where "name" = '${key[1]}'`]),
    ];
    let [covered, free] = [0, 0];
    for (const [entity, key, named] of rows) {
      const { id } = await place([[entity, key]]);
      for (const [other, otherKey, where] of rows) {
        const isHeld = (await holds.of(other, otherKey)).length > 0;
        const refusal = await deleted(`delete from ${where}`).then(
          () => undefined,
          (error: any) => error.message as string,
        );
        expect([named, where, isHeld]).toEqual([named, where, refusal?.includes('legal hold') ?? false]);
        covered += isHeld ? 1 : 0;
        free += isHeld ? 0 : 1;
      }
      await holds.release(id, { reason: 'next' });
    }
    expect(covered).toBeGreaterThan(rows.length);
    expect(free).toBeGreaterThan(rows.length);
  });
});
