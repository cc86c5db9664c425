import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { Rel } from '@mikro-orm/core';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@Entity()
class Customer {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable({ guard: true })
@Entity({ schema: 'books', tableName: 'Ledger Entries' })
class LedgerEntry extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Customer, { deleteRule: 'cascade' })
  customer!: Rel<Customer>;

  @Property({ type: 'string', nullable: true })
  note?: string;
}

@SoftDeletable({ guard: true })
@Entity({ inheritance: 'tpt' })
class Document extends SoftDeletableEntity {
  @PrimaryKey({ type: 'uuid' })
  id!: string;
}

@Entity()
class Contract extends Document {
  @Property({ type: 'string' })
  party!: string;
}

const ALLOW = `select set_config('soft_delete.physical_delete', 'allowed', true)`;

describe('@SoftDeletable({ guard: true })', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Customer, LedgerEntry, Document, Contract]);
  });

  beforeEach(async () => {
    await test.database.query('truncate customer, books."Ledger Entries", document, contract');
    await test.database.query('insert into customer values (1), (2)');
    await test.database.query('insert into books."Ledger Entries" (id, customer_id) values (1, 1), (2, 1)');
  });

  afterAll(() => test.close());

  const rows = () => test.database.query('select id from books."Ledger Entries" order by id');
  const sql = (statement: string) => test.database.query(statement);

  it('refuses a physical delete in SQL, and names the table and the way to do it on purpose', async () => {
    const refusal = await sql('delete from books."Ledger Entries" where id = 1').catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      message: expect.stringContaining('books."Ledger Entries"'),
      code: '23001',
    });
    expect((refusal as Error).message).toContain(ALLOW);
    expect(await rows()).toHaveLength(2);
  });

  it('refuses what the driver is told to delete past the package', async () => {
    await expect(test.orm.em.getDriver().nativeDelete(LedgerEntry, { id: 1 })).rejects.toThrow('hardDelete()');
    expect(await rows()).toHaveLength(2);
  });

  it('refuses the cascade of a foreign key, but not the delete of a parent without children', async () => {
    await expect(sql('delete from customer where id = 1')).rejects.toThrow('Refused to delete');
    await sql('delete from customer where id = 2');
    expect(await rows()).toHaveLength(2);
    expect(await sql('select id from customer')).toEqual([{ id: 1 }]);
  });

  it('lets a transaction delete that says so, and only that transaction', async () => {
    const client = await test.database.connect();
    try {
      await client.query('begin');
      await client.query(ALLOW);
      await client.query('delete from books."Ledger Entries" where id = 1');
      await client.query('commit');
      expect(await rows()).toEqual([{ id: 2 }]);
      await expect(client.query('delete from books."Ledger Entries" where id = 2')).rejects.toThrow(
        'Refused to delete',
      );
    } finally {
      await client.end();
    }
    expect(await rows()).toEqual([{ id: 2 }]);
  });

  it('is closed again after hardDelete(), in the same transaction', async () => {
    const em = test.orm.em.fork();
    const entries = new SoftDeleteRepository(em, LedgerEntry);
    await em.begin();
    try {
      expect(await entries.hardDelete(1)).toBe(1);
      await expect(em.execute('delete from books."Ledger Entries" where id = 2')).rejects.toThrow('Refused to delete');
    } finally {
      await em.rollback();
    }

    await em.begin();
    expect(await entries.hardDelete(1)).toBe(1);
    await em.commit();
    await expect(em.execute('delete from books."Ledger Entries" where id = 2')).rejects.toThrow('Refused to delete');
    expect(await rows()).toEqual([{ id: 2 }]);
  });

  it('is closed again after a hardDelete() that failed', async () => {
    await sql(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$;
      create trigger refuse_later after delete on books."Ledger Entries" for each row execute function refuse()`);
    const em = test.orm.em.fork();
    await em.begin();
    await expect(new SoftDeleteRepository(em, LedgerEntry).hardDelete(1)).rejects.toThrow('not this one');
    await em.execute('drop trigger refuse_later on books."Ledger Entries"');
    await expect(em.execute('delete from books."Ledger Entries" where id = 2')).rejects.toThrow('Refused to delete');
    await em.rollback();
    await sql('drop function refuse cascade');
    expect(await rows()).toHaveLength(2);
  });

  it('guards the root of a table-per-type hierarchy', async () => {
    await sql(`insert into document (id) values ('00000000-0000-0000-0000-000000000001')`);
    await sql(`insert into contract (id, party) values ('00000000-0000-0000-0000-000000000001', 'we')`);
    await expect(sql('delete from document')).rejects.toThrow('public.document');
    expect(await sql('select party from contract')).toEqual([{ party: 'we' }]);
  });

  it('leaves updates, inserts and truncate alone', async () => {
    await sql(`update books."Ledger Entries" set note = 'changed'`);
    await sql('truncate books."Ledger Entries"');
    expect(await rows()).toEqual([]);
  });

  it('leaves nothing to do for a second run of the schema generator', async () => {
    expect(await test.orm.schema.getUpdateSchemaSQL({ wrap: false })).toBe('');
  });
});
