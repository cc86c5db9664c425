import { valuePatterns } from '../../../lib/compliance/erasure/search/value-patterns.js';

describe(valuePatterns, () => {
  it.each([
    ['Lovelace', true],
    ['a@b.c', true],
    ['Max', false],
    ['Willi', false],
  ])('takes %s for a name in any case: %p', (value, isDistinct) => {
    const { anyCase, asWritten } = valuePatterns([value]);
    expect([anyCase !== undefined, asWritten !== undefined]).toEqual([isDistinct, !isDistinct]);
  });

  it.each([
    ['Ada Lovelace', 'lovelace'],
    ['ada@example.org', 'ada@example.org'],
    ['+49 30 555-1002', '555-1002'],
    // In Turkish, `i` has another capital than in English.
    ['Iris Quill', 'qu'],
    ['MIMI', 'm'],
    // What a pattern or LIKE gives a meaning to is no part.
    ['100%_sure\\', 'sure'],
    ['O’Neill', 'ne'],
    ['李小龙', ''],
  ])('finds %s by a part that is the same in every case and locale', (value, part) => {
    expect(valuePatterns([value]).parts).toEqual([part]);
  });
});
