import { ChangeSetType } from '@mikro-orm/core';
import { isArchived, removeEarly } from '../../../lib/flush/archive-removals.js';

const changeSet = (type: ChangeSetType, rootMeta: object) => ({ type, rootMeta }) as any;

describe(removeEarly, () => {
  it('removes rows before others are written to their table, and leaves the rest where it is', () => {
    const [notes, lines, other] = [{}, {}, {}];
    const archived = [notes, lines, other].map((meta) => changeSet(ChangeSetType.DELETE, meta));
    const written = [
      changeSet(ChangeSetType.CREATE, notes),
      changeSet(ChangeSetType.UPDATE, lines),
      changeSet(ChangeSetType.DELETE, other),
      changeSet(ChangeSetType.UPDATE_EARLY, other),
    ];
    removeEarly({ getChangeSets: () => [...archived, ...written] } as never, archived);
    expect(archived.map(({ type }) => type)).toEqual([
      ChangeSetType.DELETE_EARLY,
      ChangeSetType.DELETE_EARLY,
      ChangeSetType.DELETE,
    ]);
  });
});

describe(isArchived, () => {
  const planned = (...keys: unknown[]) => ({ archived: keys.map((key) => ({ getPrimaryKey: () => key })) }) as never;

  it('knows the rows that the flush has moved to the archive', () => {
    expect(isArchived(planned(1, 2), { id: { $in: [1] } })).toBe(true);
    expect(isArchived(planned(1, 2), { id: { $in: [2, 1] } })).toBe(true);
    expect(isArchived(planned(['a', 1]), { 'tenant~~~position': { $in: [['a', 1]] } })).toBe(true);
    expect(isArchived(planned(9_007_199_254_740_993n), { id: { $in: [9_007_199_254_740_993n] } })).toBe(true);
  });

  it.each([{ id: { $in: [1, 3] } }, { id: 1 }, {}, 1, undefined])('takes %j for others', (where) => {
    expect(isArchived(planned(1, 2), where)).toBe(false);
  });

  it('knows none where no flush has planned any', () => {
    expect(isArchived(undefined, { id: { $in: [1] } })).toBe(false);
  });
});
