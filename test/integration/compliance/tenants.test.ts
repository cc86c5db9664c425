import { RequestContext } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { type EntityManager, MikroORM, type Rel } from '@mikro-orm/postgresql';
import {
  createPurge,
  SoftDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteConfigError,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import {
  type Compliance,
  complianceEntities,
  complianceTablesSql,
  createCompliance,
  type ErasureLedgerEntry,
  LegalHoldError,
  PersonalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

@PersonalData<Customer>({ subject: true, fields: { name: null } })
@SoftDeletable({ retention: '1d', guard: true })
@Entity({ tableName: 'customer', schema: '*' })
class Customer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'text', nullable: true })
  name?: string | null;
}

@PersonalData<Note>({ of: 'customer', erase: 'row' })
@Entity({ tableName: 'note', schema: '*' })
class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer, { deleteRule: 'cascade' })
  customer!: Rel<Customer>;

  @Property({ type: 'text' })
  text!: string;
}

@SoftDeletable()
@Entity({ tableName: 'plan' })
class Plan extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'visit', schema: '*' })
class Visit {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

const TENANTS = ['north', 'south'];

describe("complianceEntities({ schema: '*' })", () => {
  let database: TestDatabase;
  let orm: MikroORM;
  let compliance: Compliance;
  const told: ErasureLedgerEntry[] = [];

  beforeAll(async () => {
    database = await createTestDatabase();
    orm = await MikroORM.init({
      clientUrl: database.url,
      entities: [Customer, Note, ...complianceEntities({ schema: '*' })],
      extensions: [
        softDelete({
          purge: { schemas: () => TENANTS },
          log: { retention: '30d' },
          erasure: { ledger: (entry) => void told.push(entry) },
        }),
      ],
    });
    for (const schema of TENANTS) {
      await database.query(`create schema ${schema}`);
      await orm.schema.update({ schema });
      for (const sql of complianceTablesSql({ schema, partition: 'month', archive: false })) {
        await database.query(sql);
      }
    }
    compliance = createCompliance(orm);
  });
  beforeEach(async () => {
    told.length = 0;
    for (const schema of TENANTS) {
      await database.query(`set session_replication_role = 'replica';
        truncate ${['customer', 'note', 'deletion_record', 'legal_hold', 'legal_hold_row', 'erasure'].map((table) => `${schema}.${table}`).join(', ')} restart identity cascade;
        reset session_replication_role;
        insert into ${schema}.customer (id, name) values (1, 'Ada of ${schema}'), (2, 'Bob of ${schema}');
        insert into ${schema}.note (id, customer_id, text) values (1, 1, 'Ada of ${schema} likes tea')`);
    }
  });
  afterAll(async () => {
    await orm.close(true);
    await database.drop();
  });

  const inTenant = <Result>(schema: string, work: (em: EntityManager) => Promise<Result>): Promise<Result> => {
    const em = orm.em.fork({ schema }) as EntityManager;
    return RequestContext.create(em, () => work(em));
  };
  const customers = (em: EntityManager) => em.getRepository(Customer) as unknown as SoftDeleteRepository<Customer>;
  const names = async (schema: string) =>
    (await database.query(`select name from ${schema}.customer order by id`)).map(({ name }) => name);
  const records = async (schema: string) =>
    (await database.query(`select action from ${schema}.deletion_record order by at, id`)).map(({ action }) => action);

  it('has its tables in the schema of each tenant, where the ORM then finds nothing to do', async () => {
    for (const schema of TENANTS) {
      expect(await orm.schema.getUpdateSchemaSQL({ schema })).toBe('');
      await expect(database.query(`truncate ${schema}.deletion_record`)).rejects.toThrow('Refused to truncate');
      await expect(database.query(`truncate ${schema}.deletion_record_default`)).rejects.toThrow('Refused to truncate');
    }
    expect(await database.query(`select tablename from pg_tables where schemaname = 'public'`)).toEqual([]);
  });

  it('records what happens where it happens, and shows a tenant nothing of another', async () => {
    await inTenant('north', (em) => customers(em).softDelete(1, { reason: 'of the north' }));
    await inTenant('south', async (em) => {
      await customers(em).softDelete(1, { reason: 'of the south' });
      await customers(em).restore(1);
    });
    expect([await records('north'), await records('south')]).toEqual([['deleted'], ['deleted', 'restored']]);
    expect(await inTenant('north', () => compliance.log.of(Customer, 1))).toMatchObject([{ reason: 'of the north' }]);
    expect(await inTenant('south', () => compliance.log.find())).toMatchObject([
      { action: 'restored' },
      { reason: 'of the south' },
    ]);
  });

  it('holds the row of one tenant, and not that with the same key of another', async () => {
    await inTenant('north', () => compliance.holds.place({ name: 'Dispute', reason: 'Letter', on: [[Customer, 1]] }));
    expect(await inTenant('south', () => compliance.holds.of(Customer, 1))).toEqual([]);
    const remove = (schema: string) => inTenant(schema, (em) => customers(em).hardDelete(1));
    await expect(remove('north')).rejects.toThrow(LegalHoldError);
    await expect(
      database.query(
        `begin; select set_config('soft_delete.physical_delete', 'allowed', true); delete from north.customer where id = 1`,
      ),
    ).rejects.toThrow('"Dispute", covers it');
    // Nothing is held in the south: that says nothing of the north.
    await expect(
      database.query(
        `begin; select set_config('soft_delete.physical_delete', 'allowed', true); delete from south.customer where id = 2; delete from north.customer where id = 1`,
      ),
    ).rejects.toThrow('"Dispute", covers it');
    expect(await remove('south')).toBe(2);
    await database.query(`update north.customer set deleted_at = now() - interval '3 days'`);
    await database.query(`update south.customer set deleted_at = now() - interval '3 days'`);
    const { entities } = await createPurge(orm, { schemas: () => TENANTS, brake: false } as never).run();
    expect(entities.map(({ purged, held }) => [purged, held])).toEqual([
      [1, 1],
      [1, 0],
    ]);
    expect([await names('north'), await names('south')]).toEqual([['Ada of north'], []]);
    expect([await records('north'), await records('south')]).toEqual([
      ['held', 'purged'],
      ['hard-deleted', 'hard-deleted', 'purged'],
    ]);
  });

  it('erases the person of one tenant, and lets a run outside of any see to all', async () => {
    await inTenant('north', () => compliance.erasures.request(Customer, 1));
    await inTenant('south', () => compliance.erasures.request(Customer, 2));
    expect((await inTenant('north', () => compliance.erasures.status())).erasures).toMatchObject([
      { id: 1, subject: { entity: 'Customer', key: 1, schema: 'north' } },
    ]);
    expect(await compliance.erasures.status()).toMatchObject({
      open: 2,
      erasures: [{ subject: { key: 1, schema: 'north' } }, { subject: { key: 2, schema: 'south' } }],
    });
    expect(await compliance.erasures.run()).toMatchObject([
      { subject: { key: 1, schema: 'north' }, outcome: 'completed' },
      { subject: { key: 2, schema: 'south' }, outcome: 'completed' },
    ]);
    expect([await names('north'), await names('south')]).toEqual([
      [null, 'Bob of north'],
      ['Ada of south', null],
    ]);
    expect(await database.query('select text from north.note')).toEqual([]);
    expect(await database.query('select text from south.note')).toEqual([{ text: 'Ada of south likes tea' }]);
    expect(told).toMatchObject([
      { schema: 'north', key: ['1'] },
      { schema: 'south', key: ['2'] },
    ]);
    expect(await compliance.erasures.entries()).toEqual(told);
  });

  it('erases again in the schema that the ledger names', async () => {
    await inTenant('north', () => compliance.erasures.erase(Customer, 1));
    await database.query(`update north.customer set name = 'Ada of north' where id = 1`);
    expect(await compliance.erasures.reapply(JSON.parse(JSON.stringify(told)))).toEqual([
      { schema: 'north', entity: 'Customer', key: 1, outcome: 'erased' },
    ]);
    expect([await names('north'), await names('south')]).toEqual([
      [null, 'Bob of north'],
      ['Ada of south', 'Bob of south'],
    ]);
  });

  it.each([
    ['a schema that the database lacks', { schema: 'nort' }, undefined],
    ['a schema without erasures', { schema: 'public' }, undefined],
    ['no schema', { schema: undefined }, undefined],
    ['the schema of another tenant', { schema: 'north' }, 'south'],
  ])('erases nothing again where the ledger names %s', async (_what, wrong, tenant) => {
    await inTenant('south', () => compliance.erasures.erase(Customer, 1));
    await inTenant('north', () => compliance.erasures.erase(Customer, 1));
    const entries = [...told.filter(({ schema }) => schema === 'south'), { ...told[0]!, ...wrong }];
    await database.query(`update north.customer set name = 'Ada of north' where id = 1;
      update south.customer set name = 'Ada of south' where id = 1`);
    const reapply = () => compliance.erasures.reapply(entries as ErasureLedgerEntry[]);
    await expect(tenant ? inTenant(tenant, reapply) : reapply()).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
    expect([await names('north'), await names('south')]).toEqual([
      ['Ada of north', 'Bob of north'],
      ['Ada of south', 'Bob of south'],
    ]);
  });

  it('goes on with the other tenants where the tables of one are missing, and then says so', async () => {
    await inTenant('south', () => compliance.erasures.request(Customer, 1));
    await database.query('alter table north.erasure rename to elsewhere');
    try {
      await expect(compliance.erasures.run()).rejects.toThrow('north.erasure');
      expect(await names('south')).toEqual([null, 'Bob of south']);
    } finally {
      await database.query('alter table north.elsewhere rename to erasure');
    }
  });

  it('removes records of all tenants that are past their retention', async () => {
    for (const schema of TENANTS) {
      await database.query(
        `insert into ${schema}.deletion_record (at, action, entity, count) values (now() - interval '31 days', 'deleted', 'Old', 1), (now(), 'deleted', 'New', 1)`,
      );
    }
    await createPurge(orm, { schemas: () => TENANTS } as never).run();
    for (const schema of TENANTS) {
      expect(await database.query(`select entity from ${schema}.deletion_record`)).toEqual([{ entity: 'New' }]);
    }
  });

  it('says so where nobody tells which tenant is meant', async () => {
    const alone = await MikroORM.init({
      clientUrl: database.url,
      entities: [Customer, Note, ...complianceEntities({ schema: '*' })],
      extensions: [softDelete({ log: { retention: '30d' } })],
    });
    try {
      const { log, holds, erasures } = createCompliance(alone);
      for (const call of [
        () => log.find(),
        () => holds.list(),
        () => erasures.status(),
        () => erasures.request(Customer, 1),
      ]) {
        await expect(call()).rejects.toThrow(/each tenant has one .*orm\.em\.fork\(\{ schema: 'tenant_1' \}\)/);
      }
      expect(await createPurge(alone).run()).toMatchObject({ outcome: 'completed', total: 0 });
    } finally {
      await alone.close(true);
    }
  });

  it.each([
    ['a marked entity that all tenants share', Plan, 'Plan is marked and is in one schema'],
    ['archived rows', Visit, 'Visit is archived'],
  ])('refuses %s', async (_name, entity, problem) => {
    const init = MikroORM.init({
      clientUrl: database.url,
      entities: [Customer, Note, entity, ...complianceEntities({ schema: '*' })],
      extensions: [softDelete()],
    });
    await expect(init).rejects.toThrow(SoftDeleteConfigError);
    await expect(init).rejects.toThrow(problem);
  });

  it('refuses schemas and options that nobody reads', () => {
    expect(() => complianceEntities({ schema: 'audit' as never })).toThrow("Write '*'");
    expect(() => complianceEntities({ schemas: '*' } as never)).toThrow('schemas');
    expect(() => complianceTablesSql({ archive: 'no' as never })).toThrow('archive');
  });
});
