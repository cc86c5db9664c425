import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { type Duration, parseDuration, parseRetention } from './duration.js';
import type { PurgeOptions, SoftDeleteModuleOptions } from './soft-delete-module-options.js';

/** @internal */
export interface ResolvedPurgeOptions {
  readonly cron: string | undefined;
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
}

/** @internal */
export interface ResolvedModuleOptions {
  readonly contextName: string | undefined;
  readonly actor: () => string | undefined;
  readonly purge: ResolvedPurgeOptions;
}

const MODULE_KEYS = ['contextName', 'actor', 'purge'];
const PURGE_KEYS = ['cron', 'timeZone', 'retention', 'batchSize', 'timeBudget', 'pauseBetweenBatches', 'lockTimeout'];
const LARGEST_BATCH = 100_000;

/**
 * Options as given, checked and with the defaults filled in.
 *
 * @throws SoftDeleteConfigError on the first option that cannot work
 * @internal
 */
export function resolveModuleOptions(options: SoftDeleteModuleOptions = {}): ResolvedModuleOptions {
  requireObject('SoftDeleteModule options', options);
  refuseUnknown('', options, MODULE_KEYS);
  if (options.contextName !== undefined && (typeof options.contextName !== 'string' || options.contextName === '')) {
    throw new SoftDeleteConfigError(
      'contextName',
      `${JSON.stringify(options.contextName)} is not a name.`,
      'Write the `contextName` of the MikroORM configuration, or leave it out.',
    );
  }
  if (options.actor !== undefined && typeof options.actor !== 'function') {
    throw new SoftDeleteConfigError(
      'actor',
      `${JSON.stringify(options.actor)} is not a function.`,
      'Write a function that returns who is deleting, such as () => cls.get("userId").',
    );
  }
  return {
    contextName: options.contextName,
    actor: options.actor ?? (() => undefined),
    purge: resolvePurgeOptions(options.purge),
  };
}

/** @internal */
export function resolvePurgeOptions(options: PurgeOptions = {}): ResolvedPurgeOptions {
  requireObject('purge', options);
  refuseUnknown('purge.', options, PURGE_KEYS);
  return {
    cron: text('purge.cron', options.cron, "'0 3 * * *' for every night at three"),
    timeZone: timeZone(options.timeZone),
    retention: parseRetention('purge.retention', options.retention ?? 'forever'),
    batchSize: positiveInteger('purge.batchSize', options.batchSize),
    timeBudget: duration('purge.timeBudget', options.timeBudget),
    pauseBetweenBatches: duration('purge.pauseBetweenBatches', options.pauseBetweenBatches),
    lockTimeout: atLeastOneMillisecond('purge.lockTimeout', options.lockTimeout ?? 50),
  };
}

/**
 * A whole number of rows.
 *
 * @throws SoftDeleteConfigError if it is not one between 1 and 100,000
 * @internal
 */
export function positiveInteger(option: string, value: number | undefined): number | undefined {
  if (value !== undefined && (!Number.isInteger(value) || value < 1 || value > LARGEST_BATCH)) {
    throw new SoftDeleteConfigError(
      option,
      `${JSON.stringify(value)} is not a number of rows.`,
      `Write a whole number from 1 to ${LARGEST_BATCH}.`,
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
      `${JSON.stringify(value)} would mean to wait without end.`,
      'Write at least one millisecond.',
    );
  }
  return milliseconds;
}

function text(option: string, value: string | undefined, example: string): string | undefined {
  if (value !== undefined && (typeof value !== 'string' || value.trim() === '')) {
    throw new SoftDeleteConfigError(option, `${JSON.stringify(value)} is not text.`, `Write for example ${example}.`);
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
      `${JSON.stringify(value)} is not a time zone.`,
      "Write a name of the IANA database, such as 'Europe/Berlin'.",
    );
  }
}

function requireObject(option: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SoftDeleteConfigError(
      option,
      `${JSON.stringify(value)} is not an object.`,
      'Write { … }, or leave it out.',
    );
  }
}

function refuseUnknown(prefix: string, options: object, allowed: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!allowed.includes(key)) {
      throw new SoftDeleteConfigError(
        `${prefix}${key}`,
        'there is no such option.',
        `The options are: ${allowed.map((name) => `${prefix}${name}`).join(', ')}.`,
      );
    }
  }
}
