import type { Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Cascade, Collection } from '@mikro-orm/core';
import { DeletionRestrictedError, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

@PersonalData<Writer>({ subject: true, fields: { initials: '-', name: '[erased]' } })
@SoftDeletable()
@Entity({ tableName: 'writer' })
class Writer extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  /** Too short to be looked for in other texts. */
  @Property({ type: 'string' })
  initials!: string;

  @Property({ type: 'string' })
  name!: string;
}

@PersonalData<Letter>({ of: 'writer', erase: 'row' })
@SoftDeletable()
@Entity({ tableName: 'letter' })
class Letter extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Writer)
  writer!: Rel<Writer>;

  @Property({ type: 'text' })
  text!: string;

  @OneToMany(() => Sheet, (sheet) => sheet.letter, { cascade: [Cascade.ALL] })
  sheets = new Collection<Sheet>(this);
}

/** Nobody speaks of it: it goes with its letter. */
@Entity({ tableName: 'sheet' })
class Sheet {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Letter, { createForeignKeyConstraint: false })
  letter!: Rel<Letter>;
}

describe('Rows that a trigger of the application keeps without a word', () => {
  const test = useErasures([Writer, Letter, Sheet]);
  const trigger = (when: string, table: string, body: string) =>
    test.database.query(`
      create or replace function keep_it() returns trigger as $$ begin ${body} end; $$ language plpgsql;
      create trigger keep_it before ${when} on ${table} for each row execute function keep_it()`);

  beforeEach(() =>
    test.database.query(`
      drop function if exists keep_it cascade;
      insert into writer (initials, name) values ('AL', 'Ada Lovelace'), ('BB', 'Bob Babbage');
      insert into letter (writer_id, text) values (1, 'first of two'), (1, 'second of two'), (2, 'mine');
      insert into sheet (letter_id) values (1), (3)`),
  );

  it.each([
    ['are not removed', 'delete', 'letter', 'if old.id = 2 then return null; end if; return old;'],
    ['are not removed, none of them', 'delete', 'letter', 'return null;'],
  ])('that %s by an erasure make it partial, until the trigger is gone', async (_what, when, table, body) => {
    await trigger(when, table, body);
    const ids = (await test.rows('select id from letter order by id')).map(({ id }) => id as number);
    const certificate = await test.erasures.erase(Writer, 1);
    const left = (await test.rows('select id from letter where writer_id = 1 order by id')).map(
      ({ id }) => id as number,
    );
    expect(certificate.outcome).toBe('partial');
    expect(certificate.entities.find(({ entity }) => entity === 'Letter')).toMatchObject({
      deleted: ids.length - 1 - left.length,
      kept: left.map((key) => ({ key, ground: 'a trigger of letter keeps it' })),
    });
    expect(
      await test.rows(`select coalesce(sum(count), 0)::int as count from deletion_record where entity = 'Letter'`),
    ).toEqual([{ count: ids.length - 1 - left.length }]);
    await test.database.query('drop trigger keep_it on letter');
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
    expect(await test.rows('select id from letter')).toEqual([{ id: 3 }]);
  });

  it.each([
    ['get their values back', 'new.initials := old.initials; return new;'],
    ['are not written', 'return null;'],
  ])('that %s make an erasure partial, until the trigger is gone', async (_what, body) => {
    await trigger('update', 'writer', body);
    expect(await test.erasures.erase(Writer, 1)).toMatchObject({ outcome: 'partial' });
    expect(await test.rows('select initials from writer order by id')).toEqual([
      { initials: 'AL' },
      { initials: 'BB' },
    ]);
    expect((await test.erasures.status()).erasures[0]!.certificate!.entities).toContainEqual(
      expect.objectContaining({
        entity: 'Writer',
        kept: [{ key: 1, ground: 'a trigger of writer keeps its values', until: null }],
      }),
    );
    await test.database.query('drop trigger keep_it on writer');
    expect(await test.erasures.run()).toMatchObject([{ outcome: 'completed', residue: 0 }]);
    expect(await test.rows('select initials, name from writer where id = 1')).toEqual([
      { initials: '-', name: '[erased]' },
    ]);
  });

  it('that belong to nobody by declaration refuse the erasure, which names them', async () => {
    await trigger('delete', 'sheet', 'return null;');
    const refused = test.erasures.erase(Writer, 1);
    await expect(refused).rejects.toThrow(DeletionRestrictedError);
    await expect(refused).rejects.toThrow('(a trigger of sheet)');
    expect(await test.rows('select name from writer where id = 1')).toEqual([{ name: 'Ada Lovelace' }]);
    expect(await test.rows('select 1 from letter where writer_id = 1')).toHaveLength(2);
  });

  it('refuse hardDelete(), so that no record tells of their removal', async () => {
    await trigger('delete', 'letter', 'if old.id = 2 then return null; end if; return old;');
    const refused = test.repo(Letter).hardDelete({ writer: 1 });
    await expect(refused).rejects.toThrow(DeletionRestrictedError);
    await expect(refused).rejects.toThrow('Have it let these rows go');
    expect(await test.rows('select id from letter order by id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(await test.rows('select 1 from deletion_record')).toEqual([]);
    expect(await test.repo(Letter).hardDelete({ writer: 1 }, { dryRun: true })).toMatchObject({
      restrictions: [{ relation: 'a trigger of letter', entity: 'Letter', count: 1 }],
    });
    expect(await test.repo(Letter).hardDelete(3)).toBe(2);
  });
});
