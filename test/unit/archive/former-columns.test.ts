import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { type ArchivedColumnOptions, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { FormerColumns } from '../../../lib/archive/snapshot/former-columns.js';
import { SoftDeleteCatalog } from '../../../lib/metadata/soft-delete-catalog.js';

/** A table with some columns today, and what its mark says of those that it had. */
function formerColumns(columns: string, archive: ArchivedColumnOptions) {
  class Item {
    id!: number;
  }
  const schema = defineEntity({
    class: Item as new () => any,
    tableName: 'item',
    properties: {
      id: p.integer().primary(),
      ...Object.fromEntries(columns.split(' ').map((name) => [name, p.text().nullable()])),
    } as any,
  });
  const orm = new MikroORM({
    dbName: 'none',
    entities: [softDeletable(schema as any, { strategy: 'archive', archive })],
  });
  const [meta] = [...orm.getMetadata()];
  const former = FormerColumns.mapped(orm.em as never, meta!);
  return {
    em: orm.em,
    former,
    same: new FormerColumns(SoftDeleteCatalog.of(orm.em), meta!, new Set(columns.split(' '))),
  };
}

describe(FormerColumns, () => {
  it.each<[string, string, ArchivedColumnOptions, string, Record<string, string | undefined>]>([
    ['as they are where nothing was renamed', 'name', {}, 'name', { name: 'name' }],
    ['nothing of a column that nobody knows', 'name', {}, 'name other', { name: 'name', other: undefined }],
    ['by their new name', 'title', { renamed: { name: 'title' } }, 'name', { name: 'title' }],
    ['by the last of several names', 'c', { renamed: { a: 'b', b: 'c' } }, 'a', { a: 'c' }],
    ['by it from between as well', 'c', { renamed: { a: 'b', b: 'c' } }, 'b', { b: 'c' }],
    [
      'by the new name of a column, the old name of which another one took: before it did',
      'name title',
      { renamed: { name: 'title' } },
      'name',
      { name: 'title' },
    ],
    [
      'by their own names after it did',
      'name title',
      { renamed: { name: 'title' } },
      'name title',
      { name: 'name', title: 'title' },
    ],
    ['nothing of a dropped one', 'name', { dropped: ['note'] }, 'name note', { name: 'name', note: undefined }],
    [
      'nothing where several of them would go to one column',
      'c',
      { renamed: { a: 'c', b: 'c' } },
      'a b',
      { a: undefined, b: undefined },
    ],
    [
      'the one that is not dropped of several that would go to one column',
      'c',
      { renamed: { a: 'c', b: 'c' }, dropped: ['b'] },
      'a b',
      { a: 'c', b: undefined },
    ],
    [
      'one that is dropped by its new name where it is alone',
      'c',
      { renamed: { b: 'c' }, dropped: ['b'] },
      'b',
      { b: 'c' },
    ],
    [
      'nothing where a column took the name of one that was renamed and then dropped',
      'name',
      { renamed: { name: 'title' }, dropped: ['title'] },
      'name title',
      { name: undefined },
    ],
  ])('knows %s', (_what, columns, archive, names, expected) => {
    const { former, same } = formerColumns(columns, archive);
    const all = new Set(names.split(' '));
    const current = (of: FormerColumns) =>
      Object.fromEntries(Object.keys(expected).map((name) => [name, of.currentName(name, all)]));
    expect(current(former)).toEqual(expected);
    expect(current(same)).toEqual(expected);
  });

  it('looks for a value under the names of before first, and under dropped ones last', () => {
    const { former } = formerColumns('c', { renamed: { a: 'b', b: 'c', x: 'c', y: 'c' }, dropped: ['x'] });
    expect(former.namesOf('c')).toEqual(['b', 'y', 'a', 'c', 'x']);
    expect(former.namesOf('id')).toEqual(['id']);
    expect([...former.dropped]).toEqual(['x']);
  });

  it('writes one name alone, and of several which one the row has', () => {
    const { em, former } = formerColumns('name title note', { renamed: { name: 'title', memo: 'note' } });
    const has = (name: string) => `jsonb_exists(a."data", '${name}')`;
    expect(former.textSql(em as never, 'id')).toBe(`(a."data" ->> 'id')`);
    expect(former.textSql(em as never, 'note')).toBe(
      `(case when ${has('memo')} then (a."data" ->> 'memo') when ${has('note')} then (a."data" ->> 'note') end)`,
    );
    expect(former.textSql(em as never, 'name')).toBe(
      `(case when ${has('name')} and ${has('title')} then (a."data" ->> 'name') end)`,
    );
    expect(former.textSql(em as never, 'title')).toBe(
      `(case when ${has('name')} and not (${has('name')} and ${has('title')}) then (a."data" ->> 'name') ` +
        `when ${has('title')} then (a."data" ->> 'title') end)`,
    );
    expect(former.isOfSql(em as never, 'memo', 'note')).toBe(has('memo'));
    expect(former.isOfSql(em as never, 'note', 'note')).toBe(`${has('note')} and not (${has('memo')})`);
  });
});
