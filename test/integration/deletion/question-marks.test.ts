import { Collection, raw, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import {
  ActiveUnique,
  createPurge,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteDoctor,
} from 'nestjs-mikro-orm-soft-delete';
import {
  complianceEntities,
  createCompliance,
  NoPersonalData,
  PersonalData,
} from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@PersonalData<Person>({ subject: true, fields: { name: 'who?' }, notPersonal: ['tags'] })
@SoftDeletable<Person>({ relations: { asked: 'cascade' }, retention: '1d' })
@Entity({ tableName: 'person' })
class Person extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @Property({ type: 'text', nullable: true })
  name?: string | null;
  @Property({ type: 'json', nullable: true })
  tags?: object | null;
  @OneToMany({ entity: () => Question, mappedBy: 'person', where: { tags: { $hasKey: 'why?' } } })
  asked = new Collection<Question>(this);
}

/** Those with a nickname are told apart by it. */
@NoPersonalData()
@ActiveUnique<Nickname>({ properties: ['name'], where: { tags: { $hasKey: 'nick?' } } })
@SoftDeletable()
@Entity({ tableName: 'nickname' })
class Nickname extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @Property({ type: 'text' })
  name!: string;
  @Property({ type: 'json' })
  tags!: object;
}

@PersonalData<Question>({ of: 'person', fields: { text: null }, notPersonal: ['tags'] })
@SoftDeletable({ retention: '1d' })
@Entity({ tableName: 'question' })
class Question extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @Property({ type: 'text', nullable: true })
  text?: string | null;
  @Property({ type: 'json', nullable: true })
  tags?: object | null;
  @ManyToOne(() => Person, { nullable: true, deleteRule: 'no action' })
  person?: Rel<Person> | null;
}

/** Of its columns the ORM knows two. */
@NoPersonalData()
@SoftDeletable({ strategy: 'archive' })
@Entity({ tableName: 'answer' })
class Answer {
  @PrimaryKey({ type: 'integer' })
  id!: number;
  @Property({ type: 'text', nullable: true })
  text?: string | null;
}

