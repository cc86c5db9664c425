import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  DeletionRestrictedError,
  RestoreConflictError,
  SoftDeletable,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Letter {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;

  @Property({ type: 'Date', nullable: true })
  at?: Date | null;

  @OneToMany(() => Page, (page) => page.letter, { cascade: [Cascade.REMOVE] })
  pages = new Collection<Page>(this);
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Page {
  @PrimaryKey({ type: 'string' })
  id!: string;

  @ManyToOne(() => Letter)
  letter!: Rel<Letter>;
}

/** Nothing belongs to it: its rows are archived in one statement. */
@SoftDeletable({ strategy: 'archive' })
@Entity()
class Card {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;
}

describe('Archived rows of tables that do more than hold rows', () => {
  let test: TestOrm;

  beforeEach(async () => {
    test = await createTestOrm([Letter, Page, Card, ...complianceEntities()]);
    await test.database.query(`
      insert into letter values (1, 'Dear Ada', '2024-01-01 02:00:00+00'), (2, 'Dear Bob', null);
      insert into page values ('a', 1), ('b', 1), ('c', 2); insert into card values (1, 'Hello'), (2, 'Bye')`);
  });
  afterEach(() => test.close());

  const repo = (entity: unknown) => test.orm.em.fork().getRepository(entity as never) as any;
  const contents = async () => {
    const rows = await test.database.query<{ row: string }>(
      ['letter', 'page', 'card', 'deletion_archive']
        .map((table) => `select '${table}' || t::text as row from ${table} as t`)
        .join(' union all ') + ' order by 1',
    );
    return rows.map(({ row }) => row);
  };
  const addTrigger = (event: string, table: string, body: string) =>
    test.database.query(`create function on_${table}() returns trigger language plpgsql as $$ begin ${body} end $$;
      create trigger on_${table} ${event} on ${table} for each row execute function on_${table}()`);
  const conflictsOf = async (restoration: Promise<unknown>) => {
    const error = await restoration.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RestoreConflictError);
    return (error as RestoreConflictError).conflicts;
  };

  it('stay in the archive where a trigger would leave them out', async () => {
    await repo(Letter).softDelete(1);
    await addTrigger('before insert', 'page', `if new.id = 'b' then return null; end if; return new;`);
    const before = await contents();
    const expected = [{ reason: 'schema', entity: 'Page', key: 'b', column: '*' }];
    expect(await conflictsOf(repo(Letter).restore(1))).toEqual(expected);
    expect((await repo(Letter).restore(1, { dryRun: true })).conflicts).toEqual(expected);
    await expect(repo(Letter).restore(1)).rejects.toThrow('the table of Page b is gone, or rejects it');
    expect(await contents()).toEqual(before);
  });

  it('stay in the archive where a rule would leave them out', async () => {
    await repo(Card).softDelete(1);
    await test.database.query('create rule none as on insert to card where new.id = 1 do instead nothing');
    const before = await contents();
    await expect(repo(Card).restore(1)).rejects.toThrow('cannot perform INSERT RETURNING on relation "card"');
    expect(await contents()).toEqual(before);
  });

  it('stay in the archive where a trigger would give them other values, and come back where it changes nothing', async () => {
    await repo(Letter).softDelete({});
    await addTrigger('before insert', 'letter', `new.at := coalesce(new.at, now()); return new;`);
    const before = await contents();
    expect(await conflictsOf(repo(Letter).restore({}))).toEqual([
      { reason: 'schema', entity: 'Letter', key: 2, column: 'at' },
    ]);
    expect(await contents()).toEqual(before);
    expect((await repo(Letter).restore(1)).total).toBe(3);
    expect((await contents()).filter((row) => row.startsWith('letter'))).toEqual([
      'letter(1,"Dear Ada","2024-01-01 02:00:00+00")',
    ]);
  });

  it.each([
    ['removes', 'card', Card, 1, 'after insert', `delete from card where id = new.id; return null;`],
    ['removes', 'page', Letter, 'b', 'after insert', `delete from page where id = 'b'; return null;`],
  ])('stay in the archive where a trigger %s them again: %s', async (_what, table, entity, key, event, body) => {
    await repo(entity).softDelete(1);
    await addTrigger(event, table, body);
    const before = await contents();
    const expected = [{ reason: 'schema', entity: table === 'card' ? 'Card' : 'Page', key, column: '*' }];
    expect(await conflictsOf(repo(entity).restore(1))).toEqual(expected);
    expect((await repo(entity).restore(1, { dryRun: true })).conflicts).toEqual(expected);
    expect(await contents()).toEqual(before);
  });

  it('are in the archive and in their table where a trigger puts them there again', async () => {
    await addTrigger('after delete', 'card', `insert into card values (old.id, old.text); return null;`);
    expect((await repo(Card).softDelete(1)).total).toBe(1);
    expect(await test.database.query('select id from card order by id')).toEqual([{ id: 1 }, { id: 2 }]);
    expect(await conflictsOf(repo(Card).restore(1))).toMatchObject([{ reason: 'key', key: 1, conflictingKey: 1 }]);
    expect(await test.database.query('select key from deletion_archive')).toEqual([{ key: '1' }]);
  });

  it('are compared by the columns that they go to', async () => {
    await repo(Card).softDelete({});
    await test.database.query('alter table card add added text');
    await addTrigger('before insert', 'card', `new.added := 'new'; return new;`);
    expect((await repo(Card).restore({})).total).toBe(2);
    expect(await test.database.query('select * from card order by id')).toEqual([
      { id: 1, text: 'Hello', added: 'new' },
      { id: 2, text: 'Bye', added: 'new' },
    ]);
  });

  it('stay in their tables, all of them, where a trigger keeps one from being deleted', async () => {
    await addTrigger('before delete', 'letter', `if old.id = 1 then return null; end if; return old;`);
    const before = await contents();
    await expect(repo(Letter).softDelete(1)).rejects.toThrow(DeletionRestrictedError);
    await expect(repo(Letter).softDelete(1)).rejects.toThrow('1 Letter row prevents it (a trigger of letter). Have');
    const em = test.orm.em.fork();
    em.remove(await em.findOneOrFail(Letter, 1));
    await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    expect(await contents()).toEqual(before);
    expect((await repo(Letter).softDelete(2)).total).toBe(2);
  });

  it('are not counted where a trigger keeps them, if they stand alone', async () => {
    await addTrigger('before delete', 'card', `if old.id = 1 then return null; end if; return old;`);
    expect((await repo(Card).softDelete({})).total).toBe(1);
    expect(await test.database.query('select id from card')).toEqual([{ id: 1 }]);
  });

  it.each([
    ['alone', Card, 'card'],
    ['with others', Letter, 'letter'],
  ])('are not archived, %s, where other tables inherit theirs', async (_name, entity, table) => {
    await test.database.query(`create table heir (extra text) inherits (${table});
      insert into heir (id, text, extra) values (7, 'h', 'lost')`);
    const before = await contents();
    await expect(repo(entity).softDelete(7)).rejects.toThrow(SoftDeleteConfigError);
    expect(await contents()).toEqual(before);
    expect(await test.database.query('select extra from heir')).toEqual([{ extra: 'lost' }]);
  });

  it.each([
    ['alone', Card, 'card'],
    ['with others', Letter, 'letter'],
  ])('are not archived, %s, where a view has the name of their table', async (_name, entity, table) => {
    await test.database.query(`
      alter table ${table} rename to moved; create view ${table} as select * from moved;
      create table note (id int primary key references moved on delete cascade); insert into note select min(id) from moved`);
    const before = await contents();
    await expect(repo(entity).softDelete({})).rejects.toThrow(
      /there is a view or a foreign table instead of .*, and rows would be lost/,
    );
    expect([await contents(), await test.database.query('select from note')]).toEqual([before, [{}]]);
  });

  it('come back to tables with partitions', async () => {
    await test.database.query(`
      drop table card;
      create table card (id int primary key, text varchar(255) not null) partition by range (id);
      create table card_low partition of card for values from (0) to (10);
      create table card_high partition of card for values from (10) to (20);
      insert into card values (1, 'Hello'), (11, 'Bye')`);
    const before = await contents();
    expect((await repo(Card).softDelete({})).total).toBe(2);
    await repo(Card).restore({});
    expect(await contents()).toEqual(before);
    expect((await repo(Card).softDelete({})).total).toBe(2);
    await test.database.query(`create function left_out() returns trigger language plpgsql as 'begin return null; end';
      create trigger none before insert on card_high for each row execute function left_out()`);
    expect(await conflictsOf(repo(Card).restore({}))).toMatchObject([{ key: 11, column: '*' }]);
  });
});
