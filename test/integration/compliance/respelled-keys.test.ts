import { PrimaryKeyProp, type Rel, types } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import {
  type Compliance,
  complianceEntities,
  createCompliance,
  LegalHoldError,
  PersonalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

interface Spelled {
  readonly name: string;
  readonly column: Record<string, unknown>;
  /** The key as the row has it, and in another spelling. */
  readonly key: any;
  readonly other: any;
}

const TYPES: Spelled[] = [
  { name: 'folded', column: { type: 'string', columnType: 'citext' }, key: 'Ann', other: 'ANN' },
  { name: 'scaled', column: { type: types.decimal, columnType: 'numeric' }, key: '1.50', other: '1.5' },
  { name: 'fixed', column: { type: types.decimal, precision: 10, scale: 2 }, key: '1.50', other: '1.5' },
  { name: 'padded', column: { type: 'string', columnType: 'char(6)' }, key: 'k1    ', other: 'k1' },
  {
    name: 'upper',
    column: { type: 'uuid' },
    key: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380001',
    other: 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380001',
  },
  {
    name: 'zoned',
    column: { type: 'datetime', length: 3 },
    key: new Date('2026-01-01T00:00:00.120Z'),
    other: '2026-01-01T02:00:00.12+02:00',
  },
];

/** A person who is deleted softly, one who is archived, and archived rows of both. */
function family({ name, column, ...keys }: Spelled) {
  @PersonalData<Person>({ subject: true, fields: { name: null }, notPersonal: ['id'] })
  @SoftDeletable()
  @Entity({ tableName: `${name}_person` })
  class Person extends SoftDeletableEntity {
    @PrimaryKey({ ...column } as never)
    id!: any;

    @Property({ type: 'string', nullable: true })
    name?: string | null;
  }

  @PersonalData<Note>({ of: 'person', fields: { text: null } })
  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_note` })
  class Note {
    @PrimaryKey({ type: 'integer' })
    id!: number;

    @ManyToOne(() => Person)
    person!: Rel<Person>;

    @Property({ type: 'string', nullable: true })
    text?: string | null;
  }

  @PersonalData<Member>({ subject: true, fields: { name: null }, notPersonal: ['id', 'code'] })
  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_member` })
  class Member {
    @PrimaryKey({ ...column } as never)
    id!: any;

    @Unique()
    @Property({ ...column, nullable: true } as never)
    code?: any;

    @Property({ type: 'string', nullable: true })
    name?: string | null;
  }

  @PersonalData<Letter>({ of: 'member', fields: { text: null } })
  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_letter` })
  class Letter {
    [PrimaryKeyProp]?: ['member', 'n'];

    @ManyToOne(() => Member, { primary: true, deleteRule: 'cascade' })
    member!: Rel<Member>;

    @PrimaryKey({ type: 'integer' })
    n!: number;

    @Property({ type: 'string', nullable: true })
    text?: string | null;
  }

  @PersonalData<Scrap>({ of: 'letter.member', fields: { text: null } })
  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_scrap` })
  class Scrap {
    @PrimaryKey({ type: 'integer' })
    id!: number;

    @ManyToOne(() => Letter, { deleteRule: 'cascade' })
    letter!: Rel<Letter>;

    @Property({ type: 'string', nullable: true })
    text?: string | null;
  }

  @PersonalData<Follower>({ of: 'member', fields: { text: null } })
  @SoftDeletable({ strategy: 'archive' })
  @Entity({ tableName: `${name}_follower` })
  class Follower {
    @PrimaryKey({ type: 'integer' })
    id!: number;

    @ManyToOne(() => Member, { targetKey: 'code' as never, deleteRule: 'cascade' })
    member!: Rel<Member>;

    @Property({ type: 'string', nullable: true })
    text?: string | null;
  }
  const classes = { Person, Note, Member, Letter, Scrap, Follower };
  return { name, ...keys, ...classes } as Spelled & Record<keyof typeof classes, new () => any>;
}

