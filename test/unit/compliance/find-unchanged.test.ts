import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { findUnchanged } from '../../../lib/compliance/erasure/search/find-unchanged.js';
import type { ResidualCell } from '../../../lib/compliance/erasure/search/residual-cell.js';

const Order = defineEntity({
  name: 'Order',
  properties: { id: p.integer().primary(), note: p.text(), address: p.text() },
});
const cell = (more: Partial<ResidualCell> = {}): ResidualCell => ({
  root: 'Order',
  entity: 'Order',
  column: 'note',
  key: ['1'],
  unit: null,
  hash: 'as it was',
  ...more,
});

describe(findUnchanged, () => {
  const orm = new MikroORM({ dbName: 'none', entities: [Order] });
  const statements: string[] = [];
  let hash: string | undefined;

  beforeEach(() => {
    statements.length = 0;
    hash = 'as it was';
    orm.driver.execute = (sql: unknown) => {
      statements.push(String(sql));
      return Promise.resolve(hash === undefined ? [] : [{ hash }]) as never;
    };
  });

  const find = (known: readonly ResidualCell[], found: readonly ResidualCell[] = []) =>
    findUnchanged(orm.em.fork() as never, {} as never, known, found);

  it('looks for nothing that has been found again, whatever it holds by now', async () => {
    expect(await find([cell()], [cell({ hash: 'as it is' })])).toEqual([]);
    expect(statements).toEqual([]);
  });

  it.each<[string, Partial<ResidualCell>]>([
    ['of another table', { entity: 'Line' }],
    ['in another column', { column: 'address' }],
    ['in another row', { key: ['2'] }],
    ['in the archive', { unit: '2026-01-01' }],
  ])('keeps a value though the same was found %s', async (_, other) => {
    expect(await find([cell()], [cell(other)])).toEqual([cell()]);
  });

  it('tells the deletions of an archived row apart', async () => {
    const archived = cell({ unit: '2026-01-01' });
    expect(await find([archived], [cell({ unit: '2026-02-02' })])).toEqual([archived]);
    expect(statements).toEqual([expect.stringContaining('deletion_archive')]);
  });

  it.each(['changed', undefined])('forgets what has changed or is gone (%s)', async (now) => {
    hash = now;
    expect(await find([cell(), cell({ unit: '2026-01-01' })])).toEqual([]);
    expect(statements).toHaveLength(2);
  });

  it.each<[string, Partial<ResidualCell>]>([
    ['table', { entity: 'Gone' }],
    ['column', { column: 'gone' }],
  ])('forgets what was in a %s that the ORM has no longer', async (_, gone) => {
    expect(await find([cell(gone)])).toEqual([]);
    expect(statements).toEqual([]);
  });
});
