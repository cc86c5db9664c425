import type { Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { PersonalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import { useErasures } from './use-erasures.js';

@PersonalData<Reader>({ subject: true, fields: { name: '[erased]', nick: null, about: null } })
@Entity({ tableName: 'reader' })
class Reader {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'string', length: 40, nullable: true })
  nick?: string | null;

  @Property({ type: 'text', nullable: true })
  about?: string | null;
}

/** Some columns of it are said to hold nothing personal, and are searched all the same. */
@PersonalData<Letter>({
  of: 'reader',
  fields: { body: null },
  notPersonal: ['subject', 'title', 'tags', 'meta', 'code', 'alias', 'path', 'attributes', 'scan'],
})
@Entity({ tableName: 'letter' })
class Letter {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Reader)
  reader!: Rel<Reader>;

  @Property({ type: 'text', nullable: true })
  body?: string | null;

  @Property({ type: 'text', nullable: true })
  subject?: string | null;

  @Property({ type: 'string', length: 80, nullable: true })
  title?: string | null;

  @Property({ type: 'text[]', nullable: true })
  tags?: string[] | null;

  @Property({ type: 'json', nullable: true })
  meta?: unknown;

  @Property({ columnType: 'char(30)', type: 'string', nullable: true })
  code?: string | null;

  @Property({ columnType: 'short_text', type: 'string', nullable: true })
  alias?: string | null;

  @Property({ columnType: 'ltree', type: 'string', nullable: true })
  path?: string | null;

  @Property({ columnType: 'hstore', type: 'string', nullable: true })
  attributes?: string | null;

  @Property({ columnType: 'bytea', type: 'blob', nullable: true })
  scan?: Buffer | null;
}

/** Its column is called as one of the letters. */
@PersonalData<Postcard>({ of: 'reader', notPersonal: ['title'] })
@Entity({ tableName: 'postcard' })
class Postcard {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Reader)
  reader!: Rel<Reader>;

  @Property({ type: 'text' })
  title!: string;
}

