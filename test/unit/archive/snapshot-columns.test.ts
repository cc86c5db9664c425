import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { archiveTable } from '../../../lib/archive/snapshot/archive-table.js';
import { columnTextSql } from '../../../lib/archive/snapshot/column-text-sql.js';
import { keyTextSql } from '../../../lib/archive/snapshot/key-text-sql.js';
import { partOf } from '../../../lib/archive/snapshot/part-of.js';
import { rowKeyOf } from '../../../lib/archive/snapshot/row-key-of.js';
import { inKeyOrder, schemaOf } from '../../../lib/archive/snapshot/write-snapshots.js';

const id = () => p.integer().primary();
const Item = defineEntity({ name: 'Item', properties: { id: id() } });
const Share = defineEntity({ name: 'Share', schema: 'stock', properties: { id: id(), part: p.text().primary() } });
const Tenants = defineEntity({ name: 'Tenants', schema: '*', properties: { id: id() } });
const Base = defineEntity({ name: 'Base', inheritance: 'tpt', properties: { id: id() } } as never);
const Heir = defineEntity({ name: 'Heir', extends: Base, properties: { text: p.text() } } as never);
const Animal = defineEntity({
  name: 'Animal',
  discriminatorColumn: 'kind',
  properties: { id: id(), kind: p.text() },
} as never);
const Dog = defineEntity({ name: 'Dog', extends: Animal, properties: { tricks: p.text().nullable() } } as never);

describe('What the archive calls', () => {
  const ormOf = (options: object = {}) =>
    new MikroORM({ dbName: 'none', entities: [Item, Share, Tenants, Base, Heir, Animal, Dog], ...options });
  const orm = ormOf();
  const em = orm.em as never;
  const metaOf = (name: string) => [...orm.getMetadata()].find(({ className }) => className === name)!;

  it('a row: the class whose own its table is, and of classes that share one the root', () => {
    expect(['Item', 'Base', 'Heir', 'Animal', 'Dog'].map((name) => partOf(metaOf(name)))).toEqual([
      'Item',
      'Base',
      'Heir',
      'Animal',
      'Animal',
    ]);
  });

  it('its key: the text of one column, and a JSON array of several', () => {
    expect(keyTextSql(em, metaOf('Item'), 'c')).toBe('(c."id"::text)::text');
    expect(keyTextSql(em, metaOf('Share'), 'c')).toMatch(
      /^array_to_json\(array\[.*c\."id".*, .*c\."part".*\]\)::text$/,
    );
    expect(rowKeyOf(metaOf('Item'), '["1","2"]')).toEqual(['["1","2"]']);
    expect(rowKeyOf(metaOf('Share'), '["1","2"]')).toEqual(['1', '2']);
  });

  it('its schema: that of the entity manager, where the entity has none of its own', () => {
    const inSchema = orm.em.fork({ schema: 'north' } as never) as never;
    expect(['Item', 'Share', 'Tenants'].map((name) => schemaOf(inSchema, metaOf(name)))).toEqual([
      'north',
      '',
      'north',
    ]);
    expect(['Item', 'Share', 'Tenants'].map((name) => schemaOf(em, metaOf(name)))).toEqual(['', '', '']);
  });

  it('its columns: in the order in which PostgreSQL keeps the keys of an object, shorter ones first, by bytes', () => {
    const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
    const columns = ['bb', 'ä', 'Z', 'a', 'ab', 'aaa'].map((name) => ({ name }));
    expect(names(inKeyOrder(columns as never))).toEqual(['Z', 'a', 'ab', 'bb', 'ä', 'aaa']);
    expect(names(columns)).toEqual(['bb', 'ä', 'Z', 'a', 'ab', 'aaa']);
  });

  it('its values: by their text, with the blanks of a fixed length', () => {
    expect(columnTextSql(em, { name: 'code', type: 'bpchar' } as never)).toBe(`to_jsonb(c."code") #>> '{}'`);
    expect(columnTextSql(em, { name: 'code', type: 'text' } as never)).toBe('c."code"::text');
  });

  it('its table: that of the schema which the ORM is configured with', () => {
    expect(archiveTable(em)).toBe('"deletion_archive"');
    expect(archiveTable(ormOf({ schema: 'app' }).em as never)).toBe('"app"."deletion_archive"');
  });
});
