import type { EntityProperty } from '@mikro-orm/core';
import { SOFT_DELETE_FILTER } from '../../../lib/metadata/filter-name.js';
import {
  chosenBy,
  chosenByJoin,
  chosenByLoader,
  isOutdated,
  mayGoBack,
  noteDeparture,
  noteOutdated,
  notePart,
  partOf,
  UNKNOWN_PART,
  whileBuilding,
  whileJoining,
} from '../../../lib/orm/loading/chosen-part.js';

const BOOKS = { name: 'books' } as EntityProperty;

describe(notePart, () => {
  it('keeps the part that a collection holds, until it holds the whole again', () => {
    const collection = {};
    expect(partOf(collection)).toBeUndefined();
    notePart(collection, UNKNOWN_PART);
    expect(partOf(collection)).toBe(UNKNOWN_PART);
    notePart(collection, undefined);
    expect(partOf(collection)).toBeUndefined();
  });

  it('lets a row go back where it was, and anywhere into a collection that holds everything', () => {
    const [collection, row, other] = [{}, {}, {}];
    noteDeparture(collection, row);
    expect(mayGoBack(collection, other)).toBe(true);
    notePart(collection, UNKNOWN_PART);
    expect(mayGoBack(collection, row)).toBe(false);
    noteDeparture(collection, row);
    noteDeparture(collection, {});
    expect([mayGoBack(collection, row), mayGoBack(collection, other)]).toEqual([true, false]);
    notePart(collection, UNKNOWN_PART);
    expect(mayGoBack(collection, row)).toBe(false);
  });

  it('ends what makes a collection outdated', () => {
    const collection = {};
    expect(isOutdated(collection)).toBe(false);
    const undo = noteOutdated(collection);
    expect(isOutdated(collection)).toBe(true);
    undo();
    expect(isOutdated(collection)).toBe(false);
    noteOutdated(collection);
    notePart(collection, UNKNOWN_PART);
    expect(isOutdated(collection)).toBe(false);
  });
});

describe(chosenBy, () => {
  it.each<[unknown, any]>([
    [undefined, undefined],
    [{}, undefined],
    [{}, {}],
    [{}, true],
    [{}, false],
    [{}, [SOFT_DELETE_FILTER]],
    [{}, { [SOFT_DELETE_FILTER]: { scope: 'with' } }],
    [{}, { tenant: false }],
  ])('finds no part in the condition %j and the filters %j', (where, filters) => {
    expect(chosenBy(where, filters)).toBeUndefined();
  });

  it.each<[unknown, any]>([
    [{ title: 'a' }, undefined],
    [{}, ['tenant']],
    [{}, [SOFT_DELETE_FILTER, 'tenant']],
    [undefined, { tenant: { id: 7 } }],
    [{}, { [SOFT_DELETE_FILTER]: false, tenant: true }],
  ])('finds one in the condition %j and the filters %j', async (where, filters) => {
    const part = chosenBy(where, filters)!;
    expect(await part.condition()).toEqual(where ?? {});
    expect([part.filters, part.convertCustomTypes]).toEqual([filters, undefined]);
  });

  it('is not touched by what the ORM writes into the condition later', async () => {
    const where: Record<string, unknown> = { title: 'a' };
    const part = chosenBy(where, undefined)!;
    where.author = 1;
    expect(await part.condition()).toEqual({ title: 'a' });
  });
});