describe('the search for what an erasure has left', () => {
  const test = useErasures(
    [Reader, Letter, Postcard],
    {},
    'create domain short_text as text check (length(value) < 80); create extension ltree; create extension hstore',
  );

  beforeAll(async () => {
    // No regular expression can be matched under such a collation, and columns of two collations have none in common.
    await test.database.query(
      `create collation folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
    );
    for (const column of ['reader.name', 'reader.nick', 'letter.body', 'letter.subject']) {
      const [table, name] = column.split('.');
      await test.database.query(`alter table ${table} alter column ${name} type text collate folding`);
    }
  });
  beforeEach(async () => {
    await test.database.query(`
      insert into reader (name, nick, about) values
        ('Iris Quill', 'Max', 'Reads İpek Yılmaz in the garden'), ('Bob Babbage', null, null), ('李小龙', null, null);
      insert into letter (reader_id, body) values (1, 'the very words of one'), (1, 'other words of the same'), (2, 'nothing to see here'), (3, 'words of a third one')`);
  });

  const residueOf = async (changes: string) => {
    await test.database.query(`update letter set ${changes} where id = 1`);
    return (await test.erasures.erase(Reader, 1)).residue;
  };

  it.each([
    ['a name inside of a text, in another case', `subject = 'Dear IRIS   QUILL, how are you?'`],
    ['a short name, as it is written', `title = 'Max says so'`],
    ['a long text of another row, word by word', `title = 'other words of the same'`],
    ['the same under a collation that takes more for equal', `subject = 'other words of the same'`],
    ['the same, filled up with blanks', `code = 'other words of the same'`],
    ['a value among those of an array', `tags = array['x', 'iris quill']`],
    ['a text deep in a document', `meta = '{"a": [{"b": "the very words of one"}]}'`],
    ['a name that is a key of a document', `meta = '{"of": {"iris quill": 1}}'`],
    ['a name among keys and values of another kind', `attributes = '"Iris Quill"=>NULL'`],
    ['a name under a domain over text', `alias = 'by Iris Quill'`],
    ['a short name among labels', `path = 'people.Max'`],
    ['a name among bytes', `scan = convert_to('Iris Quill', 'UTF8')`],
    ['a long value that is not all ASCII', `meta = '["reads İpek Yılmaz in the garden"]'`],
  ])('finds %s', async (_what, changes) => {
    expect(await residueOf(changes)).toBe(1);
    // Not by the values, which nobody knows any more.
    expect((await test.erasures.erase(Reader, 1)).residue).toBe(1);
    await test.database.query(
      `update letter set ${['subject', 'title', 'code', 'tags', 'meta', 'alias', 'path', 'attributes', 'scan'].map((name) => `${name} = null`).join(', ')}`,
    );
    expect((await test.erasures.erase(Reader, 1)).residue).toBe(0);
  });

  it.each([
    ['part of a longer word', `subject = 'The Quillings, Irises and Maximilian'`],
    ['a short name that is a word in another case', `title = 'to the max'`],
    ['a long text with another case', `title = 'Other Words Of The Same'`],
    ['texts that a collation takes for equal', `subject = 'OTHER WORDS OF THE SAME'`],
  ])('does not find %s', async (_what, changes) => {
    expect(await residueOf(changes)).toBe(0);
  });

  it.each([
    ['12345', 1],
    ['1234', 0],
    ['Ann', 1],
    ['Al', 0],
    ['小龙', 1],
    ['李', 0],
  ])('looks for %s only if it says something: %d', async (nick, residue) => {
    await test.database.query(`update reader set nick = ' ${nick} ' where id = 1`);
    expect(await residueOf(`title = 'See ${nick} for that'`)).toBe(residue);
  });

  it.each([
    ['engraved', 1],
    ['engrave', 0],
  ])(
    'takes %s, in another row of the person, for a text that nobody writes twice by chance: %d',
    async (text, residue) => {
      await test.database.query(`update letter set body = '${text}' where id = 2`);
      expect(await residueOf(`title = '${text}'`)).toBe(residue);
    },
  );

  it('does not look for what erased rows are called', async () => {
    await test.database.query(`update reader set nick = '[erased]' where id = 1`);
    expect(await residueOf(`title = 'by [erased]'`)).toBe(0);
  });

  it('tells a place that is found again from one of the same name in another table', async () => {
    await test.database.query(`insert into postcard (reader_id, title) values (1, 'By Iris Quill')`);
    expect(await residueOf(`title = 'By Iris Quill'`)).toBe(2);
    await test.database.query(`update reader set name = 'Carla Cole' where id = 1`);
    expect(await residueOf(`title = 'By Carla Cole'`)).toBe(2);
    await test.database.query(`update postcard set title = 'By nobody'`);
    expect((await test.erasures.erase(Reader, 1)).residue).toBe(1);
  });

  it('finds a name without a single letter of ASCII', async () => {
    await test.database.query(`update letter set title = '功夫之王李小龙' where id = 4`);
    expect((await test.erasures.erase(Reader, 3)).residue).toBe(1);
  });

  it('does not take texts of one person for those of another one whose erasure follows in the transaction', async () => {
    await test.database.query(`update letter set title = 'the very words of one' where id = 3`);
    await test.fork().transactional(async () => {
      await test.erasures.erase(Reader, 1);
      expect((await test.erasures.erase(Reader, 2)).residue).toBe(0);
    });
  });

  it('takes out of records what is one of the texts, and nothing else', async () => {
    await test.database.query(
      `insert into deletion_record (action, entity, count, actor, reason) values
         ('deleted', 'Letter', 1, 'iris quill', 'the very words of one'), ('deleted', 'Letter', 1, 'Max', 'asked by Iris Quill'),
         ('deleted', 'Letter', 1, 'clerk', 'the very words of one and more')`,
    );
    await test.erasures.erase(Reader, 1, { reason: 'on request of Iris Quill' });
    expect(await test.rows('select actor, reason from deletion_record order by id')).toEqual([
      { actor: expect.stringMatching(/^erased-/), reason: '[erased]' },
      { actor: expect.stringMatching(/^erased-/), reason: 'asked by [erased]' },
      { actor: 'clerk', reason: 'the very words of one and more' },
      ...(await test.rows(`select actor, reason from deletion_record where action = 'erased'`)),
    ]);
    expect(await test.tablesWith('iris quill')).toEqual([]);
  });
});