@NoPersonalData()
@Entity({ tableName: 'plain' })
class Plain {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

describe('question marks in what only the database knows', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Person, Question, Answer, Plain, Nickname, ...complianceEntities()], {
      schemaGenerator: { skipTables: ['who?'] },
    });
    await test.database.query(`
      alter table answer add "is it?" text, add "back\\slash?" text;
      create schema "where?";
      create table "where?"."who?" ("which?" integer primary key, "person?" integer references person on delete no action,
        "answer?" integer references answer on delete set null, "plain?" integer references plain on delete cascade);
      create table "what?" ("id?" integer primary key, "plain?" integer references plain on delete cascade);
      alter table question add "what?" integer references "what?" on delete cascade;
      create unique index person_tags on person ((tags ? 'chief?'), (tags ->> 'chief?')) where deleted_at is null and tags ? 'chief?';
      create unique index answer_text on answer ((text::jsonb -> 'a?')) where text::jsonb ? 'a?'`);
  });
  beforeEach(() =>
    test.database.query(`truncate person, question, answer, plain, "what?", "where?"."who?", deletion_archive`),
  );
  afterAll(() => test.close());

  const repo = (entity: any): any => test.orm.em.fork().getRepository(entity);
  const rows = (sql: string) => test.database.query(sql);
  const deleted = async (table: string) =>
    (await rows(`select id, deleted_at is not null as gone from ${table} order by id`)).map(
      ({ id, gone }) => `${id}${gone ? ' deleted' : ''}`,
    );

  it('counts rows of a table that is not mapped, whatever it is called', async () => {
    await rows(`insert into person (id) values (1), (2); insert into "where?"."who?" values (1, 1)`);
    const preview = await repo(Person).hardDelete([1, 2], { dryRun: true });
    expect(preview.restrictions).toMatchObject([{ count: 1, entity: 'where?.who?' }]);
    await expect(repo(Person).hardDelete([1, 2])).rejects.toMatchObject({ restrictions: preview.restrictions });
    await expect(repo(Person).softDelete([1, 2])).resolves.toMatchObject({ total: 2 });
    await expect(deleted('person')).resolves.toEqual(['1 deleted', '2 deleted']);
    await rows(`update person set deleted_at = now() - interval '2 days'`);
    const purge = createPurge(test.orm);
    await expect(purge.explain(Person, [1])).resolves.toMatchObject([
      { state: 'blocked', blockedBy: [{ table: 'where?.who?', rows: 1 }] },
    ]);
    for (const dryRun of [true, false]) {
      await expect(purge.run({ entities: ['Person'], dryRun })).resolves.toMatchObject({
        entities: [{ purged: 1, blocked: 1 }],
      });
    }
    await expect(deleted('person')).resolves.toEqual(['1 deleted']);
  });

  it('refuses what the database would remove by way of such a table', async () => {
    await rows(`insert into plain values (1); insert into "what?" values (1, 1);
      insert into question (id, "what?") values (1, 1)`);
    const em = test.orm.em.fork();
    em.remove(await em.findOneOrFail(Plain, 1));
    await expect(em.flush()).rejects.toMatchObject({
      code: 'DELETION_RESTRICTED',
      restrictions: [{ entity: 'Question', count: 1 }],
    });
    await expect(test.orm.em.fork().nativeDelete(Plain, { id: 1 })).rejects.toMatchObject({
      code: 'DELETION_RESTRICTED',
    });
    await expect(deleted('question')).resolves.toEqual(['1']);
  });

  it('knows an index with an operator of that name', async () => {
    await rows(`insert into person (id, tags) values (1, '{"chief?": 1}'), (2, '{"chief?": 2}'), (3, '{}')`);
    await repo(Person).softDelete([1, 2, 3]);
    await rows(`insert into person (id, tags) values (4, '{"chief?": 1}')`);
    await expect(repo(Person).restore([1, 2])).rejects.toMatchObject({
      conflicts: [{ reason: 'unique', key: 1, conflictingKey: 4, constraint: 'person_tags' }],
    });
    await expect(repo(Person).restore([2, 3])).resolves.toMatchObject({ total: 2 });
    await expect(deleted('person')).resolves.toEqual(['1 deleted', '2', '3', '4']);
  });

  it('writes over the row that such an index leads to', async () => {
    await rows(
      `insert into nickname values (1, null, 'Ada', '{"nick?": 1}'), (2, now(), 'Bob', '{"nick?": 1}')`.replace(
        'nickname values',
        'nickname (id, deleted_at, name, tags) values',
      ),
    );
    const tags = { 'nick?': 2 };
    await repo(Nickname).upsert(
      { id: 3, name: 'Ada', tags },
      { onConflictFields: ['name'], onConflictExcludeFields: ['id'] },
    );
    await repo(Nickname).upsertMany([{ id: 4, name: 'Bob', tags }], {
      onConflictFields: ['name'],
      onConflictExcludeFields: ['id'],
    });
    await expect(rows('select id, tags from nickname where deleted_at is null order by id')).resolves.toEqual([
      { id: 1, tags },
      { id: 4, tags },
    ]);
  });

  it('leaves SQL of the user alone that quotes in ways of its own', async () => {
    await rows(`insert into person (id, name) values (1, 'it''s "'), (2, 'Bob'), (3, 'Eve?')`);
    const where = raw(`name <> E'it\\'s "' and name <> ? and name like '%\\?'`, ['Bob']);
    await expect(repo(Person).softDelete({ [where as unknown as string]: [] })).resolves.toMatchObject({ total: 1 });
    await expect(deleted('person')).resolves.toEqual(['1', '2', '3 deleted']);
  });

  it('takes members of a relation along that asks for a key of a document', async () => {
    const plant = `insert into person (id) values (1);
      insert into question (id, person_id, tags) values (1, 1, '{"why?": 1}'), (2, 1, '{}')`;
    await rows(plant);
    await expect(repo(Person).softDelete(1, { dryRun: true })).resolves.toMatchObject({ total: 2 });
    await repo(Person).softDelete(1);
    await expect(deleted('question')).resolves.toEqual(['1 deleted', '2']);
    await repo(Person).restore(1);
    await expect(deleted('question')).resolves.toEqual(['1', '2']);
    await repo(Person).softDelete(1);
    await rows(`update person set deleted_at = now() - interval '2 days';
      update question set deleted_at = now() - interval '2 days' where deleted_at is not null`);
    await expect(createPurge(test.orm).run({ entities: ['Person'] })).resolves.toMatchObject({
      entities: [{ purged: 0, blocked: 1 }],
    });
    await rows('truncate person cascade');
    await rows(plant);
    await rows('update question set person_id = null where id = 2');
    await expect(repo(Person).hardDelete(1)).resolves.toBe(2);
    await expect(deleted('question')).resolves.toEqual(['2']);
  });

  it('archives, restores and reads columns that the ORM does not know', async () => {
    await rows(`insert into answer (id, text, "is it?", "back\\slash?") values (1, '{"a?": 1}', 'yes?', '\\?'), (2, '{"a?": 2}', null, '??');
      insert into "where?"."who?" ("which?", "answer?") values (7, 1)`);
    const before = await rows('select * from answer order by id');
    await expect(repo(Answer).softDelete([1, 2])).resolves.toMatchObject({ total: 2 });
    await expect(rows('select * from answer')).resolves.toEqual([]);
    await expect(repo(Answer).onlyDeleted().find({ text: '{"a?": 1}' })).resolves.toMatchObject([{ id: 1 }]);
    await expect(repo(Answer).restore([1, 2], { dryRun: true })).resolves.toMatchObject({ total: 2, conflicts: [] });
    await repo(Answer).restore([1, 2]);
    await expect(rows('select * from answer order by id')).resolves.toEqual(before);
    await expect(rows('select "answer?" as a from "where?"."who?"')).resolves.toEqual([{ a: 1 }]);
    await repo(Answer).softDelete(1);
    await rows(`insert into answer (id, text) values (3, '{"a?": 1}')`);
    await expect(repo(Answer).restore(1)).rejects.toMatchObject({
      conflicts: [{ reason: 'unique', key: 1, conflictingKey: 3, constraint: 'answer_text' }],
    });
  });

  it('holds and erases beside them, and has a doctor who reads them', async () => {
    await rows(`insert into person (id, name) values (1, 'Ada?'), (2, 'Bob');
      insert into question (id, person_id, text, tags) values (1, 1, 'Ada?', '{"why?": 1}')`);
    const { erasures, holds } = createCompliance(test.orm);
    await holds.place({ name: 'case?', reason: 'why?', on: [[Person, 2]] });
    await expect(repo(Person).hardDelete(2)).rejects.toMatchObject({ code: 'LEGAL_HOLD' });
    await expect(erasures.erase(Person, 1)).resolves.toMatchObject({ outcome: 'completed', residue: 0 });
    await expect(rows('select name from person order by id')).resolves.toEqual([{ name: 'who?' }, { name: 'Bob' }]);
    await expect(rows('select text from question')).resolves.toEqual([{ text: null }]);
    await expect(new SoftDeleteDoctor(test.orm).examine()).resolves.toBeInstanceOf(Array);
  });
});
