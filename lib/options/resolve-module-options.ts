import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { refuseUnknownOptions } from './refuse-unknown-options.js';
import type { PurgeThrottle } from './purge-throttle.js';
import { type Duration, parseDuration, parseRetention } from './duration.js';
import { type ResolvedBrakeOptions, resolveBrake } from './brake-options.js';
import { type ErasureOptions, requireErasureOptions } from './erasure-options.js';
import { type LogOptions, requireLogOptions } from './log-options.js';
import type { PurgeOptions, SoftDeleteModuleOptions } from './soft-delete-module-options.js';

/** @internal */
export interface ResolvedPurgeOptions {
  readonly cron: string | undefined;
  readonly engine: 'external' | undefined;
  readonly timeZone: string | undefined;
  /** Milliseconds. */
  readonly retention: number | 'forever';
  /** `undefined`: adapted to the time a batch takes. */
  readonly batchSize: number | undefined;
  /** Milliseconds; `undefined`: no limit. */
  readonly timeBudget: number | undefined;
  /** Milliseconds; `undefined`: a share of the time the batch took. */
  readonly pauseBetweenBatches: number | undefined;
  /** Milliseconds. */
  readonly lockTimeout: number;
  /** `undefined`: no limit. */
  readonly maxRows: number | undefined;
  readonly throttle: readonly PurgeThrottle[];
  readonly schemas: PurgeOptions['schemas'];
  readonly brake: ResolvedBrakeOptions | false;
}

/** @internal */
export interface ResolvedModuleOptions {
  readonly contextName: string | undefined;
  readonly actor: () => string | undefined;
  readonly log: LogOptions;
  readonly erasure: ErasureOptions;
  readonly purge: ResolvedPurgeOptions;
}

const MODULE_KEYS = ['contextName', 'actor', 'log', 'erasure', 'purge'];
const PURGE_KEYS = [
  'cron',
  'engine',
  'timeZone',
  'retention',
  'batchSize',
  'timeBudget',
  'pauseBetweenBatches',
  'lockTimeout',
  'maxRows',
  'throttle',
  'brake',
  'schemas',
];
const LARGEST_BATCH = 100_000;

/**
 * Options as given, checked and with the defaults filled in.
 *
 * @throws SoftDeleteConfigError on the first option that cannot work
 * @internal
 */
export function resolveModuleOptions(options: SoftDeleteModuleOptions = {}): ResolvedModuleOptions {
  refuseUnknownOptions('SoftDeleteModule options', options, MODULE_KEYS, '');
  if (options.contextName !== undefined && (typeof options.contextName !== 'string' || options.contextName === '')) {
    throw new SoftDeleteConfigError(
      'contextName',
      `${showValue(options.contextName)} is not a name.`,
      'Write the `contextName` of the MikroORM configuration, or leave it out.',
    );
  }
  if (options.actor !== undefined && typeof options.actor !== 'function') {
    throw new SoftDeleteConfigError(
      'actor',
      `${showValue(options.actor)} is not a function.`,
      'Write a function that returns who is deleting, such as () => cls.get("userId").',
    );
  }
  return {
    contextName: options.contextName,
    actor: options.actor ?? (() => undefined),
    log: requireLogOptions(options.log),
    erasure: requireErasureOptions(options.erasure),
    purge: resolvePurgeOptions(options.purge),
  };
}

/** @internal */
export function resolvePurgeOptions(options: PurgeOptions = {}): ResolvedPurgeOptions {
  refuseUnknownOptions('purge', options, PURGE_KEYS, 'purge.');
  const resolved: ResolvedPurgeOptions = {
    cron: cron(options.cron),
    engine: engine(options.engine),
    timeZone: timeZone(options.timeZone),
    retention: parseRetention('purge.retention', options.retention ?? 'forever'),
    batchSize: positiveInteger('purge.batchSize', options.batchSize),
    timeBudget: duration('purge.timeBudget', options.timeBudget),
    pauseBetweenBatches: duration('purge.pauseBetweenBatches', options.pauseBetweenBatches),
    lockTimeout: atLeastOneMillisecond('purge.lockTimeout', options.lockTimeout ?? 50),
    maxRows: rowCount('purge.maxRows', options.maxRows),
    throttle: throttles(options.throttle),
    brake: resolveBrake(options.brake),
    schemas: schemas(options.schemas),
  };
  requireOneEngine(resolved);
  return resolved;
}

