import {
  cursorSql,
  inRangeSql,
  orderBySql,
  orderColumns,
  type PassOrder,
  untilCursorSql,
} from '../../../lib/purge/fragments/batch-range.js';
import type { DueRows } from '../../../lib/purge/fragments/row-sql.js';
import { entity, table } from './key-graph.js';

const quote = (value: string | number) => `'${value}'`;
const User = entity('User', table('user'));
const due = { plan: { entity: User }, cutoff: '2026-01-31', quote } as unknown as DueRows;
const dueNow = `p."deleted_at" < '2026-01-31'::timestamp with time zone`;
const time = `'2026-01-01'::timestamp with time zone`;

describe('the rows of a batch', () => {
  const inRange = (order: PassOrder, cursor?: readonly string[]) =>
    inRangeSql(due, { order, cursor, size: 10, untilPage: 4, isSparse: false });

  it.each<{ order: PassOrder; columns: string[]; orderBy: string; first: string[]; next: string[]; until: string }>([
    {
      order: 'age',
      columns: ['"deleted_at"', '"id"'],
      orderBy: 'order by p."deleted_at", p."id"',
      first: [dueNow],
      next: [`(p."deleted_at", p."id") > (${time}, '7'::integer)`, dueNow],
      until: `(p."deleted_at", p."id") <= (${time}, '7'::integer)`,
    },
    {
      order: 'youth',
      columns: ['"deleted_at"', '"id"'],
      orderBy: 'order by p."deleted_at" desc, p."id" desc',
      first: [dueNow],
      next: [`(p."deleted_at", p."id") < (${time}, '7'::integer)`, dueNow],
      until: `(p."deleted_at", p."id") >= (${time}, '7'::integer)`,
    },
  ])('lie behind those of the batch before, by $order', ({ order, columns, orderBy, first, next, until }) => {
    expect(orderColumns(User, order)).toEqual(columns);
    expect(orderBySql(User, order)).toBe(orderBy);
    expect(inRange(order)).toEqual(first);
    expect(inRange(order, ['2026-01-01', '7'])).toEqual(next);
    expect(untilCursorSql(User, order, ['2026-01-01', '7'], quote)).toBe(until);
  });

  it('lie behind those of the batch before, by place, up to a page, however they are found', () => {
    expect(orderColumns(User, 'place')).toEqual(['ctid']);
    expect(orderBySql(User, 'place')).toBe('');
    const [first, ...conditions] = inRange('place', ['(2,7)']);
    expect(first).toBe(`p.ctid > '(2,7)'::tid`);
    expect(conditions).toEqual(inRange('place'));
    expect(conditions).toEqual([`p.ctid < '(4,0)'::tid`, expect.stringContaining(dueNow)]);
    expect(conditions[1]).not.toBe(dueNow);
    expect(untilCursorSql(User, 'place', ['(2,7)'], quote)).toBe(`p.ctid <= '(2,7)'::tid`);
  });

  it('end at a cursor of texts, which keep microseconds', () => {
    expect(cursorSql(User, 'place', 'c')).toBe('jsonb_build_array(c.ctid::text)');
    expect(cursorSql(User, 'age', 'c')).toMatch(/^jsonb_build_array\(.*c\."deleted_at".*, .*c\."id".*\)$/);
    expect(cursorSql(User, 'age', 'c', ['a', 'b'])).toMatch(/^jsonb_build_array\(.*c\.a.*, .*c\.b.*\)$/);
  });
});
