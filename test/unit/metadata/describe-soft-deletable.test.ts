import { defineEntity, type EntitySchema, MikroORM, p, Type, types } from '@mikro-orm/postgresql';
import { SoftDeleteConfigError, softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { describeSoftDeletable } from '../../../lib/metadata/describe-soft-deletable.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';
import type { SoftDeletableOptions } from '../../../lib/options/soft-deletable-options.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();

/** Read in JavaScript. */
class Moment extends Type<Date, string> {
  override getColumnType() {
    return 'timestamptz';
  }
}
/** Read in SQL. */
class SqlMoment extends Moment {
  override convertToJSValueSQL(key: string) {
    return `(${key} + interval '1 hour')`;
  }
}
class Day extends Type<Date, string> {
  override getColumnType() {
    return 'date';
  }
}

describe(describeSoftDeletable.name, () => {
  const catalogOf = async (...entities: EntitySchema<any>[]) => {
    const orm = await MikroORM.init({ dbName: 'none', entities, extensions: [softDelete()] });
    await orm.close(true);
    return SoftDeleteCatalog.of(orm.em);
  };
  const define = (properties: Record<string, any>, options: SoftDeletableOptions<any> = {}, more: object = {}) =>
    softDeletable(
      defineEntity({
        name: 'User',
        properties: { id: p.integer().primary(), ...properties },
        ...more,
      } as never) as never,
      options as never,
    ) as EntitySchema<any>;
  const describeUser = async (properties: Record<string, any>, options?: SoftDeletableOptions<any>, more?: object) =>
    (await catalogOf(define(properties, options, more))).all()[0]!;

  it('fills in what the mark leaves open', async () => {
    const { meta, ...described } = await describeUser({ deletedAt: deletedAt() });
    expect(described).toEqual({
      name: 'User',
      property: 'deletedAt',
      column: 'deleted_at',
      columnType: 'timestamptz',
      deletedBy: undefined,
      retention: undefined,
      relations: {},
      purgeIndex: true,
      guard: false,
    });
    expect(meta.className).toBe('User');
  });

  it('takes over what the mark says', async () => {
    const described = await describeUser(
      { goneAt: deletedAt().fieldName('gone'), goneBy: p.string().nullable().fieldName('by') },
      { property: 'goneAt', deletedBy: 'goneBy', retention: '30d', purgeIndex: false, guard: true } as never,
    );
    expect(described).toMatchObject({
      property: 'goneAt',
      column: 'gone',
      deletedBy: { property: 'goneBy', column: 'by' },
      retention: 2_592_000_000,
      purgeIndex: false,
      guard: true,
    });
    expect(await describeUser({ deletedAt: deletedAt() }, { retention: 'forever' })).toMatchObject({
      retention: 'forever',
    });
  });

  it.each([
    p.datetime().columnType('timestamptz'),
    p.datetime().columnType('timestamptz(6)'),
    p.datetime().columnType('timestamp'),
    p.datetime().columnType('timestamp(6) without time zone'),
    p.datetime().columnType('timestamp with time zone'),
    p.type(Moment),
  ])('takes a timestamp of any kind that tells microseconds: %#', async (property) => {
    expect((await describeUser({ deletedAt: (property as any).nullable() })).column).toBe('deleted_at');
  });

  it.each<[string, Record<string, any>, SoftDeletableOptions<any>, string]>([
    ['no property', {}, {}, 'has no column property "deletedAt". Extend SoftDeletableEntity, declare'],
    ['another one', { deletedAt: deletedAt() }, { property: 'goneAt' as never }, 'has no column property "goneAt".'],
    ['one that is no column', { deletedAt: deletedAt().persist(false) }, {}, 'has no column property "deletedAt".'],
    [
      'one that is never null',
      { deletedAt: p.datetime().columnType('timestamptz') },
      {},
      'the property "deletedAt" is not nullable, but active rows have no time of deletion. Declare it with `nullable: true`.',
    ],
    [
      'a text',
      { deletedAt: p.text().nullable() },
      {},
      `the property "deletedAt" is a column of type text, not a timestamp. A text is compared letter by letter, and not as a time. Declare it with \`type: 'timestamptz'\`, and convert the column in the migration: alter column "deleted_at" type timestamptz using "deleted_at"::timestamptz.`,
    ],
    ...[p.date(), p.type(types.date), p.datetime().columnType('date')].map(
      (date): [string, Record<string, any>, SoftDeletableOptions<any>, string] => [
        'a date',
        { deletedAt: (date as any).nullable() },
        {},
        `the property "deletedAt" is a column of type date, not a timestamp. A date does not tell the deletions of one day apart. Declare it with \`type: 'timestamptz'\`, and give each deleted row a distinct time in the migration: docs/migrating.md has the statements.`,
      ],
    ),
    [
      'a boolean',
      { deletedAt: p.boolean().nullable() },
      {},
      `is a column of type boolean, not a timestamp. A boolean says that a row is deleted, but not when. Declare it with \`type: 'timestamptz'\`, and give each deleted row`,
    ],
    [
      'a time of day',
      { deletedAt: p.time().nullable() },
      {},
      'is a column of type time(0), not a timestamp. A time of day does not say on which day. Declare it with',
    ],
    ...[p.integer(), p.bigint(), p.double(), p.decimal(), p.smallint(), p.float()].map(
      (number): [string, Record<string, any>, SoftDeletableOptions<any>, string] => [
        'a number',
        { deletedAt: (number as any).fieldName('gone').nullable() },
        {},
        'not a timestamp. A number is not compared with the clock of the database. Declare it with `type: \'timestamptz\'`, and convert the column in the migration: alter column "gone" type timestamptz using to_timestamp("gone") for seconds, to_timestamp("gone" / 1000.0) for milliseconds.',
      ],
    ),
    ...[
      p.json(),
      p.uuid(),
      p.interval(),
      p.array(),
      p.string().columnType('timestamptz[]'),
      p.string().columnType('tsrange'),
    ].map((other): [string, Record<string, any>, SoftDeletableOptions<any>, string] => [
      'anything else',
      { deletedAt: (other as any).nullable() },
      {},
      `not a timestamp. Declare it with \`type: 'timestamptz'\`.`,
    ]),
    [
      'a day of a custom type',
      { deletedAt: p.type(Day).nullable() },
      {},
      'a column of type date, given by the custom type Day, not a timestamp. Use `type:',
    ],
    [
      'a custom type that reads in SQL',
      { deletedAt: p.type(SqlMoment).nullable() },
      {},
      'has the custom type SqlMoment, which reads it through SQL, so no index over active rows can be created. Convert in',
    ],
    [
      'one in a reference',
      { deletedAt: deletedAt().ref() },
      {},
      'is wrapped in a reference, which is never null. Remove `ref: true`.',
    ],
    ['whole seconds', { deletedAt: p.datetime().columnType('timestamptz(0)').nullable() }, {}, 'too coarse to tell'],
    [
      'milliseconds',
      { deletedAt: p.datetime().columnType('timestamp(5)').nullable() },
      {},
      'Declare it without a `length`',
    ],
    [
      'a lazy one',
      { deletedAt: deletedAt().lazy() },
      {},
      'is lazy, so a loaded entity would not know whether it is deleted. Remove `lazy: true`.',
    ],
    [
      'no such actor',
      { deletedAt: deletedAt() },
      { deletedBy: 'by' as never },
      ', deletedBy: it has no column property "by" for the actor. Declare',
    ],
    [
      'the time for an actor',
      { deletedAt: deletedAt() },
      { deletedBy: 'deletedAt' as never },
      'no column property "deletedAt" for the actor',
    ],
    [
      'an actor that is no column',
      { deletedAt: deletedAt(), by: p.string().nullable().persist(false) },
      { deletedBy: 'by' as never },
      'it has no column property "by" for the actor.',
    ],
    [
      'an actor that is never null',
      { deletedAt: deletedAt(), by: p.string() },
      { deletedBy: 'by' as never },
      'the property "by" is not nullable, but nobody has deleted an active row. Declare it with `nullable: true`.',
    ],
    [
      'an actor that is a number',
      { deletedAt: deletedAt(), by: p.integer().nullable() },
      { deletedBy: 'by' as never },
      `the property "by" is a column of type int, but the actor is text. Declare \`@Property({ type: 'text', nullable: true }) by?: string\`.`,
    ],
    [
      'an actor that is an uuid',
      { deletedAt: deletedAt(), by: p.uuid().nullable() },
      { deletedBy: 'by' as never },
      'the property "by" is a column of type uuid, but the actor is text.',
    ],
    [
      'a retention without a unit',
      { deletedAt: deletedAt() },
      { retention: '30' as never },
      'retention: "30" has no unit.',
    ],
  ])('refuses %s', async (_what, properties, options, message) => {
    await expect((async () => describeUser(properties, options))()).rejects.toThrow(
      expect.objectContaining({
        constructor: SoftDeleteConfigError,
        message: expect.stringContaining(message),
      }),
    );
  });

  it('refuses a guard on a table that is partitioned', async () => {
    const partitioned = { partitionBy: { type: 'hash', expression: 'id', partitions: 2 } };
    const properties = { deletedAt: deletedAt() };
    await expect((async () => describeUser(properties, { guard: true }, partitioned))()).rejects.toThrow(
      '@SoftDeletable() on User, guard: the table of User is partitioned.',
    );
    expect((await describeUser(properties, {}, partitioned)).guard).toBe(false);
  });

  it.each<[what: string, properties: Record<string, any>, more: object, options: SoftDeletableOptions<any>]>([
    ['table', { deletedAt: deletedAt() }, { tableName: 'is it?' }, {}],
    ['schema', { deletedAt: deletedAt() }, { schema: 'is it?' }, {}],
    ['column', { deletedAt: deletedAt(), other: p.text().fieldName('is it?') }, {}, {}],
    ['column of an archived entity', { other: p.text().fieldName('is it?') }, {}, { strategy: 'archive' }],
  ])('refuses a %s that the ORM takes for a parameter', async (_what, properties, more, options) => {
    await expect((async () => catalogOf(define(properties, options, more)))()).rejects.toThrow(
      '@SoftDeletable() on User: the ORM takes the question mark in the name "is it?" for a parameter. Rename the table or column.',
    );
  });

  describe('relations', () => {
    /** A person is a user of a hierarchy, who has notes; every user has posts, and belongs to a team. */
    const hierarchy = (inheritance: 'sti' | 'tpt', relations: Record<string, any>) => {
      const Team: EntitySchema<any> = defineEntity({
        name: 'Team',
        properties: { id: p.integer().primary() },
      }) as never;
      const User: EntitySchema<any> = define(
        {
          team: () => p.manyToOne(Team),
          posts: () => p.oneToMany(Post).mappedBy('user'),
          badge: () => p.oneToOne(Badge).mappedBy('user'),
          card: () => p.oneToOne(Badge).owner().inversedBy('holder').nullable(),
          tags: () => p.manyToMany(Team),
          deletedAt: deletedAt(),
        },
        { relations } as never,
        inheritance === 'tpt' ? { inheritance } : { discriminatorColumn: 'kind', abstract: true },
      );
      const derive = (name: string, base: EntitySchema<any>, properties: Record<string, any>): EntitySchema<any> =>
        defineEntity({
          name,
          extends: base as never,
          properties: properties as never,
          ...(inheritance === 'sti' ? { discriminatorValue: name } : {}),
        }) as never;
      const Person = derive('Person', User, {});
      const Author = derive('Author', Person, { notes: () => p.oneToMany(Note).mappedBy('author') });
      const Post: EntitySchema<any> = defineEntity({
        name: 'Post',
        properties: { id: p.integer().primary(), user: () => p.manyToOne(User) },
      }) as never;
      const Badge: EntitySchema<any> = defineEntity({
        name: 'Badge',
        properties: {
          id: p.integer().primary(),
          user: () => p.oneToOne(User).owner().inversedBy('badge'),
          holder: () => p.oneToOne(User).mappedBy('card'),
        },
      }) as never;
      const Note: EntitySchema<any> = defineEntity({
        name: 'Note',
        properties: { id: p.integer().primary(), author: () => p.manyToOne(Author) },
      }) as never;
      return [Team, User, Person, Author, Post, Badge, Note];
    };

    it.each(['sti', 'tpt'] as const)('are those of every class of a hierarchy: %s', async (inheritance) => {
      const relations = { posts: 'restrict', badge: 'cascade', tags: 'keep', notes: 'cascade' } as const;
      const catalog = await catalogOf(...hierarchy(inheritance, { ...relations, team: undefined }));
      expect(catalog.all()[0]!.relations).toEqual(relations);
    });

    it.each(['sti', 'tpt'] as const)('are refused where there are none, or another policy: %s', async (inheritance) => {
      const refused = (relations: object) =>
        catalogOf(...hierarchy(inheritance, relations)).catch((error) => error.message);
      const all = 'The to-many and inverse one-to-one relations are: posts, badge, tags, notes.';
      expect(await refused({ comments: 'keep' })).toBe(
        `@SoftDeletable() on User, relations.comments: there is no such relation. ${all}`,
      );
      for (const own of ['team', 'card']) {
        expect(await refused({ [own]: 'cascade' })).toBe(
          `@SoftDeletable() on User, relations.${own}: the relation belongs to this side, so a deletion does not reach through it. ${all}`,
        );
      }
      for (const policy of ['delete', 'toString', null]) {
        expect(await refused({ posts: policy })).toBe(
          `@SoftDeletable() on User, relations.posts: ${JSON.stringify(policy)} is not a policy. Write one of: 'cascade', 'restrict', 'keep'.`,
        );
      }
    });

    it('are refused where the entity has none', async () => {
      await expect(
        (async () => describeUser({ deletedAt: deletedAt() }, { relations: { posts: 'keep' } } as never))(),
      ).rejects.toThrow('there is no such relation. The entity has no to-many or inverse one-to-one relation.');
    });
  });

  it('refuses the mark of a class that shares the table of one without', async () => {
    const Animal = defineEntity({
      name: 'Animal',
      discriminatorColumn: 'kind',
      properties: { id: p.integer().primary(), kind: p.string(), deletedAt: deletedAt() },
    });
    const Cat = defineEntity({ name: 'Cat', extends: Animal, discriminatorValue: 'cat', properties: {} });
    await expect(catalogOf(Animal as never, softDeletable(Cat as never) as never)).rejects.toThrow(
      '@SoftDeletable() on Cat: the class shares the table of Animal. Mark Animal instead: the timestamp belongs to the root of the hierarchy.',
    );
    const [found, ...others] = (await catalogOf(softDeletable(Animal as never) as never, Cat as never)).all();
    expect([found!.name, others]).toEqual(['Animal', []]);
  });
});
