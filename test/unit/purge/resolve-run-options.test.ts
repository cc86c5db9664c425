import { SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { JOB_OPTIONS, resolveRunOptions } from '../../../lib/purge/run/resolve-run-options.js';

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

  it('takes every option of a run, and no others', () => {
    const names =
      'entities, dryRun, olderThan, schema, batchSize, timeBudget, maxRows, overrideBrake, signal, onProgress';
    expect(() => resolveRunOptions({ size: 1 } as never)).toThrow(
      `run(), size: there is no such option (given: 1). The options are: ${names}.`,
    );
    expect(resolveRunOptions({ maxRows: 7, overrideBrake: true, olderThan: 0, timeBudget: 0 })).toMatchObject({
      maxRows: 7,
      overrideBrake: true,
      olderThan: 0,
      timeBudget: 0,
    });
    expect(JOB_OPTIONS).toEqual([
      'olderThan',
      'schema',
      'batchSize',
      'timeBudget',
      'maxRows',
      'overrideBrake',
      'signal',
      'onProgress',
    ]);
  });

  it.each([
    { overrideBrake: 1 },
    { maxRows: 0 },
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