describe(chosenByLoader, () => {
  const loader = { extractChildCondition: async ({ where }: any, { name }: any) => ({ ...where[name] }) };
  const choose = (options: object) => chosenByLoader(loader, BOOKS, options);

  it.each([
    {},
    { where: { name: 'Ada' } },
    { where: { books: {} } },
    { where: { books: undefined } },
    { where: { $and: [{ name: 'Ada' }, { books: {} }] } },
    { where: { author: { books: { title: 'a' } } } },
    { populateFilter: { tags: { name: 'a' } } },
    { filters: { [SOFT_DELETE_FILTER]: {} } },
  ])('finds no part where the loader is given %j', (options) => {
    expect(choose(options)).toBeUndefined();
  });

  it.each([
    [{ where: { books: { title: 'a' } } }, { title: 'a' }],
    [{ where: { $or: [{ name: 'Ada' }, { books: 7 }] } }, {}],
    [{ where: { $or: [{ $and: [{ books: { title: 'a' } }] }] } }, {}],
    [{ filters: { tenant: true }, convertCustomTypes: false }, {}],
  ])('finds one in %j', async (options, condition) => {
    const part = choose(options);
    expect(typeof part === 'object' && (await part.condition())).toEqual(condition);
    const { filters, convertCustomTypes } = options as { filters?: object; convertCustomTypes?: boolean };
    expect(part).toMatchObject({ filters, convertCustomTypes });
  });

  it('cannot tell what a condition on what is populated leaves out', () => {
    expect(choose({ populateFilter: { books: { title: 'a' } } })).toBe(UNKNOWN_PART);
    expect(choose({ populateFilter: { $and: [{ books: { title: 'a' } }] } })).toBe(UNKNOWN_PART);
  });
});

describe(whileJoining, () => {
  const em = (populateWhere: unknown = 'all') => ({ config: { get: () => populateWhere } });
  const joined = (where: unknown, options: any, populateWhere?: unknown, prop = BOOKS) =>
    whileJoining(em(populateWhere), where, options, async () => {
      await Promise.resolve();
      return chosenByJoin(prop);
    });

  it.each<[unknown, any, unknown]>([
    [{ books: { title: 'a' } }, undefined, 'all'],
    [{ books: { title: 'a' } }, { populateWhere: 'all' }, 'infer'],
    [{ name: 'Ada' }, { populateWhere: 'infer' }, 'all'],
    [{ books: {} }, undefined, 'infer'],
    [{}, { populateWhere: { tags: 'a' } }, 'all'],
    [{}, { populateFilter: { tags: 'a' } }, 'all'],
    [{}, { filters: { [SOFT_DELETE_FILTER]: false } }, 'all'],
    [{}, { filters: { tenant: false } }, 'all'],
  ])('knows that the condition %j with %j and %p joins whole relations', async (where, options, hint) => {
    expect(await joined(where, options, hint)).toBeUndefined();
  });

  it.each<[unknown, any, unknown]>([
    [{ books: { title: 'a' } }, undefined, 'infer'],
    [{ books: { title: 'a' } }, { populateWhere: 'infer' }, 'all'],
    [{ $or: [{ author: { books: 7 } }] }, { populateWhere: 'infer' }, 'all'],
    [{}, { populateWhere: { books: { title: 'a' } } }, 'all'],
    [{}, { populateWhere: { author: { books: { title: 'a' } } } }, 'all'],
    [{}, { populateFilter: { books: { title: 'a' } } }, 'all'],
    [{}, { filters: { tenant: { id: 7 } } }, 'all'],
    [{}, { filters: ['tenant'] }, 'all'],
  ])('knows that the condition %j with %j and %p may join a part', async (where, options, hint) => {
    expect(await joined(where, options, hint)).toBe(UNKNOWN_PART);
  });

  it('heeds the filters that a relation declares, in a read and without one', async () => {
    const filtered = { name: 'books', filters: { tenant: true } } as unknown as EntityProperty;
    const own = { name: 'books', filters: { [SOFT_DELETE_FILTER]: {} } } as unknown as EntityProperty;
    expect([chosenByJoin(filtered), chosenByJoin(own), chosenByJoin(BOOKS)]).toEqual([
      UNKNOWN_PART,
      undefined,
      undefined,
    ]);
    expect(await joined({}, { populateFilter: { tags: 1 } }, 'all', filtered)).toBe(UNKNOWN_PART);
    expect(
      await joined({}, { populateFilter: { tags: 1 }, filters: { tenant: false } }, 'all', filtered),
    ).toBeUndefined();
  });

  it('knows nothing of what a query builder joins, but of the reads within it', async () => {
    expect(whileBuilding(() => chosenByJoin(BOOKS))).toBe(UNKNOWN_PART);
    expect(await whileBuilding(() => joined({}, undefined))).toBeUndefined();
    expect(chosenByJoin(BOOKS)).toBeUndefined();
  });
});
