import { pauseAfter } from '../../../lib/purge/batch/pause-after.js';

describe(pauseAfter.name, () => {
  it('is the one that was asked for, none included, or else six times the work', () => {
    expect(pauseAfter(1_000, 250)).toBe(250);
    expect(pauseAfter(1_000, 0)).toBe(0);
    expect(pauseAfter(1_000, undefined)).toBe(6_000);
    expect(pauseAfter(0, undefined)).toBe(0);
  });
});