/**
 * @throws SoftDeleteConfigError if both a cron and something else run the purge
 * @internal
 */
export function requireOneEngine({ cron, engine }: ResolvedPurgeOptions): void {
  if (engine !== undefined && cron !== undefined) {
    throw new SoftDeleteConfigError(
      'purge.engine',
      `${showValue(engine)} says that something else runs the purge, but purge.cron runs it at ${showValue(cron)}.`,
      'Leave one of them out.',
    );
  }
}

/**
 * A whole number of rows.
 *
 * @throws SoftDeleteConfigError if it is not one between 1 and 100,000
 * @internal
 */
export function positiveInteger(option: string, value: number | undefined): number | undefined {
  return rowCount(option, value, LARGEST_BATCH);
}

/**
 * @throws SoftDeleteConfigError if it is not a whole number of rows
 * @internal
 */
export function rowCount(
  option: string,
  value: number | undefined,
  largest = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (value !== undefined && (!Number.isInteger(value) || value < 1 || value > largest)) {
    throw new SoftDeleteConfigError(
      option,
      `${showValue(value)} is not a number of rows.`,
      `Write a whole number from 1 to ${largest}.`,
    );
  }
  return value;
}

function duration(option: string, value: Duration | undefined): number | undefined {
  return value === undefined ? undefined : parseDuration(option, value);
}

/** PostgreSQL reads a timeout of 0 as none at all. */
function atLeastOneMillisecond(option: string, value: Duration): number {
  const milliseconds = parseDuration(option, value);
  if (milliseconds < 1) {
    throw new SoftDeleteConfigError(
      option,
      `${showValue(value)} would wait forever.`,
      'Write at least one millisecond.',
    );
  }
  return milliseconds;
}

function throttles(value: PurgeOptions['throttle']): readonly PurgeThrottle[] {
  const list: readonly unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
  const wrong = list.find((throttle) => typeof throttle !== 'function');
  if (list.some((throttle) => typeof throttle !== 'function')) {
    throw new SoftDeleteConfigError(
      'purge.throttle',
      `${showValue(wrong)} is not a function.`,
      "Write replicationLag({ max: '10s' }), vacuumBacklog({ … }), window({ … }), or a function that returns 'go', 'wait' or 'stop'.",
    );
  }
  return list as readonly PurgeThrottle[];
}

function schemas(value: PurgeOptions['schemas']): PurgeOptions['schemas'] {
  if (value !== undefined && typeof value !== 'function') {
    throw new SoftDeleteConfigError(
      'purge.schemas',
      `${showValue(value)} is not a function.`,
      'Write a function that returns the names of the schemas, such as async () => listTenants().',
    );
  }
  return value;
}

/** '' is what an environment variable that nobody sets may give. */
function cron(value: string | undefined): string | undefined {
  if (value !== undefined && (typeof value !== 'string' || (value !== '' && value.trim() === ''))) {
    throw new SoftDeleteConfigError(
      'purge.cron',
      `${showValue(value)} is not text.`,
      "Write for example '0 3 * * *' for every night at three.",
    );
  }
  return value || undefined;
}

function engine(value: PurgeOptions['engine']): 'external' | undefined {
  if (value !== undefined && value !== 'external') {
    throw new SoftDeleteConfigError(
      'purge.engine',
      `${showValue(value)} is not a known engine.`,
      "Write 'external' if something outside of the application runs it, or leave it out.",
    );
  }
  return value;
}

function timeZone(value: string | undefined): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone && value;
  } catch {
    throw new SoftDeleteConfigError(
      'purge.timeZone',
      `${showValue(value)} is not a time zone.`,
      "Write a name of the IANA database, such as 'Europe/Berlin'.",
    );
  }
}
