import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable, softDelete } from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { mappedTables } from '../../../lib/metadata/mapped-tables.js';
import { readIncomingKeys } from '../../../lib/postgres/catalog/read-incoming-keys.js';

const Tag = softDeletable(
  defineEntity({
    name: 'Tag',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
  }),
);
const Note = defineEntity({
  name: 'Note',
  properties: {
    id: p.integer().primary(),
    main: () => p.manyToOne(Tag).fieldName('main_id'),
    tags: () => p.manyToMany(Tag).pivotTable('note_tags'),
  },
});

describe(readIncomingKeys, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Tag, Note], extensions: [softDelete()] });
  const em = orm.em.fork();
  const target = em.getMetadata().get(Tag);
  const numberOf = (table: string) => mappedTables(em.getMetadata()).findIndex((meta) => meta.tableName === table) + 1;
  const row = (of: number | null, columns: readonly string[], table: string) => ({
    i: 1,
    of,
    name: 'the_constraint',
    clears: false,
    table,
    columns,
    referenced: ['id'],
    primary: ['id'],
  });
  const read = async (found: object, isEntity?: () => boolean) => {
    orm.driver.execute = () => Promise.resolve([found]) as never;
    const { catalog } = getInstallation(em as never);
    return readIncomingKeys(em as never, {} as never, catalog, [target as never], isEntity);
  };

  it('names a key after its relation', async () => {
    expect(await read(row(numberOf('note'), ['main_id'], 'public.note'))).toEqual([
      {
        name: 'Note.main',
        target,
        entity: em.getMetadata().get(Note),
        table: 'public.note',
        clears: false,
        columns: ['main_id'],
        referenced: ['id'],
        primary: ['id'],
      },
    ]);
  });

  it('names a key that no relation has after its constraint', async () => {
    expect(await read(row(numberOf('note'), ['other_id'], 'public.note'))).toMatchObject([
      { name: 'the_constraint', entity: { className: 'Note' } },
    ]);
  });

  it('names a key of a table that is not mapped after its constraint', async () => {
    const [key] = await read(row(null, ['main_id'], 'public.foreign'));
    expect(key).toMatchObject({ name: 'the_constraint', table: 'public.foreign', target });
    expect(key!.entity).toBeUndefined();
  });

  it('leaves out the links of a pivot table, if they are no more than that', async () => {
    const link = row(numberOf('note_tags'), ['tag_id'], 'public.note_tags');
    expect(await read(link)).toEqual([]);
    expect(await read(link, () => true)).toHaveLength(1);
  });
});
