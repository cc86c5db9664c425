import { SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { resolveRunOptions } from '../../../lib/purge/run/resolve-run-options.js';

describe(resolveRunOptions.name, () => {
  it('reads durations, and leaves open what is not said', () => {
    const { signal } = new AbortController();
    const onProgress = () => undefined;
    expect(
      resolveRunOptions({
        olderThan: '2h',
        timeBudget: 500,
        batchSize: 3,
        schema: 's',
        signal,
        onProgress,
        entities: ['A'],
      }),
    ).toEqual({
      entities: ['A'],
      dryRun: false,
      overrideBrake: false,
      olderThan: 7_200_000,
      schema: 's',
      batchSize: 3,
      timeBudget: 500,
      signal,
      onProgress,
    });
    expect(resolveRunOptions({ dryRun: true }).dryRun).toBe(true);
    expect(resolveRunOptions({})).toMatchObject({ dryRun: false, olderThan: undefined, timeBudget: undefined });
  });

  it.each([
    { dryrun: true },
    { dryRun: 'yes' },
    { entities: 'A' },
    { schema: 1 },
    { signal: {} },
    { onProgress: 'log' },
    { olderThan: '90' },
    { timeBudget: 'soon' },
    { batchSize: 0 },
    { batchSize: 1.5 },
  ])('refuses %p', (options) => {
    expect(() => resolveRunOptions(options as never)).toThrow(SoftDeleteConfigError);
    expect(() => resolveRunOptions(options as never)).toThrow(Object.keys(options)[0]);
  });
});
