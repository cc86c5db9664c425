import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { NotSoftDeletableError, softDeletable, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { isEntityName, resolveAdminEntities } from '../../../lib/admin/admin-entity.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

const deletedAt = p.datetime().columnType('timestamptz').nullable();
const Visit = softDeletable(
  defineEntity({
    name: 'Visit',
    properties: {
      id: p.integer().primary(),
      title: p.string(),
      email: p.string(),
      note: p.text(),
      data: p.json(),
      tags: p.array(),
      secret: p.string().hidden(),
      room: p.integer(),
      at: p.datetime(),
      until: p.datetime(),
      deletedAt,
      deletedBy: p.string().nullable(),
    },
  }),
  { deletedBy: 'deletedBy' },
);
const Bill = softDeletable(
  defineEntity({
    name: 'Bill',
    properties: {
      id: p.integer().primary(),
      name: p.json(),
      number: p.integer(),
      deletedAt,
      deletedBy: p.string().nullable().hidden(),
    },
  }),
  { deletedBy: 'deletedBy' },
);
const Setting = defineEntity({ name: 'Setting', properties: { id: p.integer().primary() } });

describe(resolveAdminEntities, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Visit, Bill, Setting] });
  const catalog = SoftDeleteCatalog.of(orm.em as never);
  const resolve = (options?: readonly object[]) => resolveAdminEntities(catalog, options as never);

  it('shows all marked entities by name, each by what its rows are called, three short columns and all text', () => {
    const [bill, visit] = resolve();
    expect(visit).toMatchObject({
      name: 'Visit',
      entity: Visit.meta.class,
      columns: ['email', 'note', 'room'],
      search: ['title', 'email', 'note', 'deletedBy'],
      shownActor: { property: 'deletedBy' },
      fields: ['id', 'title', 'email', 'note', 'data', 'tags', 'room', 'at', 'until', 'deletedBy'],
    });
    expect(visit!.label!({ title: 'First', email: 'a@b' })).toBe('First');
    expect(visit!.meta.className).toBe('Visit');
    expect(visit!.entry).toBe(catalog.get(Visit as never));
    expect(bill).toMatchObject({ name: 'Bill', columns: ['number'], search: [], fields: ['id', 'name', 'number'] });
    expect([bill!.label, bill!.shownActor]).toEqual([undefined, undefined]);
  });

  it('takes what is said of an entity instead', () => {
    const label = () => 'a visit';
    const [visit, bill] = resolve([{ entity: Visit, label, columns: ['room', 'data'], search: ['note'] }, Bill]);
    expect(visit).toMatchObject({ label, columns: ['room', 'data'], search: ['note'] });
    expect(bill!.name).toBe('Bill');
    // What it is called by is not repeated as a column: nothing is, where somebody says how to call it.
    expect(resolve([{ entity: Visit, label }])[0]!.columns).toEqual(['title', 'email', 'note']);
  });

  it.each<[string, object[], RegExp]>([
    ['an entity twice', [Visit, { entity: Visit }], /Visit is listed twice\. List it once/],
    [
      'a hidden column',
      [{ entity: Visit, columns: ['secret'] }],
      /entities, Visit, columns: "secret" is not a property that may be shown\..*The others are: id, title/,
    ],
    [
      'a hidden property to search',
      [{ entity: Visit, search: ['secret'] }],
      /Visit, search: "secret" is not a property/,
    ],
    [
      'to search what is no text',
      [{ entity: Visit, search: ['room'] }],
      /search: "room" is not text as the database has it\. Those that are: title, email, note, deletedBy\./,
    ],
    ['to search where nothing is text', [{ entity: Bill, search: ['number'] }], /Those that are: none\./],
  ])('refuses %s', (_what, options, message) => {
    expect(() => resolve(options)).toThrow(SoftDeleteConfigError);
    expect(() => resolve(options)).toThrow(message);
  });

  it('refuses what is not marked', () => {
    expect(() => resolve([Setting])).toThrow(NotSoftDeletableError);
  });

  it('tells entities from what is said of them', () => {
    expect([Visit, SoftDeleteCatalog, { entity: Visit }, 'Visit', undefined].map(isEntityName)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
