import { parseDuration } from '../../options/duration.js';
import { refuseUnknownOptions } from '../../options/refuse-unknown-options.js';
import { requireType } from '../../options/require-type.js';
import { positiveInteger, rowCount } from '../../options/resolve-module-options.js';
import type { PurgeJobOptions, PurgeRunOptions } from '../purge-run-options.js';

/** @internal */
export interface ResolvedRunOptions extends Pick<
  PurgeRunOptions,
  'entities' | 'schema' | 'batchSize' | 'maxRows' | 'signal' | 'onProgress'
> {
  readonly dryRun: boolean;
  readonly overrideBrake: boolean;
  /** Milliseconds. */
  readonly olderThan: number | undefined;
  /** Milliseconds. */
  readonly timeBudget: number | undefined;
}

const KEYS = [
  'entities',
  'dryRun',
  'olderThan',
  'schema',
  'batchSize',
  'timeBudget',
  'maxRows',
  'overrideBrake',
  'signal',
  'onProgress',
] satisfies (keyof PurgeRunOptions)[];

/** @internal */
export const JOB_OPTIONS = KEYS.filter(
  (name) => name !== 'entities' && name !== 'dryRun',
) satisfies (keyof PurgeJobOptions)[];

/**
 * The options of a run, checked. Each is read by its name, so that an instance of a class with getters counts as well.
 *
 * @throws SoftDeleteConfigError if one is unknown, of the wrong type or cannot work
 * @internal
 */
export function resolveRunOptions(options: PurgeRunOptions): ResolvedRunOptions {
  refuseUnknownOptions('run()', options, KEYS);
  const { entities, dryRun, olderThan, schema, batchSize, timeBudget, maxRows, overrideBrake, signal, onProgress } =
    options;
  requireType('entities', entities, 'list');
  requireType('dryRun', dryRun, 'boolean');
  requireType('overrideBrake', overrideBrake, 'boolean');
  requireType('schema', schema, 'string');
  requireType('signal', signal, 'AbortSignal');
  requireType('onProgress', onProgress, 'function');
  return {
    entities,
    dryRun: dryRun ?? false,
    overrideBrake: overrideBrake ?? false,
    olderThan: olderThan === undefined ? undefined : parseDuration('olderThan', olderThan),
    schema,
    batchSize: positiveInteger('batchSize', batchSize),
    timeBudget: timeBudget === undefined ? undefined : parseDuration('timeBudget', timeBudget),
    maxRows: rowCount('maxRows', maxRows),
    signal,
    onProgress,
  };
}