describe.each(TYPES.map(family))(
  'keys in another spelling than the rows have: $name',
  ({ name, key, other, Person, Note, Member, Letter, Scrap, Follower }) => {
    let test: TestOrm & Compliance;

    beforeAll(async () => {
      const entities = [Person, Note, Member, Letter, Scrap, Follower, ...complianceEntities()];
      const orm = await createTestOrm(entities, {}, {}, 'create extension citext');
      test = Object.assign(orm, createCompliance(orm.orm));
    });
    afterAll(() => test.close());

    beforeEach(async () => {
      const tables = ['note', 'person', 'scrap', 'letter', 'follower', 'member'].map((table) => `${name}_${table}`);
      await test.database.query(
        `truncate ${tables.join(', ')}, deletion_archive, deletion_record, legal_hold, legal_hold_row, erasure restart identity`,
      );
      const em: any = test.orm.em.fork();
      em.create(Person, { id: key, name: 'Ann Lee' });
      em.create(Member, { id: key, code: key, name: 'Ann Lee' });
      await em.flush();
      await test.database.query(
        `insert into ${name}_note values (1, '${other}', 'dear Ann'), (2, (select id from ${name}_person), 'dear Lee')`,
      );
    });

    const repo = (entity: new () => any): SoftDeleteRepository<any> =>
      test.orm.em.fork().getRepository(entity) as never;
    const idOf = async (table: string) =>
      (await test.database.query(`select id::text as id from ${name}_${table}`))[0]?.['id'];
    const actions = async (entity: new () => any, asked: unknown) =>
      (await test.log.of(entity, asked as never)).map(({ action }) => action);

    it('hold the row that they mean', async () => {
      await test.database.query(`truncate ${name}_note`);
      const held = await test.holds.place({ name: 'case', reason: 'letter', on: [[Person, other]] });
      expect(held.on).toHaveLength(1);
      for (const asked of [key, other]) {
        expect((await test.holds.of(Person, asked)).map(({ id }) => id)).toEqual([held.id]);
        await expect(repo(Person).hardDelete(asked)).rejects.toBeInstanceOf(LegalHoldError);
        expect(await actions(Person, asked)).toEqual(['held']);
      }
      expect(await idOf('person')).toBeDefined();
      await test.holds.release(held.id, { reason: 'settled' });
      expect(await test.holds.of(Person, other)).toEqual([]);
    });

    it('hold an archived row that they mean', async () => {
      await repo(Member).softDelete(key);
      const held = await test.holds.place({ name: 'case', reason: 'letter', on: [[Member, other]] });
      for (const asked of [key, other]) {
        expect((await test.holds.of(Member, asked)).map(({ id }) => id)).toEqual([held.id]);
        await expect(repo(Member).hardDelete(asked)).rejects.toBeInstanceOf(LegalHoldError);
      }
    });

    it('have the same records, once the row is gone too', async () => {
      await repo(Note).hardDelete({});
      await repo(Person).softDelete(other);
      await repo(Person).restore(key);
      await repo(Person).softDelete(key);
      const before = ['deleted', 'restored', 'deleted'];
      expect([await actions(Person, key), await actions(Person, other)]).toEqual([before, before]);
      await repo(Person).hardDelete(other);
      const after = ['hard-deleted', ...before];
      expect([await actions(Person, key), await actions(Person, other)]).toEqual([after, after]);

      await repo(Member).softDelete(other);
      await repo(Member).restore(other);
      await repo(Member).softDelete(key);
      const archived = ['archived', 'restored', 'archived'];
      expect([await actions(Member, key), await actions(Member, other)]).toEqual([archived, archived]);
    });

    it('name one person to erase, with the archived rows that spell the key otherwise', async () => {
      await repo(Note).softDelete({});
      const { id } = await test.erasures.request(Person, other);
      expect((await test.erasures.request(Person, key)).id).toBe(id);
      const [plan, same] = [await test.erasures.plan(Person, other), await test.erasures.plan(Person, key)];
      expect(plan).toEqual(same);
      expect(plan.entities).toMatchObject([
        { entity: 'Note', overwritten: 2 },
        { entity: 'Person', overwritten: 1 },
      ]);
      const certificate = await test.erasures.erase(Person, other);
      expect(certificate).toMatchObject({ id, outcome: 'completed', subject: plan.subject, residue: 0 });
      expect(await test.database.query(`select 1 from ${name}_person where name is not null`)).toEqual([]);
      expect(await test.database.query(`select 1 from deletion_archive where data::text like '%dear%'`)).toEqual([]);
      expect((await test.erasures.erase(Person, key)).id).toBe(id);
      expect((await test.erasures.status()).erasures).toHaveLength(1);
      expect([await actions(Person, key), await actions(Person, other)]).toEqual([['erased'], ['erased']]);
    });

    it('name an archived person to erase, with archived rows that spell the key otherwise at every distance', async () => {
      await test.database.query(`
        insert into ${name}_letter values ('${other}', 1, 'dear Ann'); insert into ${name}_letter select id, 2, 'dear Lee' from ${name}_member;
        insert into ${name}_scrap select 1, id, 1, 'poor Ann' from ${name}_member; insert into ${name}_scrap values (2, '${other}', 2, 'poor Lee');
        insert into ${name}_follower values (1, '${other}', 'with Ann'); insert into ${name}_follower select 2, code, 'with Lee' from ${name}_member`);
      for (const entity of [Scrap, Letter, Follower, Member]) {
        await repo(entity).softDelete({});
      }
      expect(await test.database.query('select 1 from deletion_archive')).toHaveLength(7);
      expect(await test.erasures.plan(Member, other)).toEqual(await test.erasures.plan(Member, key));
      const { id } = await test.erasures.request(Member, other);
      expect(await test.erasures.erase(Member, key)).toMatchObject({
        id,
        outcome: 'completed',
        entities: [{ overwritten: 2 }, { overwritten: 2 }, { overwritten: 1 }, { overwritten: 2 }],
      });
      expect(await test.database.query(`select data from deletion_archive where data::text ~ ' (Ann|Lee)'`)).toEqual(
        [],
      );
      for (const entity of [Member, Letter, Scrap, Follower]) {
        expect((await repo(entity).restore({})).total).toBe(entity === Member ? 1 : 2);
      }
      expect(await test.database.query(`select name from ${name}_member`)).toEqual([{ name: null }]);
    });

    it('are erased again after a backup was restored', async () => {
      const { id } = await test.erasures.erase(Person, other);
      const [entry] = await test.erasures.entries();
      await test.database.query(`update ${name}_person set name = 'Ann Lee'`);
      const spelled = typeof other === 'string' ? other : entry!.key[0]!;
      expect(await test.erasures.reapply([{ ...entry!, key: [spelled] }])).toMatchObject([{ outcome: 'erased' }]);
      expect(await test.database.query(`select 1 from ${name}_person where name is not null`)).toEqual([]);
      expect((await test.erasures.status()).erasures).toMatchObject([{ id }]);
    });
  },
);
