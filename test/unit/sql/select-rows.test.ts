import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { looksElsewhere, selectRows } from '../../../lib/sql/select-rows.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Author = softDeletable(
  defineEntity({ name: 'Author', properties: { id: p.integer().primary(), name: p.string(), deletedAt: deletedAt() } }),
);
const Book = softDeletable(
  defineEntity({
    name: 'Book',
    properties: {
      id: p.integer().primary(),
      title: p.string(),
      author: () => p.manyToOne(Author),
      deletedAt: deletedAt(),
    },
  }),
);
const Vehicle = softDeletable(
  defineEntity({
    name: 'Vehicle',
    inheritance: 'tpt',
    properties: { id: p.integer().primary(), wheels: p.integer(), deletedAt: deletedAt() },
  }),
);
const Truck = defineEntity({ name: 'Truck', extends: Vehicle, properties: { load: p.integer() } });

describe(selectRows, () => {
  const orm = new MikroORM({
    dbName: 'none',
    entities: [Author, Book, Vehicle, Truck],
    extensions: [softDelete()],
  });
  const select = (entity: unknown, where: object, scope: 'active' | 'with' = 'active') => {
    const em = orm.em.fork();
    return selectRows(em as never, em.getMetadata().get(entity as never) as never, where, {
      scope,
      isPreview: true,
    });
  };

  it.each<[string, unknown, object]>([
    ['its own columns', Book, { title: 'a' }],
    ['the key that it holds', Book, { author: { id: 1 } }],
  ])('gives a condition on %s, for PostgreSQL to check once more', async (_, entity, where) => {
    const { condition, keys } = await select(entity, where);
    expect(condition?.sql).toMatch(/^\("?c"?\."|^"?c"?\./);
    expect(condition?.params).toEqual(keys.params);
  });

  it('gives one that every row meets where all are asked for', async () => {
    expect((await select(Book, {}, 'with')).condition).toEqual({ sql: 'true', params: [] });
  });

  it.each<[string, unknown, object]>([
    ['joins another table', Book, { author: { name: 'a' } }],
    ['is on a table of a class below another one', Truck, { load: 1 }],
    ['is on a table that classes below it add to', Vehicle, { wheels: 4 }],
  ])('gives none that %s', async (_, entity, where) => {
    const { condition, keys } = await select(entity, where);
    expect(condition).toBeUndefined();
    expect(keys.sql).toMatch(/^select "id" from \(select /);
  });
});

describe(looksElsewhere, () => {
  it.each([
    ['"c"."id" = 1', false],
    ['"c"."id" in (select 1)', true],
    ['exists (table "x")', true],
    ['"c"."selected" = true', false],
    ['exists (select 1 from jsonb_array_elements("c"."items") as e where e = 1)', false],
  ])('tells of %s whether it reads other rows', (condition, elsewhere) => {
    expect(looksElsewhere(condition)).toBe(elsewhere);
  });
});
