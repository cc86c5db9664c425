import { BadRequestException } from '@nestjs/common';
import type { AdminEntity } from '../../../../lib/admin/admin-entity.js';
import { readListQuery, writeCursor } from '../../../../lib/admin/api/list-query.js';

const customer = {
  name: 'Customer',
  entry: { property: 'removedAt' },
  columns: ['email', 'address'],
  search: ['email'],
  meta: {
    root: { getPrimaryProps: () => [{ fieldNames: ['tenant'] }, { fieldNames: ['id'] }] },
    properties: { email: { fieldNames: ['email'] }, address: { fieldNames: ['street', 'city'] } },
  },
} as unknown as AdminEntity;
const read = (query: Record<string, unknown>, entity = customer, knowsActors = false) =>
  readListQuery(entity, query, knowsActors);

describe(readListQuery.name, () => {
  it('shows fifty rows, those deleted last first, where nothing else is asked for', () => {
    const all = { sort: 'removedAt', descending: true, limit: 50 };
    expect(read({})).toEqual(all);
    const empty = { q: '', from: '', to: '', actor: '', sort: '', after: '', limit: '' };
    expect(read(empty)).toEqual(all);
    expect(read({ q: '   ' })).toEqual(all);
  });

  it('sorts by the time of deletion and by columns, both ways', () => {
    expect(read({ sort: 'deletedAt' })).toMatchObject({ sort: 'removedAt', descending: false });
    expect(read({ sort: '-deletedAt' })).toMatchObject({ sort: 'removedAt', descending: true });
    expect(read({ sort: 'email' })).toMatchObject({ sort: 'email', descending: false });
    expect(read({ sort: '-email' })).toMatchObject({ sort: 'email', descending: true });
  });

  it.each(['name', 'address', 'removedAt', '--email', 'constructor'])('does not sort by %s', (sort) => {
    expect(() => read({ sort })).toThrow(
      new BadRequestException(
        'The query parameter sort must be one of deletedAt, email, with or without "-".',
      ),
    );
  });

  it.each([
    '2026-01-31',
    '2026-01-31T12:00Z',
    '2026-01-31T12:00:00',
    '2026-01-31T12:00:00Z',
    '2026-01-31T12:00:00.123456789Z',
    '2026-01-31T12:00:00+01:00',
    '2026-01-31T12:00:00-0130',
  ])('takes %s for a time', (text) => {
    expect(read({ from: text, to: text })).toMatchObject({ from: new Date(text), to: new Date(text) });
  });

  it.each([
    '2026',
    '31 January 2026',
    '1/31/2026',
    '1769860800000',
    '2026-01-31 12:00',
    '2026-01-31T12:00:00.1234567891Z',
    '2026-13-01',
    '2026-01-31T25:00:00Z',
    'yesterday',
  ])('takes %s for no time', (text) => {
    for (const name of ['from', 'to']) {
      expect(() => read({ [name]: text })).toThrow(
        new BadRequestException(
          `The query parameter ${name} must be a time in ISO 8601, such as 2026-01-31T12:00:00Z.`,
        ),
      );
    }
  });

  it.each([
    ['1', 1],
    ['200', 200],
    ['050', 50],
  ])('takes %s for a size of a page', (limit, rows) => {
    expect(read({ limit }).limit).toBe(rows);
  });

  it.each(['0', '201', '1000', '-1', '1.5', '1e2', ' 1', '0x1', 'all'])('takes %p for none', (limit) => {
    expect(() => read({ limit })).toThrow(
      new BadRequestException('The query parameter limit must be a whole number from 1 to 200.'),
    );
  });

  it('searches for what is left without spaces around it, of at most 200 characters', () => {
    expect(read({ q: '  ada lovelace ' }).q).toBe('ada lovelace');
    expect(read({ q: 'x'.repeat(200) }).q).toHaveLength(200);
    expect(() => read({ q: 'x'.repeat(201) })).toThrow(
      new BadRequestException('The query parameter q must have at most 200 characters.'),
    );
    expect(() => read({ q: 'x' }, { ...customer, search: [] })).toThrow(
      new BadRequestException('Customer has no property to search.'),
    );
    expect(read({ q: ' ' }, { ...customer, search: [] }).q).toBeUndefined();
  });

  it('refuses what it does not know, what is given twice, and what no text of the database has', () => {
    expect(() => read({ colour: 'red' })).toThrow(
      new BadRequestException(
        'There is no query parameter colour. Those that are: q, from, to, actor, sort, after, limit.',
      ),
    );
    for (const value of [['a', 'b'], { a: 'b' }, 'a\0', 1]) {
      expect(() => read({ q: value })).toThrow(
        new BadRequestException('The query parameter q must be given once, as text.'),
      );
    }
    expect(read({ actor: 'ada' }, customer, true).actor).toBe('ada');
    expect(() => read({ actor: 'ada' })).toThrow(
      new BadRequestException('Nothing says who deleted rows of Customer, so the parameter actor finds nobody.'),
    );
  });

  it('goes on where a page of the same order has ended', () => {
    for (const sort of ['deletedAt', '-deletedAt', 'email', '-email']) {
      for (const cursor of [
        { value: 'x', key: ['one', '7'] },
        { value: null, key: ['', '"'] },
      ]) {
        const order = read({ sort });
        expect(read({ sort, after: writeCursor(order, cursor) })).toEqual({ ...order, after: cursor });
      }
    }
  });

  it('refuses an end of a page that is of another order, or made up', () => {
    const cursor = { value: 'x', key: ['one', '7'] };
    const forge = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');
    const order = { sort: 'email', descending: false };
    expect(read({ sort: 'email', after: writeCursor(order, cursor) }).after).toEqual(cursor);
    for (const after of [
      writeCursor({ sort: 'email', descending: true }, cursor),
      writeCursor({ sort: 'removedAt', descending: false }, cursor),
      writeCursor(order, { value: 'x', key: ['one'] }),
      writeCursor(order, { value: 'x', key: ['one', '7', '8'] }),
      writeCursor(order, { value: 'x\0', key: ['one', '7'] }),
      writeCursor(order, { value: 'x', key: ['one', '\0'] }),
      forge('email', false, 1, ['one', '7']),
      forge('email', false, 'x', ['one', 7]),
      forge('email', false, 'x', '17'),
      forge('email', false, 'x'),
      forge(),
      Buffer.from('{"0":"email"}').toString('base64url'),
      'nonsense',
    ]) {
      expect(() => read({ sort: 'email', after })).toThrow(
        new BadRequestException('The query parameter after must be the `next` of a page with the same sort.'),
      );
    }
  });
});
