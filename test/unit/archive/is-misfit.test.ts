import { isMisfit } from '../../../lib/archive/snapshot/is-misfit.js';

describe(isMisfit, () => {
  it.each([
    ['a value that its type does not read', '22P02', true],
    ['a number that is out of range', '22003', true],
    ['a column that must have a value', '23502', true],
    ['a check that refuses it', '23514', true],
    ['a taken value', '23505', false],
    ['a parent that is missing', '23503', false],
    ['a table that is not there', '42P01', false],
    ['a lost connection', undefined, false],
  ])('tells %s (%s)', (_what, code, expected) => {
    expect(isMisfit(Object.assign(new Error('refused'), code === undefined ? {} : { code }))).toBe(expected);
  });
});
